"""The run of one night: begun once, and gone on with as often as it takes.

Everything is decided at the cut-off. A step that is done is in the ledger of the run, a file that the log
tells of in the store; whatever kills the run, the next one finds what is left to do, and publishes the same
bytes. Where somebody was withdrawn meanwhile it begins anew.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from api.clock import DAY, NETHERLANDS, SECOND, spelled
from api.exchange.answering import Match, log_subjects
from api.exchange.handles import Handles
from api.exchange.nightly.lease import Lease, holder_of
from api.exchange.nightly.night import Night, night_of
from api.exchange.nightly.nights import EXPECTED, RUNS
from api.exchange.nightly.recipients import OTHER, Recipient
from api.exchange.nightly.sealing import seal_night, seal_party
from api.exchange.nightly.snapshot import (
    PLAN,
    Progress,
    Snapshot,
    Supplied,
    is_whole,
    read_snapshot,
    take_snapshot,
)
from api.exchange.nightly.taking_out import absent_now, is_anybody_withdrawn, revise, take_out
from api.exchange.nightly.withdrawal import finish, withdraw_ended
from api.exchange.nightly.writing import Making, Part, Seal, Written, write_all
from api.store.tables import night as nights_table
from api.store.tables import nightly_part, question
from data.errors import FileError
from data.files import atomic, writing
from data.taxonomy import bundled_taxonomy
from engine.build import build_index
from engine.conditions import SUGGESTED
from engine.index import open_index
from engine.nightly import (
    BLOCK,
    Block,
    Job,
    Ledger,
    NightlyError,
    Pace,
    cut,
    file_hash,
    rank_blocks,
    write_expected,
)
from engine.publish import publications

if TYPE_CHECKING:
    from api.clock import Clock
    from api.exchange.audit import Audit
    from api.exchange.keys import Keys
    from api.exchange.nightly.nights import Nights
    from api.store import Store
    from data.dataset import OnError
    from data.standard import Side
    from data.taxonomy import Taxonomy
    from engine.index import MatchIndex
    from engine.nightly import Seat

__all__ = ["NightlyRun", "Wishes", "running"]

ACTOR: Final = "nightly run"
"""Who the log says did what somebody else had begun, or had not come to."""

STALE: Final = DAY
"""A run that began longer ago isn't gone on with: its data are too old."""


@dataclass(frozen=True)
class Wishes:
    """What is asked of a night.

    Attributes
    ----------
    top : how many candidates an own record gets at most, 1 up to the limit of matches.
    supplied, on_error : files of further sources; see `take_snapshot`.
    block : asking records in a block, and in a file.
    """

    top: int = 25
    supplied: tuple[Supplied, ...] = ()
    on_error: OnError = "stop"
    block: int = BLOCK


class NightlyRun:
    """Runs nights.

    Parameters
    ----------
    store, audit, keys, clock : of the exchange.
    nights : where they are published.
    own_oin : of the exchange.
    question_days : how long the vumIDs of a night can be used.
    taxonomy : goes into the index; by default the bundled one.
    """

    def __init__(
        self,
        *,
        store: Store,
        audit: Audit,
        keys: Keys,
        nights: Nights,
        own_oin: str,
        clock: Clock,
        question_days: int,
        taxonomy: Taxonomy | None = None,
    ) -> None:
        self._store, self._audit, self._keys = store, audit, keys
        self._nights, self._own_oin, self._clock = nights, own_oin, clock
        self._days, self._taxonomy = question_days, taxonomy

    def run(
        self,
        wishes: Wishes,
        seat: Seat,
        *,
        writers: int = 1,
        keep: int = 7,
        progress: Progress | None = None,
    ) -> Night:
        """Run the night that was begun and not published, by what was asked of it then; else begin one.

        Parameters
        ----------
        seat : does the ranking; see `engine.nightly`.
        writers : how many processes write the lists, of a night that isn't small; 1 for this one alone.
        keep : how many nights stay published, this one included.

        Raises
        ------
        NightlyError : another runner is at work, or took over; or the seat is gone.
        AuditUnavailable : the log can't be written: nothing is published.
        QuestionError, FileError, RecordError, OutputError : as the steps do.

        What is published stays as it is, whatever is raised.
        """
        about = self._audit, self._keys, self._nights, self._clock, ACTOR
        # Before this one runs: what a run that was broken off has of people who are withdrawn goes, too.
        finish(*about)
        withdraw_ended(*about)
        with Lease(self._store, self._clock).held() as lease:
            night = self._begin(lease, wishes)
            told = self._told(night, progress)
            if not self._nights.has(night.name):
                self._make(lease, night, wishes, seat, writers, told)
            self._publish(lease, night, keep)
            shutil.rmtree(self._nights.root / RUNS, ignore_errors=True)
        return night

    def _begin(self, lease: Lease, wishes: Wishes) -> Night:
        now = self._clock()
        columns = nights_table.c
        with self._store.write() as connection:
            lease.check(connection)
            running = select(nights_table).where(columns.state == "running").order_by(columns.number)
            for row in connection.execute(running).all():
                if row.cut_off > now - STALE and self._keys.find(bytes.fromhex(row.key_id)) is not None:
                    return night_of(row, self._keys, self._nights)
                stale = update(nights_table).where(columns.number == row.number)
                connection.execute(stale.values(state="abandoned"))
            published = select(nights_table).where(columns.state == "published")
            before = connection.execute(published.order_by(columns.number.desc()).limit(1)).one_or_none()
            number = 1 + (connection.scalar(select(func.max(columns.number))) or 0)
            day = datetime.fromtimestamp(now / SECOND, UTC).astimezone(NETHERLANDS).date()
            connection.execute(
                insert(nights_table).values(
                    number=number,
                    name=f"{day}.{number}",
                    run=secrets.token_hex(12),
                    key_id=self._keys.newest().id.hex(),
                    settings={
                        "top": wishes.top,
                        "block": wishes.block,
                        "expires_at": now + self._days * DAY,
                    },
                    cut_off=now,
                    before=None if before is None else before.number,
                    state="running",
                    published_at=None,
                )
            )
            made = connection.execute(select(nights_table).where(columns.number == number)).one()
            return night_of(made, self._keys, self._nights)

    def _told(self, night: Night, progress: Progress | None) -> Progress:
        """Tell how far it is: also in a file, for `koppel nightly status`."""
        folder = self._nights.run(night.number)
        paces: dict[str, Pace] = {}

        def told(stage: str, done: int, whole: int) -> None:
            rate, left = paces.setdefault(stage, Pace()).at(done, whole)
            said = {"stage": stage, "done": done, "whole": whole, "rate": round(rate, 1), "left": left}
            folder.mkdir(parents=True, exist_ok=True)
            with atomic(folder / "progress.json") as file:
                file.write(json.dumps(said).encode())
            if progress:
                progress(stage, done, whole)

        return told

    # -- making

    def _make(
        self, lease: Lease, night: Night, wishes: Wishes, seat: Seat, writers: int, told: Progress
    ) -> None:
        folder = self._nights.run(night.number)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(folder / "ledger")
        snapshot = self._snapshot(night, wishes, folder, ledger, told)
        index = self._index(night, snapshot, folder, ledger, told)
        blocks = list(cut(index, _jobs(night, snapshot), night.block))
        # So that no withdrawal removes them meanwhile.
        with self._nights.changing():
            (folder / "blocks").mkdir(exist_ok=True)
            for path in (self._nights.root / EXPECTED).glob("*.parquet"):
                shutil.copy(path, folder / "blocks")
        rank_blocks(folder / "index", folder / "blocks", blocks, ledger, seat, partial(told, "Ranking"))
        write_expected(index, folder / "blocks", blocks, folder / "expected")
        self._lists(lease, night, snapshot, index, blocks, folder, writers, told)
        self._seal(night, snapshot, index, folder / "built")

    def _snapshot(
        self, night: Night, wishes: Wishes, folder: Path, ledger: Ledger, told: Progress
    ) -> Snapshot:
        done = ledger.get("snapshot")
        if done is not None and is_whole(folder / "snapshot", done["sha256"]):
            return read_snapshot(folder / "snapshot")
        snapshot = take_snapshot(
            self._store,
            folder / "snapshot",
            night.cut_off,
            self._own_oin,
            wishes.supplied,
            on_error=wishes.on_error,
            progress=told,
        )
        ledger.add("snapshot", sha256=file_hash(folder / "snapshot" / PLAN), inputs=dict(snapshot.hashes))
        return snapshot

    def _index(
        self, night: Night, snapshot: Snapshot, folder: Path, ledger: Ledger, told: Progress
    ) -> MatchIndex:
        root, done = folder / "index", ledger.get("index")
        plan = file_hash(snapshot.folder / PLAN)
        if done is not None and done["of"] == plan:
            try:
                return open_index(root, done["version"], check=True)
            except FileError:
                # Damaged: the same records give the same index.
                shutil.rmtree(root, ignore_errors=True)
        given = {
            side: {source: snapshot.folder / name for source, name in files.items()}
            for side, files in snapshot.files.items()
        }
        build_index(
            root,
            profiles=given["werkzoekende"],
            vacancies=given["vacature"],
            taxonomy=self._taxonomy or bundled_taxonomy(),
            as_of=night.as_of,
            keep=1,
            on_error="skip",
            progress=told,
        )
        version = publications(root)[0].version
        ledger.add("index", of=plan, version=version)
        return open_index(root, version)

    # -- the lists

    def _lists(
        self,
        lease: Lease,
        night: Night,
        snapshot: Snapshot,
        index: MatchIndex,
        blocks: Sequence[Block],
        folder: Path,
        writers: int,
        told: Progress,
    ) -> None:
        """Write all lists, and log each. Those that are whole and logged stay."""
        absent = absent_now(self._store, snapshot, night.cut_off, self._own_oin, self._clock())
        making = Making(
            folder,
            index.publication.version,
            self._keys.path,
            Seal(night.run.key.id, night.run.id, night.expires_at),
            night.cut_off,
            self._before(night),
            absent.records,
        )
        by_job: dict[tuple[str, Side], list[Block]] = {}
        for block in blocks:
            by_job.setdefault((block.job.known_as, block.job.side), []).append(block)
        parts = [
            Part(recipient, side, number, block)
            for recipient in snapshot.recipients
            for side in recipient.own
            for number, block in enumerate(by_job.get((self._known_as(night, recipient), side), []))
        ]
        logged = self._logged(night)
        left = [part for part in parts if not _is_there(part, making, logged)]
        whole = sum(block.last - block.first for block in blocks)
        done = whole - sum(part.block.last - part.block.first for part in left)
        for written in write_all(making, left, writers):
            if logged.get(written.part.path("matches")) != written.sha256:
                self._log(lease, night, written)
            done += written.part.block.last - written.part.block.first
            told("Writing lists", done, whole)

    def _before(self, night: Night) -> tuple[Path, Seal] | None:
        if night.before is None:
            return None
        of = select(nights_table).where(nights_table.c.number == night.before_number)
        with self._store.read() as connection:
            row = connection.execute(of).one()
        seal = Seal(bytes.fromhex(row.key_id), bytes.fromhex(row.run), row.settings["expires_at"])
        # By its link: something may be taken out of it meanwhile.
        return self._nights.root / night.before, seal

    def _known_as(self, night: Night, recipient: Recipient) -> str:
        return night.run.key.known_as(recipient.caller.controller, recipient.caller.processor)

    def _logged(self, night: Night) -> dict[str, str]:
        """Give the hash of each file that the log tells of, by its path."""
        of = select(nightly_part.c.path, nightly_part.c.sha256).where(nightly_part.c.night == night.number)
        with self._store.read() as connection:
            return {row.path: row.sha256 for row in connection.execute(of)}

    def _log(self, lease: Lease, night: Night, written: Written) -> None:
        """Put the questions into the store and the log, whose lists a file holds."""
        recipient, side = written.part.recipient, written.part.side
        path, questions, other = written.part.path("matches"), written.questions, OTHER[side]
        caller, digest = recipient.caller, written.sha256
        seen = [Match(source_id, record_id, b"") for source_id, record_id in written.keys.iter_rows()]
        criteria = {"asking": side, "top": night.top, "night": night.name}
        with self._audit.write() as connection:
            lease.check(connection)
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            asked = dialect.insert(question).on_conflict_do_nothing()
            if questions:
                connection.execute(
                    asked,
                    [
                        {
                            "id": each,
                            "kind": "nacht",
                            "side": other,
                            "controller_oin": caller.controller,
                            "processor_oin": caller.processor,
                            "asked_at": night.cut_off,
                            "expires_at": night.expires_at,
                            "criteria": criteria,
                            "completeness": None,
                        }
                        for each in questions
                    ],
                )
            counts, subjects = log_subjects(self._audit, connection, other, seen, held=False)
            told: dict[str, Any] = json.loads(json.dumps(recipient.told[other]))
            for source, count in counts.items():
                told["sources"][source] |= {"status": "answered", "count": count}
            told |= {"criteria": criteria, "level": "match", "subjects": subjects}
            told |= {"night": night.name, "lists": len(questions), "file": path, "sha256": digest}
            self._audit.append(connection, "nightly", told)
            connection.execute(
                delete(nightly_part).where(nightly_part.c.night == night.number, nightly_part.c.path == path)
            )
            connection.execute(
                insert(nightly_part).values(
                    night=night.number, path=path, sha256=digest, logged_at=self._clock()
                )
            )

    # -- sealing and publishing

    def _seal(self, night: Night, snapshot: Snapshot, index: MatchIndex, built: Path) -> None:
        """Write the manifests, after everything that they tell of."""
        constant = {
            "night": night.name,
            "cut_off": spelled(night.cut_off),
            "as_of": night.as_of.isoformat(),
            "before": night.before,
            "top": night.top,
            "vumids_until": spelled(night.expires_at),
            "koppel": index.manifest["koppel"],
            "taxonomy": index.manifest["taxonomy"],
            "frequencies": index.manifest["frequencies"],
            "weights": dict(SUGGESTED),
            "registry": snapshot.registry,
        }
        with writing(built):
            built.mkdir(parents=True, exist_ok=True)
            # Half-written files of a run that was killed.
            for path in built.rglob(".*.part"):
                path.unlink()
            for recipient in snapshot.recipients:
                (built / recipient.name).mkdir(exist_ok=True)
                about = constant | {
                    "controller": recipient.caller.controller,
                    "processor": recipient.caller.processor,
                    "agreement": recipient.agreement,
                    "inputs": {
                        side: snapshot.input_hash(side, each) for side, each in recipient.permitted.items()
                    },
                }
                # Of the whole registry's version nothing may be told that depends on others.
                del about["registry"]
                seal_party(built / recipient.name, about)
            sources = [
                {"id": each, **{side: snapshot.records[side].get(each, 0) for side in OTHER}}
                for each in sorted({name for held in snapshot.records.values() for name in held})
            ]
            seal_night(
                built,
                constant
                | {
                    "sources": sources,
                    "not_covered": dict(snapshot.not_covered),
                    "rejected": snapshot.rejected,
                    "inputs": dict(snapshot.hashes),
                },
            )

    def _publish(self, lease: Lease, night: Night, keep: int) -> None:
        """Show the night, in one step. What it may not show any more by now is taken out of it before."""
        folder = self._nights.run(night.number)
        with self._nights.changing():
            with self._store.write() as connection:
                lease.check(connection)
            # From one that was shown already withdrawals take out what they have to.
            if night.name not in self._nights.names():
                self._put(night, folder)
                self._nights.show(night.name)
            with self._store.write() as connection:
                lease.check(connection)
                row = update(nights_table).where(nights_table.c.number == night.number)
                connection.execute(row.values(state="published", published_at=self._clock()))
            self._nights.collect(keep)
            if (folder / "expected").is_dir():
                shutil.rmtree(self._nights.root / EXPECTED, ignore_errors=True)
                # Who was withdrawn meanwhile is in it, and would stay there until the next night.
                if not is_anybody_withdrawn(self._store, night.cut_off):
                    (folder / "expected").rename(self._nights.root / EXPECTED)

    def _put(self, night: Night, folder: Path) -> None:
        # As of the night: who stands in it by a vumID that opens no more has to go, too.
        handles = Handles(self._keys, partial(int, night.cut_off))
        if self._keys.find(night.run.key.id) is None:
            raise NightlyError(f"night {night.name}", "its key is there no more", remedy="Run it again.")
        snapshot = read_snapshot(folder / "snapshot")
        absent = absent_now(self._store, snapshot, night.cut_off, self._own_oin, self._clock())
        if self._nights.has(night.name):
            if not absent.is_nothing:
                revise(self._nights, night.name, handles, absent)
        else:
            if not absent.is_nothing:
                take_out(folder / "built", handles, absent)
            self._nights.put(night.name, folder / "built")


def running(store: Store, nights: Nights, now: int) -> dict[str, Any]:
    """Tell which night is being made, by which process (None: it was broken off), and how far it is."""
    with store.read() as connection:
        row = connection.execute(
            select(nights_table).where(nights_table.c.state == "running").order_by(nights_table.c.number)
        ).first()
        told: dict[str, Any] = {"runner": holder_of(connection, now), "night": row and row.name}
    path = row and nights.run(row.number) / "progress.json"
    return told | {"progress": json.loads(path.read_bytes()) if path and path.exists() else None}


def _jobs(night: Night, snapshot: Snapshot) -> Iterator[Job]:
    for recipient in snapshot.recipients:
        caller = recipient.caller
        for side, own in recipient.own.items():
            yield Job(
                "vacancy" if side == "vacature" else "profile",
                own,
                recipient.permitted[OTHER[side]],
                night.run.key.known_as(caller.controller, caller.processor),
                night.top,
            )


def _is_there(part: Part, making: Making, logged: Mapping[str, str]) -> bool:
    """Tell whether the files of a part are whole, and the log tells of it."""
    path, built = part.path("matches"), making.folder / "built"
    if path not in logged or file_hash(built / path) != logged[path]:
        return False
    return making.before is None or (built / part.path("changes")).exists()
