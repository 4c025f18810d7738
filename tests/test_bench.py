"""The benchmarks measure what they say, and their page says what was reached and what wasn't."""

import argparse
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.contest import PLACES, Contest, Slice, bound, enough, ratio_of, take_turns
from benchmarks.country import measure_build
from benchmarks.limits import Rates
from benchmarks.market import Market, moved
from benchmarks.parts import PARTS, QUICK, ranker_of
from benchmarks.peers import PEERS
from benchmarks.synthetic import synthetic
from benchmarks.targets import MARKETS, TARGETS, WAYS, page
from engine.blocks import lay_out

RATES = Rates(threads=1, triad=1e9, scatter=1e9, axpy=4e9)


@cache
def market() -> Market:
    drawn = synthetic("clus", 600, 2 * PLACES, conditions=True)
    return Market(drawn.profiles, moved(drawn.vacancies, 1, PLACES), drawn.space)


def contest() -> Contest:
    ranker = ranker_of(market(), lay_out(market().profiles))
    return Contest("clus", market(), ranker, k=20, threads=1, seconds=0.0)


def printed(captured: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in captured.readouterr().out.splitlines()]
    return {line["name"]: line for line in lines}


# -- measuring


@pytest.mark.parametrize("way", WAYS)
def test_a_contest_finds_koppel_and_peers_of_one_mind(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    peers = [peer for peer in PEERS if peer.available]
    contest().compare(way, peers, RATES)
    figures = printed(capsys)
    for peer in peers:
        assert figures[f"clus.{way}.koppel.to.{peer.key}"]["ratio_to"] == f"clus.{way}.{peer.key}"
    assert figures[f"clus.{way}.koppel"]["ratio"] > 0


def test_a_contest_is_off_where_a_peer_finds_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    everyone = [Slice(slice(None), market().profile_matrix[:300])]
    monkeypatch.setattr(Contest, "slices", lambda *_: everyone)
    with pytest.raises(SystemExit, match="aren't Koppel's"):
        contest().compare("full", [peer for peer in PEERS if peer.key == "scipy"], RATES)


def test_each_takes_three_turns_for_as_many_as_there_is_time_for() -> None:
    seen: list[int] = []
    speeds = take_turns({"one": seen.append}, {"one": 8}, seconds=10.0, most=1000)
    assert seen[-3:] == [1000] * 3
    assert len(speeds["one"]) == 3


def test_who_is_far_too_slow_has_one_turn() -> None:
    speeds = take_turns({"slow": lambda m: sum(range(100_000))}, {"slow": 8}, seconds=1e-9, most=1000)
    assert len(speeds["slow"]) == 1


def test_nobody_is_asked_for_fewer_than_the_fewest_or_more_than_there_are() -> None:
    seen: list[int] = []
    take_turns({"one": seen.append}, {"one": 64}, seconds=0.0, most=1000)
    assert set(seen) == {64}
    seen.clear()
    take_turns({"one": seen.append}, {"one": 64}, seconds=0.0, most=20)
    assert set(seen) == {20}


def test_as_many_are_asked_for_as_fit_in_the_time_and_as_many_of_each_place() -> None:
    assert enough(lambda m: None, PLACES, took=1.0, seconds=1.9, most=1000) == PLACES
    assert enough(lambda m: None, PLACES, took=1.0, seconds=0.1, most=1000) == PLACES


def test_a_ratio_is_the_median_of_the_turns_that_both_had() -> None:
    assert ratio_of([2.0, 8.0, 9.0], [1.0, 2.0, 9.0]) == 2.0
    assert ratio_of([2.0, 8.0, 9.0], [0.5]) == 4.0


def test_the_bound_of_vacancies_in_places_is_that_of_all_of_them() -> None:
    asking, profiles = market().vacancy_matrix, market().profile_matrix
    apart = [Slice(slice(place, None, PLACES), profiles) for place in range(PLACES)]
    assert np.isclose(
        bound(apart, asking, RATES), bound([Slice(slice(None), profiles)], asking, RATES), rtol=1e-12
    )


def test_an_index_of_what_is_encoded_is_built_and_weighed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_build("clus", market().profiles, market().space, tmp_path)
    figures = printed(capsys)
    assert figures["clus.index.size"]["value"] > 100
    assert figures["clus.index.build"]["value"] > 0


# -- the page


def figures_of(value: float) -> Iterator[dict[str, Any]]:
    for name in {target.figure for target in TARGETS}:
        yield {"name": name, "value": value, "unit": "", "ratio_to": "", "ratio": value}


def asked() -> argparse.Namespace:
    return argparse.Namespace(
        quick=False, profiles=1000, vacancies=10, k=10, threads=2, seed=1, seconds=0.1, parts=None
    )


def rows(text: str) -> list[list[str]]:
    """The cells of the table of what is to be reached."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.partition("| reached |")[2].partition("\n\n")[0].splitlines()[2:]
    ]


@pytest.mark.parametrize("value", [0.0, 1e9], ids=["low", "high"])
def test_each_line_says_whether_it_is_reached(value: float) -> None:
    for target, row in zip(TARGETS, rows(page(asked(), figures_of(value), 1)), strict=True):
        assert (row[-1] == "yes") == ((target.best == "high") == (value > 0))


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert {tuple(row[2:]) for row in rows(page(asked(), [], 1))} == {("not measured", "")}


def test_losses_are_told() -> None:
    lost = {"name": "clus.area.koppel.to.bm25s", "value": 1.0, "unit": "", "ratio_to": "", "ratio": 0.5}
    assert "- bm25s numba kernel on CLUS, within a radius: 0.5×" in page(asked(), [lost], 1)


def test_all_markets_are_measured_and_a_quick_run_measures_some() -> None:
    assert set(MARKETS) < set(PARTS)
    assert set(QUICK) < set(PARTS)
