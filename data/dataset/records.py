"""The records of a text file one after another, whatever they are: their bytes as they stand, their value."""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic_core import from_json

from data.errors import FileError

LONGEST: Final = 1 << 24
"""Bytes (NDJSON) or characters (JSON) of the longest record that is read: memory stays bounded, also where a
file holds anything but records."""

# Characters: a list that is one line is not searched to its end for each item.
_LONGEST_LINE: Final = 1 << 14

_UTF_16_OR_32: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")

_DECODER: Final = json.JSONDecoder()
# For whole numbers of more digits than Python reads: where the value ends is told all the same.
_LONG_NUMBERS: Final = json.JSONDecoder(parse_int=str)

Item = tuple[bytes, Any]
"""The text of a record and the value that it stands for, None if it can't be told."""


def parsed(text: bytes) -> Any:
    """Give the value that JSON text stands for; None if it isn't JSON."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return None


def of_ndjson(pieces: Iterator[bytes], path: Path) -> Iterator[Item]:
    """Yield the lines of NDJSON, blank ones left out; a line that is no record is yielded as it stands.

    Raises FileError for an empty file, UTF-16 and UTF-32, a JSON list, and a line longer than `LONGEST`.
    """
    lines = filter(bytes.strip, _lines(_text(pieces, path), path))
    first = next(lines, b"")
    if not first:
        raise _empty(path)
    if first.lstrip().startswith(b"["):
        raise FileError(
            str(path),
            "a JSON list",
            "one record a line",
            "Name the file .json, or write each record on a line.",
        )
    for line in chain([first], lines):
        yield line, parsed(line)


def of_json(pieces: Iterator[bytes], path: Path) -> Iterator[Item]:
    """Yield the items of a JSON list, each as it is spelt; an item that is no record too.

    Raises FileError for an empty file, another encoding than UTF-8, anything but a list, what is not JSON,
    and an item longer than `LONGEST`.
    """
    window = _Window(_text(pieces, path), path)
    first = window.next_character()
    if not first:
        raise _empty(path)
    if first == "{":
        raise FileError(
            str(path),
            "a JSON object",
            "a JSON list of records",
            "Put the record in a list, or name the file .ndjson if each of its lines holds a record.",
        )
    window.take("[")
    if window.next_character() != "]":
        yield window.item()
        while window.next_character() != "]":
            window.take(",")
            window.next_character()
            yield window.item()
    window.take("]")
    if window.next_character():
        window.fail("more text after the list", "one JSON list")


def _text(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Pass text on without a byte order mark, if it isn't UTF-16 or UTF-32."""
    first = next(pieces, b"")
    if first.startswith(_UTF_16_OR_32) or b"\0" in first[:4]:
        raise FileError(
            str(path), "text in UTF-16 or UTF-32", "UTF-8", "Save the file again with encoding UTF-8."
        )
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from pieces


def _lines(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *lines, held = (held + piece).split(b"\n")
        yield from lines
        if len(held) > LONGEST:
            raise FileError(
                str(path),
                f"a line of more than {LONGEST >> 20} MiB",
                "one record a line",
                "If the file is one JSON list, name it .json.",
            )
    yield held


class _Window:
    """The part of a JSON text that is in memory, and the place where reading has come."""

    def __init__(self, pieces: Iterator[bytes], path: Path) -> None:
        self._pieces = pieces
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._line, self._column = 1, 1  # of where the window begins

    def next_character(self) -> str:
        """Skip whitespace and give the character that follows, "" at the end of the text."""
        while True:
            space = _WHITESPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def take(self, character: str) -> None:
        """Step over the next character, which must be this one."""
        if self.next_character() != character:
            self.fail("not a JSON list", f'"{character}"')
        self._at += 1

    def item(self) -> Item:
        """Step over the value that begins here and give it."""
        return self._line_item() or self._any_item()

    def _line_item(self) -> Item | None:
        """Step over an object that ends where its line does, as Koppel writes lists, in half the time."""
        end = self._text.find("\n", self._at, self._at + _LONGEST_LINE)
        line = self._text[self._at : max(end, self._at)].removesuffix(",")
        text = line.encode()
        value = parsed(text) if line.endswith("}") else None
        if value is None:
            return None
        self._at += len(line)
        return text, value

    def _any_item(self) -> Item:
        """Step over a value, wherever it ends."""
        while True:
            problem = value = None
            try:
                value, end = _decoded(self._text, self._at)
            except json.JSONDecodeError as error:
                problem, end = error, len(self._text)
            except RecursionError:
                self.fail("values nested too deeply to be read", "a JSON list of records")
            # A value that reaches the end of the window may go on after it, a number without any sign of it.
            if end < len(self._text) or not self._grow():
                break
        if problem:
            self.fail(f"not JSON: {problem.msg}", at=problem.pos)
        start, self._at = self._at, end
        return self._text[start:end].encode(), value

    def fail(self, found: str, allowed: str = "", at: int | None = None) -> NoReturn:
        """Raise a FileError with line and column of `at`, or of where reading has come."""
        line, column = self._place(self._at if at is None else at)
        raise FileError(f"{self._path}, line {line}, column {column}", found, allowed, "Mend the JSON.")

    def _grow(self) -> bool:
        """Take in the next piece and let go of what has been read; False, and nothing changed, at the end."""
        piece = next(self._pieces, b"")
        try:
            more = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as problem:
            line = self._place(len(self._text))[0] + problem.object.count(b"\n", 0, problem.start)
            raise FileError(
                f"{self._path}, line {line}",
                f"byte 0x{problem.object[problem.start]:02x} is not UTF-8",
                "UTF-8",
                "Save the file again with encoding UTF-8.",
            ) from problem
        if not piece:
            return False
        if len(self._text) - self._at > LONGEST:
            self.fail(f"an item of more than {LONGEST >> 20} Mi characters", "a JSON list of records")
        self._line, self._column = self._place(self._at)
        self._text, self._at = self._text[self._at :] + more, 0
        return True

    def _place(self, at: int) -> tuple[int, int]:
        """Give line and column of a place in the window, both from 1."""
        newlines = self._text.count("\n", 0, at)
        column = at - self._text.rfind("\n", 0, at) if newlines else self._column + at
        return self._line + newlines, column


def _empty(path: Path) -> FileError:
    return FileError(str(path), "empty", "records", "Check whether it was written or copied whole.")


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """Give the JSON value that begins at a place and where it ends; JSONDecodeError if there is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return None, _LONG_NUMBERS.raw_decode(text, at)[1]
