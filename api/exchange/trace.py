"""The trace that a request is part of, by the W3C standard Trace Context: from who asks us to whom we ask.

Source: W3C, Trace Context, "traceparent header". What a caller may send along (`tracestate`) isn't read or
passed on: it could carry anything.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

__all__ = ["Trace", "current", "trace_of", "traced"]

_TRACEPARENT: Final = re.compile(
    rb"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<parent>(?!0{16})[0-9a-f]{16})"
    rb"-[0-9a-f]{2}(?P<more>-.*)?"
)
_LONGEST: Final = 512
"""Bytes of a `traceparent` that are read. This version has 55; a later one may add to them."""


@dataclass(frozen=True)
class Trace:
    """What is done for one request, as a part of a trace.

    Attributes
    ----------
    id : of the trace, 32 hexadecimal digits.
    span : of what is done here, 16 hexadecimal digits: the parent of whatever others do for it.
    parent : of what the caller does, None where it didn't say.
    """

    id: str
    span: str
    parent: str | None = None

    @property
    def traceparent(self) -> str:
        """The header for whoever is asked now. It says that this is recorded: all of it is."""
        return f"00-{self.id}-{self.span}-01"


def trace_of(headers: Sequence[bytes]) -> Trace:
    """Go on with the trace of a request, or begin one where it tells none, or not as the standard has it.

    headers : the values of its headers `traceparent`: more than one counts as none.
    """
    found = _read(headers[0]) if len(headers) == 1 else None
    trace_id, parent = found or (secrets.token_hex(16), None)
    return Trace(trace_id, secrets.token_hex(8), parent)


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Have all that is done inside, also in other tasks and threads, be part of a trace."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Trace | None:
    """Give the trace that this is part of, None where no request asked for it."""
    return _current.get()


_current: Final[ContextVar[Trace | None]] = ContextVar("trace", default=None)


def _read(value: bytes) -> tuple[str, str] | None:
    found = _TRACEPARENT.fullmatch(value) if len(value) <= _LONGEST else None
    # What a later version adds stands behind what this one has.
    if found is None or (found["version"] == b"00" and found["more"]):
        return None
    return found["trace"].decode(), found["parent"].decode()
