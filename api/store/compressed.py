"""Records of one kind are much alike, so they are stored compressed, each by itself: to about a sixth.

What they have in common is in a dictionary of Zstandard (RFC 8878): records.zdict, trained on the invented
records of `koppel pilot generate`, whole and as a match shows them. A frame names the dictionary that it was
made with: another may be added one day, but as long as records are stored with one it must never be changed
or taken away.
"""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator
from zstandard import FRAME_HEADER, ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

if TYPE_CHECKING:
    from sqlalchemy import Dialect

__all__ = ["Compressed"]

_SHORT: Final = 64
"""Bytes up to which a value is stored as it is."""

_LEVEL: Final = 3
_DICTIONARY: Final = ZstdCompressionDict(files("api.store").joinpath("records.zdict").read_bytes())
_DICTIONARY.precompute_compress(level=_LEVEL)


class _Zstandard(threading.local):
    """The functions of a thread: none of them may be used by two at once."""

    def __init__(self) -> None:
        self.compress = ZstdCompressor(_LEVEL, dict_data=_DICTIONARY).compress
        self.decompress = ZstdDecompressor(dict_data=_DICTIONARY).decompress


_zstandard: Final = _Zstandard()


class Compressed(TypeDecorator[bytes]):
    """A column of bytes that no frame of Zstandard starts with, as JSON. One value is always stored alike."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Give what is stored of a value."""
        if value is None or len(value) <= _SHORT:
            return value
        return _zstandard.compress(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Give the value of what is stored. Stored by an earlier version, it is the value itself."""
        if value is None or not value.startswith(FRAME_HEADER):
            plain: bytes | None = value
            return plain
        return _zstandard.decompress(value)
