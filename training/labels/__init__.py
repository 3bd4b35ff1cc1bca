"""Labelled references: outcomes within the horizon, censoring, splits."""
