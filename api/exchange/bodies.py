"""Bodies of answers, joined from the bytes of records: what a source supplied is never written anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from data.standard import Side

__all__ = ["detail_body", "identified", "matched", "matches_body", "without"]


def identified(name: str, value: str, shown: bytes) -> bytes:
    """Give a record, compact JSON of an object, with a property for its id before the others."""
    return b'{"%b":%b%b%b' % (name.encode(), to_json(value), b"" if shown == b"{}" else b",", shown[1:])


def matched(vum_id: str, shown: bytes) -> bytes:
    """Give a match, with its vumID: JSON writes the characters of one as they are."""
    return b'{"vumID":"%b"%b%b' % (vum_id.encode(), b"" if shown == b"{}" else b",", shown[1:])


def matches_body(matches: Iterable[bytes], *, more: bool, vraag_id: str | None = None) -> bytes:
    """Give the answer to a question: `more` where a source has more matches; a bron has no vraagID."""
    head = f'{{"maximumAantalResultatenBereikt":{json.dumps(more)},'
    if vraag_id is not None:
        head += f'"vraagID":{json.dumps(vraag_id)},'
    return head.encode() + b'"matches":[' + b",".join(matches) + b"]}"


def detail_body(side: Side, bron_id: str, record: bytes) -> bytes:
    """Give the detail of a record to a bemiddelaar."""
    return f'{{"bronID":{json.dumps(bron_id)},"{side}":'.encode() + record + b"}"


def without(record: bytes, names: Iterable[str]) -> bytes:
    """Give a record without some of its properties: as it is, to the byte, where it has none of them."""
    value: dict[str, Any] = from_json(record)
    present = [name for name in names if name in value]
    if not present:
        return record
    left = {name: each for name, each in value.items() if name not in present}
    return json.dumps(left, ensure_ascii=False, separators=(",", ":")).encode()
