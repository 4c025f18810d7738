"""Rankings and explanations: what they tell is what a match shows, of whom the caller may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from exchange_world import (
    GEMEENTE,
    OWNER,
    PRIVAAT,
    PROCESSOR,
    Json,
    shown,
    vacancy,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_world import KITCHEN, OCCUPATIONS, SKILL, RankingWorld, cook

from api.clock import DAY
from api.exchange.audit import AuditUnavailable
from api.exchange.errors import ExchangeError, Incomplete, Invalid, LimitExceeded, Unavailable
from api.exchange.questions import Limits
from api.exchange.wanted import OwnRecord, Wanted
from api.store import Store, tables
from data.dataset import ID_FIELDS, schema
from data.dataset.lines import to_frame
from data.standard import Side, at_match_level, model_of
from data.standard.disclosure import marked
from data.taxonomy import bundled_taxonomy
from engine import REQUIRED, FeatureSpace, encode


@pytest.fixture
def world(sqlite_store: Store, tmp_path: Path, empty_index: Path) -> RankingWorld:
    return RankingWorld(sqlite_store, tmp_path / "state", empty_index)


def wanted(**more: Any) -> Wanted:
    return Wanted(**({"side": "vacature", "record": KITCHEN} | more))


def matches(answer: Json) -> list[str]:
    """What is shown of the matches, without vumID, by rank."""
    return [
        json.dumps({name: value for name, value in each["match"].items() if name != "vumID"})
        for each in answer["matches"]
    ]


def of(*records: Json) -> list[str]:
    return [json.dumps(at_match_level(each, "werkzoekende")) for each in records]


# What is ranked


def test_candidates_come_by_score_with_parts_gaps_and_what_a_match_shows(world: RankingWorld) -> None:
    world.source("eigen")
    far, near, skilled = (
        cook("far", "6821AA"),
        cook("near", occupation=1),
        cook("skilled", arbeidsmarktkwalificatie={"competentiebeheersing": [SKILL]}),
    )
    world.put("eigen", "werkzoekende", far, near, skilled)
    answer = world.rank(wanted())
    assert matches(answer) == of(skilled, far, near)
    first, second, third = answer["matches"]
    assert [each["rank"] for each in answer["matches"]] == [1, 2, 3]
    assert first["score"] == first["scores"]["vacancy"] == 1.0
    assert second["parts"] == {"occupation": second["score"], "skill": 0.0}
    assert [gap["label"] for gap in second["gaps"]] == ["Afwassen"]
    assert second["gaps"][0]["costs"] == pytest.approx(1 - second["score"], abs=2e-6)
    assert third["score"] == pytest.approx(sum(third["parts"].values()), abs=2e-6)
    assert [each["distanceKm"] for each in answer["matches"]] == [0, 16, 0]
    assert answer["asOf"] == "2027-01-15"
    assert (answer["direction"], answer["maximumAantalResultatenBereikt"]) == ("vacancy", False)
    # A vumID is random: three letters stand in one now and then.
    said = answer["bytes"]
    for each in answer["matches"]:
        said = said.replace(each["match"]["vumID"].encode(), b"")
    for hidden in (b"idWerkzoekende", b"example.org", b"presentation", b"Ldr", b"Contact", b"eigen"):
        assert hidden not in said


def test_a_match_is_shown_to_the_byte(world: RankingWorld) -> None:
    world.source("eigen")
    record = cook("a", sector=[], persoonlijkePresentatie="é")
    world.put("eigen", "werkzoekende", record)
    assert shown(record, "werkzoekende")[1:] in world.rank(wanted())["bytes"]


def test_vacancies_are_ranked_for_a_profile_by_what_it_wants(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "vacature", KITCHEN, vacancy("other", beroep={"codeBeroepsnaam": "urn:x"}))
    answer = world.rank(wanted(side="werkzoekende", record=cook("mine")))
    (only,) = answer["matches"]
    assert (answer["direction"], only["score"]) == ("profile", only["scores"]["profile"])
    assert "nummerVacature" not in only["match"]
    assert only["match"]["adres"] == {"postcode": "6511AB"}


@pytest.mark.parametrize(
    ("side", "direction"), [("vacature", "profile"), ("werkzoekende", "vacancy"), ("werkzoekende", "mutual")]
)
def test_a_record_asks_in_its_own_direction(world: RankingWorld, side: Side, direction: Any) -> None:
    record = KITCHEN if side == "vacature" else cook("a")
    with pytest.raises(Invalid, match="direction"):
        world.rank(Wanted(side, record, direction=direction))


def test_a_mutual_ranking_orders_by_both_scores(world: RankingWorld) -> None:
    world.source("eigen")
    one = cook("one")
    two = cook("two", sector=[{"codeSbi": 56101}])
    world.put("eigen", "werkzoekende", one, two)
    answer = world.rank(wanted(direction="mutual"))
    assert matches(answer) == of(one, two)
    assert [each["score"] for each in answer["matches"]] == [
        each["scores"]["mutual"] for each in answer["matches"]
    ]


def test_a_question_narrows_and_what_has_no_effect_in_it_is_told(world: RankingWorld) -> None:
    world.source("eigen")
    near, far = cook("near"), cook("far", "6821AA")
    world.put("eigen", "werkzoekende", near, far)
    question = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 5}, "naam": {"$eq": "x"}}}
    answer = world.rank(wanted(question=question))
    assert matches(answer) == of(near)
    assert world.ignored == ("naam",)
    with pytest.raises(Incomplete, match="selectiegebied"):
        world.rank(wanted(question={"vraagObject": {}}))


def test_as_many_are_told_as_are_wanted_and_whether_there_are_more(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", *(cook(f"{number}") for number in range(4)))
    for top, n, more in ((3, 3, True), (4, 4, False), (5, 4, False)):
        answer = world.rank(wanted(top=top))
        assert (len(answer["matches"]), answer["maximumAantalResultatenBereikt"]) == (n, more)
    for top in (0, 101):
        with pytest.raises(Invalid, match="top: 1 to 100"):
            world.rank(wanted(top=top))


def test_settings_that_make_no_sense_are_refused_before_anything_is_asked(world: RankingWorld) -> None:
    remote = world.remote("ver", "werkzoekende", cook("a"))
    for more in (
        {"preferred": {"skill": -1.0}},
        {"preferred": {"x": 1.0}},
        {"wished": frozenset({"x"})},
        {"wished": frozenset({"hours"}), "required": frozenset({"hours"})},
        {"radius_km": 1000},
    ):
        with pytest.raises(Invalid):
            world.rank(wanted(**more))
    assert (remote.asked, world.entries()) == ([], [])


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"adres": {"postcode": "Canary"}}, Invalid),
        ({"adres": {}}, Incomplete),
        ({"naam": "Canary"}, Invalid),
        ({"idVacature": 7}, Invalid),
    ],
)
def test_an_asking_record_is_one_of_the_standard(
    world: RankingWorld, record: Json, error: type[ExchangeError]
) -> None:
    with pytest.raises(error) as refused:
        world.rank(wanted(record=record))
    assert refused.value.details.startswith("record")
    assert "Canary" not in refused.value.details


def test_a_match_can_be_sent_back_as_it_was_shown(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("a"))
    world.put("eigen", "vacature", KITCHEN)
    match = world.rank(wanted(side="werkzoekende", record=cook("mine")))["matches"][0]["match"]
    assert matches(world.rank(wanted(record=match))) == of(cook("a"))


def test_an_own_hosted_record_asks_and_anybody_elses_is_as_unknown_as_none(world: RankingWorld) -> None:
    world.source("gem", oin=GEMEENTE)
    world.source("eigen")
    world.put("gem", "vacature", KITCHEN)
    world.put("eigen", "vacature", KITCHEN)
    world.put("eigen", "werkzoekende", cook("a"))
    assert matches(world.rank(wanted(record=OwnRecord("gem", "kitchen")))) == of(cook("a"))
    refusals = set()
    for source, record in (("eigen", "kitchen"), ("gem", "none"), ("none", "kitchen")):
        with pytest.raises(Invalid) as refused:
            world.rank(wanted(record=OwnRecord(source, record)))
        refusals.add(refused.value.details)
    assert len(refusals) == 1


def test_a_processor_asks_with_records_that_it_answers_for_itself_while_they_may_be_held(
    world: RankingWorld,
) -> None:
    world.source("gem", oin=GEMEENTE)
    world.put("gem", "vacature", KITCHEN)
    record = wanted(record=OwnRecord("gem", "kitchen"))

    async def rank(processor: str) -> None:
        await world.exchange.rank(await world.caller(GEMEENTE, processor), record)

    with pytest.raises(Invalid, match="own"):
        asyncio.run(rank(PROCESSOR))
    asyncio.run(rank(GEMEENTE))
    world.administration.end_source("gem")
    with pytest.raises(Invalid, match="own"):
        asyncio.run(rank(GEMEENTE))


# Who is ranked


def test_who_may_not_be_seen_is_not_ranked(world: RankingWorld) -> None:
    world.source("alle")
    world.source("suwi", scope="suwi")
    world.put("alle", "werkzoekende", cook("a"))
    world.put("suwi", "werkzoekende", cook("b", occupation=1))
    assert matches(world.rank(wanted(), PRIVAAT)) == of(cook("a"))
    assert len(world.rank(wanted())["matches"]) == 2


def test_what_remote_sources_match_is_ranked_among_the_others(world: RankingWorld) -> None:
    world.source("eigen")
    middle, best, last = (
        cook("middle"),
        cook("best", arbeidsmarktkwalificatie={"competentiebeheersing": [SKILL]}),
        cook("last", occupation=1),
    )
    world.put("eigen", "werkzoekende", middle)
    remote = world.remote("ver", "werkzoekende", last, best)
    world.remote("weg", "werkzoekende", status="timed_out")
    answer = world.rank(wanted())
    assert matches(answer) == of(best, middle, last)
    assert answer["completeness"] == {"rankedWhole": 1, "rankedAmongMatches": 1, "failed": 1, "notAsked": 0}
    assert world.completeness == "answered=2; timed-out=1; failed=0; refused=0; left-out=0"
    assert remote.asked == ["werkzoekendeProfielen/matches"]
    vum_id = answer["matches"][0]["match"]["vumID"]

    async def run() -> bytes:
        return await world.exchange.detail(await world.caller(), "werkzoekende", vum_id)

    assert json.loads(asyncio.run(run()))["werkzoekende"] == best


def test_a_record_without_a_place_asks_no_remote_source(world: RankingWorld) -> None:
    remote = world.remote("ver", "werkzoekende", cook("a"))
    record = {"beroep": KITCHEN["beroep"]}
    answer = world.rank(wanted(record=record))
    assert (remote.asked, answer["completeness"]["notAsked"], answer["matches"]) == ([], 1, [])
    question = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 5}}}
    assert len(world.rank(wanted(record=record, question=question))["matches"]) == 1


def test_where_all_sources_fail_there_is_no_empty_ranking(world: RankingWorld) -> None:
    world.remote("weg", "werkzoekende", status="failed")
    with pytest.raises(Unavailable):
        world.rank(wanted())


@pytest.mark.parametrize("how", ["delete", "behind the index's back"])
def test_who_was_deleted_is_in_no_ranking_from_then_on(world: RankingWorld, how: str) -> None:
    world.source("eigen")
    records = [cook(f"{number}", sector=[{"codeSbi": number}]) for number in range(3)]
    world.put("eigen", "werkzoekende", *records)
    if how == "delete":
        world.hosted.delete("eigen", "werkzoekende", ["1"])
    else:
        with world.store.write() as connection:
            connection.execute(tables.record.delete().where(tables.record.c.id == "1"))
    answer = world.rank(wanted(top=2))
    assert sorted(matches(answer)) == sorted(of(records[0], records[2]))
    assert not answer["maximumAantalResultatenBereikt"]


# The log and the quota


def test_a_ranking_is_a_question_with_details_history_and_log(
    sqlite_store: Store, tmp_path: Path, empty_index: Path
) -> None:
    world = RankingWorld(sqlite_store, tmp_path / "state", empty_index, limits=Limits(details=1))
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("a"), cook("b", occupation=1))
    answer = world.rank(wanted())
    ids = [each["match"]["vumID"] for each in answer["matches"]]

    async def run() -> list[Any]:
        caller = await world.caller()
        whole = await world.exchange.detail(caller, "werkzoekende", ids[0])
        with pytest.raises(LimitExceeded):
            await world.exchange.detail(caller, "werkzoekende", ids[1])
        return [whole, *await world.exchange.history(caller)]

    whole, kept = asyncio.run(run())
    assert json.loads(whole) == {"bronID": OWNER, "werkzoekende": cook("a")}
    assert (kept.id, kept.kind, kept.details_left) == (answer["vraagID"], "rangorde", 0)
    assert kept.criteria == {"asking": "vacature", "top": 25}
    (kind, entry), (_, detail) = world.entries()
    assert (kind, entry["level"], entry["sources"]["eigen"]["count"]) == ("ranking", "match", 2)
    assert entry["subjects"][0] == detail["subjects"][0]


@pytest.mark.parametrize("held", [True, False])
def test_the_log_tells_how_was_ranked_and_explained(world: RankingWorld, held: bool) -> None:
    world.source("gem", oin=GEMEENTE)
    world.put("gem", "werkzoekende", cook("a"))
    world.put("gem", "vacature", KITCHEN)
    asked = wanted(
        record=OwnRecord("gem", "kitchen") if held else KITCHEN,
        preferred={"skill": 7.5},
        wished=frozenset({"licence"}),
        radius_km=30,
    )
    answer = world.rank(asked)
    explanation = world.explain(asked, answer["matches"][0]["match"]["vumID"])
    (_, ranking), (_, explained) = world.entries()
    assert ranking["ranked"] == explained["ranked"]
    assert ranking["ranked"] == {
        "asking": "vacature",
        "held": held,
        "as_of": answer["asOf"],
        "taxonomy": answer["taxonomy"],
        "direction": "vacancy",
        "weights": explanation["weights"]["applied"],
        "required": sorted(REQUIRED - {"licence"}),
        "wished": ["licence"],
        "strict": False,
        "radius_km": 30,
    }
    assert ranking["ranked"]["weights"]["skill"] == 7.5


@pytest.mark.parametrize("what", ["deleted", "source"])
def test_who_is_taken_out_while_a_remote_source_is_asked_is_in_no_ranking(
    world: RankingWorld, what: str
) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("a"))
    remote = world.remote("ver", "werkzoekende", cook("b", occupation=1))

    async def take_out() -> None:
        if what == "deleted":
            world.hosted.delete("eigen", "werkzoekende", ["a"])
        else:
            world.administration.end_source("ver")

    remote.before = take_out
    assert matches(world.rank(wanted())) == of(cook("b", occupation=1) if what == "deleted" else cook("a"))


def test_nothing_is_ranked_or_explained_without_a_line_in_the_log(
    world: RankingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("a"))
    remote = world.remote("ver", "werkzoekende", cook("b", occupation=1))
    vum_id = world.rank(wanted())["matches"][0]["match"]["vumID"]
    remote.asked.clear()

    def broken(*_: Any) -> None:
        raise AuditUnavailable("the audit log", "is full")

    monkeypatch.setattr(world.audit, "append", broken)
    with pytest.raises(Unavailable):
        world.rank(wanted())
    for candidate in (vum_id, cook("c")):
        with pytest.raises(Unavailable):
            world.explain(wanted(), candidate)
    assert remote.asked == []


# Explanations


def test_an_explanation_adds_up_and_names_nobody(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("secret-id", occupation=1))
    (match,) = world.rank(wanted())["matches"]
    told = world.explain(wanted(), match["match"]["vumID"])
    assert told["score"] == match["score"]
    assert told["scores"] == match["scores"]
    parts = told["vacancy"]["parts"]
    assert sum(part["adds"] for part in parts) == pytest.approx(told["score"], abs=1e-5)
    assert {part["group"] for part in parts} == {"occupation", "skill"}
    assert parts[0]["nearest"]["label"] == "Keukenhulp"
    assert told["distanceKm"] == 0
    for hidden in ("secret-id", "kitchen", "presentation", "example.org", "Ldr"):
        assert hidden not in json.dumps(told)
    kind, entry = world.entries()[-1]
    assert (kind, entry["level"], len(entry["subjects"])) == ("explanation", "match", 1)


def test_a_candidate_that_was_shown_can_be_sent_to_be_explained(world: RankingWorld) -> None:
    world.remote("ver", "werkzoekende", cook("a", occupation=1))
    (match,) = world.rank(wanted())["matches"]
    told = world.explain(wanted(), match["match"])
    assert told["scores"] == match["scores"]
    assert world.entries()[-1][1]["subjects"] == []
    with pytest.raises(Invalid, match="vumID"):
        world.explain(wanted(), match["match"]["vumID"])
    with pytest.raises(Invalid, match="candidate"):
        world.explain(wanted(), match["match"] | {"naam": "x"})


def test_an_explanation_is_given_of_nobody_whose_detail_would_be_refused(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "werkzoekende", cook("a"), cook("b", occupation=1))
    first, second = (each["match"]["vumID"] for each in world.rank(wanted())["matches"])

    def refused(vum_id: str, controller: str = GEMEENTE) -> str:
        with pytest.raises(Invalid) as refusal:
            world.explain(wanted(), vum_id, controller)
        return refusal.value.details

    told = [refused("x"), refused(first, PRIVAAT)]
    world.hosted.delete("eigen", "werkzoekende", ["a"])
    told.append(refused(first))
    world.administration.end_source("eigen")
    told.append(refused(second))
    assert told == ["vumID"] * 4


# What a score may tell


def detail_only(side: Side) -> list[tuple[str, ...]]:
    """The paths of everything that only a detail shows."""

    def paths(marks: Mapping[str, Any], above: tuple[str, ...]) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for name, inner in marks.items():
            found += [(*above, name)] if inner is None else paths(inner, (*above, name))
        return found

    return paths(marked(model_of(side)), ())


TEXT = st.text("abc é", min_size=1, max_size=10)
VALUES: dict[Side, dict[tuple[str, ...], st.SearchStrategy[Any]]] = {
    "werkzoekende": {
        ("contactpersoon",): st.lists(st.fixed_dictionaries({"emailadres": TEXT}), max_size=2),
        ("eisAanWerk",): st.fixed_dictionaries({"indicatieBegeleiding": st.sampled_from([0, 1, 2])}),
        ("emailadres",): st.lists(TEXT, max_size=2),
        ("idWerkzoekende",): st.just("same"),
        ("indicatieLdrRegistratie",): st.sampled_from([1, 2]),
        ("persoonlijkePresentatie",): st.sampled_from([*OCCUPATIONS, "Afwassen", "Rijbewijs B"]),
        ("telefoonnummer",): st.lists(TEXT, max_size=2),
        ("webadres",): st.lists(st.fixed_dictionaries({"url": TEXT}), max_size=2),
    },
    "vacature": {
        ("idVacature",): st.just("same"),
        ("nummerVacature",): TEXT,
        ("werkgever", "contactpersoon"): st.lists(st.fixed_dictionaries({"emailadres": TEXT}), max_size=2),
    },
}


@pytest.mark.parametrize("side", ["werkzoekende", "vacature"])
def test_the_values_of_these_tests_cover_all_that_only_a_detail_shows(side: Side) -> None:
    assert sorted(VALUES[side]) == sorted(detail_only(side))


SPACE = FeatureSpace(bundled_taxonomy())
RICH: dict[Side, Json] = {
    "werkzoekende": cook(
        "same",
        arbeidsmarktkwalificatie={
            "codeWerkEnDenkniveauWerkzoekende": 4,
            "competentiebeheersing": [SKILL],
            "interesse": [{"naamInteresse": "Kok"}],
            "opleiding": [{"codeOpleidingsnaam": "12", "codeNiveauOpleiding": 4}],
            "rijbewijs": [{"codeSoortRijbewijs": "B"}],
            "taalbeheersing": [{"codeTaal": "nld", "codeNiveauTaalbeheersingMondeling": 3}],
            "werkervaring": [
                {
                    "beroep": {"codeBeroepsnaam": OCCUPATIONS[2]},
                    "datumAanvangWerkzaamheden": "2020-01-01",
                    "toelichtingWerkervaring": "text",
                }
            ],
        },
        sector=[{"codeSbi": 56101}],
        werktijden={"aantalWerkurenPerWeekMinimaal": 8},
    ),
    "vacature": {
        **KITCHEN,
        "idVacature": "same",
        "werkgever": {"handelsnaamOrganisatie": "Bedrijf", "sector": [{"codeSbi": 56101}]},
        "rijbewijs": [{"codeSoortRijbewijs": "B"}],
        "opleiding": [{"codeNiveauOpleiding": 2}],
    },
}


def with_values(record: Json, values: Mapping[tuple[str, ...], Any]) -> Json:
    changed: Json = json.loads(json.dumps(record))
    for (*above, name), value in values.items():
        inner = changed
        for step in above:
            inner = inner.setdefault(step, {})
        inner[name] = value
    return changed


def encoded(each: Json, side: Side) -> list[Any]:
    """All that the engine reads of a record."""
    frame = to_frame([json.dumps(each).encode()], schema(side))
    made = encode(frame, side, SPACE, as_of=date(2027, 1, 15))
    vectors = [each.tolist() for sparse in (made.asks, made.has) for each in sparse]
    return [*vectors, *(column.tolist() for column in made.records.columns), made.records.occupation_codes]


@pytest.mark.parametrize("side", ["werkzoekende", "vacature"])
@given(data=st.data())
@settings(max_examples=50)
def test_nothing_that_a_match_hides_is_read_by_the_engine(side: Side, data: st.DataObject) -> None:
    values = data.draw(st.fixed_dictionaries(VALUES[side]))
    record = with_values(RICH[side], values)
    bare = at_match_level(record, side) | {ID_FIELDS[side]: "same"}
    assert encoded(record, side) == encoded(bare, side)
    assert len(json.dumps(record)) > len(json.dumps(bare))


def test_what_a_match_hides_changes_no_ranking_whoever_asks_with_it_or_is_ranked(
    world: RankingWorld,
) -> None:
    world.source("eigen")
    told = []
    for number in (1, 2):
        hidden: dict[tuple[str, ...], Any] = {
            ("emailadres",): [f"{number}@example.org"],
            ("indicatieLdrRegistratie",): number,
            ("persoonlijkePresentatie",): OCCUPATIONS[number],
            ("eisAanWerk",): {"indicatieBegeleiding": number},
        }
        world.put("eigen", "werkzoekende", with_values(RICH["werkzoekende"], hidden), cook("other"))
        record = with_values(KITCHEN, {("nummerVacature",): f"{number}"})
        answer = world.rank(wanted(record=record))
        told.append([matches(answer), [each["parts"] for each in answer["matches"]]])
        world.hosted.delete("eigen", "werkzoekende", ["same", "other"])
    assert told[0] == told[1]
    assert len(told[0][0]) == 2


def test_the_order_of_equals_is_a_partys_own_and_stays_as_it_is(world: RankingWorld) -> None:
    world.source("eigen")
    world.put(
        "eigen", "werkzoekende", *(cook(f"{number}", sector=[{"codeSbi": number}]) for number in range(12))
    )
    mine, again = (matches(world.rank(wanted())) for _ in range(2))
    theirs = matches(world.rank(wanted(), PRIVAAT))
    assert mine == again
    assert sorted(mine) == sorted(theirs)
    assert mine != theirs


def test_an_index_of_yesterday_ranks_no_vacancy_that_has_closed_since(world: RankingWorld) -> None:
    world.source("eigen")
    world.put("eigen", "vacature", KITCHEN | {"sluitingsdatumVacature": "2027-01-15"})
    seeker = wanted(side="werkzoekende", record=cook("mine"))
    assert len(world.rank(seeker)["matches"]) == 1
    world.clock.at += DAY
    assert world.rank(seeker)["matches"] == []
