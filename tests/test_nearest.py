"""The nearest records of an index: what selection says of each source, cut off, whatever the layout."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import AS_OF, frame_of, small_taxonomy
from plain_select import plain_select
from test_index import Records, built
from test_select import POSTCODES, SIDES, random_collection, random_question

import engine.blocks
from data.pilot import generate_profiles, generate_vacancies
from data.question import parse_question
from data.reference import NO_LOCATION, postcodes
from data.standard import Side
from data.taxonomy import bundled_taxonomy
from engine.index import MatchIndex, open_index
from engine.nearest import Nearest, nearest, present

SOURCES = ("a", "b", "c")

Answers = dict[str, tuple[list[tuple[str, float]], bool]]
"""Source -> ids with their distance, in order, and whether there are more."""


def told(found: Nearest) -> Answers:
    rows = list(zip(found.sources, found.ids, found.distance_km.tolist(), strict=True))
    return {
        source: ([(each, km) for name, each, km in rows if name == source], source in found.more)
        for source in sorted({*found.sources, *found.more})
    }


def plainly(
    question: Any, side: Side, records: Records, asked: Sequence[str], limit: int, day: date
) -> Answers:
    """What the plain evaluator says of each source."""
    answers = {}
    for source in asked:
        chosen = plain_select(question, side, records.get(source, []), day)
        if chosen:
            nearby = [(name, round(squared**0.5) / 1000) for squared, name in chosen[:limit]]
            answers[source] = nearby, len(chosen) > limit
    return answers


@given(st.integers(0, 2**32), st.sampled_from(SIDES))
@settings(max_examples=6)
def test_the_nearest_of_each_source_equal_the_plain_evaluator_also_after_changes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, side: Side
) -> None:
    chance = random.Random(seed)
    root = tmp_path_factory.mktemp("nearest") / "index"
    records = {source: random_collection(chance, side, chance.choice((0, 1, 5, 40))) for source in SOURCES}
    given = (records, {}) if side == "vacature" else ({}, records)
    built(root, *given)
    index = open_index(root)
    compare(index, side, records, chance)

    changed: dict[str, list[Any]] = {}
    for source in (*SOURCES, "new"):
        there = {next(iter(each.values())): each for each in records.get(source, [])}
        gone = [name for name in there if chance.random() < 0.3]
        put = random_collection(chance, side, chance.choice((0, 1, 10)))
        again = random_collection(chance, side, 2)
        for each, name in zip(again, there, strict=False):
            each[next(iter(each))] = name
            put.append(each)
        index.delete(side, gone, source)
        unique = {next(iter(each.values())): each for each in put}
        index.put(side, frame_of(list(unique.values()), side), source)
        kept = {name: each for name, each in there.items() if name not in gone} | unique
        changed[source] = list(kept.values())
    compare(index.refresh(), side, changed, chance)


def compare(index: MatchIndex, side: Side, records: Records, chance: random.Random) -> None:
    for _ in range(40):
        question = random_question(chance, side)
        asked = [source for source in (*records, "unheard-of") if chance.random() < 0.8]
        limit = chance.choice((1, 2, 5, 100))
        day = AS_OF + timedelta(chance.choice((0, 0, 1, 400)))
        found = nearest(parse_question(question, side), index.side(side), asked, limit, as_of=day)
        assert told(found) == plainly(question, side, records, asked, limit, day), question


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatchIndex]:
    """An index of 6,000 profiles and 1,200 vacancies in small blocks, so that cells are many and skipped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.blocks, "BLOCK", 512)
        root = tmp_path_factory.mktemp("region") / "index"
        profiles = list(generate_profiles(6000, seed=4))
        vacancies = list(generate_vacancies(1200, seed=3))
        built(
            root,
            vacancies[0],
            profiles[0].vstack(*profiles[1:]) if len(profiles) > 1 else profiles[0],
            bundled_taxonomy(),
        )
        yield open_index(root)


@pytest.mark.parametrize("side", SIDES)
def test_the_nearest_among_many_cells_equal_a_whole_selection(region: MatchIndex, side: Side) -> None:
    chance = random.Random(7)
    collection = region.side(side)
    for _ in range(150):
        area = {
            "postcode": chance.choice((*POSTCODES, "6533XX", "6601BB")),
            "afstand": chance.choice((0, 3, 8, 20, 999)),
        }
        question = parse_question(random_question(chance, side) | {"selectiegebied": area}, side)
        limit = chance.choice((1, 10, 100, 10_000))
        found = nearest(question, collection, [""], limit, as_of=AS_OF)
        whole = collection.select(question)
        keys = collection.keys(whole.rows[:limit])
        assert found.ids == keys["id"].to_list()
        assert found.distance_km.tolist() == whole.distance_km[:limit].tolist()
        assert bool(found.more) == (whole.total > limit)


def test_sources_are_known_to_be_in_the_cells_where_they_have_rows(region: MatchIndex) -> None:
    candidates = region.profiles.candidates
    assert present(candidates).all()
    assert present(candidates) is present(candidates)
    assert (candidates.facts.table["x"] != NO_LOCATION).any()


@pytest.mark.parametrize(
    "postcode", [*POSTCODES, "", "6511", "6511A1", "6511ABC", "6511AB\n", "٦511AB", "6511ÀB", "a511AB"]
)
def test_the_place_of_one_postcode_is_that_of_many(postcode: str) -> None:
    x, y = postcodes().locate(pl.Series([postcode]))
    assert postcodes().place(postcode) == (x[0], y[0])


def test_a_vacancy_counts_as_closed_by_today_and_not_by_the_day_of_the_index(tmp_path: Path) -> None:
    record = {"idVacature": "1", "adres": {"postcode": "6511AB"}, "sluitingsdatumVacature": AS_OF.isoformat()}
    built(tmp_path / "index", {"a": [record]}, {}, small_taxonomy())
    collection = open_index(tmp_path / "index").vacancies
    question = parse_question({"selectiegebied": {"postcode": "6511AB", "afstand": 5}}, "vacature")
    days = [AS_OF + timedelta(later) for later in (-1, 0, 1)]
    assert [len(nearest(question, collection, ["a"], 9, as_of=day)) for day in days] == [1, 1, 0]


def test_a_question_for_the_other_side_is_refused(region: MatchIndex) -> None:
    question = parse_question({"selectiegebied": {"postcode": "6511AB", "afstand": 5}}, "vacature")
    with pytest.raises(ValueError, match="question for vacature"):
        nearest(question, region.profiles, [""], 9, as_of=AS_OF)
