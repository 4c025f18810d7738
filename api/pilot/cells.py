"""Numbers about groups of people: intervals, and what is too small to show."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Z95: Final = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A share of a group with the 95 % interval of Wilson (1927).

    Attributes
    ----------
    share, low, high : 0..1.
    """

    share: float
    low: float
    high: float

    def plain(self, prefix: str) -> dict[str, float]:
        """The same as columns of a table: prefix, prefix_low and prefix_high."""
        return {prefix: self.share, f"{prefix}_low": self.low, f"{prefix}_high": self.high}


def wilson(hits: int, n: int) -> Share:
    """Give the share of `hits` among n, 1 or more, with its interval."""
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} of {n}")
    share, z = hits / n, Z95 * Z95
    middle = (share + z / (2 * n)) / (1 + z / n)
    half = Z95 / (1 + z / n) * sqrt(share * (1 - share) / n + z / (4 * n * n))
    # Rounding must not put the share itself outside, where it is 0 or 1.
    return Share(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def too_small(counts: Sequence[int], minimum: int) -> list[bool]:
    """Tell which cells of one table may not be shown.

    Those below the minimum; and where all of these together are still below it, and more than nobody, the
    next smallest too: else the total of the table gives them away. A cell of nobody is shown as it is.
    """
    hidden = [0 < count < minimum for count in counts]
    among = sum(count for count, is_hidden in zip(counts, hidden, strict=True) if is_hidden)
    rest = [place for place, is_hidden in enumerate(hidden) if not is_hidden and counts[place]]
    if 0 < among < minimum and rest:
        hidden[min(rest, key=lambda place: (counts[place], place))] = True
    return hidden


def blanked(row: dict[str, Any], *kept: str) -> dict[str, Any]:
    """The row of a table with None for all but the columns that are kept."""
    return {name: value if name in kept else None for name, value in row.items()}
