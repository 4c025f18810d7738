"""What commands print: results on stdout, for people or as JSON; progress, notes and faults on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH: Final = 100
"""Columns of what is written to a file or a pipe; a terminal has its own."""


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def show(*parts: RenderableType) -> None:
    """Print on stdout, plain where that is no terminal."""
    # Record ids and labels are nobody's markup.
    screen = _Screen(width=None if sys.stdout.isatty() else WIDTH, markup=False, emoji=False, highlight=False)
    for part in parts:
        screen.print(part)


def show_json(value: object) -> None:
    """Print a value as one line of JSON (ASCII) on stdout."""
    sys.stdout.write(json.dumps(value) + "\n")


def note(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(printable(text) + "\n")


def warn(text: str) -> None:
    """Print a line on stderr about something that is likely not meant."""
    note(f"Warning: {text}")


def heading(text: str) -> Text:
    """Give the line above a table."""
    return Text(printable(text), style="bold")


def table(*columns: str) -> Table:
    """Make a table for `show`; a column named ">km" is called km and aligned to the right."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        right = name.startswith(">")
        made.add_column(
            name.removeprefix(">"), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    return made


def row(into: Table, *cells: object) -> None:
    """Add a row of values, "-" for None."""
    into.add_row(*("-" if cell is None else printable(str(cell)) for cell in cells))


def printable(text: str) -> str:
    """Give text that can't steer a terminal or break a line, whatever stood in a file."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def score(value: float) -> str:
    """Spell a score, 0..1."""
    return f"{value:.3f}"


def distance(km: float | None) -> str:
    """Spell a distance in km, "-" where there is none."""
    return "-" if km is None else f"{km:.1f}"


@contextmanager
def working(what: str, *, printing: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr, if that is a terminal, that something is being done.

    Gives a function to tell how far it is: what is done and the whole, 0 where that isn't known. Where it is
    `printing` meanwhile, nothing is shown on a terminal that stdout goes to as well.
    """
    if not sys.stderr.isatty() or (printing and sys.stdout.isatty()):
        yield lambda done, whole: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    screen = Console(stderr=True, markup=False)
    with Progress(*columns, console=screen, transient=True, redirect_stdout=False) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, whole: bars.update(task, completed=done, total=whole or None)
