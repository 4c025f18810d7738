"""What the recipients of nights are told to take out of their copies: a file each, a notice a line."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from api.exchange.nightly.taking_out import Taken
from data.files import atomic, sync

if TYPE_CHECKING:
    from pathlib import Path

    from api.exchange.nightly.nights import Nights

__all__ = ["NOTICES", "clear", "forget", "noticed", "notify"]

NOTICES: Final = "notices"
"""The folder with a file of notices for each recipient."""


def notify(nights: Nights, recipient: str, at: str, night: str, taken: Taken, fetched: str | None) -> None:
    """Tell a recipient what goes out of its lists, in one step; what it was told before isn't told again.

    at : the moment of the withdrawal.
    fetched : when the recipient fetched these lists, None where that isn't known.

    Within `nights.changing`.
    """
    folder = nights.root / NOTICES
    folder.mkdir(exist_ok=True)
    path = folder / f"{recipient}.ndjson"
    told = {
        "at": at,
        "night": night,
        "fetched": fetched,
        "all": taken.whole,
        "vumIDs": sorted(set(taken.vum_ids)),
        "lists": taken.lists,
    }
    before, line = _content(path), json.dumps(told).encode()
    if line not in before.splitlines():
        with atomic(path) as file:
            file.write(before + line + b"\n")
        sync(folder)


def noticed(nights: Nights, at: str) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Give the notices of a withdrawal, by night and recipient."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for path in sorted((nights.root / NOTICES).glob("*.ndjson")):
        for told in map(json.loads, _content(path).splitlines()):
            if told["at"] == at:
                found.setdefault(told["night"], {})[path.stem] = told
    return found


def forget(nights: Nights, known: Collection[str]) -> None:
    """Remove the notices of all nights but those that are known. Within `nights.changing`."""
    for path in sorted((nights.root / NOTICES).glob("*.ndjson")):
        lines = _content(path).splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["night"] in known]
        if not kept:
            path.unlink()
        elif len(kept) < len(lines):
            with atomic(path) as file:
                file.write(b"".join(kept))


def clear(nights: Nights) -> None:
    """Remove what was left half-written. Within `nights.changing`."""
    for path in (nights.root / NOTICES).glob(".*.part"):
        path.unlink()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
