"""What the server logs: JSON lines on stderr, of fields that are known to hold no personal data.

A field that is not listed here is left out, whoever logs it: a name, a postcode, a token or what a request
says never gets into a log by accident. What may be known of a question stands in the audit log.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

__all__ = ["ALLOWED", "ForeignHandler", "configure"]

ALLOWED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "count",
        "error",
        "kind",
        "milliseconds",
        "operation",
        "request",
        "role",
        "rules",
        "side",
        "signal",
        "source",
        "sources",
        "status",
        "trace",
        "version",
        "worker",
    }
)
"""The fields of a line: `source` is the id of a source, `kind` a word for what is wrong with it, `error` a
class, `request` a random number, `trace` the number of the trace, random or the caller's."""

_SERVERS: Final = frozenset({"gunicorn.error", "uvicorn.error"})
"""Loggers whose messages are templates, into which they put what they tell."""


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Log JSON lines from now on, those of libraries by their logger's name and level alone.

    level : the least that is logged. stream : where to, by default stderr.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
    )
    logging.basicConfig(handlers=[ForeignHandler()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def _only_allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in fields.items() if name in ALLOWED}


class ForeignHandler(logging.Handler):
    """Says that a library logged something, but not what: it may quote a request or a statement.

    Of the servers it tells the message without what was put into it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log who logged it, and the class of the error that it was about."""
        kind = record.exc_info[0] if record.exc_info else None
        told = record.msg if record.name in _SERVERS and record.args else ""
        event = f"{record.name}: {told}" if told else record.name
        structlog.get_logger().log(record.levelno, event, error=kind.__name__ if kind else "")
