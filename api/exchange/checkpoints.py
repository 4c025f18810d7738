"""Signed statements about the log in a file outside the store: how far it reached, and what was removed.

The hashes of the log chain its entries to each other, so they tell of a change in the middle. They can't tell
that the end was cut off, an older copy put back or the whole chain written anew: the statements can. Each is
one line of JSON, signed by Ed25519. Keep the file where whoever administers the store can't write.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.clock import SECOND
from data.errors import FileError, OutputError
from data.files import atomic, sync

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "Removal",
    "create_signing_key",
    "read_signing_key",
    "read_statement",
    "read_verifying_key",
]

_PREFIX: Final = b"koppel audit log\n"
"""Stands before what is signed, so that a signature means nothing anywhere else."""

_TAIL: Final = 1 << 16
_REMEDY: Final = "Make one with `koppel audit keys create`, or put back the copy that was kept."


@dataclass(frozen=True)
class Checkpoint:
    """At a moment, microseconds since 1970, the newest entry of the log was `seq` (0: none), with `hash`."""

    at: int
    seq: int
    hash: str


@dataclass(frozen=True)
class Removal:
    """The entries `first_seq` to `last_seq` were removed because their time was over.

    `first_previous` is the hash before the first of them, `last_hash` that of the last: what stays connects.
    """

    at: int
    first_seq: int
    last_seq: int
    first_previous: str
    last_hash: str


class Checkpoints:
    """The file of statements, to which any number of threads and processes append.

    Parameters
    ----------
    path : the file; made with the first statement.
    key : signs, see `read_signing_key`.
    every_s, every : the seconds and the entries after which the log is due for a checkpoint. What is cut off
        behind the last checkpoint can't be seen, so that this is the window.
    """

    def __init__(self, path: Path, key: Ed25519PrivateKey, every_s: float = 10.0, every: int = 1000) -> None:
        self.path: Final = path
        self._key = key
        self.public_key: Final = key.public_key()
        self._key_id = key_id(self.public_key)
        self._every_us = round(every_s * SECOND)
        self._every = every
        self._last: Checkpoint | None = None

    def last(self) -> Checkpoint | None:
        """Give the newest checkpoint in the file, None where there is none. Raises OSError."""
        with self._locked() as file:
            return self._read_last(file)

    @property
    def signed(self) -> int:
        """The newest entry that this process knows a checkpoint of, 0 for none: a log has it, or was cut."""
        return 0 if self._last is None else self._last.seq

    def extend(self, at: int, seq: int, hash_: str, *, due_only: bool = False) -> None:
        """Write that the log reached an entry, which must be committed, unless the file says so already.

        due_only : only where the newest checkpoint is old or many entries ago.

        Raises OSError where the file can't be written; it then holds no part of the statement.
        """
        if due_only and not self._is_due(at, seq):
            return
        with self._locked() as file:
            self._last = self._read_last(file)
            reached = self._last is not None and self._last.seq >= seq
            if not reached and (not due_only or self._is_due(at, seq)):
                checkpoint = Checkpoint(at, seq, hash_)
                self._append(file, checkpoint)
                self._last = checkpoint

    def add(self, statement: Checkpoint | Removal) -> None:
        """Write a statement. Raises OSError where the file can't be written."""
        with self._locked() as file:
            self._append(file, statement)

    def _is_due(self, at: int, seq: int) -> bool:
        last = self._last
        # A clock that was set back makes it due as well.
        return last is None or seq - last.seq >= self._every or not 0 <= at - last.at < self._every_us

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file; nobody else writes it until it is closed."""
        is_new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                sync(self.path.parent)
            yield file
        finally:
            os.close(file)

    def _append(self, file: int, statement: Checkpoint | Removal) -> None:
        size = os.fstat(file).st_size
        whole = _whole(file, size)
        if whole < size:
            os.ftruncate(file, whole)
        line = self._signed(statement)
        try:
            if os.write(file, line) < len(line):
                raise OSError("the disk is full")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, whole)
            raise

    def _signed(self, statement: Checkpoint | Removal) -> bytes:
        said = {"kind": type(statement).__name__.lower(), **asdict(statement), "key": self._key_id}
        signature = self._key.sign(_PREFIX + _text(said))
        return _text({**said, "signature": base64.b64encode(signature).decode()}) + b"\n"

    def _read_last(self, file: int) -> Checkpoint | None:
        size = os.fstat(file).st_size
        tail = os.pread(file, _TAIL, max(0, size - _TAIL))
        keys = [self.public_key]
        for line in reversed(tail[: tail.rfind(b"\n") + 1].splitlines()):
            try:
                statement = read_statement(line, keys)
            except ValueError:
                continue  # another key's, or the half of a line at which the tail begins
            if isinstance(statement, Checkpoint):
                return statement
        return None


def read_statement(line: bytes, keys: list[Ed25519PublicKey]) -> Checkpoint | Removal:
    """Read a line of the file and check its signature.

    Raises ValueError for anything but a statement that one of the keys signed.
    """
    try:
        said = json.loads(line)
        signature = base64.b64decode(said.pop("signature"), validate=True)
        key = next(each for each in keys if key_id(each) == said["key"])
        key.verify(signature, _PREFIX + _text(said))
        kinds: dict[str, type[Checkpoint | Removal]] = {"checkpoint": Checkpoint, "removal": Removal}
        made = kinds[said.pop("kind")]
        del said["key"]
        return made(**said)
    except StopIteration:
        raise ValueError("signed by another key") from None
    except InvalidSignature:
        raise ValueError("its signature is wrong") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error):
        raise ValueError("no signed statement") from None


def key_id(key: Ed25519PublicKey) -> str:
    """Give the name by which a statement tells who signed it: the key itself, shortened."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw[:8].hex()


def create_signing_key(private: Path, public: Path) -> None:
    """Make the key that signs, readable by its owner alone, and the one that checks, for everybody (PEM).

    Raises OutputError where one of the files is there already: what the key signed could not be checked.
    """
    for path in (private, public):
        if path.exists():
            remedy = "Keep it, or give another place."
            raise OutputError(str(path), "there is a key already", "a file that isn't there", remedy)
    key = Ed25519PrivateKey.generate()
    with atomic(private) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    with atomic(public) as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs.

    Raises FileError where it is absent, damaged, or may be read by others than its owner.
    """
    content = _read(path)
    if mode := stat.S_IMODE(path.stat().st_mode) & 0o077:
        found = f"a key that others may read (mode {mode:o} for others)"
        raise FileError(str(path), found, "mode 600", f"Run chmod 600 {path}.")
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise FileError(str(path), "no key that signs the log", "an Ed25519 key in PEM", _REMEDY)
    return key


def read_verifying_key(path: Path) -> Ed25519PublicKey:
    """Read the key that checks signatures. Raises FileError where it is absent or damaged."""
    content = _read(path)
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise FileError(str(path), "no key that checks the log", "an Ed25519 public key in PEM", _REMEDY)
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}", remedy=_REMEDY) from problem


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _whole(file: int, size: int) -> int:
    """Give the size of a file up to the end of its last whole line."""
    start = max(0, size - _TAIL)
    return start + os.pread(file, _TAIL, start).rfind(b"\n") + 1
