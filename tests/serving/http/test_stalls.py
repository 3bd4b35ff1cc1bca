"""No request keeps the others waiting for 50 ms: measured by a probe on the event loop."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def benchmark() -> ModuleType:
    """benchmarks/stalls.py, which is no package."""
    spec = importlib.util.spec_from_file_location("stalls", ROOT / "benchmarks" / "stalls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


stalls = benchmark()


@pytest.fixture(scope="module")
def service(
    release_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, object, Path]]:
    home = tmp_path_factory.mktemp("home")
    with stalls.probed_service(Settings(release=release_dir, home=home)) as (port, probe):
        stalls.measure(port, probe, stalls.interactions(5), home)
        yield port, probe, home


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (lambda: stalls.keys_alike(1), "200"),
        (lambda: stalls.interactions(20_000), "200"),
        (lambda: stalls.interactions(20_000, ',"valu\\u0065":1'), "200"),
        (lambda: stalls.batch(200), "200"),
        (lambda: b"GET / HTTP/1.1\r\n" + b"X-A: bbbbbbbbbb\r\n" * 300_000, None),
        (lambda: b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
         + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200"),
    ],
    ids=["keys alike", "usual interactions", "unusual interactions", "batch", "headers",
         "many requests at once"],
)  # fmt: skip
def test_no_request_stalls_the_event_loop(
    service: tuple[int, object, Path], request_: object, status: str | None
) -> None:
    port, probe, home = service
    worst = []
    for _ in range(3):  # the collector may come in the middle of one
        stall_ms, answer = stalls.measure(port, probe, request_(), home)  # type: ignore[operator]
        assert status is None or answer == status
        worst.append(stall_ms)
        if stall_ms < stalls.AIM_MS:
            return
    assert min(worst) < stalls.AIM_MS, worst
