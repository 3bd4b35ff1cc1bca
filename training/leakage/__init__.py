"""The leakage audit: evidence that something knows the outcome before it can."""
