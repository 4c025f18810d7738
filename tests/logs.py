"""Logs for tests, and what goes into them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.clock import DAY, SECOND
from api.exchange.audit import Audit
from api.exchange.checkpoints import (
    Checkpoints,
    create_signing_key,
    read_signing_key,
    read_verifying_key,
)
from api.exchange.log_files import Row, stored_rows
from api.exchange.verification import Verified, read_statements, verify
from api.store import Store
from data.standard import Side

MIDNIGHT = 20_000 * DAY
ASKER = "00000001000000000001"
PROCESSOR = "00000001000000000002"
QUESTION = "7a4b1ad5-0c64-4c83-9a6a-0f3cf6b1d9ee"


class Clock:
    """A clock that goes on by a second each time that it is read."""

    def __init__(self, at: int = MIDNIGHT) -> None:
        self.at = at

    def __call__(self) -> int:
        self.at += SECOND
        return self.at


def audit_in(store: Store, folder: Path, clock: Clock | None = None, **options: Any) -> Audit:
    """Open a log whose key and checkpoints are in a folder."""
    if not (folder / "key").exists():
        create_signing_key(folder / "key", folder / "public")
    checkpoints = Checkpoints(folder / "checkpoints", read_signing_key(folder / "key"), **options)
    return Audit(store, clock or Clock(), checkpoints)


def key_of(folder: Path) -> Ed25519PublicKey:
    return read_verifying_key(folder / "public")


def rows_of(store: Store) -> list[Row]:
    with store.read() as connection:
        return list(stored_rows(connection))


def checked(store: Store, folder: Path) -> Verified:
    return verify(rows_of(store), read_statements([folder / "checkpoints"], [key_of(folder)]))


def shown(
    subjects: Sequence[str],
    level: str = "match",
    side: str = "werkzoekende",
    question: str = QUESTION,
    controller: str = ASKER,
) -> dict[str, Any]:
    """What the log tells of an answer."""
    return {
        "controller": controller,
        "processor": PROCESSOR,
        "certificate": "ab" * 32,
        "suwi": True,
        "mandate": 3,
        "question": question,
        "side": side,
        "criteria": {"postcode": "3511ZX", "afstand": 20},
        "level": level,
        "sources": {"utrecht": {"permitted": True, "rules": ["open"], "status": "answered", "count": 2}},
        "subjects": list(subjects),
    }


def show(
    audit: Audit, record_ids: Sequence[str], level: str = "match", side: Side = "werkzoekende", **told: str
) -> list[str]:
    """Log that records are shown; gives their pseudonyms."""
    with audit.write() as connection:
        subjects = audit.subjects(connection, "utrecht", side, record_ids)
        kind = "detail" if level == "detail" else "matches"
        audit.append(connection, kind, shown(subjects, level, side, **told))
    return subjects
