"""``leadscore mcp``: the tools of a running service for an assistant, over MCP."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import UsageError
from features.language.current import current
from features.version import VERSION


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(mcp)


def mcp(
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="The running service.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Give an assistant four tools on stdio, by the Model Context Protocol.

    score, explain, worklist and what_if, each answered by a running service over its API. The key
    comes from LEADSCORE_API_KEY and needs the scopes score and read; no tool changes a lead. Needs
    the extra mcp: pip install 'leadscore[mcp]'.

    Examples:

      leadscore mcp

      LEADSCORE_API_KEY=ls_… leadscore mcp --url https://scores.example.com --lang fr
    """
    import asyncio
    import os
    from importlib.util import find_spec

    missing = [name for name in ("mcp", "httpx2", "leadscore_client") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"an MCP server needs {', '.join(missing)}, which is not installed; "
            "pip install 'leadscore[mcp]'"
        )
    from leadscore_client.client import AsyncClient
    from leadscore_client.mcp_server import mcp_server

    key = os.environ.get("LEADSCORE_API_KEY") or None

    async def run() -> None:
        async with AsyncClient(url, key, language=current().code) as client:
            await mcp_server(client, VERSION).run_stdio_async()

    asyncio.run(run())
