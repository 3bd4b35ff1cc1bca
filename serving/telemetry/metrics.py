"""What Prometheus sees. No label ever holds anything of a lead."""

from __future__ import annotations

import os
import time

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


TENTHS = tuple(i / 10 for i in range(1, 11))


METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})


MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The service's instruments, one set per application."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "leadscore_requests", "Requests answered", ["route", "method", "status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "leadscore_request_seconds", "Time to answer a request", ["route"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "leadscore_requests_in_flight", "Requests being answered now",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._scores = Counter("leadscore_scores", "Scores given", ["band"], registry=registry)
        self.low_evidence = Counter(
            "leadscore_scores_low_evidence", "Scores given on little evidence", registry=registry
        )
        self.probability = Histogram(
            "leadscore_probability", "Probabilities given", buckets=TENTHS, registry=registry
        )
        self.ready = Gauge(
            "leadscore_ready", "1 when a warmed release answers",
            registry=registry, multiprocess_mode="min",
        )  # fmt: skip
        self._release = Gauge(
            "leadscore_release_info", "1 for the release that answers", ["release_id", "version"],
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.release_loaded = Gauge(
            "leadscore_release_loaded_timestamp_seconds", "When the release began to answer",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.releases_refused = Counter(
            "leadscore_releases_refused", "Releases that were refused; any increase is an alert",
            registry=registry,
        )  # fmt: skip
        self.fetches_failed = Counter(
            "leadscore_fetches_failed", "Times the registry could not be asked", registry=registry
        )
        self.shadow_failed = Counter(
            "leadscore_shadow_failed", "Leads the challenger could not score", registry=registry
        )
        self.unlogged = Counter(
            "leadscore_scores_unlogged", "Scores answered but not written down", registry=registry
        )
        self.store_up = Gauge(
            "leadscore_store_up", "1 when the store takes what waits for it",
            registry=registry, multiprocess_mode="min",
        )  # fmt: skip
        self.shed = Counter(
            "leadscore_requests_shed", "Requests refused because too much waited", ["why"],
            registry=registry,
        )  # fmt: skip
        self.ingested = Counter(
            "leadscore_rows", "Rows received", ["table", "became"], registry=registry
        )
        self.queue = Gauge(
            "leadscore_queue_depth", "What waits", ["queue"],
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.journal_age = Gauge(
            "leadscore_journal_age_seconds", "How long scores have waited for the store",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.webhook_pending = Gauge(
            "leadscore_webhook_pending", "Messages on their way to webhooks",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.webhook_oldest = Gauge(
            "leadscore_webhook_oldest_seconds", "Age of the oldest message not yet taken",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.webhook_dead = Gauge(
            "leadscore_webhook_dead", "Messages that were given up: dead letters",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.refresh_waiting = Gauge(
            "leadscore_refresh_waiting", "Changes of leads that no score has seen yet",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self.refresh_oldest = Gauge(
            "leadscore_refresh_oldest_seconds", "Age of the oldest change that no score has seen",
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        self._active: tuple[str, str] | None = None
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._bands: dict[str, Counter] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; the label values are looked up once each."""
        method = method if method in METHODS else "other"
        known = self._children.get((route, method, status))
        if known is None:
            known = self._requests.labels(route, method, str(status)), self._seconds.labels(route)
            self._children[route, method, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def score(self, band: str, probability: float, low_evidence: bool) -> None:
        """Count one score."""
        known = self._bands.get(band)
        if known is None:
            known = self._bands[band] = self._scores.labels(band)
        known.inc()
        self.probability.observe(probability)
        if low_evidence:
            self.low_evidence.inc()

    def release_active(self, release_id: str, version: str) -> None:
        """Note that a release answers from now on."""
        if self._active is not None:
            self._release.labels(*self._active).set(0)
        self._active = release_id, version
        self._release.labels(release_id, version).set(1)
        self.release_loaded.set(time.time())
        self.ready.set(1)

    def text(self) -> tuple[bytes, str]:
        """The exposition, over all workers when there are several, and its content type."""
        registry = self.registry
        if MULTIPROCESS in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
