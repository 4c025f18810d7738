"""Whether a log is what was written: nothing changed, taken out, put in, cut off or written anew.

Needs the entries, the file of signed statements and the public key, and nothing of the running exchange.

What can't be seen: entries behind the last checkpoint can be cut off, or be replaced by others, by someone
who can write the store. `Verified.signed_to` says how far the log is beyond doubt. Whoever holds the key that
signs can write another log; whoever can write both the store and the file of statements can put an older copy
of both in their place. So keep the file elsewhere, and a copy of it out of everybody's reach.

Where an older copy of the store is put back on purpose, entries are lost for good and no more are taken: keep
the file of statements as evidence, and begin a new one with the removals in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.exchange.audit import GENESIS
from api.exchange.checkpoints import Checkpoint, Removal, read_statement
from data.errors import KoppelError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from api.exchange.log_files import Row

__all__ = ["LogError", "Statements", "Verified", "read_statements", "verify"]

_MOST: Final = 20
"""So many problems are told, and no more: after the first the rest seldom means much."""


class LogError(KoppelError):
    """The log isn't what was written."""

    exit_code = 7


@dataclass(frozen=True)
class Verified:
    """What became of checking a log.

    Attributes
    ----------
    entries : how many there are.
    first_seq, last_seq : numbers of the first and the last of them, 0 where there are none.
    last_hash : the hash of the last of them, or what stands in its place.
    signed_to : number of the last entry that a checkpoint vouches for, 0 for none.
    signed_at : when that was signed, microseconds since 1970.
    problems : what is wrong, at most 20; none where all is well.
    """

    entries: int
    first_seq: int
    last_seq: int
    last_hash: str
    signed_to: int
    signed_at: int
    problems: tuple[str, ...]


@dataclass
class Statements:
    """What signed statements say of a log.

    Attributes
    ----------
    checkpoints : by the number of the entry that was the newest.
    removed_to : the hash at which each removal ended, by the number of that entry; 0 is the beginning.
    problems : what is wrong with the statements themselves.
    """

    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    removed_to: dict[int, str] = field(default_factory=lambda: {0: GENESIS})
    problems: list[str] = field(default_factory=list)


def verify(rows: Iterable[Row], said: Statements, until: int | None = None) -> Verified:
    """Check a log.

    Parameters
    ----------
    rows : its entries, in order, see `api.exchange.log_files.read_log`.
    said : what was signed of it.
    until : the number of the last entry, where more of them were left out on purpose.
    """
    problems = list(said.problems)
    # `waiting`: numbers that were signed and have yet to come, the next one last.
    first = last = entries = signed_to = 0
    previous = GENESIS.encode()
    waiting = sorted((each for each in said.checkpoints if until is None or each <= until), reverse=True)
    if waiting and waiting[-1] == 0:
        waiting.pop()
    for row in rows:
        seq, at, kind, body, before, digest = row
        if not entries:
            first, last, previous = _start(seq, before, said, problems)
            while waiting and waiting[-1] <= last:
                waiting.pop()
            if last in said.removed_to:
                signed_to = last
        entries += 1
        last += 1
        try:
            computed = hashlib.sha256(b"%b\n%d\n%d\n%b\n%b" % (before, seq, at, kind, body)).hexdigest()
            is_whole = type(seq) is type(at) is int and computed == digest.decode()
        except (TypeError, AttributeError, ValueError):
            is_whole = False
        if is_whole and seq == last and before == previous:
            previous = digest
        else:
            problems.append(_fault(row, last, previous))
            if len(problems) >= _MOST:
                break
            last, previous = (seq if isinstance(seq, int) else last), digest
        if waiting and last >= waiting[-1]:
            while waiting and waiting[-1] < last:
                problems.append(f"entry {waiting.pop()}, which was signed, is not there")
            if waiting and waiting[-1] == last:
                waiting.pop()
                if said.checkpoints[last].hash.encode() == digest:
                    signed_to = last
                else:
                    problems.append(f"entry {last}: not the one that was signed")
    else:
        if waiting:
            problems.append(
                f"the log ends with entry {last}; entry {waiting[0]} was signed: the end is cut off"
            )
    if entries and not said.checkpoints:
        problems.append("there is no checkpoint, so that nothing vouches for the log")
    ending = previous.decode(errors="replace") if isinstance(previous, bytes) else ""
    signed_at = said.checkpoints[signed_to].at if signed_to in said.checkpoints else 0
    return Verified(
        entries, first, last if entries else 0, ending, signed_to, signed_at, tuple(problems[:_MOST])
    )


def _start(seq: object, before: object, said: Statements, problems: list[str]) -> tuple[int, int, bytes]:
    """Give the number of the first entry, and the number and hash that come before it."""
    if not isinstance(seq, int):
        return 1, 0, GENESIS.encode()
    known = said.removed_to.get(seq - 1)
    if known is None:
        problems.append(
            f"the log begins with entry {seq}, and no statement says that those before were removed"
        )
        known = before.decode() if isinstance(before, bytes) else GENESIS
    return seq, seq - 1, known.encode()


def _fault(row: Row, expected: int, previous: bytes) -> str:
    seq, before = row[0], row[4]
    if seq is None:
        return f"no entry stands where entry {expected} should"
    if seq != expected:
        return f"entry {seq} stands where entry {expected} should"
    if before != previous:
        return f"entry {seq}: it does not follow the entry before it"
    return f"entry {seq}: it is not as it was written"


def read_statements(paths: Iterable[Path], keys: list[Ed25519PublicKey]) -> Statements:
    """Read signed statements and check their signatures.

    paths : files of them, one of each machine that wrote the log. keys : the public keys of those who signed.

    Raises OSError where a file can't be read.
    """
    said = Statements()
    removals: list[Removal] = []
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            try:
                statement = read_statement(line, keys)
            except ValueError as problem:
                said.problems.append(f"{path}, line {number}: {problem}")
                continue
            if isinstance(statement, Removal):
                removals.append(statement)
                continue
            other = said.checkpoints.setdefault(statement.seq, statement)
            if other.hash != statement.hash:
                said.problems.append(
                    f"{path}, line {number}: another entry {statement.seq} was signed as well"
                )
    # One that was signed and not done, since the machine stopped, is signed again later, or a longer one.
    for removal in sorted(removals, key=lambda each: (each.first_seq, each.last_seq)):
        if said.removed_to.get(removal.first_seq - 1) != removal.first_previous:
            said.problems.append(
                f"entries from {removal.first_seq} on were removed, but not those before them"
            )
        said.removed_to[removal.last_seq] = removal.last_hash
    return said


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file. A last one without an end was being written, or a crash cut it off."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line
