"""Commands of models."""

import typer


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
