"""The ids of an index, in arrays that are mapped: a process that needs a few reads a few.

Where all have one form, as UUIDs have, only their hexadecimal digits are kept, two to a byte. Otherwise their
UTF-8 is, one behind another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ids", "pack"]

DIGIT: Final = "h"
"""Stands in a form for a hexadecimal digit, which is itself none of them."""

_DIGITS: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_VALUES: Final = np.zeros(256, np.uint8)
_VALUES[_DIGITS] = np.arange(16)
_AT_ONCE: Final = 1 << 16


def pack(ids: pl.Series) -> tuple[str, dict[str, NDArray[Any]]]:
    """Give the form of ids, and the arrays that hold them.

    ids : String series (n,) without nulls.

    Returns
    -------
    A form, "hhhhhhhh-hhhh-..." with `DIGIT` for each lower-case hexadecimal digit, and "hex", uint8 (n, the
    digits / 2). Or the form "", "text", uint8, and "ends", int64 (n + 1,): where each id ends in it, from 0.
    """
    form = _form(ids)
    if form:
        digits = _places(form)
        parts = [_packed(ids[start : start + _AT_ONCE], digits) for start in range(0, len(ids), _AT_ONCE)]
        return form, {"hex": np.concatenate(parts)}
    text = np.frombuffer("".join(ids.to_list()).encode(), np.uint8)
    ends = np.concatenate([[0], np.cumsum(ids.str.len_bytes().to_numpy(), dtype=np.int64)])
    return "", {"text": text, "ends": ends}


class Ids:
    """Packed ids: a sequence of str, but not called one, since Polars would go through it one by one."""

    def __init__(self, form: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._form, self._arrays = form, arrays
        self._n = len(arrays["hex"]) if form else len(arrays["ends"]) - 1

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, row: int) -> str:
        return self.read(np.array([range(self._n)[row]]))[0]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, self._n, _AT_ONCE):
            yield from self.read(np.arange(start, min(start + _AT_ONCE, self._n)))

    def gather(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        """Return the ids of rows (m,), in their order; a row that stands there often is read once."""
        found, place = np.unique(rows, return_inverse=True)
        ids = self.read(found)
        return [ids[at] for at in place.tolist()]

    def read(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        """Return the ids of rows (m,), in their order, each read by itself."""
        if self._form:
            return _unpacked(self._arrays["hex"][rows], self._form)
        text, ends = self._arrays["text"], self._arrays["ends"]
        spans = zip(ends[rows].tolist(), ends[rows + 1].tolist(), strict=True)
        return [text[start:end].tobytes().decode() for start, end in spans]


def _form(ids: pl.Series) -> str:
    """The form that all ids have, "" where they have none, or hold no even number of digits."""
    if not len(ids):
        return ""
    form = "".join(DIGIT if letter in "0123456789abcdef" else letter for letter in str(ids[0]))
    pattern = "".join("[0-9a-f]" if letter == DIGIT else "-" for letter in form)
    fits = set(form) <= {DIGIT, "-"} and form.count(DIGIT) > 0 and form.count(DIGIT) % 2 == 0
    return form if fits and bool(ids.str.contains(f"^{pattern}$").all()) else ""


def _packed(ids: pl.Series, digits: list[int]) -> NDArray[np.uint8]:
    letters = np.frombuffer("".join(ids.to_list()).encode(), np.uint8).reshape(len(ids), -1)[:, digits]
    values = _VALUES[letters]
    return (values[:, 0::2] << 4 | values[:, 1::2]).astype(np.uint8)


def _unpacked(packed: NDArray[np.uint8], form: str) -> list[str]:
    letters = np.frombuffer(bytearray(form.encode()) * len(packed), np.uint8).reshape(-1, len(form))
    digits = np.frombuffer(packed.tobytes().hex().encode(), np.uint8)
    letters[:, _places(form)] = digits.reshape(len(packed), 2 * packed.shape[1])
    text, size = letters.tobytes().decode(), len(form)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _places(form: str) -> list[int]:
    return [place for place, letter in enumerate(form) if letter == DIGIT]
