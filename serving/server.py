"""Start the service: one process or several, uvloop and httptools, and a graceful end."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from serving.app import create_app
from serving.http.access import require_keys_if_public
from serving.http.protocol import CoalescingProtocol
from serving.predictor.refresh_process import refresher_beside
from serving.settings import Settings, export
from serving.store.score_loader_process import loader_beside
from serving.telemetry.logs import logging_config
from serving.telemetry.metrics import MULTIPROCESS


def serve(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT; requests in flight may finish. Returns after the last.

    UsageError when it would listen beyond this machine without API keys.
    """
    require_keys_if_public(settings)
    export(settings)
    # the server raises the signal once more when it has ended: then the mover is still to end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with loader_beside(settings), refresher_beside(settings):
        if settings.workers == 1:
            _run(create_app(settings), settings)
        else:
            _serve_with_workers(settings)


def _serve_with_workers(settings: Settings) -> None:
    folder = Path(tempfile.mkdtemp(prefix="leadscore-metrics-"))
    os.environ[MULTIPROCESS] = str(folder)
    try:
        _run("serving.server:app_from_environment", settings)
    finally:
        os.environ.pop(MULTIPROCESS, None)
        shutil.rmtree(folder, ignore_errors=True)


def app_from_environment() -> FastAPI:
    """The application of a worker process, by the settings its parent exported."""
    threading.Thread(target=_end_after_the_parent, name="parent", daemon=True).start()
    return create_app(Settings())


def _end_after_the_parent() -> None:
    """End gracefully, as after SIGTERM, once the parent is gone: nobody else would end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _run(app: FastAPI | str, settings: Settings) -> None:
    uvicorn.run(
        app,
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=CoalescingProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=settings.backlog,
        timeout_keep_alive=round(settings.keep_alive_s),
        timeout_graceful_shutdown=settings.shutdown_grace_s,
        log_config=logging_config(settings.log_level),
    )
