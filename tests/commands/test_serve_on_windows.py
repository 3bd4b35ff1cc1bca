"""On Windows the command that serves says in one line what it needs."""

from __future__ import annotations

import os

import pytest
import typer

from commands.serve import add_to
from features.errors import UsageError


def test_serving_on_windows_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    add_to(app)
    command = next(c for c in app.registered_commands if c.callback.__name__ == "serve")
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(UsageError, match="needs Linux or macOS"):
        command.callback()
