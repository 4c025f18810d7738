"""What the organisation has to fill in: marked where it belongs, found again by the mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["MARK", "gaps"]

MARK: Final = "VUL IN"
"""Stands at the beginning of what is missing; short enough for a date."""


def gaps(told: Mapping[str, object]) -> list[str]:
    """Give the names under which something is missing, in their order."""
    return [name for name, value in told.items() if any(MARK in text for text in _texts(value))]


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)
