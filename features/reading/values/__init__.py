"""Columns as read, to text and numbers."""
