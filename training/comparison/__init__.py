"""Rules, learned score and baselines on the same references."""
