"""The model card: what a release is, what it was made from, how good it is, and what changed."""
