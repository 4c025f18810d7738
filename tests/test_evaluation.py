"""The measures of a ranking equal their textbook definitions, one asking record at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from engine.evaluation import MEASURES, Judgements, intervals, measure

Graded = dict[tuple[int, int], int]


def judged(grades: Graded) -> Judgements:
    pairs = list(grades)
    return Judgements(
        np.array([a for a, _ in pairs], np.int32),
        np.array([c for _, c in pairs], np.int32),
        np.array([grades[pair] for pair in pairs], np.uint8),
    )


def measured(grades: Graded, lists: dict[int, list[int]], k: int) -> dict[str, list[float]]:
    pairs = [(a, c, place) for a, listed in lists.items() for place, c in enumerate(listed, 1)]
    asking, candidate, rank = (np.array([pair[i] for pair in pairs], np.int32) for i in range(3))
    found = measure(judged(grades), asking, candidate, rank, k)
    return {name: values.tolist() for name, values in found.items()}


def plainly(grades: Graded, lists: dict[int, list[int]], k: int) -> dict[str, list[float]]:
    told: dict[str, list[float]] = {name: [] for name in MEASURES}
    for asking in sorted({a for (a, _), grade in grades.items() if grade > 0}):
        own = {c: grade for (a, c), grade in grades.items() if a == asking}
        listed = lists.get(asking, [])
        gains = [(2 ** own.get(c, 0) - 1) / math.log2(place + 1) for place, c in enumerate(listed, 1)]
        ideal = sorted(own.values(), reverse=True)
        best = [(2**grade - 1) / math.log2(place + 1) for place, grade in enumerate(ideal, 1)]
        hits = [place for place, c in enumerate(listed, 1) if own.get(c, 0) > 0]
        suitable = sum(grade > 0 for grade in own.values())
        told["ndcg"].append(sum(gains[:k]) / sum(best[:k]))
        told["map"].append(sum(n / place for n, place in enumerate(hits, 1)) / suitable)
        told["mrr"].append(1 / hits[0] if hits else 0.0)
        told["recall"].append(sum(place <= k for place in hits) / suitable)
    return told


grades = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 12)), st.integers(0, 3), max_size=40)
lists = st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, 15), unique=True, max_size=14), max_size=6)


@given(grades, lists, st.integers(1, 12))
def test_every_measure_equals_its_definition(graded: Graded, listed: dict[int, list[int]], k: int) -> None:
    told, plain = measured(graded, listed, k), plainly(graded, listed, k)
    for name in MEASURES:
        assert told[name] == pytest.approx(plain[name])


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12).filter(any), st.randoms())
def test_ndcg_equals_that_of_scikit_learn(relevance: list[int], random: object) -> None:
    order = list(range(len(relevance)))
    random.shuffle(order)  # type: ignore[attr-defined]
    told = measured({(0, c): grade for c, grade in enumerate(relevance)}, {0: order}, 10)
    scores = np.zeros(len(order))
    scores[order] = -np.arange(len(order))
    gains = np.exp2(relevance) - 1
    assert told["ndcg"][0] == pytest.approx(ndcg_score([gains], [scores], k=10))


def test_the_best_possible_list_measures_one() -> None:
    graded = {(0, 3): 2, (0, 5): 1, (1, 2): 3}
    told = measured(graded, {0: [3, 5, 9], 1: [2]}, 10)
    assert all(told[name] == [1, 1] for name in MEASURES)


def test_a_candidate_that_nobody_judged_pushes_the_others_down() -> None:
    graded = {(0, 3): 1}
    assert measured(graded, {0: [7, 3]}, 10)["mrr"] == [0.5]


def test_intervals_hold_the_mean_and_are_the_same_each_time() -> None:
    values = {"ndcg": np.linspace(0, 1, 50)}
    first, again = intervals(values), intervals(values)
    assert first == again
    assert first["ndcg"].low < first["ndcg"].mean < first["ndcg"].high


def test_intervals_get_narrower_with_more_records() -> None:
    few, many = (intervals({"ndcg": np.linspace(0, 1, n)})["ndcg"] for n in (20, 2000))
    assert many.high - many.low < few.high - few.low


def test_without_records_nothing_is_told() -> None:
    assert math.isnan(intervals({"ndcg": np.zeros(0)})["ndcg"].mean)
