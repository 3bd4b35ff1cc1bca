"""Feature specification, and the vectors it gives for references."""
