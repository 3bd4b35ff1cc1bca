"""The kinds of models that compete in model selection."""
