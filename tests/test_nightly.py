"""The nightly run: what stands in the folders is what the exchange would have answered, and is logged."""

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from exchange_world import NOW, OTHER_OWNER, OWNER, PRIVAAT, Json
from nightly_world import NightlyWorld, during, manifest, tomorrow, tree
from ranking_world import cook
from sqlalchemy import select
from stores import copied_store

from api.clock import DAY, SECOND
from api.exchange.audit import AuditUnavailable
from api.exchange.errors import Invalid, LimitExceeded
from api.exchange.nightly.lease import Lease
from api.exchange.nightly.nights import Nights
from api.exchange.nightly.snapshot import Supplied
from api.exchange.nightly.withdrawal import Withdrawal, fetch, withdraw
from api.exchange.wanted import OwnRecord, Wanted
from api.store import Store, tables
from data.dataset import write
from data.dataset.lines import to_frame
from data.dataset.schema import schema
from data.errors import FileError, OutputError, QuestionError, RecordError
from data.standard import Side
from data.taxonomy import bundled_taxonomy
from engine.nightly import NightlyError, Seat, in_threads

SIDES: tuple[Side, ...] = ("vacature", "werkzoekende")


@pytest.fixture
def world(sqlite_store: Store, tmp_path: Path, empty_index: Path) -> NightlyWorld:
    made = NightlyWorld(sqlite_store, tmp_path / "state", empty_index)
    made.fill()
    return made


def live(world: NightlyWorld, side: Side, own: tuple[str, str], caller: Any, top: int) -> list[Json]:
    """What the exchange answers when it is asked for the ranking of an own record."""

    async def ask() -> bytes:
        return (await world.exchange.rank(caller, Wanted(side, OwnRecord(*own), top=top))).body

    return [
        {
            "rank": each["rank"],
            "score": each["score"],
            "scores": each["scores"],
            "unknown": each["unknown"],
            "distance_km": each["distanceKm"],
            "match": {name: value for name, value in each["match"].items() if name != "vumID"},
        }
        for each in json.loads(asyncio.run(ask()))["matches"]
    ]


def listed(frame: pl.DataFrame, own: tuple[str, str]) -> list[Json]:
    """The list of an own record, told alike."""
    rows = frame.filter((pl.col("own_source") == own[0]) & (pl.col("own_id") == own[1]))
    return [
        {
            "rank": row["rank"],
            "score": row["score"],
            "scores": {side: row[f"score_{side}"] for side in ("vacancy", "profile", "mutual")},
            "unknown": row["unknown"],
            "distance_km": row["distance_km"],
            "match": json.loads(row["match"]),
        }
        for row in rows.iter_rows(named=True)
    ]


def detail(world: NightlyWorld, side: Side, vum_id: str, controller: str = OWNER) -> Json:
    async def ask() -> bytes:
        return await world.exchange.detail(await world.caller(controller), side, vum_id)

    return dict(json.loads(asyncio.run(ask())))


def take(world: NightlyWorld, **what: Any) -> Any:
    return withdraw(world.audit, world.keys, world.nights, world.clock, Withdrawal(**what), "test")


def copy(world: NightlyWorld, target: Path, oin: str = OWNER) -> None:
    fetch(world.audit, world.keys, world.nights, world.clock, oin, target, actor="test")


# What stands in it


def test_a_list_is_what_the_exchange_answers_for_the_same_record(world: NightlyWorld) -> None:
    world.run(top=5)
    caller = asyncio.run(world.caller(OWNER))
    for side, ids in (("vacature", range(4)), ("werkzoekende", range(6))):
        frame = world.frame(OWNER, side)
        for number in ids:
            own = "one", f"one-{side[0].replace('w', 'p')}{number}"
            assert listed(frame, own) == live(world, cast(Side, side), own, caller, 5)


def test_what_a_recipient_gets_is_the_same_bytes_with_and_without_what_it_may_not_see(
    migrated_file: Path, tmp_path: Path, empty_index: Path
) -> None:
    trees = []
    for number, hidden in enumerate((False, True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = NightlyWorld(copied_store(migrated_file, folder), folder / "state", empty_index)
        if number:
            # The vumIDs are of the same run under the same key.
            shutil.copy(tmp_path / "0" / "state" / "keys.json", folder / "state" / "keys.json")
        world.fill()
        world.source("secret", oin=PRIVAAT, scope="suwi")
        world.administration.end_scope(5)
        if hidden:
            world.put("secret", "werkzoekende", *(cook(f"secret-{n}") for n in range(5)))
        stop(world)
        with world.store.write() as connection:
            settings = {"top": 5, "block": 3, "expires_at": NOW + 7 * DAY}
            same = tables.night.update().values(run="00" * 12, cut_off=NOW + SECOND, settings=settings)
            connection.execute(same)
        world.run()
        trees.append(tree(world.nights.folder() / OWNER))
    assert trees[0] == trees[1]


def stop(world: NightlyWorld) -> None:
    """Begin a night, and break it off at once."""
    with pytest.raises(KeyboardInterrupt):
        world.run(supplied=Stop())


class Stop:
    """Supplied files, at the sight of which a run is broken off."""

    def __iter__(self) -> Iterator[Supplied]:
        raise KeyboardInterrupt


def test_the_manifest_tells_the_hash_of_every_file_and_what_it_was_made_of(world: NightlyWorld) -> None:
    night = world.run()
    folder = world.nights.folder()
    found = tree(folder)
    said = manifest(folder)
    told = dict(said["files"])
    for party in world.parties():
        own = manifest(folder / party)
        told |= {f"{party}/{name}": each["sha256"] for name, each in own["files"].items()}
        assert own["agreement"] == "1.0"
        assert own["taxonomy"] == bundled_taxonomy().version
        assert own["cut_off"].startswith("2027-01-15T08:00:00")
    assert found == told | {"manifest.json": found["manifest.json"]}
    assert said["night"] == night.name
    assert said["sources"] == [{"id": each, "vacature": 4, "werkzoekende": 6} for each in ("one", "two")]
    page = (folder / "summary.html").read_text("utf-8")
    assert night.name in page
    assert OWNER in page


# vumIDs


def test_a_vum_id_of_the_night_opens_like_any_other_for_its_recipient_only(world: NightlyWorld) -> None:
    world.run()
    first = world.frame(OWNER, "vacature").row(0, named=True)
    found = detail(world, "werkzoekende", first["vumID"])["werkzoekende"]
    assert found["bemiddelingsberoep"] == json.loads(first["match"])["bemiddelingsberoep"]
    assert found["emailadres"]
    for side, controller in (("werkzoekende", OTHER_OWNER), ("vacature", OWNER)):
        with pytest.raises(Invalid):
            detail(world, cast(Side, side), first["vumID"], controller)


def test_every_list_has_its_own_limit_of_details(world: NightlyWorld) -> None:
    world.put("two", "werkzoekende", *(cook(f"more-{n}") for n in range(20)))
    world.run(top=12)
    lists = world.frame(OWNER, "vacature").partition_by("own_id", maintain_order=True)
    long = [each["vumID"].to_list() for each in lists if len(each) == 12]
    for tokens in long[:2]:
        for token in tokens[:10]:
            detail(world, "werkzoekende", token)
        with pytest.raises(LimitExceeded):
            detail(world, "werkzoekende", tokens[10])
        detail(world, "werkzoekende", tokens[0])


def test_vum_ids_expire_and_join_neither_lists_nor_nights(world: NightlyWorld) -> None:
    world.run()
    first = world.frame(OWNER, "vacature")
    assert first["vumID"].n_unique() == len(first)
    assert first["match"].n_unique() < len(first)
    tomorrow(world)
    world.run()
    second = world.frame(OWNER, "vacature")
    assert second["match"].to_list() == first["match"].to_list()
    assert not set(first["vumID"]) & set(second["vumID"])
    detail(world, "werkzoekende", first["vumID"][0])
    tomorrow(world, 6)
    with pytest.raises(Invalid):
        detail(world, "werkzoekende", first["vumID"][0])
    detail(world, "werkzoekende", second["vumID"][0])


# The log


def test_every_file_is_logged_with_its_hash_and_the_people_in_it(world: NightlyWorld) -> None:
    night = world.run()
    logged = {body["file"]: body for kind, body in world.entries() if kind == "nightly"}
    folder = world.nights.folder()
    found = {path: digest for path, digest in tree(folder).items() if "/matches/" in path}
    assert {path: body["sha256"] for path, body in logged.items()} == found
    with world.store.read() as connection:
        subjects = {row.pseudonym: row for row in connection.execute(select(tables.subject))}
        questions = connection.execute(select(tables.question)).all()
    listed_questions = set()
    for path, body in logged.items():
        rows = pl.read_parquet(folder / path)
        listed_questions |= set(rows["vraagID"])
        assert body["night"] == night.name
        assert body["level"] == "match"
        assert body["lists"] == rows["vraagID"].n_unique()
        assert body["sources"].keys() == {"one", "two"}
        assert sum(each["count"] for each in body["sources"].values()) == len(body["subjects"])
        named = {(subjects[each].source_id, subjects[each].record_id) for each in body["subjects"]}
        side: Side = "werkzoekende" if "/vacature/" in path else "vacature"
        party = asyncio.run(world.caller(path[:20]))
        opened = [world.handles.open(each, side, party) for each in rows["vumID"]]
        assert named == {(each.source_id, each.record_id) for each in opened if each}
    assert {row.id for row in questions} == listed_questions
    assert {row.kind for row in questions} == {"nacht"}


def test_without_a_log_nothing_is_published(world: NightlyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()
    before = tree(world.nights.folder())
    tomorrow(world)
    append, calls = world.audit.append, []

    def failing(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 5:
            raise AuditUnavailable("the audit log", "is full")
        return append(*arguments)

    monkeypatch.setattr(world.audit, "append", failing)
    with pytest.raises(AuditUnavailable):
        world.run()
    assert len(world.nights.names()) == 1
    assert tree(world.nights.folder()) == before
    monkeypatch.undo()
    world.run()
    assert len(world.nights.names()) == 2


def test_a_run_that_goes_on_logs_nothing_twice(world: NightlyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world.runner, "_seal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    logged = [body for kind, body in world.entries() if kind == "nightly"]
    assert logged
    monkeypatch.undo()
    world.run()
    assert [body for kind, body in world.entries() if kind == "nightly"] == logged


# Changes


def test_changes_tell_who_is_new_gone_or_moved_by_the_vum_ids_of_both_nights(world: NightlyWorld) -> None:
    world.run(top=20)
    before = world.frame(OWNER, "vacature")
    tomorrow(world)
    world.put("two", "werkzoekende", *(cook(f"two-new{n}") for n in range(2)))
    world.hosted.delete("two", "werkzoekende", ["two-p0"])
    world.run(top=20)
    after, changes = world.frame(OWNER, "vacature"), world.frame(OWNER, "vacature", "changes")
    party = asyncio.run(world.caller(OWNER))

    def ranks(frame: pl.DataFrame) -> dict[tuple[str, str, str], int]:
        opened = [world.handles.open(each, "werkzoekende", party) for each in frame["vumID"]]
        keys = [
            (own, each.source_id, each.record_id)
            for own, each in zip(frame["own_id"], opened, strict=True)
            if each
        ]
        return dict(zip(keys, frame["rank"], strict=True))

    old, new = ranks(before), ranks(after)
    told: dict[str, dict[tuple[str, str, str], tuple[int | None, int | None]]] = {
        "new": {},
        "gone": {},
        "moved": {},
    }
    for row in changes.iter_rows(named=True):
        handle = world.handles.open(row["vumID"] or row["vumID_before"], "werkzoekende", party)
        assert handle
        told[row["change"]][row["own_id"], handle.source_id, handle.record_id] = (
            row["rank_before"],
            row["rank"],
        )
    assert told["new"] == {key: (None, new[key]) for key in new.keys() - old.keys()}
    assert told["gone"] == {key: (old[key], None) for key in old.keys() - new.keys()}
    moved = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    assert told["moved"] == {key: (old[key], new[key]) for key in moved}
    assert all(told.values())
    counts = manifest(world.nights.folder() / OWNER)["counts"]["vacature"]["changes"]
    assert counts == {name: len(each) for name, each in told.items()}


def test_a_night_like_the_one_before_has_no_changes(world: NightlyWorld) -> None:
    world.run()
    assert not (world.nights.folder() / OWNER / "changes").exists()
    tomorrow(world)
    world.run()
    assert len(world.frame(OWNER, "vacature", "changes")) == 0


# Withdrawing


def test_a_person_that_is_withdrawn_is_gone_from_all_nights_and_the_ranks_close_up(
    world: NightlyWorld,
) -> None:
    world.run()
    tomorrow(world)
    world.run()
    nights = world.nights.names()
    rest = {}
    for night in nights:
        frame = world.frame(OWNER, "vacature", night=night)
        rest[night] = frame.filter(~opens_to(world, frame, "two-p1"))
        assert len(rest[night]) < len(frame)
    folders = [world.nights.folder(night) for night in nights]
    take(world, source_id="two", record_id="two-p1")
    for night in nights:
        frame = world.frame(OWNER, "vacature", night=night)
        assert frame.drop("rank").equals(rest[night].drop("rank"))
        for own in frame.partition_by("own_id"):
            assert own["rank"].to_list() == list(range(1, len(own) + 1))
        assert "two-p1" not in world.frame(OTHER_OWNER, "werkzoekende", night=night)["own_id"]
        for party in world.parties():
            said = manifest(world.nights.folder(night) / party)["files"]
            assert {name: each["sha256"] for name, each in said.items()} == {
                name: digest
                for name, digest in tree(world.nights.folder(night) / party).items()
                if name != "manifest.json"
            }
    # Whoever looks for the files by the paths that it had finds nothing.
    assert not any(folder.exists() for folder in folders)


def opens_to(world: NightlyWorld, frame: pl.DataFrame, record_id: str) -> pl.Series:
    party = asyncio.run(world.caller(OWNER))
    opened = [world.handles.open(each, "werkzoekende", party) for each in frame["vumID"]]
    return pl.Series([each is not None and each.record_id == record_id for each in opened], dtype=pl.Boolean)


def test_recipients_are_told_what_their_copies_must_lose(world: NightlyWorld, tmp_path: Path) -> None:
    night = world.run()
    copy(world, tmp_path / "copy")
    copied = pl.read_parquet(tmp_path / "copy" / "matches" / "vacature" / "*.parquet")
    held = copied.filter(opens_to(world, copied, "two-p1"))["vumID"]
    take(world, source_id="two", record_id="two-p1")
    (line,) = (world.nights.root / "notices" / f"{OWNER}.ndjson").read_text().splitlines()
    told = json.loads(line)
    assert set(told["vumIDs"]) == set(held)
    assert told["fetched"]
    (fetched,) = [body for kind, body in world.entries() if kind == "nightly-fetched"]
    assert fetched == {"controller": OWNER, "processor": OWNER, "night": night.name, "actor": "test"}
    (entry,) = [body for kind, body in world.entries() if kind == "nightly-withdrawn"]
    recipients = entry["nights"][night.name]
    assert recipients[OWNER]
    assert recipients[OTHER_OWNER] is None
    assert entry["subjects"]
    assert "two-p1" not in json.dumps(entry)


def test_a_party_that_is_withdrawn_has_no_folder_and_stands_in_nobodys_lists(world: NightlyWorld) -> None:
    world.run()
    take(world, oin=OTHER_OWNER)
    assert world.parties() == [OWNER]
    party = asyncio.run(world.caller(OWNER))
    for side, other in (("vacature", "werkzoekende"), ("werkzoekende", "vacature")):
        tokens = world.frame(OWNER, side)["vumID"]
        assert len(tokens)
        opened = [world.handles.open(each, cast(Side, other), party) for each in tokens]
        assert {each.source_id for each in opened if each} == {"one"}


@pytest.mark.parametrize("what", [{"source_id": "two", "record_id": "nobody"}, {"oin": "9" * 20}])
def test_withdrawing_what_there_is_not_is_refused(world: NightlyWorld, what: dict[str, str]) -> None:
    world.run()
    before = tree(world.nights.folder())
    with pytest.raises(QuestionError):
        take(world, **what)
    assert tree(world.nights.folder()) == before


@pytest.mark.parametrize("at", ["_snapshot", "_index", "_lists", "_seal"])
def test_what_is_withdrawn_while_a_night_is_made_does_not_come_out(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    during(world, monkeypatch, at, lambda: take(world, source_id="two", record_id="two-p1"))
    world.run()
    frame = world.frame(OWNER, "vacature")
    assert not opens_to(world, frame, "two-p1").any()
    assert "two-p1" not in world.frame(OTHER_OWNER, "werkzoekende")["own_id"]


def test_the_snapshot_does_not_change_under_the_run(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    during(world, monkeypatch, "_snapshot", lambda: world.put("two", "werkzoekende", cook("two-late")))
    world.run(top=20)
    assert not opens_to(world, world.frame(OWNER, "vacature"), "two-late").any()


@pytest.mark.parametrize("at", ["_snapshot", "_lists", "_seal"])
def test_who_is_deleted_while_a_night_is_made_does_not_come_out(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    during(world, monkeypatch, at, lambda: world.hosted.delete("two", "werkzoekende", ["two-p1"]))
    world.run()
    assert not opens_to(world, world.frame(OWNER, "vacature"), "two-p1").any()


def test_a_source_that_shares_no_more_while_a_night_is_made_is_left_out(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unshare() -> None:
        for scope in world.reader.current().scopes["two"]:
            if scope.side is None:
                world.administration.end_scope(scope.id)

    during(world, monkeypatch, "_lists", unshare)
    world.run()
    party = asyncio.run(world.caller(OWNER))
    opened = [
        world.handles.open(each, "werkzoekende", party) for each in world.frame(OWNER, "vacature")["vumID"]
    ]
    assert {each.source_id for each in opened if each} == {"one"}


def test_a_party_whose_admission_ends_while_a_night_is_made_gets_nothing(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    during(world, monkeypatch, "_lists", lambda: world.administration.end_party(OTHER_OWNER))
    world.run()
    assert world.parties() == [OWNER]


# Sources


def test_remote_sources_are_reported_as_not_covered_unless_they_supply_a_file(
    world: NightlyWorld, tmp_path: Path
) -> None:
    world.remote("far", "werkzoekende")
    world.source("empty", oin=OWNER)
    world.run()
    assert manifest(world.nights.folder())["not_covered"] == {"empty": "empty", "far": "remote"}
    tomorrow(world)
    lines = [json.dumps(cook(f"far-{n}", "6511AB")).encode() for n in range(3)]
    write(to_frame(lines, schema("werkzoekende")), tmp_path / "far.parquet")
    world.run(top=20, supplied=(Supplied("far", "werkzoekende", tmp_path / "far.parquet"),))
    assert manifest(world.nights.folder())["not_covered"] == {"empty": "empty"}
    frame = world.frame(OWNER, "vacature")
    found = frame.filter(opens_to(world, frame, "far-0"))
    assert len(found)
    shown = json.loads(found["match"][0])
    assert "emailadres" not in shown
    assert "idWerkzoekende" not in shown


def test_a_supplied_file_is_checked_whatever_it_says_of_itself(world: NightlyWorld, tmp_path: Path) -> None:
    world.remote("far", "werkzoekende")
    lines = [json.dumps(cook('far"1')).encode()]
    # It bears the mark of valid records, as anybody can give it.
    write([to_frame(lines, schema("werkzoekende"))], tmp_path / "far.parquet")
    with pytest.raises(RecordError):
        world.run(supplied=(Supplied("far", "werkzoekende", tmp_path / "far.parquet"),))


@pytest.mark.parametrize(("source", "found"), [("nobody", "isn't registered"), ("two", "has records here")])
def test_a_file_of_a_source_that_cannot_supply_one_is_refused(
    world: NightlyWorld, tmp_path: Path, source: str, found: str
) -> None:
    (tmp_path / "far.ndjson").write_text(json.dumps(cook("far-1")) + "\n")
    with pytest.raises(QuestionError, match=found):
        world.run(supplied=(Supplied(source, "werkzoekende", tmp_path / "far.ndjson"),))


def test_an_exchange_without_records_publishes_an_empty_night(
    sqlite_store: Store, tmp_path: Path, empty_index: Path
) -> None:
    world = NightlyWorld(sqlite_store, tmp_path / "state", empty_index)
    world.run()
    assert world.parties() == []
    assert "geen" in (world.nights.folder() / "summary.html").read_text("utf-8")


# Nights


def test_nights_are_kept_so_many_deep(world: NightlyWorld) -> None:
    for _ in range(3):
        last = world.run(keep=2).name
        tomorrow(world)
    names = world.nights.names()
    assert [name.rpartition(".")[2] for name in names] == ["3", "2"]
    assert names[0] == last
    assert world.nights.folder() == world.nights.folder(last)
    assert len(list((world.nights.root / ".versions").iterdir())) == 2
    assert not (world.nights.root / ".runs").exists()
    with pytest.raises(FileError, match="not kept"):
        world.nights.folder("2027-01-15.1")


def test_there_is_no_night_before_the_first_run(tmp_path: Path) -> None:
    assert Nights(tmp_path / "nights").names() == []
    with pytest.raises(FileError, match="no night is published"):
        Nights(tmp_path / "nights").folder()


def test_a_version_that_is_replaced_while_it_is_looked_up_gives_the_next(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    resolve, looked_up = Path.resolve, []

    def late(path: Path, strict: bool = False) -> Path:
        found = resolve(path, strict)
        looked_up.append(found)
        if len(looked_up) == 1:
            with world.nights.changing():
                shutil.copytree(found, world.folder / "next")
                world.nights.put(world.nights.names()[0], world.folder / "next")
                world.nights.clear()
        return resolve(found, strict)

    monkeypatch.setattr(Path, "resolve", late)
    folder = world.nights.folder()
    assert folder.is_dir()
    assert folder != looked_up[0]


def test_a_reader_that_polls_sees_whole_nights_only(world: NightlyWorld) -> None:
    world.run()
    seen: set[str] = set()
    problems: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            folder = world.nights.folder()
            try:
                said = manifest(folder)
                files = {f"{name}": digest for name, digest in tree(folder).items()}
                told = dict(said["files"])
                for party in {name.partition("/")[0] for name in told if "/" in name}:
                    own = manifest(folder / party)
                    told |= {f"{party}/{name}": each["sha256"] for name, each in own["files"].items()}
            except FileNotFoundError:
                if folder == world.nights.folder():
                    problems.append("a file is missing in a night that still is the newest")
                continue
            if (
                folder.exists()
                and {name: each for name, each in files.items() if name != "manifest.json"} != told
            ):
                problems.append("files that the manifests don't tell of")
            seen.add(folder.name)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    try:
        for number in range(3):
            tomorrow(world)
            world.run(keep=1)
            take(world, source_id="two", record_id=f"two-p{number}")
    finally:
        over.set()
        for each in readers:
            each.join()
    assert not problems
    assert len(seen) > 1


# One runner


def test_a_second_runner_is_refused_as_long_as_the_first_is_at_work(world: NightlyWorld) -> None:
    with Lease(world.store, world.clock).held(), pytest.raises(NightlyError, match="is at work already"):
        world.run()
    world.run()


def test_a_runner_that_was_paused_too_long_publishes_nothing(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = NightlyWorld.__new__(NightlyWorld)
    other.__dict__ |= world.__dict__

    def paused() -> None:
        # Long enough for another to take over, and to publish.
        world.clock.at += 120 * SECOND
        monkeypatch.undo()
        other.run()

    during(world, monkeypatch, "_seal", paused)
    with pytest.raises(NightlyError, match="another took over"):
        world.run()
    assert len(world.nights.names()) == 1
    with world.store.read() as connection:
        assert connection.scalar(select(tables.night.c.state)) == "published"


def test_a_run_of_long_ago_is_not_gone_on_with(world: NightlyWorld) -> None:
    stop(world)
    tomorrow(world, 2)
    assert world.run().number == 2
    with world.store.read() as connection:
        states = connection.execute(select(tables.night.c.number, tables.night.c.state)).all()
    assert sorted(map(tuple, states)) == [(1, "abandoned"), (2, "published")]


# What can go wrong


def test_a_seat_that_is_lost_leaves_the_night_before_as_it_is_and_the_run_goes_on(
    world: NightlyWorld,
) -> None:
    world.run()
    before = tree(world.nights.folder())
    tomorrow(world)

    def lost(*_: object) -> Iterator[Any]:
        raise NightlyError("the cluster", "is gone")

    with pytest.raises(NightlyError):
        world.run(cast(Seat, lost))
    assert tree(world.nights.folder()) == before
    assert world.run(in_threads(2)).number == 2


def test_a_full_disk_leaves_the_night_before_as_it_is(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    before = tree(world.nights.folder())
    tomorrow(world)
    written = []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OutputError(str(path), "can't be written: No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr("api.exchange.nightly.writing.write", full)
    with pytest.raises(OutputError, match="No space left"):
        world.run()
    assert tree(world.nights.folder()) == before
    monkeypatch.undo()
    assert world.run().number == 2


def test_damage_in_the_files_of_a_run_is_found_and_made_good(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world.runner, "_seal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    monkeypatch.undo()
    run = next((world.nights.root / ".runs").iterdir())
    whole = tree(run / "built")
    for place in ("blocks", "built", "index"):
        path = max((run / place).rglob("*.parquet"))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    world.run()
    published = tree(world.nights.folder())
    assert {name: published[name] for name in whole} == whole
