"""Moments on the command line: read in the time of the Netherlands, and spelled in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import typer

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%z"]
_SPELT: Final = "YYYY-MM-DD, or YYYY-MM-DDTHH:MM, in the Netherlands"

From = Annotated[
    datetime | None,
    typer.Option(
        "--from", metavar="DATE", formats=_FORMATS, help=f"Its first moment, by default now: {_SPELT}."
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until", metavar="DATE", formats=_FORMATS, help="It ends just before this moment, by default never."
    ),
]
End = Annotated[
    datetime | None,
    typer.Option(
        "--until", metavar="DATE", formats=_FORMATS, help=f"When it ends, by default now: {_SPELT}."
    ),
]
At = Annotated[
    datetime | None,
    typer.Option("--at", metavar="DATE", formats=_FORMATS, help=f"When, by default now: {_SPELT}."),
]


def moment_of(given: datetime | None) -> int | None:
    """Give a moment as the registry keeps it: microseconds since 1970, UTC."""
    from api.clock import microseconds

    return None if given is None else microseconds(given)


def iso(at: int | None) -> str | None:
    """Spell a moment for programs, in UTC."""
    from api.clock import spelled

    return None if at is None else spelled(at)


def local(at: int | None) -> str | None:
    """Spell a moment for people, in the Netherlands to the minute; a midnight is a date alone."""
    from api.clock import NETHERLANDS, SECOND

    if at is None:
        return None
    moment = datetime.fromtimestamp(at // SECOND, NETHERLANDS)
    return (
        f"{moment:%Y-%m-%d}"
        if at % SECOND == 0 and f"{moment:%X}" == "00:00:00"
        else f"{moment:%Y-%m-%d %H:%M}"
    )
