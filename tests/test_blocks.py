"""The layout that candidates are searched in: it decides how fast an answer comes, never what it says."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import frame_of, random_record, random_settings, small_taxonomy

import engine.blocks
import engine.rank
from data.reference import NO_LOCATION
from data.standard import Side
from engine import Encoded, FeatureSpace, Ranker, Settings, encode
from engine.blocks import TRAVEL_CLASSES, cell_boxes, hilbert, lay_out, location_order, take_facts
from engine.columns import FACTS, day_number
from engine.conditions import CONDITIONS, Direction, names
from engine.kernels import CELL, FULL, Sparse, fill_block
from engine.merge import take
from engine.signature import in_vain, refusals, signatures

AS_OF = date(2026, 6, 1)
SIDES: tuple[Side, ...] = ("vacature", "werkzoekende")
MANY = 3 * CELL + 77
"""Candidates: four cells, the last of them not full."""

Pair = tuple[str, str, int, int, int]


Crowd = tuple[FeatureSpace, Encoded, Encoded]


@cache
def crowd(n_vacancies: int = 30) -> Crowd:
    """A few vacancies and many profiles of few kinds, so that ties come by the hundred."""
    chance = random.Random(7)
    space = FeatureSpace(small_taxonomy())
    kinds = [random_record(chance, "werkzoekende", "kind") for _ in range(40)]
    profiles = [chance.choice(kinds) | {"idWerkzoekende": f"p{number:05}"} for number in range(MANY)]
    vacancies = [random_record(chance, "vacature", f"v{number:02}") for number in range(n_vacancies)]
    return (
        space,
        encode(frame_of(vacancies, "vacature"), "vacature", space, as_of=AS_OF),
        encode(frame_of(profiles, "werkzoekende"), "werkzoekende", space, as_of=AS_OF),
    )


def ranked(crowd: Crowd, setting: Settings, k: int, threads: int = 1) -> list[Pair]:
    space, vacancies, profiles = crowd
    found = Ranker(vacancies, profiles, space, setting).rank(k, threads=threads)
    ids = found.vacancies.records.ids, found.profiles.records.ids
    return [
        (ids[0][v], ids[1][p], place, one, other)
        for v, p, place, one, other in zip(
            found.vacancy.tolist(),
            found.profile.tolist(),
            found.rank.tolist(),
            found.score_vacancy.tolist(),
            found.score_profile.tolist(),
            strict=True,
        )
    ]


def all_pairs(crowd: Crowd, setting: Settings) -> list[Pair]:
    """Every pair that may be ranked, best first but for ties, from single pairs and a whole sort."""
    space, vacancies, profiles = crowd
    ranker = Ranker(vacancies, profiles, space, setting)
    ids, found = (vacancies.records.ids, profiles.records.ids), []
    for v, p in itertools.product(range(len(vacancies)), range(len(profiles))):
        broken, _ = ranker.conditions(np.array([v], np.int32), np.array([p], np.int32))
        pair = ranker.pair(v, p)
        one, other = int(pair.score_vacancy[0]), int(pair.score_profile[0])
        if one and not setting.required & set(names(int(broken[0]))):
            found.append((v, -one, float(np.nan_to_num(pair.distance[0], nan=np.inf)), p, other))
    return [(ids[0][v], ids[1][p], 0, -one, other) for v, one, _, p, other in sorted(found)]


def test_the_best_are_those_of_all_pairs_sorted() -> None:
    setting, few = Settings(AS_OF), crowd(3)
    expected = all_pairs(few, setting)
    for k in (1, 100, MANY + 5):
        best = [row for _, rows in itertools.groupby(expected, lambda row: row[0]) for row in list(rows)[:k]]
        found = ranked(few, setting, k)
        assert [(row[0], row[3]) for row in found] == [(row[0], row[3]) for row in best]
    assert sorted((*row[:2], *row[3:]) for row in found) == sorted((*row[:2], *row[3:]) for row in expected)


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, float, int, int]]:
    """Sizes of blocks, shares above which a feature is dense, sizes of tiles, threads: one after another."""

    def each() -> Iterator[tuple[int, float, int, int]]:
        for layout in ((CELL, 0.05, 256, 1), (2 * CELL, 2.0, 7, 2), (1 << 13, 0.0, 1, 4), (CELL, 0.5, 64, 3)):
            monkeypatch.setattr(engine.blocks, "BLOCK", layout[0])
            monkeypatch.setattr(engine.blocks, "DENSE", layout[1])
            monkeypatch.setattr(engine.rank, "TILE", layout[2])
            yield layout

    return each()


@pytest.mark.parametrize("direction", ["vacancy", "mutual"])
@pytest.mark.parametrize("required", [frozenset(CONDITIONS), frozenset[str]()], ids=["all", "none"])
def test_the_layout_makes_no_difference(
    layouts: Iterator[tuple[int, float, int, int]],
    direction: Direction,
    required: frozenset[str],
) -> None:
    setting = Settings(AS_OF, direction, required=required)
    answers = [ranked(crowd(), setting, 150, threads=layout[3]) for layout in layouts]
    assert len(answers[0]) > 100
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_best_are_found_where_they_all_stand_together(
    backwards: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first blocks hold says nothing then about the others."""
    monkeypatch.setattr(engine.blocks, "BLOCK", CELL)
    space, vacancies, profiles = crowd(1)
    setting = Settings(AS_OF, required=frozenset())
    best = Ranker(vacancies, profiles, space, setting).rank(MANY).profile
    order = np.concatenate([best, np.setdiff1d(np.arange(MANY), best)])
    together = take(profiles, order[::-1] if backwards else order, [f"p{n:05}" for n in range(MANY)])
    nowhere = np.full(MANY, NO_LOCATION, np.int32)
    columns = together.records.columns._replace(x=nowhere, y=nowhere, travel_limit=nowhere.astype(np.int16))
    together = replace(together, records=replace(together.records, columns=columns))
    everyone = ranked((space, vacancies, together), setting, MANY)
    assert len(everyone) > 600
    for k in (1, 100, 600):
        assert ranked((space, vacancies, together), setting, k) == everyone[:k]


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_marks_never_refuse_a_pair_that_meets_the_conditions(seed: int) -> None:
    chance = random.Random(seed)
    space = FeatureSpace(small_taxonomy())
    vacancies = encode(
        frame_of([random_record(chance, "vacature", f"v{i}") for i in range(8)], "vacature"),
        "vacature", space, as_of=AS_OF,
    )  # fmt: skip
    profiles = encode(
        frame_of([random_record(chance, "werkzoekende", f"p{i}") for i in range(12)], "werkzoekende"),
        "werkzoekende", space, as_of=AS_OF,
    )  # fmt: skip
    setting = random_settings(chance)
    ranker = Ranker(
        vacancies, profiles, space, Settings(AS_OF, required=setting.required, wished=frozenset())
    )
    rows = np.array([(v, p) for v in range(8) for p in range(12)], np.int32)
    broken, _ = ranker.conditions(rows[:, 0].copy(), rows[:, 1].copy())
    fails = np.array([bool(setting.required & set(names(int(each)))) for each in broken])
    today = day_number(AS_OF)
    for asking, candidates, a, c in ((vacancies, profiles, 0, 1), (profiles, vacancies, 1, 0)):
        refused = refusals(asking.records, take_facts(asking.records.columns), setting.required, today)[
            rows[:, a]
        ]
        marked = signatures(take_facts(candidates.records.columns), candidates.records.side)[rows[:, c]]
        vain = in_vain(candidates.records, setting.required, today)[rows[:, c]]
        assert fails[((refused & marked) != 0) | vain].all()


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_marks_refuse_all_that_breaks_a_condition_of_few_values(seed: int) -> None:
    chance = random.Random(seed)
    space = FeatureSpace(small_taxonomy())
    vacancies, profiles = (
        encode(
            frame_of([random_record(chance, side, f"{number}") for number in range(10)], side),
            side, space, as_of=AS_OF,
        )
        for side in SIDES
    )  # fmt: skip
    v, p = (each.ravel().astype(np.int32) for each in np.indices((10, 10)))
    broken, _ = Ranker(vacancies, profiles, space, Settings(AS_OF)).conditions(v, p)
    for condition in ("contract", "irregular", "office_hours", "licence", "education_level"):
        fails = [condition in names(int(each)) for each in broken]
        for asking, candidates, a, c in ((vacancies, profiles, v, p), (profiles, vacancies, p, v)):
            facts = take_facts(asking.records.columns)
            refused = refusals(asking.records, facts, frozenset({condition}), day_number(AS_OF))[a]
            marked = signatures(take_facts(candidates.records.columns), candidates.records.side)[c]
            assert ((refused & marked) != 0).tolist() == fails


def test_a_cell_without_locations_is_far_from_everything_and_a_mixed_one_from_nothing() -> None:
    table = np.zeros(3 * CELL, FACTS)
    table["x"][CELL : 2 * CELL] = NO_LOCATION
    table["x"][2 * CELL] = NO_LOCATION
    whole, lost, mixed = cell_boxes(table).tolist()
    assert whole == [0, 0, 0, 0]
    assert lost[0] > lost[1]
    assert mixed[0] < -(10**6)
    assert mixed[1] > 10**6


def test_the_curve_visits_every_square_once_and_goes_from_neighbour_to_neighbour() -> None:
    side = np.arange(32)
    x, y = (each.ravel() for each in np.meshgrid(side, side))
    order = np.argsort(hilbert(x, y))
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert len(set(hilbert(x, y).tolist())) == len(x)
    assert set(steps.tolist()) == {1}


def test_rows_stand_by_travel_class_and_those_without_a_location_come_last() -> None:
    profiles = crowd()[2]
    columns = profiles.records.columns
    order = location_order(columns)
    limit = np.where(columns.travel_limit < 0, 1000, columns.travel_limit)[order]
    lost = (columns.x == NO_LOCATION)[order]
    assert sorted(order.tolist()) == list(range(MANY))
    assert (np.diff(lost.astype(int)) >= 0).all()
    assert (np.diff(np.searchsorted(TRAVEL_CLASSES, limit[~lost])) >= 0).all()
    assert lay_out(profiles).rows.tolist() == order.tolist()


@given(
    st.lists(st.dictionaries(st.integers(0, 6), st.integers(1, FULL), max_size=5), max_size=6),
    st.sets(st.integers(0, 6)),
)
def test_a_filled_block_holds_every_degree_of_its_rows_once(
    rows: list[dict[int, int]], popular: set[int]
) -> None:
    pairs = [sorted(row.items()) for row in rows]
    has = Sparse(
        np.cumsum([0, *map(len, pairs)], dtype=np.int64),
        np.array([feature for row in pairs for feature, _ in row], np.int32),
        np.array([degree for row in pairs for _, degree in row], np.uint8),
    )
    slot = np.full(7, -1, np.int32)
    slot[sorted(popular)] = np.arange(len(popular))
    pointers, dense = np.zeros(8, np.uint32), np.zeros((len(popular), CELL), np.uint8)
    covering, degrees = fill_block(*has, slot, pointers, dense)
    found = {
        (int(covering[at]), feature): int(degrees[at])
        for feature in range(7)
        for at in range(pointers[feature], pointers[feature + 1])
    }
    found |= {
        (row, feature): int(dense[slot[feature], row])
        for feature in popular
        for row in range(CELL)
        if dense[slot[feature], row]
    }
    assert len(covering) == len(degrees) == sum(len(set(row) - popular) for row in rows)
    assert found == {
        (row, feature): degree for row, own in enumerate(rows) for feature, degree in own.items()
    }
