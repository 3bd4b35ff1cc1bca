"""Cross-validation of candidates, and the ensemble that is chosen."""
