"""Hosted sources: what is stored is found, what is deleted is not, and nothing in between is ever told."""

import json
import multiprocessing
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import polars as pl
import pytest
from command import koppel
from plain_engine import small_taxonomy
from plain_select import plain_select
from sqlalchemy import func, insert, select, update
from test_select import random_collection, random_question

import api.exchange.hosted
from api.clock import DAY, SECOND, microseconds
from api.commands.opened import SIGNING_KEY, VERIFYING_KEY
from api.commands.subject import account
from api.exchange.checkpoints import create_signing_key
from api.exchange.contacts import ContactQuestion, held_contacts
from api.exchange.hosted import HostedSources
from api.exchange.records import could_be_bsn
from api.store import Store
from api.store.tables import audit_entry, party, record, record_change, source
from data.dataset import read, write
from data.errors import FileError, QuestionError, RecordError
from data.question import parse_question
from data.standard import Side, at_match_level
from engine.build import build_index
from engine.publish import publications

Json = dict[str, Any]

TODAY = date(2026, 6, 1)
NOW = microseconds(datetime(2026, 6, 1, 12))
ID: dict[Side, str] = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}
NEAR: Json = {"selectiegebied": {"postcode": "6511AB", "afstand": 50}}


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        return self.at


def profile(record_id: str, **more: Any) -> Json:
    return {"idWerkzoekende": record_id, "mobiliteit": {"bemiddelingspostcode": "6511AB"}, **more}


def vacancy(record_id: str, **more: Any) -> Json:
    return {"idVacature": record_id, "adres": {"postcode": "6511AB"}, **more}


def spelt(value: Json) -> bytes:
    """A record as its source spells it: not as we would."""
    return json.dumps(value, indent=1).encode()


@pytest.fixture
def clock() -> Time:
    return Time()


def registered(store: Store, *sources: str) -> None:
    oin = "1" * 20
    with store.write() as connection:
        admitted = {
            "oin": oin,
            "name": "x",
            "kind": "gemeente",
            "suwi": True,
            "pilot": True,
            "admitted_from": 0,
        }
        connection.execute(insert(party), admitted)
        for each in (*sources, "elsewhere"):
            url = "https://example.nl" if each == "elsewhere" else None
            about = {"id": each, "oin": oin, "processor_oin": oin, "name": each, "valid_from": 0}
            connection.execute(insert(source), about | {"hosted": url is None, "url": url})


@pytest.fixture
def hosted(store: Store, tmp_path: Path, clock: Time) -> HostedSources:
    """Two hosted sources without any record, and an index."""
    registered(store, "a", "b")
    made = HostedSources(store, tmp_path / "state" / "index", clock, small_taxonomy())
    made.prepare()
    return made


@pytest.fixture
def light(tmp_path: Path, clock: Time) -> Iterator[HostedSources]:
    """The same, in SQLite only."""
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    registered(store, "a", "b")
    made = HostedSources(store, tmp_path / "state" / "index", clock, small_taxonomy())
    made.prepare()
    yield made
    store.close()


def store_of(hosted: HostedSources) -> Store:
    return hosted._store


def another(hosted: HostedSources) -> HostedSources:
    """What another worker has."""
    return HostedSources(hosted._store, hosted._root, hosted._clock, small_taxonomy())


def put(
    hosted: HostedSources, source_id: str, *records: Json, side: Side = "werkzoekende", **options: Any
) -> None:
    for each in records:
        hosted.put(source_id, side, each[ID[side]], spelt(each), each, **options)


def found(
    hosted: HostedSources, sources: Sequence[str] = ("a", "b"), limit: int = 100, side: Side = "werkzoekende"
) -> tuple[list[tuple[str, str]], bool]:
    matches = hosted.matches(parse_question(NEAR, side), sources, limit)
    return [(each.source_id, each.record_id) for each in matches.found], matches.more


def lines(path: Path, records: Sequence[Json]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


# -- what is stored and told


def test_a_record_is_found_by_every_worker_as_soon_as_it_is_put_and_never_once_it_is_deleted(
    hosted: HostedSources,
) -> None:
    other = another(hosted)
    assert found(other) == ([], False)
    put(hosted, "a", profile("1"), profile("2"))
    put(hosted, "b", profile("1"))
    for worker in (hosted, other):
        assert found(worker) == ([("a", "1"), ("a", "2"), ("b", "1")], False)
        assert found(worker, ["b"]) == ([("b", "1")], False)
        assert found(worker, []) == ([], False)
        assert found(worker, limit=1) == ([("a", "1"), ("b", "1")], True)
    assert hosted.delete("a", "werkzoekende", ["1", "3"]) == 1
    for worker in (hosted, other):
        assert found(worker) == ([("a", "2"), ("b", "1")], False)
        assert worker.body("a", "werkzoekende", "1") is None


def test_a_match_shows_the_match_level_without_ids_and_the_body_is_as_it_was_supplied(
    hosted: HostedSources,
) -> None:
    person = profile("1", emailadres=["x@example.org"], sector=[], persoonlijkePresentatie="café")
    put(hosted, "a", person)
    shown = hosted.matches(parse_question(NEAR, "werkzoekende"), ["a"], 9).found[0].shown
    assert shown == b'{"mobiliteit":{"bemiddelingspostcode":"6511AB"},"sector":[]}'
    assert hosted.body("a", "werkzoekende", "1") == spelt(person)
    assert hosted.body("b", "werkzoekende", "1") is None
    assert hosted.body("a", "vacature", "1") is None


def test_a_record_that_is_put_again_takes_the_place_of_the_first(hosted: HostedSources) -> None:
    put(hosted, "a", profile("1"))
    moved = profile("1", mobiliteit={"bemiddelingspostcode": "9711KL"})
    put(hosted, "a", moved)
    assert found(hosted) == ([], False)
    assert hosted.body("a", "werkzoekende", "1") == spelt(moved)


def test_who_is_restricted_or_has_expired_is_in_no_answer_and_leaves_no_trace_in_it(
    hosted: HostedSources, clock: Time
) -> None:
    put(hosted, "a", profile("1"), profile("4"))
    put(hosted, "a", profile("2"), expires_at=NOW + DAY)
    put(hosted, "a", profile("3"), expires_at=NOW + 2 * DAY)
    other = another(hosted)
    assert found(other, limit=3) == ([("a", "1"), ("a", "2"), ("a", "3")], True)
    hosted.restrict("a", "werkzoekende", ["1", "unheard-of"])
    assert found(other, limit=3) == ([("a", "2"), ("a", "3"), ("a", "4")], False)
    clock.at = NOW + DAY
    assert found(other, limit=2) == ([("a", "3"), ("a", "4")], False)
    assert hosted.body("a", "werkzoekende", "1") is None
    assert hosted.body("a", "werkzoekende", "2") is None
    clock.at = NOW + 2 * DAY
    assert found(other, limit=1) == ([("a", "4")], False)
    put(hosted, "a", profile("1"))
    assert found(other) == ([("a", "4")], False)
    hosted.rebuild()
    assert found(other) == ([("a", "4")], False)


@pytest.mark.parametrize("how", ["delete", "replace"])
def test_who_is_restricted_stays_so_when_the_record_is_deleted_and_put_anew(
    light: HostedSources, clock: Time, tmp_path: Path, how: str
) -> None:
    put(light, "a", profile("1"), profile("2"))
    light.restrict("a", "werkzoekende", ["1"])
    clock.at += 1
    if how == "delete":
        assert light.delete("a", "werkzoekende", ["1", "2"]) == 2
        assert light.delete("a", "werkzoekende", ["1", "2"]) == 0
    else:
        others = lines(tmp_path / "x.ndjson", [profile("3")])
        assert light.load("a", "werkzoekende", others, replace=True).deleted == 2
    put(light, "a", profile("1"), profile("2"))
    assert light.body("a", "werkzoekende", "1") is None
    assert ("a", "1") not in found(light)[0]
    light.erase("a", "werkzoekende", ["1"])
    put(light, "a", profile("1"))
    assert light.body("a", "werkzoekende", "1") is not None


def test_a_record_that_vanished_from_the_store_alone_is_not_told_even_if_the_index_can_not_be_written(
    light: HostedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(light, "a", profile("1"), profile("2"))
    monkeypatch.setattr(light, "_publish", lambda keys: None)
    with store_of(light).write() as connection:
        connection.execute(record.delete().where(record.c.id == "1"))
    assert found(light) == ([("a", "2")], False)


def test_what_may_be_shown_is_told_by_key_and_the_index_is_told_of_the_rest(hosted: HostedSources) -> None:
    put(hosted, "a", profile("1"), profile("2"))
    with store_of(hosted).write() as connection:
        connection.execute(record.delete().where(record.c.id == "1"))
    told = hosted.shown("werkzoekende", [("a", "2"), ("a", "1"), ("b", "2")])
    assert told == [b'{"mobiliteit":{"bemiddelingspostcode":"6511AB"}}', None, None]
    assert hosted.index().profiles.find("1", "a") is None
    assert hosted.index().profiles.find("2", "a") is not None


def test_a_vacancy_is_answered_up_to_and_including_its_closing_day_in_the_netherlands(
    hosted: HostedSources, clock: Time
) -> None:
    closing = vacancy("1", sluitingsdatumVacature="2026-06-02")
    put(hosted, "a", closing, vacancy("2"), side="vacature")
    evening = microseconds(datetime(2026, 6, 2, 21, 59, tzinfo=UTC))
    for moment, there in ((NOW, True), (evening, True), (evening + 60 * SECOND, False)):
        clock.at = moment
        assert found(hosted, side="vacature")[0] == [("a", "1")] * there + [("a", "2")]
        assert (hosted.body("a", "vacature", "1") is not None) == there


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["werkzoekende", "vacature"])
def test_answers_equal_the_plain_evaluator_after_any_changes_and_rebuilds(
    light: HostedSources, seed: int, side: Side
) -> None:
    chance = random.Random(seed)
    there: dict[tuple[str, str], Json] = {}
    workers = [light, another(light)]
    for _ in range(12):
        worker = chance.choice(workers)
        match chance.choice(("put", "put", "delete", "rebuild")):
            case "put":
                for each in random_collection(chance, side, 3):
                    holder = chance.choice(("a", "b"))
                    if there and chance.random() < 0.3:
                        holder, each[ID[side]] = chance.choice(sorted(there))
                    put(worker, holder, each, side=side)
                    there[holder, each[ID[side]]] = each
            case "delete" if there:
                key = chance.choice(sorted(there))
                worker.delete(key[0], side, [key[1]])
                del there[key]
            case _:
                worker.rebuild()
        for _ in range(8):
            question, limit = random_question(chance, side), chance.choice((1, 2, 100))
            asked = chance.choice((["a"], ["b"], ["a", "b"]))
            matches = chance.choice(workers).matches(parse_question(question, side), asked, limit)
            expected: set[tuple[str, str, bytes]] = set()
            more = False
            for holder in asked:
                own = [each for key, each in there.items() if key[0] == holder]
                chosen = plain_select(question, side, own, TODAY)
                more = more or len(chosen) > limit
                expected |= {(holder, name, shown(there[holder, name], side)) for _, name in chosen[:limit]}
            assert {(each.source_id, each.record_id, each.shown) for each in matches.found} == expected
            assert matches.more == more


def shown(value: Json, side: Side) -> bytes:
    return json.dumps(at_match_level(value, side), separators=(",", ":"), ensure_ascii=False).encode()


# -- what is refused


@pytest.mark.parametrize(
    ("record_id", "could_be"),
    [
        ("111222333", True),
        ("123456782", True),
        ("000000000", True),
        ("123456789", False),
        ("12345678", False),
        ("1112223330", False),
        ("11122233a", False),
        ("¹11222333", False),
        ("", False),
    ],
)
def test_nine_digits_that_pass_the_eleven_test_could_be_a_bsn(record_id: str, could_be: bool) -> None:
    assert could_be_bsn(record_id) == could_be


def test_an_id_that_could_be_a_bsn_is_refused_until_the_source_declares_that_it_is_none(
    hosted: HostedSources, tmp_path: Path
) -> None:
    file = lines(tmp_path / "records.ndjson", [profile("1"), profile("111222333"), profile("2")])
    with pytest.raises(RecordError) as refused:
        put(hosted, "a", profile("111222333"))
    assert "111222333" not in str(refused.value)
    with pytest.raises(RecordError, match=r"eleven-test.*koppel source declare-no-bsn") as refused:
        hosted.load("a", "werkzoekende", file)
    assert refused.value.subject == f"{file}, record 2, $.idWerkzoekende"
    assert "111222333" not in str(refused.value)
    assert found(hosted)[0] == []
    loaded = hosted.load("a", "werkzoekende", file, on_error="skip")
    assert (loaded.stored, loaded.rejected) == (2, 1)
    with store_of(hosted).write() as connection:
        declared = update(source).where(source.c.id == "a")
        connection.execute(declared.values(bsn_declaration="They are none.", bsn_declared_at=NOW))
    put(hosted, "a", profile("111222333"))
    assert found(hosted)[0] == [("a", "1"), ("a", "111222333"), ("a", "2")]
    with pytest.raises(RecordError):
        put(hosted, "b", profile("111222333"))


def test_of_an_id_that_could_be_a_bsn_the_rejects_tell_which_record_it_is_of_and_nothing_that_it_says(
    light: HostedSources, tmp_path: Path
) -> None:
    numbered, blank = ({**profile("1"), "idWerkzoekende": each} for each in (111222333, " 111222333 "))
    wrong = [profile("111222333"), profile("123456782", sector="x"), numbered, blank]
    people = [profile("1"), *wrong, profile("1")]
    file, rejects = lines(tmp_path / "records.ndjson", people), tmp_path / "rejects.ndjson"
    loaded = light.load("a", "werkzoekende", file, on_error="skip", rejects=rejects)
    assert (loaded.stored, loaded.rejected) == (1, 5)
    *refused, again = (json.loads(line) for line in rejects.read_text("utf-8").splitlines())
    for number, each in enumerate(refused, start=2):
        assert each.keys() == {"number", "path", "found", "allowed"}
        assert (each["number"], each["path"]) == (number, "$.idWerkzoekende")
        assert "eleven-test" in each["found"]
    assert again["record"] == profile("1")
    assert "111222333" not in rejects.read_text("utf-8")


@pytest.mark.parametrize("source_id", ["elsewhere", "unheard-of"])
def test_only_a_source_that_is_hosted_here_holds_records(
    light: HostedSources, tmp_path: Path, source_id: str
) -> None:
    with pytest.raises(QuestionError, match="no source of this id is hosted here"):
        put(light, source_id, profile("1"))
    with pytest.raises(QuestionError, match="no source of this id is hosted here"):
        light.load(source_id, "werkzoekende", lines(tmp_path / "x.ndjson", [profile("1")]))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (profile("2"), r"\$\.idWerkzoekende: another id"),
        ({"mobiliteit": {"bemiddelingspostcode": "6511AB"}}, r"\$\.idWerkzoekende"),
        (profile("1", sector="x"), r"\$\.sector"),
        (profile("1", more=1), r"\$\.more"),
        ([], r"\$"),
        (None, r"\$"),
    ],
)
def test_what_is_no_record_with_its_id_is_refused(light: HostedSources, value: Any, place: str) -> None:
    with pytest.raises(RecordError, match=f"record 1, {place}"):
        light.put("a", "werkzoekende", "1", json.dumps(value).encode(), value)
    assert found(light) == ([], False)


# -- loading


def test_a_file_is_loaded_with_each_record_as_it_is_spelt(hosted: HostedSources, tmp_path: Path) -> None:
    people = [profile(str(number), sector=[], persoonlijkePresentatie="é") for number in range(20)]
    path = tmp_path / "records.json"
    path.write_bytes(b"[\n" + b",".join(map(spelt, people)) + b"]")
    loaded = hosted.load("a", "werkzoekende", path)
    assert (loaded.stored, loaded.rejected, loaded.deleted, loaded.rebuilt) == (20, 0, 0, False)
    assert len(found(hosted)[0]) == 20
    assert hosted.body("a", "werkzoekende", "7") == spelt(people[7])


def test_parquet_is_loaded_too(light: HostedSources, tmp_path: Path) -> None:
    path = lines(tmp_path / "records.ndjson", [profile("1"), profile("2")])
    write([read(path).frame], tmp_path / "records.parquet")
    assert light.load("a", "werkzoekende", tmp_path / "records.parquet").stored == 2
    assert found(light)[0] == [("a", "1"), ("a", "2")]


def test_a_parquet_file_that_says_it_was_checked_is_not_believed(
    light: HostedSources, tmp_path: Path
) -> None:
    good = read(lines(tmp_path / "x.ndjson", [profile("1")]), "werkzoekende").frame
    write(good.with_columns(pl.lit("é/..").alias("idWerkzoekende")), tmp_path / "x.parquet")
    with pytest.raises(RecordError, match="idWerkzoekende"):
        light.load("a", "werkzoekende", tmp_path / "x.parquet")


def test_replacing_deletes_what_the_file_lacks_of_this_side_of_this_source(
    light: HostedSources, tmp_path: Path, clock: Time
) -> None:
    put(light, "a", profile("1"), profile("2"))
    put(light, "b", profile("1"))
    put(light, "a", vacancy("1"), side="vacature")
    clock.at += 1
    loaded = light.load(
        "a", "werkzoekende", lines(tmp_path / "x.ndjson", [profile("2"), profile("3")]), replace=True
    )
    assert (loaded.stored, loaded.deleted) == (2, 1)
    assert found(light)[0] == [("a", "2"), ("a", "3"), ("b", "1")]
    assert found(light, side="vacature")[0] == [("a", "1")]


def test_a_load_that_is_broken_off_is_finished_by_loading_again(light: HostedSources, tmp_path: Path) -> None:
    good = [profile(str(number)) for number in range(1, 2500)]
    path = lines(tmp_path / "x.ndjson", [*good, profile("0", sector="x")])
    with pytest.raises(RecordError):
        light.load("a", "werkzoekende", path)
    assert light.load("a", "werkzoekende", lines(path, good)).stored == len(good)
    assert found(light, limit=3000) == (sorted(("a", each["idWerkzoekende"]) for each in good), False)


def test_many_changes_are_taken_in_by_a_new_index(
    light: HostedSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.exchange.hosted, "MOST_CHANGES", 10)
    before = publications(light._root)[0].number
    loaded = light.load(
        "a", "werkzoekende", lines(tmp_path / "x.ndjson", [profile(str(number)) for number in range(11)])
    )
    assert loaded.rebuilt
    assert publications(light._root)[0].number == before + 1
    assert len(found(light)[0]) == 11
    with store_of(light).read() as connection:
        assert connection.scalar(select(func.count()).select_from(record_change)) == 0


def test_a_change_that_its_author_left_unfinished_is_taken_in_by_whoever_looks_next(
    light: HostedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(light, "take_in", lambda: True)
        put(light, "a", profile("1"))
    worker = another(light)
    worker.take_in()
    assert found(worker)[0] == [("a", "1")]


# -- a new index


def test_what_changes_while_an_index_is_built_counts_in_it(
    light: HostedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(light, "a", profile("1"), profile("2"))
    building, changed = Event(), Event()

    def slowly(*arguments: Any, **options: Any) -> Any:
        building.set()
        assert changed.wait(30)
        return build_index(*arguments, **options)

    monkeypatch.setattr("api.exchange.hosted.build_index", slowly)
    rebuilding = Thread(target=light.rebuild)
    rebuilding.start()
    assert building.wait(30)
    worker = another(light)
    worker.delete("a", "werkzoekende", ["1"])
    put(worker, "a", profile("3"))
    assert found(worker)[0] == [("a", "2"), ("a", "3")]
    changed.set()
    rebuilding.join()
    for each in (light, worker, another(light)):
        assert found(each)[0] == [("a", "2"), ("a", "3")]


def test_a_new_index_holds_nothing_of_who_was_deleted(light: HostedSources) -> None:
    put(light, "a", profile("gone-for-good"))
    light.delete("a", "werkzoekende", ["gone-for-good"])
    light.rebuild()
    assert len(publications(light._root)) == 1
    files = [path for path in light._root.parent.rglob("*") if path.is_file()]
    assert not [path.name for path in files if b"gone-for-good" in path.read_bytes()]


def test_what_one_that_was_killed_left_of_the_records_goes_with_the_next_index(light: HostedSources) -> None:
    left = light._root.with_name("index.records")
    left.mkdir()
    (left / "werkzoekende-7.ndjson").write_bytes(spelt(profile("left")))
    put(light, "a", profile("p1"))
    light.rebuild()
    assert not left.exists()
    assert found(light)[0] == [("a", "p1")]


def test_on_a_new_day_one_worker_builds_an_index_of_that_day_for_all(
    light: HostedSources, clock: Time
) -> None:
    put(light, "a", profile("p1"))
    other, day = another(light), light.index().as_of
    assert not light.roll_over()
    clock.at += DAY
    assert [light.roll_over(), other.roll_over()] == [True, False]
    assert light.index().as_of == other.index().as_of == day + timedelta(days=1)
    assert found(other)[0] == [("a", "p1")]


def test_what_only_a_detail_shows_never_reaches_the_index(light: HostedSources) -> None:
    put(light, "a", profile("1", persoonlijkePresentatie="a-secret", emailadres=["a-secret@example.org"]))
    files = [path for path in light._root.rglob("*") if path.is_file()]
    assert files
    assert not [path.name for path in files if b"a-secret" in path.read_bytes()]


def test_without_an_index_there_is_an_error_and_no_answer(tmp_path: Path, clock: Time) -> None:
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    with pytest.raises(FileError, match="no index is here"):
        found(HostedSources(store, tmp_path / "index", clock))
    store.close()


def _change(url: str, root: Path, first: int) -> None:
    store = Store(url)
    worker = HostedSources(store, root, Time(), small_taxonomy())
    for number in range(first, first + 10):
        put(worker, "a", profile("shared", indicatieBeschikbaarheidContactgegevens=1 + number % 2))
        put(worker, "a", profile(str(number)))
        worker.delete("a", "werkzoekende", ["shared"])
    store.close()


@pytest.mark.parametrize("damaged", ["*/manifest.json", "CURRENT"])
def test_an_index_that_can_not_be_opened_is_built_anew(light: HostedSources, damaged: str) -> None:
    put(light, "a", profile("1"), profile("2"))
    light.delete("a", "werkzoekende", ["2"])
    next(light._root.glob(damaged)).write_bytes(b"{}")
    worker = another(light)
    with pytest.raises(FileError):
        found(worker)
    worker.prepare()
    for each in (worker, light):
        assert found(each) == ([("a", "1")], False)


def test_of_two_who_publish_a_record_the_later_one_has_the_last_word(
    light: HostedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(light, "a", profile("1"))
    early, late = another(light), another(light)
    has_read, goes_on = Event(), Event()
    read_shown = early._shown

    def slowly(*asked: Any) -> Any:
        found = read_shown(*asked)
        has_read.set()
        assert goes_on.wait(30)
        return found

    monkeypatch.setattr(early, "_shown", slowly)
    putting = Thread(target=put, args=(early, "a", profile("1", sector=[])))
    putting.start()
    assert has_read.wait(30)
    deleting = Thread(target=late.delete, args=("a", "werkzoekende", ["1"]))
    deleting.start()
    deleting.join(0.5)
    goes_on.set()
    for each in (putting, deleting):
        each.join()
    assert light.index().profiles.find("1", "a") is None


def test_processes_that_change_records_at_the_same_time_leave_an_index_of_what_is_stored(
    light: HostedSources,
) -> None:
    url = str(store_of(light).url)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_change, args=(url, light._root, first)) for first in (100, 200, 300)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
        assert each.exitcode == 0
    expected = sorted(("a", str(first + number)) for first in (100, 200, 300) for number in range(10))
    assert found(light) == (expected, False)
    light.rebuild()
    assert found(light) == (expected, False)


def test_many_deletions_at_a_time_are_taken_in_by_a_new_index(
    light: HostedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.exchange.hosted.MOST_CHANGES", 3)
    put(light, "a", *(profile(f"{number}") for number in range(1, 6)))
    assert light.delete("a", "werkzoekende", ["1", "2", "3", "4"]) == 4
    assert len(light.index().profiles) == 1


# -- contacts with employers


def contact(datum: str, **more: Any) -> Json:
    return {"datum": datum, "werkgever": {"nummerKvk": "12345678", "handelsnaamOrganisatie": "Café"}, **more}


def held(hosted: HostedSources, source_id: str) -> list[bytes]:
    with store_of(hosted).read() as connection:
        asked = ContactQuestion("12345678", None, ())
        return list(held_contacts(connection, asked, source_id, at=NOW, limit=10))


@pytest.mark.parametrize("name", ["x.ndjson", "x.json"])
def test_contacts_of_a_file_take_the_place_of_those_before_each_as_it_is_spelt(
    light: HostedSources, tmp_path: Path, name: str
) -> None:
    for source_id in ("a", "b"):
        light.load_contacts(source_id, lines(tmp_path / "before.ndjson", [contact("2026-01-01")]))
    given = [contact("2026-02-01"), contact("2026-03-01", codeSoort=1)]
    spelt = [json.dumps(each) for each in given]
    (tmp_path / name).write_text("\n".join(spelt) if name == "x.ndjson" else f"[{', '.join(spelt)}]")
    assert light.load_contacts("a", tmp_path / name) == 2
    assert held(light, "a") == [each.encode() for each in reversed(spelt)]
    assert held(light, "b") == [json.dumps(contact("2026-01-01")).encode()]


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ('{"datum": "2026-02-30", "werkgever": {"nummerKvk": "12345678"}}', "datum"),
        ('{"datum": "2026-02-01"}', "werkgever"),
        ('{"datum": "2026-02-01", "werkgever": {"nummerKvk": "1"}}', "nummerKvk"),
        ('{"datum": "2026-02-01", "werkgever": {"nummerKvk": "12345678"}, "bsn": "1"}', "bsn"),
        ('{"datum": "2026-02-01", "datum": "2026-02-02", "werkgever": {"nummerKvk": "12345678"}}', "once"),
    ],
)
def test_where_one_contact_is_bad_none_is_stored_and_it_is_not_quoted(
    light: HostedSources, tmp_path: Path, bad: str, place: str
) -> None:
    light.load_contacts("a", lines(tmp_path / "x.ndjson", [contact("2026-01-01")]))
    (tmp_path / "x.ndjson").write_text(f"{json.dumps(contact('2026-02-01'))}\n{bad}\n")
    with pytest.raises(RecordError, match=f"contact 2.*{place}") as refused:
        light.load_contacts("a", tmp_path / "x.ndjson")
    assert "2026-02-01" not in str(refused.value)
    assert held(light, "a") == [json.dumps(contact("2026-01-01")).encode()]


def test_contacts_are_held_by_a_source_that_is_hosted_here(light: HostedSources, tmp_path: Path) -> None:
    given = lines(tmp_path / "x.ndjson", [contact("2026-01-01")])
    for source_id in ("elsewhere", "nowhere"):
        with pytest.raises(QuestionError):
            light.load_contacts(source_id, given)


# -- commands


def test_a_source_is_loaded_and_indexed_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("KOPPEL_STATE", str(state))
    store = Store(f"sqlite:///{state / 'koppel.db'}")
    store.migrate()
    create_signing_key(state / SIGNING_KEY, state / VERIFYING_KEY)
    registered(store, "a")
    people = lines(tmp_path / "x.ndjson", [profile("1"), profile("111222333")])
    refused = koppel("source", "load", "a", people, "--side", "werkzoekende")
    assert (refused.code, "eleven-test" in refused.told()) == (1, True)
    loaded = koppel("source", "load", "a", people, "--side", "werkzoekende", "--on-error", "skip")
    assert (loaded.code, loaded.out) == (0, "")
    assert "1 records skipped" in loaded.err
    assert "Source a: 1 records stored." in loaded.err
    built = koppel("source", "index")
    assert "1 profiles, 0 vacancies" in built.err
    assert found(HostedSources(store, state / "index", Time()))[0] == [("a", "1")]
    assert koppel("source", "load", "a", people, "--side", "x").code == 2
    with store.read() as connection:
        before = connection.scalar(select(func.count()).select_from(audit_entry))
    assert koppel("source", "load", "b", people, "--side", "werkzoekende").code == 4
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(audit_entry)) == before
    contacts = lines(tmp_path / "contacts.ndjson", [contact("2026-01-01")])
    asked = ("source", "load", "a", contacts, "--side", "werkgeverscontactmoment")
    assert koppel(*asked, "--on-error", "skip").code == 2
    assert "Source a: 1 contacts stored." in koppel(*asked).err
    with store.read() as connection:
        logged = connection.execute(select(audit_entry.c.kind, audit_entry.c.body)).all()
    assert {kind for kind, _ in logged} == {"records"}
    assert json.loads(logged[-1].body) == {
        "actor": account(),
        "source": "a",
        "side": "werkgeverscontactmoment",
    }
    store.close()
