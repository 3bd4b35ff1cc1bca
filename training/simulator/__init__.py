"""Simulated leads with the exact probability that each one converts."""
