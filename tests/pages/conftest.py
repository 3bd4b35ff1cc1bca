"""One service and one browser for all tests of the pages; every test fails on a console error or
on a request that leaves the host."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from live_service import served
from pages_service import fill, page_home

from serving.settings import Settings

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_home(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def service(home: Path) -> Iterator[httpx.Client]:
    """The service on a home with two releases and a few leads; a test leaves it as it was."""
    with served(Settings(home=home, comparison=home / "comparison.json")) as client:
        fill(client)
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright.

    For a module and no longer: while it lives, its event loop runs in this thread, and no test
    can run another one.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="install playwright (pip)")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_page(service: httpx.Client, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page of the service; at the end nothing may be on the console, nobody else called."""
    host = str(service.base_url).rstrip("/")
    faults: list[str] = []
    contexts = []

    def note_request(request: Any) -> None:
        if not request.url.startswith((host, "data:")):
            faults.append(f"left the host: {request.url}")

    def note_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"console: {message.text}")

    def open_one(path: str = "/", **options: Any) -> Any:
        context = browser.new_context(base_url=host, **{"locale": "en-GB", **options})
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("request", note_request)
        page.on("console", note_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []
