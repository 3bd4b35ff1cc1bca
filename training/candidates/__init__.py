"""The families of models that compete."""
