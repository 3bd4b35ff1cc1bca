"""Backtests, metrics, confidence intervals, gains."""
