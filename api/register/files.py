"""The entry and the annex as JSON and as CSV, which say the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from api.register.gaps import gaps
from api.register.standard import FIELDS

if TYPE_CHECKING:
    from api.register.annex import Fact
    from api.register.entry import Entry

__all__ = ["annex_csv", "annex_json", "entry_csv", "entry_json"]


def entry_json(entry: Entry) -> bytes:
    """Spell the entry as the register takes it."""
    return _json(entry)


def entry_csv(entry: Entry) -> bytes:
    """Spell the entry with a row a field: veld, titel, verplicht, in_te_vullen (ja or nee), waarde.

    A text stands as it is; nothing is empty; a list is JSON.
    """
    missing = gaps(entry)
    rows = []
    for field in FIELDS:
        value = entry[field.name]
        spelt = value if isinstance(value, str) else "" if value is None else _inline(value)
        rows.append(
            [field.name, field.title, _yes(field.required), _yes(field.name in missing), spelt],
        )
    return _csv(("veld", "titel", "verplicht", "in_te_vullen", "waarde"), rows)


def annex_json(facts: Sequence[Fact]) -> bytes:
    """Spell the annex as a list of facts."""
    return _json([asdict(each) for each in facts])


def annex_csv(facts: Sequence[Fact]) -> bytes:
    """Spell the annex with a row a fact."""
    told = [asdict(each) for each in facts]
    return _csv(tuple(told[0]), [list(each.values()) for each in told])


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _inline(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _yes(told: bool) -> str:
    return "ja" if told else "nee"


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue().encode()
