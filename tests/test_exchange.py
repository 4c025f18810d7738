"""The exchange: decide, ask, log, answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exchange_world import (
    EXCHANGE,
    GEMEENTE,
    OTHER_OWNER,
    OWNER,
    PRIVAAT,
    PROCESSOR,
    QUESTION,
    STRANGER,
    World,
    profile,
    shown,
    supplied,
    vacancy,
    vum_ids,
)
from sqlalchemy import insert, select, text

from api.clock import DAY
from api.contracts.headers import Parties, Role
from api.contracts.identity import Identified
from api.exchange.admission import Admission, CallerOfSource
from api.exchange.audit import AuditUnavailable
from api.exchange.errors import (
    ExchangeError,
    Incomplete,
    Invalid,
    LimitExceeded,
    NotAuthorised,
    Unavailable,
)
from api.exchange.questions import Limits
from api.store import Store
from api.store.tables import contact_moment, detail_claim, subject


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path / "state")


def ask(world: World, controller: str = GEMEENTE, **more: Any) -> Any:
    async def run() -> Any:
        return await world.exchange.ask(await world.caller(controller, **more), "werkzoekende", QUESTION)

    return asyncio.run(run())


def detail(world: World, vum_id: str, controller: str = GEMEENTE, **more: Any) -> bytes:
    async def run() -> bytes:
        return await world.exchange.detail(await world.caller(controller, **more), "werkzoekende", vum_id)

    return asyncio.run(run())


def refusal(world: World, vum_id: str, controller: str = GEMEENTE) -> tuple[type[ExchangeError], str]:
    with pytest.raises(ExchangeError) as refused:
        detail(world, vum_id, controller)
    return type(refused.value), refused.value.details


UNKNOWN = (Invalid, "vumID")


# Questions


def test_an_answer_holds_what_a_match_shows_to_the_byte_behind_a_vum_id(world: World) -> None:
    world.source("eigen")
    records = [profile("a", flexibiliteit={}), profile("b")]
    world.fake.put("eigen", "werkzoekende", *records)
    answer = ask(world)
    told = json.loads(answer.body)
    first, second = vum_ids(answer.body)
    assert answer.body == (
        b'{"maximumAantalResultatenBereikt":false,"vraagID":"%b","matches":[{"vumID":"%b",%b,{"vumID":"%b",%b]}'
        % (
            told["vraagID"].encode(),
            first.encode(),
            shown(records[0], "werkzoekende")[1:],
            second.encode(),
            shown(records[1], "werkzoekende")[1:],
        )
    )
    # A vumID is random: three letters stand in one now and then.
    said = answer.body.replace(first.encode(), b"").replace(second.encode(), b"")
    for hidden in (b"idWerkzoekende", b"example.org", b"presentation", b"Ldr", b"eigen"):
        assert hidden not in said


def test_sources_that_share_not_with_the_caller_are_not_even_searched(world: World) -> None:
    world.source("alle")
    world.source("suwi", scope="suwi")
    remote = world.remote("ver", "werkzoekende", profile("x"), scope="suwi")
    for source in ("alle", "suwi"):
        world.fake.put(source, "werkzoekende", profile("a"))
    assert len(vum_ids(ask(world, PRIVAAT).body)) == 1
    assert world.fake.searched == [("alle",)]
    assert remote.asked == []
    assert len(vum_ids(ask(world, GEMEENTE).body)) == 3


def test_where_no_source_is_permitted_the_answer_is_empty_and_logged(world: World) -> None:
    answer = ask(world)
    assert vum_ids(answer.body) == []
    assert [kind for kind, _ in world.entries()] == ["matches"]


def test_matches_of_hosted_and_remote_sources_make_one_answer_that_says_how_complete_it_is(
    world: World,
) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    world.remote("ver", "werkzoekende", profile("a"), profile("b"))
    world.remote("weg", "werkzoekende", status="timed_out")
    answer = ask(world)
    assert len(set(vum_ids(answer.body))) == 3
    assert answer.completeness == "answered=2; timed-out=1; failed=0; refused=0; left-out=0"
    (kept,) = history(world)
    assert kept.completeness == {"eigen": "answered", "ver": "answered", "weg": "timed_out"}


def history(world: World, controller: str = GEMEENTE) -> Any:
    async def run() -> Any:
        return await world.exchange.history(await world.caller(controller))

    return asyncio.run(run())


def test_an_answer_and_its_history_say_how_many_records_were_left_out(world: World) -> None:
    for source_id, left_out in (("ver", 2), ("verder", 1)):
        remote = world.remote(source_id, "werkzoekende", profile("a"))
        remote.answer = replace(remote.answer, left_out=left_out)
    answer = ask(world)
    assert answer.completeness == "answered=2; timed-out=0; failed=0; refused=0; left-out=3"
    (kept,) = history(world)
    assert kept.completeness == {"ver": "answered", "verder": "answered", "left_out": 3}


def test_where_all_sources_fail_there_is_no_empty_answer(world: World) -> None:
    world.remote("weg", "werkzoekende", status="timed_out")
    world.remote("stuk", "werkzoekende", status="failed")
    with pytest.raises(Unavailable):
        ask(world)
    (kept,) = history(world)
    assert kept.completeness == {"weg": "timed_out", "stuk": "failed"}


def test_more_is_told_where_any_source_has_more(store: Store, tmp_path: Path) -> None:
    world = World(store, tmp_path / "state", limits=Limits(matches=2))
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"), profile("b"))
    assert not json.loads(ask(world).body)["maximumAantalResultatenBereikt"]
    world.fake.put("eigen", "werkzoekende", profile("c"))
    told = json.loads(ask(world).body)
    assert (told["maximumAantalResultatenBereikt"], len(told["matches"])) == (True, 2)


@pytest.mark.parametrize(
    ("document", "error", "place"),
    [
        ({"vraagObject": {}}, Incomplete, "$.vraagObject.selectiegebied"),
        (
            {"vraagObject": {"selectiegebied": {"postcode": "Canary", "afstand": 1}}},
            Invalid,
            "$.vraagObject.selectiegebied.postcode: four digits and two letters, as 9999AA",
        ),
    ],
)
def test_a_question_that_breaks_the_contract_is_refused_without_its_values(
    world: World, document: Any, error: type[ExchangeError], place: str
) -> None:
    async def run() -> None:
        await world.exchange.ask(await world.caller(), "werkzoekende", document)

    with pytest.raises(error) as refused:
        asyncio.run(run())
    assert refused.value.details.startswith(place)
    assert "Canary" not in refused.value.details


# The log


def test_the_log_tells_who_was_shown_whose_records_under_which_mandate_and_by_which_rules(
    world: World,
) -> None:
    world.source("eigen")
    world.source("besloten", scope="openbaar")
    world.administration.end_source("besloten")
    world.fake.put("eigen", "werkzoekende", profile("a"), profile("b"))
    answer = ask(world, processor=PROCESSOR)
    detail(world, vum_ids(answer.body)[1], processor=PROCESSOR)
    (_, matches), (_, shown_whole) = world.entries()
    assert matches["question"] == shown_whole["question"] == json.loads(answer.body)["vraagID"]
    assert (matches["controller"], matches["processor"], matches["mandate"]) == (GEMEENTE, PROCESSOR, 1)
    assert (matches["certificate"], matches["suwi"]) == ("fingerprint-12", True)
    assert matches["criteria"] == {
        "afstand": 50,
        "pc4": "6511",
        "licences": [],
        "languages": [],
        "ignored": 0,
    }
    assert matches["rules"][-1] == "sharing"
    assert matches["sources"]["eigen"] == {"permitted": True, "status": "answered", "count": 2}
    assert matches["sources"]["besloten"] == {"permitted": False, "rules": ["source-registered"]}
    assert [len(matches["subjects"]), len(set(matches["subjects"]))] == [2, 2]
    assert shown_whole["subjects"] == matches["subjects"][1:]
    assert [matches["level"], shown_whole["level"]] == ["match", "detail"]


def test_the_log_holds_no_id_postcode_or_text_of_a_person(world: World) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("jan-jansen"))
    detail(world, vum_ids(ask(world).body)[0])
    told = json.dumps(world.entries())
    for personal in ("jan-jansen", "6511AB", "example.org"):
        assert personal not in told


def test_before_a_remote_source_is_asked_the_log_says_so(world: World) -> None:
    kinds: list[list[str]] = []

    async def note() -> None:
        kinds.append([kind for kind, _ in world.entries()])

    remote = world.remote("ver", "werkzoekende", profile("a"))
    remote.before = note
    (vum_id,) = vum_ids(ask(world).body)
    detail(world, vum_id)
    assert kinds == [["asked"], ["asked", "matches", "asked"]]


def break_log(world: World, monkeypatch: pytest.MonkeyPatch, at: int = 1) -> None:
    """From its n-th entry on the log can't be written."""
    append, left = world.audit.append, [at]

    def broken(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] <= 0:
            raise AuditUnavailable("the audit log", "is full")
        return append(*arguments)

    monkeypatch.setattr(world.audit, "append", broken)


def test_if_the_log_fails_before_the_question_no_source_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source("eigen")
    remote = world.remote("ver", "werkzoekende", profile("a"))
    break_log(world, monkeypatch)
    with pytest.raises(Unavailable):
        ask(world)
    assert (remote.asked, world.fake.searched, history(world)) == ([], [], [])


def test_if_the_log_fails_after_the_question_nothing_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    break_log(world, monkeypatch)
    with pytest.raises(Unavailable):
        ask(world)
    assert history(world) == []


@pytest.mark.parametrize("hosted", [True, False])
@pytest.mark.parametrize("at", [1, 2])
def test_if_the_log_fails_at_a_detail_nothing_leaves_and_nothing_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, hosted: bool, at: int
) -> None:
    if hosted:
        world.source("eigen")
        world.fake.put("eigen", "werkzoekende", profile("a"))
    else:
        world.remote("ver", "werkzoekende", profile("a"))
    (vum_id,) = vum_ids(ask(world).body)
    break_log(world, monkeypatch, at)
    if hosted and at == 2:
        detail(world, vum_id)  # a hosted source needs one entry only
        return
    with pytest.raises(Unavailable):
        detail(world, vum_id)
    with world.store.read() as connection:
        assert connection.execute(detail_claim.select()).all() == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_store_that_became_read_only_answers_nothing_and_asks_nobody(world: World) -> None:
    world.source("eigen")
    remote = world.remote("ver", "werkzoekende", profile("a"))
    with world.store.write() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON audit_entry "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        )
    with pytest.raises(Unavailable):
        ask(world)
    assert remote.asked == []


# Details


@pytest.mark.parametrize("hosted", [True, False])
def test_a_detail_is_the_record_as_its_source_supplied_it_to_the_byte(world: World, hosted: bool) -> None:
    record = profile("a", contractvorm=[], werktijden={})
    if hosted:
        world.source("eigen")
        world.fake.put("eigen", "werkzoekende", record)
    else:
        world.remote("ver", "werkzoekende", record)
    (vum_id,) = vum_ids(ask(world).body)
    owner = OWNER if hosted else OTHER_OWNER
    assert detail(world, vum_id) == b'{"bronID":"%b","werkzoekende":%b}' % (owner.encode(), supplied(record))


@pytest.mark.parametrize("hosted", [True, False])
def test_outside_suwi_a_detail_lacks_indicatie_ldr_registratie_and_nothing_else(
    world: World, hosted: bool
) -> None:
    with_mark, without = profile("a"), profile("b")
    del without["indicatieLdrRegistratie"]
    if hosted:
        world.source("eigen")
        world.fake.put("eigen", "werkzoekende", with_mark, without)
    else:
        world.remote("ver", "werkzoekende", with_mark, without)
    first, second = vum_ids(ask(world, PRIVAAT).body)
    assert json.loads(detail(world, first, PRIVAAT))["werkzoekende"] == {
        name: value for name, value in with_mark.items() if name != "indicatieLdrRegistratie"
    }
    assert supplied(without) in detail(world, second, PRIVAAT)


def test_ten_records_of_a_question_are_shown_whole_each_as_often_as_asked_and_no_eleventh(
    world: World,
) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", *(profile(f"{number:02}") for number in range(12)))
    ids = vum_ids(ask(world).body)
    for vum_id in [*ids[:10], *ids[:10]]:
        detail(world, vum_id)
    assert refusal(world, ids[10])[0] is LimitExceeded
    assert history(world)[0].details_left == 0
    detail(world, vum_ids(ask(world).body)[10])


@pytest.mark.parametrize(
    ("status", "why", "error"),
    [
        ("failed", "status", Unavailable),
        ("timed_out", "time", Unavailable),
        ("refused", "not authorised", Unavailable),
        ("refused", "limit", LimitExceeded),
    ],
)
def test_a_detail_that_fails_takes_nothing(
    store: Store, tmp_path: Path, status: str, why: str, error: type[ExchangeError]
) -> None:
    world = World(store, tmp_path / "state", limits=Limits(details=1))
    remote = world.remote("ver", "werkzoekende", profile("a"), profile("b"))
    first, second = vum_ids(ask(world).body)
    remote.status, remote.why = status, why
    assert refusal(world, first)[0] is error
    remote.status, remote.why = "answered", ""
    del remote.details["a"]
    assert refusal(world, first) == UNKNOWN
    detail(world, second)
    assert refusal(world, first)[0] is LimitExceeded


def test_a_client_that_goes_away_while_the_source_is_asked_has_taken_nothing(world: World) -> None:
    remote = world.remote("ver", "werkzoekende", profile("a"))
    (vum_id,) = vum_ids(ask(world).body)

    async def run() -> None:
        waiting, caller = asyncio.Event(), await world.caller()

        async def wait() -> None:
            waiting.set()
            await asyncio.Event().wait()

        remote.before = wait
        task = asyncio.create_task(world.exchange.detail(caller, "werkzoekende", vum_id))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    with world.store.read() as connection:
        assert connection.execute(detail_claim.select()).all() == []


def test_an_unknown_foreign_expired_withdrawn_or_deleted_record_is_refused_in_the_same_words(
    world: World,
) -> None:
    world.source("eigen")
    world.source("ander", oin=OTHER_OWNER)
    world.fake.put("eigen", "werkzoekende", profile("a"), profile("b"))
    world.fake.put("ander", "werkzoekende", profile("c"))
    expired, withdrawn, deleted = vum_ids(ask(world).body)
    foreign, *_ = vum_ids(ask(world, PRIVAAT).body)
    refusals = [refusal(world, each) for each in ("", ".", "..", "x" * 300, expired + "\n", foreign)]
    world.fake.records.pop(("eigen", "werkzoekende", "b"))
    refusals.append(refusal(world, deleted))
    world.administration.end_source("eigen")
    refusals.append(refusal(world, withdrawn))
    world.clock.at += 7 * DAY
    refusals.append(refusal(world, expired))
    assert refusals == [UNKNOWN] * 9
    with world.store.read() as connection:
        assert connection.execute(detail_claim.select()).all() == []


def test_a_vum_id_of_a_profile_opens_no_vacancy(world: World) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    world.fake.put("eigen", "vacature", vacancy("a"))
    (vum_id,) = vum_ids(ask(world).body)

    async def run() -> None:
        await world.exchange.detail(await world.caller(), "vacature", vum_id)

    with pytest.raises(Invalid, match="vumID"):
        asyncio.run(run())


def test_a_scope_that_narrows_counts_for_vum_ids_that_were_given_before(world: World) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    (vum_id,) = vum_ids(ask(world, PRIVAAT).body)
    detail(world, vum_id, PRIVAAT)
    world.administration.end_scope(1)
    world.administration.set_scope("eigen", "suwi")
    assert refusal(world, vum_id, PRIVAAT) == UNKNOWN


@pytest.mark.parametrize("what", ["deleted", "source", "scope"])
def test_what_is_taken_out_while_a_remote_source_is_asked_is_in_no_answer(world: World, what: str) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    remote = world.remote("ver", "werkzoekende", profile("b"))

    async def take_out() -> None:
        await asyncio.sleep(0.05)  # time in which a hosted source could have been searched
        if what == "deleted":
            world.fake.records.clear()
        elif what == "source":
            world.administration.end_source("eigen")
        else:
            world.administration.end_scope(3)

    remote.before = take_out
    left = {"deleted": ("ver", 2), "source": ("ver", 1), "scope": ("eigen", 1)}
    source_id, n_answered = left[what]
    answer = ask(world)
    assert len(vum_ids(answer.body)) == 1
    assert answer.completeness == f"answered={n_answered}; timed-out=0; failed=0; refused=0; left-out=0"
    told = world.entries()[-1][1]
    assert [name for name, each in told["sources"].items() if each.get("count")] == [source_id]
    with world.store.read() as connection:
        assert connection.execute(select(subject.c.source_id)).scalars().all() == [source_id]


def test_a_detail_that_its_source_gives_after_it_stopped_sharing_goes_no_further(world: World) -> None:
    remote = world.remote("ver", "werkzoekende", profile("a"))
    (vum_id,) = vum_ids(ask(world).body)

    async def end() -> None:
        world.administration.end_scope(1)

    remote.before = end
    assert refusal(world, vum_id) == UNKNOWN
    assert [kind for kind, _ in world.entries()] == ["asked", "matches", "asked"]
    with world.store.read() as connection:
        assert connection.execute(detail_claim.select()).all() == []


# Admission


@pytest.mark.parametrize(
    ("controller", "processor", "to"),
    [
        (STRANGER, STRANGER, EXCHANGE),
        (GEMEENTE, STRANGER, EXCHANGE),
        (PRIVAAT, PROCESSOR, EXCHANGE),
        (GEMEENTE, GEMEENTE, OWNER),
    ],
)
def test_who_is_not_admitted_has_no_mandate_or_asks_elsewhere_is_not_authorised(
    world: World, controller: str, processor: str, to: str
) -> None:
    with pytest.raises(NotAuthorised):
        asyncio.run(world.caller(controller, processor, to))


def test_a_mandate_that_ended_counts_at_the_next_call(world: World) -> None:
    asyncio.run(world.caller(GEMEENTE, PROCESSOR))
    world.administration.end_mandate(1)
    with pytest.raises(NotAuthorised):
        asyncio.run(world.caller(GEMEENTE, PROCESSOR))


def test_what_a_party_is_stands_in_the_registry(world: World) -> None:
    assert asyncio.run(world.caller(GEMEENTE)).suwi
    assert not asyncio.run(world.caller(PRIVAAT)).suwi


# As a source of another exchange


def bron_ask(world: World, **caller: Any) -> Any:
    async def run() -> Any:
        asking = await world.caller_of_source(**caller)
        return await world.exchange.bron_ask(asking, "werkzoekende", QUESTION)

    return asyncio.run(run())


def bron_detail(world: World, record_id: str, **caller: Any) -> bytes:
    async def run() -> bytes:
        asking = await world.caller_of_source(**caller)
        return await world.exchange.bron_detail(asking, "werkzoekende", record_id)

    return asyncio.run(run())


def test_as_a_source_we_answer_from_what_is_addressed_by_own_ids(world: World) -> None:
    world.source("eigen")
    world.source("ander", oin=OTHER_OWNER)
    world.fake.put("eigen", "werkzoekende", profile("a"))
    world.fake.put("ander", "werkzoekende", profile("b"))
    assert bron_ask(world).body == (
        b'{"maximumAantalResultatenBereikt":false,"matches":[{"idWerkzoekende":"a",%b]}'
        % shown(profile("a"), "werkzoekende")[1:]
    )
    assert bron_detail(world, "a") == supplied(profile("a"))
    with pytest.raises(Invalid, match="vumID"):
        bron_detail(world, "b")
    assert [kind for kind, _ in world.entries()] == ["bron-matches", "bron-detail"]
    assert world.entries()[0][1]["subjects"] == world.entries()[1][1]["subjects"]


def test_as_a_source_we_share_by_our_own_scopes_and_take_out_what_the_caller_may_not_see(
    world: World,
) -> None:
    world.source("besloten", scope="suwi")
    world.fake.put("besloten", "werkzoekende", profile("a"))
    assert json.loads(bron_ask(world, controller=PRIVAAT, suwi=True).body)["matches"] == []
    with pytest.raises(Invalid):
        bron_detail(world, "a", controller=PRIVAAT, suwi=True)
    world.source("open")
    world.fake.put("open", "werkzoekende", profile("b"))
    assert b"Ldr" not in bron_detail(world, "b", suwi=False)
    assert b"Ldr" in bron_detail(world, "b", suwi=True)


def test_as_a_source_we_answer_at_most_the_limit_over_all_sources_and_one_record_an_id(
    store: Store, tmp_path: Path
) -> None:
    world = World(store, tmp_path / "state", limits=Limits(matches=3))
    for source in ("een", "twee"):
        world.source(source)
        world.fake.put(source, "werkzoekende", profile("a", sector=[]), profile(source))
    told = json.loads(bron_ask(world).body)
    assert [match["idWerkzoekende"] for match in told["matches"]] == ["a", "een", "twee"]
    assert not told["maximumAantalResultatenBereikt"]
    world.fake.put("twee", "werkzoekende", profile("zes"))
    told = json.loads(bron_ask(world).body)
    assert (len(told["matches"]), told["maximumAantalResultatenBereikt"]) == (3, True)


def test_as_a_source_we_never_give_the_record_of_somebody_else_with_the_same_id(world: World) -> None:
    for source in ("een", "twee"):
        world.source(source)
        world.fake.put(source, "werkzoekende", profile("a", sector=[{"codeSbi": source}]))
    # The exchange may have been shown the other one: this one doesn't satisfy every question that that does.
    with pytest.raises(Invalid, match="vumID"):
        bron_detail(world, "a")
    world.fake.records.pop(("een", "werkzoekende", "a"))
    assert json.loads(bron_detail(world, "a"))["sector"] == [{"codeSbi": "twee"}]


def test_only_the_exchange_may_ask_us_as_a_source_and_only_for_sources_of_ours(world: World) -> None:
    world.source("eigen")
    for refused in ({"holder": GEMEENTE}, {"to": GEMEENTE}):
        with pytest.raises(NotAuthorised):
            bron_ask(world, **refused)


def test_without_certificates_the_exchange_that_asks_goes_without_saying(world: World) -> None:
    world.source("eigen")
    role: Role = "bron"
    believing = Admission(world.reader, world.clock, EXCHANGE, believe=True)
    asking = asyncio.run(believing(role, Identified(OWNER, "laptop"), Parties(GEMEENTE, OWNER, OWNER, True)))
    assert isinstance(asking, CallerOfSource)
    assert (asking.sources, asking.suwi) == (("eigen",), True)
    other = Admission(world.reader, world.clock, EXCHANGE, exchange_oin=STRANGER)
    asking = asyncio.run(other(role, Identified(STRANGER, "x"), Parties(GEMEENTE, OWNER, OWNER, False)))
    assert not asking.suwi
    with pytest.raises(NotAuthorised):
        asyncio.run(other(role, Identified(EXCHANGE, "x"), Parties(GEMEENTE, OWNER, OWNER, False)))


def test_as_a_source_nothing_leaves_without_a_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", profile("a"))
    break_log(world, monkeypatch)
    with pytest.raises(Unavailable):
        bron_ask(world)
    with pytest.raises(Unavailable):
        bron_detail(world, "a")


# Contacts with employers


CONTACTS = {"vraagObject": {"werkgever.nummerKvk": {"$eq": "12345678"}}}


def hold_contacts(world: World, source: str, *contacts: tuple[str, str], **more: Any) -> list[bytes]:
    bodies = [
        json.dumps({"datum": datum, "werkgever": {"nummerKvk": kvk}, "codeSoort": number + 1}).encode()
        for number, (kvk, datum) in enumerate(contacts)
    ]
    with world.store.write() as connection:
        for (kvk, datum), body in zip(contacts, bodies, strict=True):
            values = {"source_id": source, "kvk": kvk, "datum": datum, "body": body, "stored_at": 0, **more}
            connection.execute(insert(contact_moment).values(values))
    return bodies


def contacts(world: World, document: Any = None, controller: str = GEMEENTE) -> Any:
    async def run() -> Any:
        return await world.exchange.contacts(await world.caller(controller), document or CONTACTS)

    return asyncio.run(run())


def test_contacts_are_answered_whole_the_latest_first_of_the_employer_alone(world: World) -> None:
    world.source("eigen")
    first, second, _ = hold_contacts(
        world, "eigen", ("12345678", "2026-01-01"), ("12345678", "2026-02-01"), ("87654321", "2026-01-01")
    )
    answer = contacts(world)
    assert answer.body.endswith(b'"matches":[%b,%b]}' % (second, first))
    assert "vraagID" in json.loads(answer.body)
    since = {"vraagObject": CONTACTS["vraagObject"] | {"datum": {"$gte": "2026-02-01"}, "x": 1}}
    answer = contacts(world, since)
    assert answer.body.endswith(b'"matches":[%b]}' % second)
    assert answer.ignored == ("x",)
    assert [kind for kind, _ in world.entries()] == ["contacts", "contacts"]


def test_contacts_are_shared_by_a_scope_of_their_own(world: World) -> None:
    world.administration.register_source("eigen", OWNER, "Eigen")
    world.administration.set_scope("eigen", "alle")
    hold_contacts(world, "eigen", ("12345678", "2026-01-01"))
    assert json.loads(contacts(world).body)["matches"] == []
    world.administration.set_scope("eigen", "suwi", side="werkgeverscontactmoment")
    assert len(json.loads(contacts(world).body)["matches"]) == 1
    assert json.loads(contacts(world, controller=PRIVAAT).body)["matches"] == []


def test_contacts_that_expired_are_not_answered(world: World) -> None:
    world.source("eigen")
    hold_contacts(world, "eigen", ("12345678", "2026-01-01"), expires_at=world.clock.at)
    assert json.loads(contacts(world).body)["matches"] == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, Incomplete),
        ({"werkgever.nummerKvk": {}}, Incomplete),
        ({"werkgever.nummerKvk": {"$eqq": "12345678"}}, Incomplete),
        ({"werkgever.nummerKvk": {"$eq": "1234567"}}, Invalid),
        ({"werkgever.nummerKvk": {"$eq": 12345678}}, Invalid),
        ({"werkgever.nummerKvk": {"$eq": "12345678"}, "datum": {"$gte": "2026-02-30"}}, Invalid),
    ],
)
def test_a_question_for_contacts_names_one_employer(world: World, asked: Any, error: Any) -> None:
    with pytest.raises(error):
        contacts(world, {"vraagObject": asked})


@pytest.mark.parametrize(
    ("datum", "ignored"), [({}, ("datum",)), ({"$lt": 1}, ("datum.$lt",)), ({"$gte": "2026-01-01"}, ())]
)
def test_a_day_that_does_not_restrict_contacts_is_said_to_have_no_effect(
    world: World, datum: Any, ignored: tuple[str, ...]
) -> None:
    asked = {"werkgever.nummerKvk": {"$eq": "12345678"}, "datum": datum}
    assert contacts(world, {"vraagObject": asked}).ignored == ignored


def test_as_a_source_contacts_are_answered_without_vraag_id(world: World) -> None:
    world.source("eigen")
    (body,) = hold_contacts(world, "eigen", ("12345678", "2026-01-01"))

    async def run() -> Any:
        return await world.exchange.bron_contacts(await world.caller_of_source(), CONTACTS)

    assert asyncio.run(run()).body == b'{"maximumAantalResultatenBereikt":false,"matches":[%b]}' % body
    assert [kind for kind, _ in world.entries()] == ["bron-contacts"]
