"""What the server logs: JSON lines on stderr, of fields that are known to hold no personal data.

A field that is not listed here is left out, whoever logs it: a name, a postcode, a token or what a request
says never gets into a log by accident. What may be known of a question stands in the audit log.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

__all__ = ["ALLOWED", "configure"]

ALLOWED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "count",
        "error",
        "milliseconds",
        "operation",
        "request",
        "rules",
        "side",
        "signal",
        "source",
        "sources",
        "status",
        "version",
        "worker",
    }
)
"""The fields of a line: `source` is the id of a source, `request` a random number, `error` a class."""


def configure(level: str = "INFO") -> None:
    """Log JSON lines to stderr from now on, those of libraries by their logger's name and level alone."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)


def _only_allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in fields.items() if name in ALLOWED}


class _Foreign(logging.Handler):
    """Says that a library logged something, but not what: it may quote a request or a statement."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(record.levelno, record.name, error=kind.__name__ if kind else "")
