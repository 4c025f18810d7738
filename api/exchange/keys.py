"""The keys of the exchange: a file outside the store, whose newest key seals; older ones still open.

A copy of the store alone then opens no vumID, and tells of no claimed detail which record it was.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import json
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.clock import DAY, Clock
from data.errors import FileError, OutputError
from data.files import atomic

__all__ = ["Key", "Keys", "create_keys", "forget_keys", "rotate_keys"]

_SIZE: Final = 32
_ID_SIZE: Final = 4
_REMEDY: Final = "Make one with `koppel keys create`, or put back the copy that was kept."


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes
    ----------
    id : 4 random bytes, which stand in what it sealed.
    secret : 32 random bytes.
    made_at : microseconds since 1970 UTC.
    until : the same: from when it opens nothing any more; None while it is the newest.
    """

    id: bytes
    secret: bytes = field(repr=False)
    made_at: int
    until: int | None = None

    def derive(self, purpose: str, size: int = _SIZE) -> bytes:
        """Give so many bytes for one purpose; those of another purpose tell nothing of them."""
        return HKDF(SHA256(), size, salt=None, info=f"koppel {purpose}".encode()).derive(self.secret)

    @cached_property
    def aead(self) -> AESGCMSIV:
        """Seals and opens vumIDs. A nonce that came up twice would only tell equal texts."""
        return AESGCMSIV(self.derive("vumID"))

    @lru_cache(maxsize=16)  # noqa: B019  Of keys and runs there are few.
    def nightly(self, run: bytes) -> AESSIV:
        """Seals and opens the vumIDs of one nightly run."""
        return AESSIV(self.derive(f"nightly {run.hex()}", 2 * _SIZE))

    @cached_property
    def reference(self) -> bytes:
        """The key of the hashes by which the store knows the records whose details were asked."""
        return self.derive("record")

    @cached_property
    def order(self) -> bytes:
        """The key of the order between candidates of equal score at equal distance."""
        return self.derive("order")

    def known_as(self, controller: str, processor: str) -> str:
        """Give the name of a source that nobody knows, under which a party's records ask: it breaks ties."""
        return hmac.digest(self.order, f"{controller}|{processor}".encode(), "sha256").hex()


class Keys:
    """The keys in a file, as it is now: a rotation counts at once, in every process.

    path : the file.

    Raises FileError where the file is absent or damaged, or may be read by others than its owner; at
    construction, so that a process without keys does not start, and at use.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._seen: tuple[int, ...] = ()
        self._keys: Mapping[bytes, Key] = {}
        self._newest = self.newest()

    def newest(self) -> Key:
        """Give the key that seals."""
        self._refresh()
        return self._newest

    def find(self, key_id: bytes) -> Key | None:
        """Give a key by its id, None where there is none."""
        self._refresh()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        try:
            now = self.path.stat()
        except OSError as problem:
            raise FileError(str(self.path), "there are no keys", remedy=_REMEDY) from problem
        seen = (now.st_ino, now.st_mtime_ns, now.st_size, now.st_mode)
        if seen != self._seen:
            keys = read_keys(self.path)
            # The newest before the rest: whoever finds a key in `_keys` in another thread can use it.
            self._newest, self._keys, self._seen = keys[-1], {key.id: key for key in keys}, seen


def create_keys(path: Path, clock: Clock) -> Key:
    """Make a file with one key, readable by its owner alone.

    Raises OutputError where the file is there already: what its keys sealed would be lost.
    """
    if path.exists():
        raise OutputError(
            str(path), "there are keys already", "a file that isn't there", "Rotate them instead."
        )
    key = _make(clock())
    _write(path, [key])
    return key


def rotate_keys(path: Path, clock: Clock, keep_days: int) -> Key:
    """Add a key, by which everything is sealed from now on, and forget those whose time is over.

    keep_days : how long the present key still opens what it sealed: at least as long as a question lives.
    """
    now = clock()
    with _alone(path):
        *older, present = read_keys(path)
        kept = [key for key in older if key.until is not None and key.until > now]
        closing = Key(present.id, present.secret, present.made_at, now + keep_days * DAY)
        key = _make(now)
        _write(path, [*kept, closing, key])
    return key


def forget_keys(path: Path, clock: Clock, used: Collection[bytes]) -> int:
    """Forget the keys whose time is over, but for those in use; give how many.

    used : ids of keys that still are needed, if only to know again what they sealed.
    """
    now = clock()
    with _alone(path):
        keys = read_keys(path)
        kept = [key for key in keys if key.until is None or key.until > now or key.id in used]
        if len(kept) < len(keys):
            _write(path, kept)
    return len(keys) - len(kept)


def read_keys(path: Path) -> list[Key]:
    """Read the keys of a file, the newest last; see `Keys` for what it raises."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except OSError as problem:
        raise FileError(str(path), "there are no keys", remedy=_REMEDY) from problem
    if mode & 0o077:
        raise FileError(
            str(path), f"keys that others may read (mode {mode:o})", "mode 600", f"Run chmod 600 {path}."
        )
    try:
        keys = [_key(**each) for each in json.loads(content)["keys"]]
    except (ValueError, KeyError, TypeError, binascii.Error):
        # Not chained: what the file holds must not stand in a traceback.
        raise FileError(str(path), "not a file of keys", remedy=_REMEDY) from None
    if not keys or keys[-1].until is not None or any(key.until is None for key in keys[:-1]):
        raise FileError(str(path), "not a file of keys with one newest", remedy=_REMEDY)
    return keys


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Take turns: who changes keys that another changes meanwhile would lose one."""
    try:
        lock = os.open(path.parent, os.O_RDONLY)
    except OSError as problem:
        raise FileError(str(path), "there are no keys", remedy=_REMEDY) from problem
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _make(now: int) -> Key:
    return Key(secrets.token_bytes(_ID_SIZE), secrets.token_bytes(_SIZE), now)


def _key(*, id: str, secret: str, made_at: int, until: int | None) -> Key:
    key = Key(bytes.fromhex(id), base64.b64decode(secret, validate=True), int(made_at), until)
    if len(key.id) != _ID_SIZE or len(key.secret) != _SIZE:
        raise ValueError
    return key


def _write(path: Path, keys: list[Key]) -> None:
    listed = [
        {
            "id": key.id.hex(),
            "secret": base64.b64encode(key.secret).decode(),
            "made_at": key.made_at,
            "until": key.until,
        }
        for key in keys
    ]
    with atomic(path) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(json.dumps({"keys": listed}, indent=1).encode() + b"\n")
