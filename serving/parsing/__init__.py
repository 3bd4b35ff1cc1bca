"""JSON request bodies: limits, and a compiled fast path."""
