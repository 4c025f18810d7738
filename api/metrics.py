"""What the server counts, for Prometheus: requests, how long they took, and what is wrong with sources.

Nothing is told of questions, or of answers that are right: what a party may not see must not show in a count
either.
"""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from api.config import metrics_folder

__all__ = [
    "CONTENT_TYPE",
    "exposed",
    "forget_worker",
    "in_progress",
    "measured",
    "source_changed",
    "source_failed",
]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_registry: Final = CollectorRegistry()
_requests: Final = Counter(
    "koppel_requests", "Requests that were answered.", ("operation", "status"), registry=_registry
)
_seconds: Final = Histogram(
    "koppel_request_seconds",
    "How long answering took.",
    ("operation",),
    registry=_registry,
    buckets=(0.002, 0.005, 0.01, 0.015, 0.025, 0.06, 0.1, 0.25, 1, 2.5, 5, 10, 15),
)
in_progress: Final = Gauge(
    "koppel_requests_in_progress",
    "Requests that are being answered.",
    registry=_registry,
    multiprocess_mode="livesum",
)
_paused: Final = Gauge(
    "koppel_source_paused",
    "1 where a remote source fails so often that it is not asked for a while.",
    ("source",),
    registry=_registry,
    multiprocess_mode="livemax",
)
_failures: Final = Counter(
    "koppel_source_failures",
    "Calls to remote sources that failed, and records of theirs that were left out, by what was wrong.",
    ("source", "kind"),
    registry=_registry,
)


def measured(operation: str, status: int, started: float) -> float:
    """Count a request that began at a moment of `time.perf_counter`, and give its milliseconds."""
    seconds = time.perf_counter() - started
    _requests.labels(operation, str(status)).inc()
    _seconds.labels(operation).observe(seconds)
    return round(seconds * 1000, 1)


def source_changed(source_id: str, state: str) -> None:
    """Tell of a remote source whether it is "opened" (paused) or something else."""
    _paused.labels(source_id).set(state == "opened")


def source_failed(source_id: str, kind: str, count: int) -> None:
    """Count what is wrong with a remote source: kind is one of the few words of `api.exchange.remote`."""
    _failures.labels(source_id, kind).inc(count)


def exposed() -> bytes:
    """Give what all workers have counted, as Prometheus reads it."""
    if metrics_folder() is None:
        return generate_latest(_registry)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def forget_worker(pid: int) -> None:
    """Take a worker that has ended out of what is told of the present."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
