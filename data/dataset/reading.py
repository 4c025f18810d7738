"""Reading collections: each record checked, the good ones given in frames, the bad ones told."""

import json
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final, Literal

import polars as pl
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from data.dataset import parquet
from data.dataset.formats import format_of
from data.dataset.lines import to_frame, to_lines
from data.dataset.plain import validator
from data.dataset.records import Item, of_json, of_ndjson, parsed
from data.dataset.schema import ID_FIELDS, schema, side_of, wrong_side
from data.errors import FileError, RecordError
from data.files import Progress, atomic, read_pieces
from data.standard import Fault, Side, faults, model_of

OnError = Literal["stop", "skip"]
"""What a bad record does: stop the reading with a RecordError, or be left out, told and counted."""

RefuseId = Callable[[str], RecordError | None]
"""Tells why an id may not be used, None where it may; nothing is told of the id itself."""

Frames = Generator[pl.DataFrame, None, None]

BATCH: Final = 1 << 11
"""Records in a frame: more of them don't fit the processor's cache and take longer."""

_BATCH_BYTES: Final = 1 << 26
_SHOWN: Final = 10
_HEAD: Final = 16
_UNKNOWN: Final = "unknown"
_ID: Final = re.compile("[a-zA-Z0-9_.-]{1,200}")


@dataclass(frozen=True)
class Rejection:
    """A record that breaks the standard.

    Attributes
    ----------
    number : which record of the file it is, from 1; blank lines don't count.
    id : its idWerkzoekende or idVacature, "unknown" where it has none, or one that is refused.
    path, found, allowed : the first thing wrong with it, as in `data.standard.Fault`.
    """

    number: int
    id: str
    path: str
    found: str
    allowed: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """A collection of records in memory.

    Attributes
    ----------
    frame : the accepted records in the order of the file, with the columns of `schema(side)`.
    side : whose records they are.
    read, accepted, rejected : numbers of records; read = accepted + rejected.
    faults : the first ten rejections.
    """

    frame: pl.DataFrame
    side: Side
    read: int
    accepted: int
    rejected: int
    faults: tuple[Rejection, ...]


def read(
    path: Path,
    side: Side | None = None,
    *,
    on_error: OnError = "stop",
    rejects: Path | None = None,
    trust: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """Read a collection of records into one frame; all else is as in `batches`."""
    reading = batches(path, side, on_error=on_error, rejects=rejects, trust=trust, progress=progress)
    frame = pl.concat(list(reading))
    return Dataset(
        frame, reading.side, reading.read, reading.accepted, reading.rejected, tuple(reading.faults)
    )


def batches(
    path: Path,
    side: Side | None = None,
    *,
    on_error: OnError = "stop",
    rejects: Path | None = None,
    trust: bool = True,
    refuse_id: RefuseId | None = None,
    progress: Progress | None = None,
) -> "Batches":
    """Read a collection of records in frames, one after another, in bounded memory.

    Formats, by the name's ending: .json (a list), .ndjson and .jsonl (a record a line), each also with .gz or
    .zst after it, and .parquet with the columns of `schema`. Text is UTF-8; a byte order mark is allowed.

    Every record is checked against the model of its side, must have an id, and must not have the id of an
    accepted one before it or the same property twice.

    Parameters
    ----------
    path : the file.
    side : whose records they are. None: what the id of the first records (the first sixteen) tells.
    on_error : "stop" raises RecordError at the first bad record, "skip" leaves bad records out.
    rejects : where to write what is skipped, as NDJSON: {"number", "id", "path", "found", "allowed",
        "record"}, the first five as in `Rejection`, "record" the record as it is spelt (line breaks between
        its parts as spaces), or a text of it where it isn't JSON (bytes that aren't UTF-8 as the lone
        surrogates of Python's "surrogateescape"). It appears when all has been read. Of a record whose id is
        refused there is neither "id" nor "record", which holds it.
    trust : take the records of a Parquet file that `write` wrote by this version of the standard as valid,
        ids excepted, which is ten times as fast. False checks each.
    refuse_id : makes a record with an id that may not be used a bad one, whatever else is wrong with it.
    progress : told how far reading has come, about every megabyte of content.

    Raises
    ------
    FileError : the file can't be read as what it should be; here, or between two frames.
    RecordError : a record is bad and `on_error` is "stop"; between two frames.
    OutputError : the rejects can't be written; between two frames.
    """
    return Batches(path, side, on_error, rejects, trust, refuse_id, progress)


class Batches(Iterator[pl.DataFrame]):
    """The frames of a collection, at least one, with counts that hold for what has been read so far.

    Attributes
    ----------
    side : whose records they are.
    read, accepted, rejected : numbers of records; read = accepted + rejected.
    faults : the first ten rejections.
    texts : the records of the last frame as they are spelt in the file; none where that is Parquet.
    """

    def __init__(
        self,
        path: Path,
        side: Side | None,
        on_error: OnError,
        rejects: Path | None,
        trust: bool,
        refuse_id: RefuseId | None,
        progress: Progress | None,
    ) -> None:
        self.accepted = 0
        self.rejected = 0
        self.faults: list[Rejection] = []
        self.texts: list[bytes] = []
        self._path = path
        self._stop = on_error == "stop"
        self._rejects: IO[bytes] | None = None
        self._refuse_id = refuse_id or (lambda record_id: None)
        self._numbers: dict[str, int] = {}  # id -> number of the accepted record that has it
        frames: Iterator[pl.DataFrame]
        form = format_of(path, FileError)
        if form == "parquet":
            self.side, marked = parquet.inspect(path, side)
            rows = parquet.frames(path, self.side, BATCH, progress)
            frames = map(self._trusted if trust and marked else self._untrusted, rows)
        else:
            split = of_json if form == "json" else of_ndjson
            items = split(read_pieces(path, progress), path)
            head = list(islice(items, _HEAD))
            self.side = _side_told((value for _, value in head), side, path)
            frames = self._checked(chain(head, items))
        self._validate = validator(self.side).validate_python
        self._id_field = ID_FIELDS[self.side]
        self._columns = schema(self.side)
        self._frames = self._with_rejects(frames, rejects)

    @property
    def read(self) -> int:
        """Number of records read so far."""
        return self.accepted + self.rejected

    def __next__(self) -> pl.DataFrame:
        return next(self._frames)

    def close(self) -> None:
        """Stop reading before the end: the file is closed, and no rejects appear."""
        self._frames.close()

    def _with_rejects(self, frames: Iterator[pl.DataFrame], rejects: Path | None) -> Frames:
        empty = True
        with ExitStack() as stack:
            if rejects:
                self._rejects = stack.enter_context(atomic(rejects))
            for frame in frames:
                empty = False
                yield frame
        if empty:
            yield pl.DataFrame(schema=self._columns)

    def _checked(self, items: Iterator[Item]) -> Iterator[pl.DataFrame]:
        """Yield frames of the good records among items."""
        good: list[bytes] = []
        spelt: list[bytes] = []
        size = 0
        for text, value in items:
            if record := self._accept(text, value):
                good.append(record)
                spelt.append(text)
                size += len(record)
            if len(good) == BATCH or size > _BATCH_BYTES:
                self.texts = spelt
                yield to_frame(good, self._columns)
                good, spelt, size = [], [], 0
        if good:
            self.texts = spelt
            yield to_frame(good, self._columns)

    def _accept(self, text: bytes, value: Any) -> bytes | None:
        """Count a record and give what was checked of it, as JSON; None if it is bad."""
        wrong = self._faults(text, value)
        # What the frame holds is read from this, not from the text, so that no two parsers need to agree.
        checked = b"" if wrong else to_json(value)
        # A property that stands twice in the text is once in the value.
        if not wrong and checked != text and _may_say_more(text, checked):
            wrong = self._faults_in(text) or _repetitions(text)
        return checked if self._counted(text, value, wrong) else None

    def _untrusted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows that are good records; each is checked as the JSON that it would be written as."""
        items = ((text, parsed(text)) for text in to_lines(frame).splitlines())
        return frame.filter([self._counted(*item, self._faults(*item)) for item in items])

    def _trusted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows that have an id of their own."""
        good = []
        for row, record_id in enumerate(frame[self._id_field].to_list()):
            wrong = [] if (refused := self._refused(record_id)) else self._id_faults(record_id)
            good.append(not (refused or wrong))
            if wrong:
                self._reject(to_lines(frame[row]), wrong)
            self.accepted += good[-1]
        return frame if all(good) else frame.filter(good)

    def _faults(self, text: bytes, value: Any) -> list[Fault]:
        """Tell what is wrong with a record, its id excepted."""
        try:
            self._validate(value)
        except ValidationError as error:
            return self._faults_in(text) or faults(error)
        return []

    def _faults_in(self, text: bytes) -> list[Fault]:
        """Tell what the model of the side finds wrong with the text of a record."""
        try:
            model_of(self.side).model_validate_json(text)
        except ValidationError as error:
            return _encoding_faults(text) or faults(error)
        return []

    def _id_faults(self, record_id: str | None) -> list[Fault]:
        path = f"$.{self._id_field}"
        if record_id is None:
            return [Fault(path, "absent", "an id, which a record in a collection needs", missing=True)]
        number = self.read + 1
        first = self._numbers.setdefault(record_id, number)
        return [] if first == number else [Fault(path, f"the id of record {first} again", "each id once")]

    def _counted(self, text: bytes, value: Any, wrong: list[Fault]) -> bool:
        """Count a record as accepted if nothing is wrong with it and its id, or reject it."""
        if isinstance(value, dict) and self._refused(value.get(self._id_field)):
            return False
        if wrong := wrong or self._id_faults(value.get(self._id_field)):
            self._reject(text, wrong)
            return False
        self.accepted += 1
        return True

    def _reject(self, text: bytes, wrong: list[Fault]) -> None:
        """Count a bad record and tell it, or raise RecordError if it stops the reading."""
        first, record_id = wrong[0], self._id_of(text)
        more = f" (faults in it: {len(wrong)})" if len(wrong) > 1 else ""
        told = self._told(
            first, record_id, f" (id {record_id})", f"Mend the record{more}, or skip bad records."
        )
        if self._rejects:
            about = json.dumps(asdict(told))
            self._rejects.write(about[:-1].encode() + b', "record": ' + _embedded(text) + b"}\n")

    def _refused(self, record_id: Any) -> bool:
        """Tell whether the id of a record is refused; it is counted and told then, without a word of it."""
        # Also where it is one in all but its form.
        spelt = str(record_id).strip() if isinstance(record_id, str | int) else ""
        problem = self._refuse_id(spelt)
        if problem is None:
            return False
        fault = Fault(f"$.{self._id_field}", problem.found, problem.allowed)
        told = asdict(self._told(fault, _UNKNOWN, "", problem.remedy))
        if self._rejects:
            del told["id"]
            self._rejects.write(json.dumps(told).encode() + b"\n")
        return True

    def _told(self, fault: Fault, record_id: str, named: str, remedy: str) -> Rejection:
        """Count a bad record and give what is told of it, or raise RecordError if it stops the reading."""
        self.rejected += 1
        told = Rejection(self.read, record_id, fault.path, fault.found, fault.allowed)
        if len(self.faults) < _SHOWN:
            self.faults.append(told)
        if self._stop:
            subject = f"{self._path}, record {told.number}{named}, {told.path}"
            raise RecordError(subject, told.found, told.allowed, remedy)
        return told

    def _id_of(self, text: bytes) -> str:
        record = parsed(text)
        found = record.get(self._id_field) if isinstance(record, dict) else None
        return found if isinstance(found, str) and _ID.fullmatch(found) else _UNKNOWN


def _side_told(head: Iterable[Any], asked: Side | None, path: Path) -> Side:
    """Give the side of a file's records, told by the first of them."""
    told = [side for record in head if isinstance(record, dict) and (side := side_of(record))]
    if asked and told and asked not in told:
        raise wrong_side(path, told[0], asked)
    if not (asked or told):
        raise FileError(
            str(path),
            "no idWerkzoekende or idVacature in its first records",
            "one of these in each record",
            "Say which side it holds.",
        )
    return asked or told[0]


def _encoding_faults(text: bytes) -> list[Fault]:
    try:
        text.decode()
    except UnicodeDecodeError as problem:
        found = f"byte 0x{text[problem.start]:02x}, number {problem.start + 1} of the line, is not UTF-8"
        return [Fault("$", found, "UTF-8")]
    return []


def _may_say_more(text: bytes, checked: bytes) -> bool:
    """Tell by the quotes, of which \\u0022 is one too, whether text holds more than was checked of it."""
    return text.count(b'"') != checked.count(b'"') or b"\\u0022" in text


def _repetitions(text: bytes) -> list[Fault]:
    """Tell whether an object in this JSON has a property twice."""
    twice: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> None:
        counts = Counter(name for name, _ in pairs)
        twice.extend(name for name, count in counts.items() if count > 1)

    json.loads(text, object_pairs_hook=check)
    return [Fault("$", f"the property {name} twice", "each property once") for name in twice[:1]]


def _embedded(text: bytes) -> bytes:
    """Give a rejected record as a JSON value on one line."""
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return json.dumps(text.decode("utf-8", "surrogateescape")).encode()
    return text.strip().replace(b"\n", b" ").replace(b"\r", b" ")
