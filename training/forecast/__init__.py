"""Fitting what a forecast needs: when conversions come, and how far a period's level is off."""
