"""What people have filled in, kept when the entry and the annex are made anew.

A text is told from its template: where facts stand anything may have stood, where a gap stands an answer may.
What the template doesn't explain was rewritten by hand (or by another version): it stays as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from api.register.annex import Fact, annex_of
from api.register.entry import Entry, Value, entry_of
from api.register.gaps import MARK
from api.register.standard import FIELDS
from data.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Kept", "annex_with", "entry_with", "read_annex", "read_entry", "refuse_answered"]

_FACT: Final = "\ue000"
"""Stands for a fact in a template."""

_GAP: Final = re.compile(rf"{MARK}.*?(?=</p>|$)", re.DOTALL)
"""A gap reaches to the end of its paragraph."""


@dataclass(frozen=True)
class Kept:
    """What came of the answers.

    Attributes
    ----------
    answers : how many gaps are filled with what people said.
    rewritten : names of what stands as people rewrote it, and so may tell of facts that have changed since.
    """

    answers: int
    rewritten: Sequence[str]


def entry_with(facts: Mapping[str, str], before: Mapping[str, Value]) -> tuple[Entry, Kept]:
    """Make the entry by these facts, with what people filled in before."""
    entry, template = entry_of(facts), entry_of(dict.fromkeys(facts, _FACT))
    answers, rewritten = 0, []
    for name, new in entry.items():
        old = before.get(name, new)
        if isinstance(new, str) and isinstance(old, str):
            found = _answered(new, str(template[name]), old)
            if found is None:
                rewritten.append(name)
            entry[name], n = found or (old, 0)
            answers += n
        elif old is not None and old != new:
            # Lists, and what nobody has to fill in, tell of no fact.
            entry[name] = old
            answers += 1
    return entry, Kept(answers, rewritten)


def annex_with(facts: Mapping[str, str], before: Sequence[Fact]) -> tuple[list[Fact], Kept]:
    """Make the annex by these facts, with what people filled in before, and added behind it."""
    annex, template = annex_of(facts), annex_of(dict.fromkeys(facts, _FACT))
    known = {(each.artikel, each.onderwerp): each for each in before}
    answers, rewritten, told = 0, [], []
    for new, as_written in zip(annex, template, strict=True):
        old = known.pop((new.artikel, new.onderwerp), new)
        found = _answered(new.feit, as_written.feit, old.feit)
        if found is None:
            rewritten.append(new.onderwerp)
        feit, n = found or (old.feit, 0)
        told.append(replace(new, feit=feit))
        answers += n
    return [*told, *known.values()], Kept(answers + len(known), rewritten)


def read_entry(path: Path) -> dict[str, Value]:
    """Read an entry that was exported, filled in or not. Raises FileError for any other."""
    told = _read(path)
    names = {field.name for field in FIELDS}
    if not isinstance(told, dict) or not told or not set(told) <= names:
        raise _not_exported(path)
    return told


def read_annex(path: Path) -> list[Fact]:
    """Read an annex that was exported, filled in or not. Raises FileError for any other."""
    told = _read(path)
    try:
        facts = [Fact(**each) for each in told]
    except TypeError:
        raise _not_exported(path) from None
    if not facts or not all(isinstance(text, str) for each in facts for text in vars(each).values()):
        raise _not_exported(path)
    return facts


def refuse_answered(path: Path, expected: bytes) -> None:
    """Raise FileError where a CSV was filled in and the JSON wasn't: what it says would be lost.

    expected : what it says by the JSON beside it, or anew where there is none.
    """
    if path.exists() and path.read_bytes().count(MARK.encode()) < expected.count(MARK.encode()):
        beside = "wasn't" if path.with_suffix(".json").exists() else "isn't there"
        raise FileError(
            str(path),
            f"was filled in, and the JSON beside it {beside}",
            "answers in the JSON",
            "Put the answers there, and remove this file; it is written anew.",
        )


def _answered(new: str, template: str, old: str) -> tuple[str, int] | None:
    """Put the answers in an old text into the new one, give it and their number; None: it was rewritten."""
    literals = [re.escape(each).replace(re.escape(_FACT), ".*?") for each in _GAP.split(template)]
    found = re.fullmatch("(.+)".join(literals), old, re.DOTALL)
    if found is None:
        return None
    answers = iter(found.groups())
    given = [each for each in found.groups() if not each.startswith(MARK)]

    def filled(gap: re.Match[str]) -> str:
        answer = next(answers)
        return gap[0] if answer.startswith(MARK) else answer

    return _GAP.sub(filled, new), len(given)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    except ValueError:
        raise _not_exported(path, "not JSON") from None


def _not_exported(path: Path, found: str = "not what was exported") -> FileError:
    return FileError(
        str(path), found, "a file of `koppel register export`", "Mend it, or choose another folder."
    )
