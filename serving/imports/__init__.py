"""Imports that go on after the request: rows by the million, with progress and a report."""
