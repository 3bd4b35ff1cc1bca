"""Calibration: over all and by segment, its test, and the intervals of a score."""
