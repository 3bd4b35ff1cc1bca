"""Scores of more leads than fit into memory: partitions on disk, and Spark."""
