"""Collections, taxonomy and day of a command: read, checked, and reported on stderr."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

import typer

from api.commands.console import note, warn, working
from api.commands.options import Direction, OnError
from data.errors import OutputError, QuestionError
from data.files import atomic

if TYPE_CHECKING:
    from data.dataset import Batches, Dataset
    from data.standard import Side
    from data.taxonomy import Taxonomy
    from engine import Encoded, FeatureSpace, Ranker, Settings
    from engine.index import MatchIndex
    from engine.merge import MergedRanker


def day_of(as_of: datetime | None) -> date:
    """Give the day that was asked for, else today in the Netherlands."""
    from zoneinfo import ZoneInfo

    return (as_of or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()


def taxonomy_of(folder: Path | None) -> Taxonomy:
    """Read the taxonomy in a folder, without one the bundled."""
    from data.taxonomy import bundled_taxonomy, load_taxonomy

    with working("Reading the taxonomy"):
        return load_taxonomy(folder) if folder else bundled_taxonomy()


class Reader:
    """Reads collections; what is skipped of any of them goes to one file. Made by `reading`."""

    def __init__(
        self,
        on_error: OnError,
        rejects: Path | None = None,
        gathered: IO[bytes] | None = None,
        part: Path | None = None,
    ) -> None:
        self._on_error = on_error
        self._rejects = rejects  # named by the user
        self._gathered = gathered  # the same, open
        self._part = part  # of the file that is being read

    def read(self, path: Path, side: Side) -> Dataset:
        """Read a collection into memory; warns of records that are skipped."""
        from data.dataset import read

        refuse_overwriting(self._rejects, path)
        with working(f"Reading {path.name}") as told:
            dataset = read(path, side, on_error=self._on_error, rejects=self._part, progress=told)
        self._gather(path)
        if dataset.rejected:
            first = dataset.faults[0]
            warn(
                f"{path}: {dataset.rejected:,} of {dataset.read:,} records skipped, the first of them record "
                f"{first.number} (id {first.id}), {first.path}: {first.found}; allowed: {first.allowed}"
            )
        return dataset

    def check(self, path: Path, side: Side | None) -> Batches:
        """Read a collection through in bounded memory, each record checked, also those of our own Parquet."""
        from data.dataset import batches

        refuse_overwriting(self._rejects, path)
        with working(f"Checking {path.name}") as told:
            checked = batches(
                path, side, on_error=self._on_error, rejects=self._part, trust=False, progress=told
            )
            for _ in checked:
                pass
        self._gather(path)
        return checked

    def _gather(self, path: Path) -> None:
        """Add the rejects of one file to those of all, each with the file that it comes from."""
        if self._gathered and self._part:
            about = json.dumps({"file": str(path)})[:-1].encode()
            with self._part.open("rb") as lines:
                for line in lines:
                    self._gathered.write(about + b", " + line[1:])


@contextmanager
def reading(on_error: OnError, rejects: Path | None) -> Iterator[Reader]:
    """Give a Reader, whose file of rejects appears when the block ends well.

    Each of its lines is what `data.dataset.batches` writes, with "file" before it.
    """
    if not rejects:
        yield Reader(on_error)
        return
    if on_error == "stop":
        raise typer.BadParameter("goes with --on-error skip: nothing is skipped.", param_hint="--rejects")
    with TemporaryDirectory(prefix="koppel-") as folder, atomic(rejects) as gathered:
        yield Reader(on_error, rejects, gathered, Path(folder) / "rejects.ndjson")


def refuse_overwriting(output: Path | None, source: Path) -> None:
    """Raise OutputError where the result would take the place of what is read."""
    if output and output.exists() and source.exists() and output.samefile(source):
        raise OutputError(str(output), "the file that is read", "another file", "Choose another place.")


@dataclass(frozen=True)
class Collections:
    """Profiles and vacancies of files, encoded in one feature space."""

    profiles: Encoded
    vacancies: Encoded
    space: FeatureSpace
    paths: Mapping[Side, Path]

    @property
    def as_of(self) -> date:
        """The day from which they are looked at."""
        return self.profiles.as_of

    @property
    def taxonomy(self) -> str:
        """Version of the taxonomy."""
        return self.space.taxonomy.version

    def side(self, side: Side) -> Encoded:
        """Give one of the two."""
        return self.profiles if side == "werkzoekende" else self.vacancies

    def count(self, side: Side, direction: Direction) -> int:
        """How many records there are."""
        return len(self.side(side))

    def without_location(self, side: Side) -> int:
        """How many of them have no known postcode."""
        return self.side(side).records.without_location

    def one(self, side: Side, option: str, record_id: str, direction: Direction) -> Encoded:
        """Give the record that an option names; raises QuestionError where there is none."""
        import numpy as np

        from engine.merge import take

        ids = self.side(side).records.ids
        place = bisect_left(ids, record_id)
        if place == len(ids) or ids[place] != record_id:
            raise _unknown(option, record_id, self.paths[side])
        return take(self.side(side), np.array([place]))

    def ranker(self, settings: Settings, vacancies: Encoded | None, profiles: Encoded | None) -> Ranker:
        """Make a ranker of all, or of what is given in the place of one side or both."""
        from engine import Ranker

        return Ranker(
            self.vacancies if vacancies is None else vacancies,
            self.profiles if profiles is None else profiles,
            self.space,
            settings,
        )


@dataclass(frozen=True)
class Opened:
    """Profiles and vacancies of an index, as `Collections` are of files.

    sources : whose records may be candidates, None for all.
    """

    index: MatchIndex
    sources: frozenset[str] | None = None

    @property
    def space(self) -> FeatureSpace:
        """The feature space of both sides."""
        return self.index.space

    @property
    def as_of(self) -> date:
        """The day from which they are looked at."""
        return self.index.as_of

    @property
    def taxonomy(self) -> str:
        """Version of the taxonomy."""
        return str(self.index.manifest["taxonomy"])

    def count(self, side: Side, direction: Direction) -> int:
        """How many records there are, of the side of the candidates those that may be."""
        return self.index.side(side).count(self._allowed(side, direction))

    def without_location(self, side: Side) -> int:
        """How many of them have no known postcode."""
        return self.index.side(side).whole.records.without_location

    def one(self, side: Side, option: str, record_id: str, direction: Direction) -> Encoded:
        """Give the record that an option names by its ID, or by SOURCE=ID where several sources have the ID.

        Raises QuestionError where there is none, or none that may be a candidate if it is one, or several.
        """
        import numpy as np

        collection, allowed = self.index.side(side), self._allowed(side, direction)
        names = [name for name in collection.sources if allowed is None or name in allowed]
        rows = {name: row for name in names if (row := collection.find(record_id, name)) is not None}
        name, is_named, own_id = record_id.partition("=")
        if not rows and is_named and name in names and (row := collection.find(own_id, name)) is not None:
            rows[name] = row
        if not rows:
            raise _unknown(option, record_id, self.index.root)
        if len(rows) > 1:
            raise QuestionError(
                f"{option} {record_id}",
                f"{len(rows)} sources have this id",
                ", ".join(f"{name}={record_id}" for name in rows),
                "Say which.",
            )
        return collection.take(np.array([*rows.values()]))

    def ranker(
        self, settings: Settings, vacancies: Encoded | None, profiles: Encoded | None
    ) -> Ranker | MergedRanker:
        """Make a ranker of all, or of what is given in the place of one side or both."""
        return self.index.ranker(settings, sources=self.sources, vacancies=vacancies, profiles=profiles)

    def _allowed(self, side: Side, direction: Direction) -> frozenset[str] | None:
        """The sources of which records of a side may be taken, None for all."""
        is_asking = (side == "werkzoekende") == (direction == "profile")
        return None if is_asking else self.sources


Pool = Collections | Opened


def open_pool(
    index: Path | None, files: Sequence[Path | None], as_of: datetime | None, sources: str | None
) -> Opened | None:
    """Open an index, if one is named, in the place of files, which then may not be given; it is of one day.

    Raises QuestionError for a source that the index hasn't.
    """
    from engine.index import open_index

    if index is None:
        if sources is not None:
            raise typer.BadParameter("goes with --index.", param_hint="--sources")
        return None
    if any(files):
        raise typer.BadParameter("goes without files and without a taxonomy.", param_hint="--index")
    opened = open_index(index)
    if as_of and as_of.date() != opened.as_of:
        raise typer.BadParameter(f"this index is as of {opened.as_of}.", param_hint="--as-of")
    if sources is None:
        return Opened(opened)
    known = {*opened.profiles.sources, *opened.vacancies.sources}
    for name in sources.split(","):
        if name not in known:
            raise QuestionError(
                "--sources", f"{name!r} is unknown", ", ".join(sorted(known)), "Check the spelling."
            )
    return Opened(opened, frozenset(sources.split(",")))


def both_files(profiles: Path | None, vacancies: Path | None) -> tuple[Path, Path]:
    """Give the two files of a command that has no index."""
    if profiles is None or vacancies is None:
        raise typer.BadParameter("give both, or an index.", param_hint="--profiles and --vacancies")
    return profiles, vacancies


def encode_files(
    profiles: Path,
    vacancies: Path,
    taxonomy: Path | None,
    as_of: date,
    on_error: OnError,
    rejects: Path | None,
) -> Collections:
    """Read two files of records and encode them as seen on one day."""
    from engine import FeatureSpace, encode

    def encoded(path: Path, side: Side) -> Encoded:
        frame = reader.read(path, side).frame
        with working(f"Encoding {path.name}"):
            return encode(frame, side, space, as_of=as_of)

    space = FeatureSpace(taxonomy_of(taxonomy))
    with reading(on_error, rejects) as reader:
        return Collections(
            encoded(profiles, "werkzoekende"),
            encoded(vacancies, "vacature"),
            space,
            {"werkzoekende": profiles, "vacature": vacancies},
        )


def report_locations(pool: Pool) -> None:
    """Say how many records have no place, if any."""
    profiles, vacancies = pool.without_location("werkzoekende"), pool.without_location("vacature")
    if profiles or vacancies:
        note(
            f"Without a known postcode, so without distances: vacancies {vacancies:,}, profiles {profiles:,}."
        )


def _unknown(option: str, record_id: str, path: Path) -> QuestionError:
    return QuestionError(
        f"{option} {record_id}", f"no record of {path} has this id", remedy="Check the id and the file."
    )
