"""From the options of a ranking to its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from data.errors import QuestionError

if TYPE_CHECKING:
    from datetime import date

    from api.commands.options import Direction
    from engine import Settings


def settings_of(
    as_of: date,
    direction: Direction,
    weights: Sequence[str],
    wishes: Sequence[str],
    requirements: Sequence[str],
    ignored: Sequence[str],
    *,
    strict: bool,
    radius: int | None,
) -> Settings:
    """Give the settings that the options ask for.

    What is wished, required or ignored changes the default of that condition; each may be one of the three.
    Raises QuestionError for an unknown name, a weight out of range, and a condition that is two of them.
    """
    from engine import CONDITIONS, REQUIRED, Settings

    for name in ignored:
        if name not in CONDITIONS:
            raise QuestionError(
                "--ignore", f"{name!r} is unknown", ", ".join(CONDITIONS), "Check the spelling."
            )
        if name in wishes or name in requirements:
            raise QuestionError(f"condition {name}", "ignored, and more than that", "one of the two")
    return Settings(
        as_of,
        direction,
        preferred=dict(map(_weight, weights)),
        required=REQUIRED.difference(ignored, wishes).union(requirements),
        wished=frozenset(wishes),
        strict=strict,
        radius_km=radius,
    )


def _weight(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not GROUP=NUMBER.", param_hint="--weight") from None
