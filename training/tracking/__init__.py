"""Trainings, versions and cards in the registry; the only room that imports mlflow."""
