"""vumIDs: what a bemiddelaar gets in the place of a source and its record's id, and can't read or make.

A vumID is a sealed text (AES-GCM-SIV) that only the exchange opens, for the party that got it:

    version (1 byte) | key id (4) | nonce (12) | sealed: question (16), expiry (8), source, record, padding

Associated with the seal are the version, the key, the side of the record and both OINs of the asking party.
The nonce is random, so that the same record has another vumID in every question.

Those of a nightly run are version 2: in the place of the nonce stands the name of the run, whose own key
seals (AES-SIV, RFC 5297). So they are the same however often the run is begun again, and others in every
night; the question, one for each asking record, keeps them apart within one.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag

if TYPE_CHECKING:
    from api.clock import Clock
    from api.exchange.keys import Key, Keys
    from data.standard import Side

__all__ = ["Handle", "Handles", "Party", "Run"]

_VERSION: Final = b"\x01"
_NIGHTLY: Final = b"\x02"
_NONCE: Final = 12
_TAG: Final = 16
_HEAD: Final = len(_VERSION) + 4 + _NONCE
_FIXED: Final = struct.Struct(">16sq")
# Room for a source and a record whose ids are as long as they may be. All vumIDs are that long, so that their
# length tells nothing of an id; it fills whole groups of base64, so that there are no spare bits to change.
_TEXT: Final = _FIXED.size + (1 + 50) + (1 + 200)
_SEALED: Final = _TEXT + _TAG
_TOKEN: Final = re.compile("[A-Za-z0-9_-]{1,500}")


class Party(Protocol):
    """Who asks, as far as a vumID is bound to it: OINs of 20 digits of the controller and the processor."""

    @property
    def controller(self) -> str:
        """OIN of the asking controller."""

    @property
    def processor(self) -> str:
        """OIN of the asking processor."""


@dataclass(frozen=True)
class Handle:
    """What a vumID stands for.

    Attributes
    ----------
    question_id : the vraagID of the answer that it stood in.
    source_id, record_id : the record.
    reference : keyed hash of the record in this question, by which the store knows it.
    run : the nightly run that listed it, None for an answer to a question.
    """

    question_id: str
    source_id: str
    record_id: str
    reference: str
    run: Run | None = None


@dataclass(frozen=True)
class Run:
    """A nightly run: 12 random bytes that name it, and the key of the exchange that its own comes from."""

    id: bytes
    key: Key

    def question(self, side: Side, party: Party, source_id: str, record_id: str) -> str:
        """Give the vraagID of the list of a party's own record, in which records of `side` stand: a UUID."""
        about = b"|".join(
            [self.id, _associated(_NIGHTLY, self.key, side, party), _measured(source_id), record_id.encode()]
        )
        digest = hmac.digest(self._naming, about, "sha256")
        return str(uuid.UUID(bytes=digest[:16], version=4))

    @cached_property
    def _naming(self) -> bytes:
        return self.key.derive("nightly questions")


class Handles:
    """Makes and reads vumIDs.

    Parameters
    ----------
    keys : seal and open.
    clock : microseconds since 1970 UTC.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys, self._clock = keys, clock

    def seal(
        self,
        question_id: str,
        side: Side,
        party: Party,
        keys: Sequence[tuple[str, str]],
        expires_at: int,
    ) -> list[str]:
        """Give a vumID, ^[A-Za-z0-9_-]{1,500}$, for each of some records.

        Parameters
        ----------
        question_id : a UUID.
        keys : source and record id: 1 to 50, and up to 200, ASCII characters.
        expires_at : from when they open no more; microseconds since 1970 UTC.
        """
        key = self._keys.newest()
        head, associated = _VERSION + key.id, _associated(_VERSION, key, side, party)
        fixed = _FIXED.pack(uuid.UUID(question_id).bytes, expires_at)
        nonces, encrypt = os.urandom(_NONCE * len(keys)), key.aead.encrypt
        raw: list[bytes] = []
        for number, (source_id, record_id) in enumerate(keys):
            text = fixed + _measured(source_id) + _measured(record_id)
            nonce = nonces[_NONCE * number : _NONCE * (number + 1)]
            raw += head, nonce, encrypt(nonce, text.ljust(_TEXT, b"\0"), associated)
        return _spelled(b"".join(raw))

    def seal_nightly(
        self,
        run: Run,
        side: Side,
        party: Party,
        records: Sequence[tuple[str, str, str]],
        expires_at: int,
    ) -> list[str]:
        """Give the vumIDs of a nightly run, always the same; as `seal`, for (question, source, record id)."""
        head, associated = _NIGHTLY + run.key.id + run.id, [_associated(_NIGHTLY, run.key, side, party)]
        encrypt = run.key.nightly(run.id).encrypt
        # Millions are sealed in a night: what many have in common is made once.
        fixed = {
            each: _FIXED.pack(uuid.UUID(each).bytes, expires_at) for each in {each for each, _, _ in records}
        }
        record = cache(lambda source_id, record_id: _measured(source_id) + _measured(record_id))
        return _spelled(
            b"".join(
                head + encrypt((fixed[question_id] + record(*key)).ljust(_TEXT, b"\0"), associated)
                for question_id, *key in records
            )
        )

    def open(self, token: object, side: Side, party: Party) -> Handle | None:
        """Give what a vumID stands for.

        None for whatever is no vumID of this side that was given to this party, or has expired.
        """
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or len(token) % 4:
            return None
        raw = base64.urlsafe_b64decode(token)
        sealed = raw[_HEAD:]
        version, middle = raw[:1], raw[_HEAD - _NONCE : _HEAD]
        if version not in (_VERSION, _NIGHTLY) or len(sealed) != _SEALED:
            return None
        key, now = self._keys.find(raw[1 : _HEAD - _NONCE]), self._clock()
        if key is None or (key.until is not None and now >= key.until):
            return None
        associated = _associated(version, key, side, party)
        try:
            if version == _NIGHTLY:
                text = key.nightly(middle).decrypt(sealed, [associated])
            else:
                text = key.aead.decrypt(middle, sealed, associated)
        except InvalidTag:
            return None
        question, expires_at = _FIXED.unpack_from(text)
        if now >= expires_at:
            return None
        source, rest = _split(text[_FIXED.size :])
        record, _ = _split(rest)
        return Handle(
            str(uuid.UUID(bytes=question)),
            source.decode("ascii"),
            record.decode("ascii"),
            hmac.digest(key.reference, question + text[_FIXED.size :], "sha256").hex(),
            Run(middle, key) if version == _NIGHTLY else None,
        )


def _associated(version: bytes, key: Key, side: Side, party: Party) -> bytes:
    return b"|".join(
        [version, key.id.hex().encode(), side.encode(), party.controller.encode(), party.processor.encode()]
    )


def _spelled(raw: bytes) -> list[str]:
    """Spell tokens that stand behind one another: all are equally long, in whole groups of base64."""
    spelled, size = base64.urlsafe_b64encode(raw).decode(), (_HEAD + _SEALED) // 3 * 4
    return [spelled[at : at + size] for at in range(0, len(spelled), size)]


def _measured(text: str) -> bytes:
    """Put a text behind its length, a byte."""
    return b"%c%b" % (len(text), text.encode("ascii"))


def _split(text: bytes) -> tuple[bytes, bytes]:
    """Take off a text that stands behind its length, a byte."""
    end = 1 + text[0]
    return text[1:end], text[end:]
