"""ASGI middleware: access, limits, error responses, write coalescing."""
