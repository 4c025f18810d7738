"""A person's rights, and whose data a party has seen."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from logs import ASKER, MIDNIGHT, PROCESSOR, QUESTION, Clock, audit_in, checked, rows_of, show
from sqlalchemy import ColumnElement, delete, insert, select, update

from api.clock import DAY, SECOND, spelled
from api.exchange.answering import Match, log_subjects
from api.exchange.audit import Audit
from api.exchange.breach import Seen, breach
from api.exchange.hosted import HostedSources
from api.exchange.subjects import SubjectError, erase, export, restrict
from api.exchange.trace import Trace, traced
from api.store import Store, tables
from data.standard import Side

SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")
OTHER = "00000001000000000009"
PERSON = {
    "idWerkzoekende": "4711",
    "emailadres": ["anna@example.nl"],
    "mobiliteit": {"bemiddelingspostcode": "3511AB"},
}


class Holder:
    """Holds records in the store alone."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def delete(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        raise NotImplementedError

    def erase(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        with self.store.write() as connection:
            connection.execute(delete(tables.record).where(self._of(source_id, side, ids)))

    def restrict(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
        with self.store.write() as connection:
            connection.execute(
                update(tables.record).where(self._of(source_id, side, ids)).values(restricted=True)
            )

    def _of(self, source_id: str, side: Side, ids: Sequence[str]) -> ColumnElement[bool]:
        columns = tables.record.c
        return (columns.source_id == source_id) & (columns.side == side) & columns.id.in_(ids)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit(store: Store, tmp_path: Path, clock: Clock) -> Audit:
    """A log that tells that Anna (4711) and Bert (4712) were shown to two parties."""
    with store.write() as connection:
        connection.execute(
            insert(tables.party).values(
                oin=ASKER, name="Gemeente", kind="gemeente", suwi=True, pilot=True, admitted_from=1
            )
        )
        connection.execute(
            insert(tables.record),
            [
                {
                    "source_id": source_id,
                    "side": "werkzoekende",
                    "id": name,
                    "body": json.dumps(PERSON | {"idWerkzoekende": name}).encode(),
                    "shown": b"{}",
                    "stored_at": MIDNIGHT,
                    "expires_at": None,
                    "restricted": False,
                }
                for source_id, name in (("utrecht", "4711"), ("utrecht", "4712"), ("elders", "4711"))
            ],
        )
    audit = audit_in(store, tmp_path, clock)
    show(audit, ["4711", "4712"])
    show(audit, ["4711"], "detail")
    show(audit, ["4712"], controller=OTHER)
    show(audit, ["4711"], side="vacature")
    return audit


def held(store: Store) -> list[tuple[str, str, bool]]:
    with store.read() as connection:
        found = connection.execute(select(tables.record).order_by("source_id", "id"))
        return [(row.source_id, row.id, row.restricted) for row in found]


def named(store: Store) -> list[tuple[str, str]]:
    """Whom the log can name."""
    with store.read() as connection:
        found = connection.execute(select(tables.subject).order_by("side", "record_id"))
        return [(row.side, row.record_id) for row in found]


def test_a_person_is_told_all_that_is_held_and_who_saw_it(store: Store, audit: Audit) -> None:
    told = export(store, audit, "utrecht", "4711", "admin", "werkzoekende")
    assert [told["source"], told["id"]] == ["utrecht", "4711"]
    (record,) = told["records"]
    assert (record["record"], record["side"], record["restricted"]) == (PERSON, "werkzoekende", False)
    assert record["stored_at"] == spelled(MIDNIGHT)
    (as_person,) = told["log"]
    assert as_person["side"] == "werkzoekende"
    assert [each["kind"] for each in as_person["entries"]] == ["matches", "detail", "subject-export"]
    _, detail, exported = as_person["entries"]
    assert detail["level"] == "detail"
    assert detail["question"] == QUESTION
    assert detail["controller"] == {"oin": ASKER, "name": "Gemeente"}
    assert detail["processor"] == {"oin": PROCESSOR, "name": None}
    assert exported["actor"] == "admin"


def test_a_caller_gets_into_nobodys_log_by_the_trace_that_it_names(store: Store, audit: Audit) -> None:
    (pseudonym,) = show(audit, ["4711"])
    before = export(store, audit, "utrecht", "4711", "admin", "werkzoekende")["log"][0]["entries"]
    with traced(Trace(pseudonym, "1" * 16)):
        show(audit, ["4712"])
    (told,) = export(store, audit, "utrecht", "4711", "admin", "werkzoekende")["log"]
    assert [each["kind"] for each in told["entries"]] == [
        *(each["kind"] for each in before),
        "subject-export",
    ]


def test_of_a_record_that_is_elsewhere_the_log_alone_is_told(store: Store, audit: Audit) -> None:
    with store.write() as connection:
        connection.execute(delete(tables.record))
    told = export(store, audit, "utrecht", "4712", "admin")
    assert told["records"] == []
    assert [each["controller"]["oin"] for each in told["log"][0]["entries"][:2]] == [ASKER, OTHER]


def test_a_restricted_record_stays_and_is_marked(store: Store, audit: Audit) -> None:
    restrict(audit, Holder(store), "utrecht", "4711", "admin", "werkzoekende")
    assert held(store) == [("elders", "4711", False), ("utrecht", "4711", True), ("utrecht", "4712", False)]
    assert rows_of(store)[-1][2] == b"subject-restrict"


def test_a_record_that_is_elsewhere_is_not_said_to_be_restricted(store: Store, audit: Audit) -> None:
    with store.write() as connection:
        connection.execute(delete(tables.record))
    before = len(rows_of(store))
    with pytest.raises(SubjectError, match="source restrict it"):
        restrict(audit, Holder(store), "utrecht", "4711", "admin", "werkzoekende")
    assert len(rows_of(store)) == before


def test_who_is_erased_is_gone_and_the_log_is_whole_and_nameless(
    store: Store, audit: Audit, tmp_path: Path
) -> None:
    before = rows_of(store)
    erase(audit, Holder(store), "utrecht", "4711", "admin", "werkzoekende")
    assert held(store) == [("elders", "4711", False), ("utrecht", "4712", False)]
    assert named(store) == [("vacature", "4711"), ("werkzoekende", "4712")]
    after = rows_of(store)
    assert after[: len(before)] == before
    # Pseudonyms are random digits and letters: without its quotes the id stands in one now and then.
    assert all(b'"4711"' not in row[3] for row in after)
    assert checked(store, tmp_path).problems == ()
    with pytest.raises(SubjectError):
        export(store, audit, "utrecht", "4711", "admin", "werkzoekende")


@pytest.mark.parametrize("what", ["export", "restrict", "erase"])
def test_an_id_that_a_profile_and_a_vacancy_have_is_nobodys_until_the_side_is_told(
    store: Store, audit: Audit, what: str
) -> None:
    before = (held(store), named(store), rows_of(store))
    serve: dict[str, Callable[..., object]] = {
        "export": partial(export, store, audit),
        "restrict": partial(restrict, audit, Holder(store)),
        "erase": partial(erase, audit, Holder(store)),
    }
    with pytest.raises(SubjectError, match="Say whose, by --side"):
        serve[what]("utrecht", "4711", "admin")
    assert (held(store), named(store), rows_of(store)) == before
    # Where only one has the id, nobody needs to say.
    assert export(store, audit, "utrecht", "4712", "admin")["records"][0]["side"] == "werkzoekende"
    with pytest.raises(SubjectError, match="nothing is held"):
        export(store, audit, "utrecht", "4712", "admin", "vacature")


def test_of_the_vacancy_with_the_id_of_a_profile_only_its_own_is_erased(store: Store, audit: Audit) -> None:
    erase(audit, Holder(store), "utrecht", "4711", "admin", "vacature")
    assert ("utrecht", "4711", False) in held(store)
    assert named(store) == [("werkzoekende", "4711"), ("werkzoekende", "4712")]
    assert export(store, audit, "utrecht", "4711", "admin")["records"][0]["side"] == "werkzoekende"


def test_an_answer_under_way_gives_nobody_a_name_again_that_was_erased(
    store: Store, audit: Audit, tmp_path: Path
) -> None:
    with store.write() as connection:
        for source_id, url in (("utrecht", None), ("elders", "https://bron.example/")):
            connection.execute(
                insert(tables.source).values(
                    id=source_id,
                    oin=ASKER,
                    processor_oin=ASKER,
                    name=source_id,
                    hosted=url is None,
                    url=url,
                    valid_from=1,
                )
            )
    erase(audit, Holder(store), "utrecht", "4712", "admin")
    # Found before that, logged after it.
    found = [Match("utrecht", "4712", b""), Match("utrecht", "4711", b""), Match("elders", "ver", b"")]
    with audit.write() as connection:
        counts, (erased, again, elsewhere) = log_subjects(audit, connection, "werkzoekende", found)
        audit.append(connection, "matches", {"subjects": [erased, again, elsewhere]})
    assert counts == {"utrecht": 2, "elders": 1}
    assert len({erased, again, elsewhere}) == 3
    assert named(store) == [("vacature", "4711"), ("werkzoekende", "4711"), ("werkzoekende", "ver")]
    with store.read() as connection:
        kept = set(connection.scalars(select(tables.subject.c.pseudonym)))
    assert (erased in kept, {again, elsewhere} <= kept) == (False, True)
    with pytest.raises(SubjectError, match="nothing is held"):
        export(store, audit, "utrecht", "4712", "admin")
    assert checked(store, tmp_path).problems == ()


def test_an_erasure_that_was_broken_off_can_be_done_again(store: Store, audit: Audit) -> None:
    class Broken(Holder):
        def erase(self, source_id: str, side: Side, ids: Sequence[str], /) -> None:
            super().erase(source_id, side, ids)
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        erase(audit, Broken(store), "utrecht", "4711", "admin", "werkzoekende")
    erase(audit, Holder(store), "utrecht", "4711", "admin", "werkzoekende")
    with pytest.raises(SubjectError):
        erase(audit, Holder(store), "utrecht", "4711", "admin", "werkzoekende")


def test_of_nobody_nothing_is_told_or_logged(store: Store, audit: Audit) -> None:
    before = len(rows_of(store))
    for source_id, name in (("utrecht", "4713"), ("nowhere", "4711"), ("utrecht", "471")):
        with pytest.raises(SubjectError):
            export(store, audit, source_id, name, "admin")
        with pytest.raises(SubjectError):
            erase(audit, Holder(store), source_id, name, "admin")
        with pytest.raises(SubjectError):
            restrict(audit, Holder(store), source_id, name, "admin")
    assert len(rows_of(store)) == before


def test_hosted_records_are_left_out_and_erased_from_the_disk(store: Store, tmp_path: Path) -> None:
    # As that of a server, which runs on: the last to close a file of SQLite would take its journal away.
    running = Store(store.url.render_as_string(hide_password=False))
    running.check()
    with store.write() as connection:
        connection.execute(
            insert(tables.party).values(
                oin=ASKER, name="Gemeente", kind="gemeente", suwi=True, pilot=True, admitted_from=1
            )
        )
        connection.execute(
            insert(tables.source).values(
                id="utrecht", oin=ASKER, processor_oin=ASKER, name="Utrecht", hosted=True, valid_from=1
            )
        )
    clock = Clock()
    hosted, audit = HostedSources(store, tmp_path / "index", clock), audit_in(store, tmp_path, clock)
    hosted.put("utrecht", "werkzoekende", "4711", json.dumps(PERSON).encode(), PERSON)
    with store.read() as connection:
        body = bytes(connection.exec_driver_sql("SELECT body FROM record WHERE id = '4711'").scalar_one())

    def on_disk() -> bool:
        return any(body in path.read_bytes() for path in tmp_path.glob("koppel*.db*"))

    assert on_disk() or store.dialect == "postgresql"
    assert hosted.body("utrecht", "werkzoekende", "4711") is not None
    restrict(audit, hosted, "utrecht", "4711", "admin")
    assert hosted.body("utrecht", "werkzoekende", "4711") is None
    assert held(store) == [("utrecht", "4711", True)]
    hosted.delete("utrecht", "werkzoekende", ["4711"])
    assert export(store, audit, "utrecht", "4711", "admin")["records"][0]["record"] == {}
    erase(audit, hosted, "utrecht", "4711", "admin")
    assert held(store) == []
    assert not on_disk()
    running.close()


# -- a breach


def test_what_a_party_has_seen_is_told_record_by_record(store: Store, audit: Audit) -> None:
    with store.read() as connection:
        found = breach(connection, ASKER, MIDNIGHT, MIDNIGHT + DAY)
    assert [(each.side, each.record_id, each.level, each.times) for each in found.seen] == [
        ("vacature", "4711", "match", 1),
        ("werkzoekende", "4711", "detail", 2),
        ("werkzoekende", "4712", "match", 1),
    ]
    assert (found.entries, found.nameless, found.contact_moments) == (3, 0, 0)
    assert found.seen[1].first_at < found.seen[1].last_at


def test_a_processor_has_seen_what_all_of_those_saw_that_it_acts_for(store: Store, audit: Audit) -> None:
    with store.read() as connection:
        found = breach(connection, PROCESSOR, MIDNIGHT, MIDNIGHT + DAY)
        assert breach(connection, "00000001000000000008", MIDNIGHT, MIDNIGHT + DAY).entries == 0
    assert [each.times for each in found.seen] == [1, 2, 2]


def test_only_what_was_shown_in_the_period_counts(store: Store, audit: Audit, clock: Clock) -> None:
    clock.at += DAY
    show(audit, ["4712"], "detail")
    seen_at = clock.at
    with store.read() as connection:
        found = breach(connection, ASKER, seen_at, seen_at + 1)
        assert breach(connection, ASKER, seen_at - SECOND + 1, seen_at).entries == 0
        assert breach(connection, ASKER, seen_at + 1, seen_at + DAY).entries == 0
    assert found.seen == [Seen("utrecht", "werkzoekende", "4712", "detail", 1, seen_at, seen_at)]


def test_who_was_erased_is_counted_nameless(store: Store, audit: Audit) -> None:
    for side in SIDES:
        erase(audit, Holder(store), "utrecht", "4711", "admin", side)
    with store.read() as connection:
        found = breach(connection, ASKER, MIDNIGHT, MIDNIGHT + DAY)
    assert [each.record_id for each in found.seen] == ["4712"]
    assert found.nameless == 2


def test_contacts_with_employers_are_counted(store: Store, audit: Audit) -> None:
    told = {"controller": ASKER, "processor": ASKER, "level": "detail", "side": "werkgeverscontactmoment"}
    with audit.write() as connection:
        audit.append(connection, "contacts", told | {"sources": {"a": {"count": 3}, "b": {}}, "subjects": []})
        audit.append(connection, "bron-contacts", told | {"sources": {"a": {}}, "count": 4})
        audit.append(connection, "asked", {"controller": ASKER, "processor": ASKER, "side": "vacature"})
    with store.read() as connection:
        found = breach(connection, ASKER, MIDNIGHT, MIDNIGHT + DAY)
    assert (found.contact_moments, found.entries) == (7, 5)
