"""Interactions and answers of leads as arrays, sorted by lead and time."""
