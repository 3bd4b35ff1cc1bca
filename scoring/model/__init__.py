"""The arithmetic of a model: components, contributions, log-odds."""
