"""Hosted sources: records of participants in the store, found through an index beside it.

    put, delete, load -> the store, and a note of the change -> the index (take_in) -> every worker (refresh)

The store decides: what is answered is read from it at that moment, so what was deleted, has expired or is
restricted is in no answer from then on, whatever the index still holds. Then the index is told, and asked
again, as if the record had never been. A new index is built beside the old one; what changes meanwhile counts
in both. One machine has one index; all of its workers share it. An index looks at records as of the day on
which it was built, so a new one is built every day (`roll_over`): whether some source has just loaded many
records may not decide which day counts for a ranking.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json
from sqlalchemy import select

from api.clock import NETHERLANDS, SECOND, Clock
from api.exchange import records
from api.exchange.answering import Match, Matches
from api.exchange.bodies import identified
from api.exchange.contacts import read_contacts, replace_contacts
from api.exchange.records import Key, Prepared
from api.store.tables import source
from data.dataset import ID_FIELDS, OnError, batches, schema
from data.dataset.lines import to_frame, to_lines
from data.errors import FileError, QuestionError
from data.taxonomy import bundled_taxonomy
from engine.build import SIDES, build_index
from engine.index import MatchIndex, open_index
from engine.nearest import nearest, present
from engine.publish import publications

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.store import Store
    from data.question import Question
    from data.standard import Side
    from data.taxonomy import Taxonomy

__all__ = ["HostedSources", "Loaded", "declares_no_bsn"]

MOST_CHANGES: Final = 5_000
"""More changes than this are taken in by a new index: changes are searched beside it, and that takes time."""

STORED_AT_ONCE: Final = 500
"""Records in a transaction of a load: others can write in between."""

_ATTEMPTS: Final = 4
_KEPT: Final = 1
"""Versions of the index that stay: what was deleted is gone with the next one."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Loaded:
    """What came of loading a file.

    Attributes
    ----------
    stored, rejected, deleted : numbers of records.
    rebuilt : whether a new index was built, instead of having the old one take the changes in.
    """

    stored: int
    rejected: int
    deleted: int
    rebuilt: bool


class HostedSources:
    """The hosted sources of a store, and their index.

    May be used by any number of threads and processes. Where processes are forked, each opens the index for
    itself: Polars starts threads when it is used, and no thread lives on in a process that is forked off.

    Parameters
    ----------
    store : with the records.
    root : folder of the index; lock files stand beside it.
    clock : microseconds since 1970, UTC.
    taxonomy : goes into the index when it is built; by default the bundled one.
    """

    def __init__(self, store: Store, root: Path, clock: Clock, taxonomy: Taxonomy | None = None) -> None:
        self._store, self._root, self._clock, self._taxonomy = store, root, clock, taxonomy
        self._index: MatchIndex | None = None
        self._lock = Lock()

    def prepare(self) -> None:
        """Open the index, build it where none can be opened, and have all ready for the first question."""
        if self._opened() is None:
            self.rebuild()
        self.take_in()
        index = self.index()
        index.touch()
        for side in SIDES:
            present(index.side(side).candidates)

    def index(self) -> MatchIndex:
        """Give the index as it is published now. Raises FileError where there is none."""
        with self._lock:
            self._index = open_index(self._root) if self._index is None else self._index.refresh()
            return self._index

    def today(self) -> date:
        """Give the day that it is in the Netherlands."""
        return datetime.fromtimestamp(self._clock() / SECOND, UTC).astimezone(NETHERLANDS).date()

    # -- answering

    def matches(self, question: Question, sources: Sequence[str], limit: int) -> Matches:
        """Give the records of these sources that satisfy a question, the nearest `limit` of each.

        Nearest first, ties by source and id. Vacancies that have closed by today are left out.
        """
        if not sources:
            return Matches()
        today, side = self.today(), question.side
        for _ in range(_ATTEMPTS):
            # One more than is shown decides whether there are more, so it must be there, too.
            near = nearest(question, self.index().side(side), sources, limit + 1, as_of=today)
            keys = list(zip(near.sources, near.ids, strict=True))
            shown = self.shown(side, keys)
            if None not in shown:
                break
        found = zip(keys, shown, strict=True)
        return _cut_off([Match(*key, body) for key, body in found if body is not None], limit)

    def body(self, source_id: str, side: Side, record_id: str) -> bytes | None:
        """Give a record exactly as it was supplied, None where there is none that may be shown.

        That also goes for a vacancy that has closed by today.
        """
        with self._store.read() as connection:
            found = records.body(connection, Key(source_id, side, record_id), self._clock())
        if found is not None and side == "vacature":
            closing = from_json(found).get("sluitingsdatumVacature") or ""
            if closing and closing < self.today().isoformat():
                return None
        return found

    def shown(self, side: Side, keys: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Give what a match shows of records, by (source, id), in their order.

        None where there is none that may be shown; whoever asks the index again doesn't find that any more.
        """
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for source_id, record_id in keys:
            ids[source_id].append(record_id)
        found = self._shown(side, ids)
        shown = [found[source_id].get(record_id) for source_id, record_id in keys]
        if None in shown:
            gone = [key for key, body in zip(keys, shown, strict=True) if body is None]
            self._publish(Key(source_id, side, record_id) for source_id, record_id in gone)
        return shown

    def _shown(self, side: Side, ids: Mapping[str, Sequence[str]]) -> dict[str, dict[str, bytes]]:
        """Give what a match shows of records of sources, by id; of those that there are and may be shown."""
        at = self._clock()
        with self._store.read() as connection:
            return {each: records.shown(connection, each, side, own, at) for each, own in ids.items()}

    # -- changes

    def put(
        self,
        source_id: str,
        side: Side,
        record_id: str,
        body: bytes,
        value: Any,
        *,
        expires_at: int | None = None,
    ) -> None:
        """Store a record, in the place of the one with its id. It counts in every worker's next question.

        Parameters
        ----------
        body, value : the record as JSON, and what that says.
        expires_at : from when on it isn't answered any more, None for never.

        Raises
        ------
        RecordError : it is no record of the standard with this id, or the id could be a BSN.
        QuestionError : no source of this id is hosted here.
        """
        new = records.checked(body, value, side, record_id)
        with self._store.write() as connection:
            declared = declares_no_bsn(connection, source_id)
            if not declared and (problem := records.refuse_bsn(record_id)):
                raise problem
            records.put(connection, source_id, side, [new], self._clock(), expires_at)
            records.note(connection, [Key(source_id, side, record_id)], put=True)
        self.take_in()

    def delete(self, source_id: str, side: Side, ids: Sequence[str]) -> int:
        """Delete records, and give how many of them there were. From now on they are in no answer."""
        with self._store.write() as connection:
            n_deleted = records.remove(connection, source_id, side, ids)
            records.note(connection, [Key(source_id, side, each) for each in ids], put=False)
        if not self.take_in() and len(ids) > MOST_CHANGES:
            self.rebuild()
        return n_deleted

    def erase(self, source_id: str, side: Side, ids: Sequence[str]) -> None:
        """Delete records, and all that is known of them."""
        with self._store.write() as connection:
            records.erase(connection, source_id, side, ids)
            records.note(connection, [Key(source_id, side, each) for each in ids], put=False)
        self.take_in()
        self._store.scrub()

    def restrict(self, source_id: str, side: Side, ids: Sequence[str]) -> None:
        """Leave records out of every answer from now on, also when they are deleted and put anew."""
        keys = [Key(source_id, side, each) for each in ids]
        with self._store.write() as connection:
            records.restrict(connection, keys)
            records.note(connection, keys, put=False)
        self.take_in()

    def take_in(self) -> bool:
        """Have the index take in what has changed. False, and nothing is done, where that is too much for it.

        Then `rebuild` does. Raises OutputError where the index can't be written.
        """
        # One at a time: who comes second finds nothing left to do.
        with _alone(self._beside("taking-in")):
            with self._store.read() as connection:
                changes = records.pending(connection, MOST_CHANGES + 1)
            if not changes:
                return True
            if len(changes) > MOST_CHANGES or not publications(self._root):
                return False
            self._publish([change.key for change in changes])
            with self._store.write() as connection:
                records.taken_in(connection, [change.number for change in changes])
            return True

    def _publish(self, keys: Iterable[Key]) -> None:
        """Have the index hold of records what the store holds of them now."""
        index = self.index()
        with _alone(self._beside("changing")):
            # Read under the lock, so that of two who publish a record the later one has its later state.
            for (source_id, side), own in groupby(sorted(set(keys)), key=_holder):
                ids, field = [key.id for key in own], ID_FIELDS[side]
                shown = self._shown(side, {source_id: ids})[source_id]
                if lines := [identified(field, each, shown[each]) for each in ids if each in shown]:
                    index.put(side, to_frame(lines, schema(side)), source_id)
                if gone := [each for each in ids if each not in shown]:
                    index.delete(side, gone, source_id)

    # -- many at a time

    def load(
        self,
        source_id: str,
        side: Side,
        path: Path,
        *,
        on_error: OnError = "stop",
        rejects: Path | None = None,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> Loaded:
        """Store the records of a file, each in the place of the one with its id; the index takes them in.

        They are stored some at a time, so that the exchange goes on meanwhile. Where it is broken off, what
        has been stored stays; loading the file again finishes it.

        Parameters
        ----------
        path, on_error, rejects : of `data.dataset.batches`. An id that could be a BSN makes a bad record, of
            which only the number is told, unless the source has declared that it is none.
        replace : delete the source's other records of the side, once the whole file is stored.
        progress : told what is done, how far it is and the whole (0: not known).

        Raises
        ------
        FileError, RecordError, OutputError : as `data.dataset.batches` does.
        QuestionError : no source of this id is hosted here.
        """
        told = progress or (lambda what, done, whole: None)
        began = self._clock()
        with self._store.read() as connection:
            declared = declares_no_bsn(connection, source_id)
        reading = batches(
            path,
            side,
            on_error=on_error,
            rejects=rejects,
            trust=False,  # The file is a participant's, whatever it says of itself.
            refuse_id=None if declared else records.refuse_bsn,
            progress=partial(told, f"Loading {path.name}"),
        )
        n_stored = n_deleted = 0
        for frame in reading:
            texts = reading.texts or to_lines(frame).splitlines()
            new = [records.prepared(text.strip(b" \t\r\n"), from_json(text), side) for text in texts]
            for start in range(0, len(new), STORED_AT_ONCE):
                self._put_all(source_id, side, new[start : start + STORED_AT_ONCE])
            n_stored += len(new)
        while replace:
            with self._store.write() as connection:
                gone = records.remove_stored_before(connection, source_id, side, began)
                if not gone:
                    break
                records.note(connection, gone, put=False)
            n_deleted += len(gone)
        rebuilt = not self.take_in()
        if rebuilt:
            self.rebuild(progress)
        return Loaded(n_stored, reading.rejected, n_deleted, rebuilt)

    def load_contacts(self, source_id: str, path: Path) -> int:
        """Store the contacts of a file in the place of all that a source holds; gives how many.

        All of them, or where one is bad none. Raises FileError and RecordError, as `read_contacts` does, and
        QuestionError where no source of this id is hosted here.
        """
        contacts = read_contacts(path)
        with self._store.write() as connection:
            declares_no_bsn(connection, source_id)
            replace_contacts(connection, source_id, contacts, self._clock())
        return len(contacts)

    def _put_all(self, source_id: str, side: Side, new: Sequence[Prepared]) -> None:
        with self._store.write() as connection:
            records.put(connection, source_id, side, new, self._clock())
            records.note(connection, [Key(source_id, side, each.id) for each in new], put=True)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Build a new index of the store's records, as of today, and make it the one that is searched.

        Until it is whole the one before it is searched. What changes meanwhile counts in both. Raises
        OutputError where it can't be written.
        """
        told = progress or (lambda what, done, whole: None)
        self._root.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(_alone(self._beside("building")))
            folder = stack.enter_context(_emptied(self._beside("records")))
            # Before the records are read: what is published behind it may not have been in the store yet.
            index = self._opened()
            if index is None:
                # What it has seen isn't known then, so nothing may be published meanwhile.
                stack.enter_context(_alone(self._beside("changing")))
            files: dict[Side, dict[str, Path]] = {side: {} for side in SIDES}
            with self._store.read() as connection:
                last, at = records.last_pending(connection), self._clock()
                for side in SIDES:
                    for number, source_id in enumerate(records.holders(connection, side)):
                        told(f"Reading {source_id}", 0, 0)
                        path = files[side][source_id] = folder / f"{side}-{number}.ndjson"
                        with path.open("wb") as file:
                            for line in records.all_shown(connection, source_id, side, at):
                                file.write(line + b"\n")
                        if not path.stat().st_size:
                            del files[side][source_id]
            build_index(
                self._root,
                profiles=files["werkzoekende"],
                vacancies=files["vacature"],
                taxonomy=self._taxonomy or bundled_taxonomy(),
                as_of=self.today(),
                since=None if index is None else index.seen,
                keep=_KEPT,
                # Of a standard of an earlier version, perhaps; one of them must not keep all others out.
                on_error="skip",
                progress=progress,
            )
            with self._store.write() as connection:
                records.taken_in_until(connection, last)
            self._store.scrub()

    def roll_over(self) -> bool:
        """Build a new index where the day of the one that is searched has passed.

        One process does it; the others find it once it is there. Gives whether this one did. Raises FileError
        and OutputError, as `index` and `rebuild` do.
        """
        if self.index().as_of >= self.today():
            return False
        with _alone(self._beside("rolling")):
            if self.index().as_of >= self.today():
                return False
            self.rebuild()
            return True

    def _opened(self) -> MatchIndex | None:
        """The index, None where there is none, or it is damaged or of another release."""
        try:
            return self.index()
        except FileError:
            return None

    def _beside(self, name: str) -> Path:
        return self._root.with_name(f"{self._root.name}.{name}")


def _cut_off(found: Sequence[Match], limit: int) -> Matches:
    """The first `limit` of each source, and whether one of them has more."""
    counts: Counter[str] = Counter()
    kept = []
    for match in found:
        counts[match.source_id] += 1
        if counts[match.source_id] <= limit:
            kept.append(match)
    return Matches(tuple(kept), any(count > limit for count in counts.values()))


def _holder(key: Key) -> tuple[str, Side]:
    return key.source_id, key.side


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """Give an empty folder, and remove it; what one left that was killed is gone, too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def declares_no_bsn(connection: Connection, source_id: str) -> bool:
    """Tell whether a source declared that its ids are no BSN. Raises QuestionError where it isn't here."""
    found = connection.execute(
        select(source.c.hosted, source.c.bsn_declared_at).where(source.c.id == source_id)
    ).one_or_none()
    if found is None or not found.hosted:
        raise QuestionError(
            f"source {source_id}", "no source of this id is hosted here", remedy="See `koppel source list`."
        )
    return found.bsn_declared_at is not None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Have one process and thread at a time do something."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
