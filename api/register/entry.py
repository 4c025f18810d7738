"""The entry for the Algoritmeregister, by the publication standard 1.0: facts filled in, gaps marked."""

from __future__ import annotations

from collections.abc import Mapping

from api.register.facts import filled, paragraphs, texts
from api.register.standard import FIELDS, Field

__all__ = ["Entry", "Value", "entry_of"]

Value = str | list[str] | list[dict[str, str]] | None
Entry = dict[str, Value]


def entry_of(facts: Mapping[str, str]) -> Entry:
    """Fill in every field of `FIELDS`, in their order; None where the standard wants nothing there.

    Nothing is wanted of the end date while it is in use, of what an organisation needn't have (a register of
    its own, an id in it), and of the id that the register gives.
    """
    told = texts("entry.toml")
    return {field.name: _value(field, told.get(field.name), facts) for field in FIELDS}


def _value(field: Field, told: Value, facts: Mapping[str, str]) -> Value:
    if isinstance(told, str):
        return paragraphs(told, facts) if field.html else filled(told, facts)
    return told
