"""What `make bench` measures, part by part; each part runs in a process of its own and prints its figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

from benchmarks.contest import PLACES, Contest, MakeRanker, short, weigh_memory
from benchmarks.country import (
    INDEXED,
    index_country,
    market_of,
    measure_build,
    measure_questions,
    measure_start,
    size_of,
    write_country,
)
from benchmarks.market import Market, moved
from benchmarks.report import figure, peak_memory
from benchmarks.synthetic import Distribution, synthetic
from engine import Ranker, open_index
from engine.blocks import Candidates, lay_out


def contest(name: str, asked: argparse.Namespace) -> None:
    """Measure one synthetic market, with the slow peers and half as many profiles where it isn't expanded."""
    market = drawn(name, asked.profiles, asked)
    (candidates, seconds), memory = weigh_memory(partial(timed_layout, market))
    figure(f"{name}.memory.koppel", round(memory), "MiB")
    figure(f"{name}.layout.speed", round(asked.profiles / seconds), "profiles/s")
    size = sum(array.nbytes for array in (candidates.rows, *candidates.facts, *candidates.blocks[1:]))
    figure(f"{name}.layout.size", round(size / asked.profiles), "bytes/profile")
    ranker = ranker_of(market, candidates)
    measured = Contest(name, market, ranker, k=asked.k, threads=asked.threads, seconds=asked.seconds)
    expanded = name.endswith("-expanded")
    if not expanded:
        measured.twice(half_of(name, asked))
    measured.run(slow=not expanded)
    figure(f"{name}.peak_memory", round(peak_memory()), "MiB")


def pilot(name: str, asked: argparse.Namespace) -> None:
    """Measure generated records through an index of them: a fifth of the profiles, or all."""
    profiles = asked.profiles // 5 if name == "pilot-fifth" else asked.profiles
    with TemporaryDirectory() as given:
        folder = Path(given)
        write_country(folder, profiles, asked.vacancies, asked.seed)
        started = time.perf_counter()
        index_country(folder)
        seconds, records = time.perf_counter() - started, profiles + asked.vacancies
        index = open_index(folder / "index")
        figure(f"{name}.index.build", round(records / seconds), "records/s from Parquet")
        figure(f"{name}.index.size", round(size_of(folder / "index") / records), "bytes/record")
        if name == "pilot":
            measure_start(folder / "index")
        market = market_of(index, PLACES, asked.seed)
        measured = Contest(
            name,
            market,
            lambda settings, vacancies: index.ranker(settings, vacancies=vacancies),
            k=asked.k,
            threads=asked.threads,
            seconds=asked.seconds,
        )
        measured.run(slow=False)
        measure_questions(name, index, measured.radius_km, asked.k)
    figure(f"{name}.peak_memory", round(peak_memory()), "MiB")


def indexes(_: str, asked: argparse.Namespace) -> None:
    """Build an index of each synthetic market, from what is encoded."""
    with TemporaryDirectory() as folder:
        for name in ("ind", "clus", "ind-expanded", "clus-expanded"):
            market = drawn(name, min(asked.profiles, INDEXED), asked)
            measure_build(name, market.profiles, market.space, Path(folder))


def small(_: str, asked: argparse.Namespace) -> None:
    """Measure the small things, by pytest-benchmark."""
    with TemporaryDirectory() as folder:
        found = Path(folder) / "small.json"
        command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "benchmarks/test_small.py"]
        command += ["--benchmark-only", f"--benchmark-json={found}"]
        subprocess.run(command, check=True, stdout=sys.stderr, cwd=Path(__file__).parents[1])
        for each in json.loads(found.read_text(encoding="utf-8"))["benchmarks"]:
            name = each["name"].removeprefix("test_")
            figure(f"small.{name}", short(1e6 * each["stats"]["median"]), "us")


PARTS: Final[Mapping[str, Callable[[str, argparse.Namespace], None]]] = {
    "ind": contest,
    "clus": contest,
    "ind-expanded": contest,
    "clus-expanded": contest,
    "pilot-fifth": pilot,
    "pilot": pilot,
    "indexes": indexes,
    "small": small,
}
"""Name of each part -> what measures it."""

QUICK: Final = ("ind", "clus", "pilot", "indexes", "small")


def drawn(name: str, profiles: int, asked: argparse.Namespace) -> Market:
    """Draw a synthetic market, its vacancies in a few postcodes."""
    distribution, _, expanded = name.partition("-")
    market = synthetic(
        cast(Distribution, distribution),
        profiles,
        asked.vacancies,
        expanded=bool(expanded),
        conditions=True,
        seed=asked.seed,
    )
    return Market(market.profiles, moved(market.vacancies, asked.seed, PLACES), market.space)


def half_of(name: str, asked: argparse.Namespace) -> MakeRanker:
    """What makes rankers of a market like it, with half as many profiles."""
    half = drawn(name, asked.profiles // 2, asked)
    return ranker_of(half, lay_out(half.profiles))


def ranker_of(market: Market, candidates: Candidates) -> MakeRanker:
    """What makes rankers of a market that is laid out in memory."""
    return lambda settings, vacancies: Ranker(
        vacancies, market.profiles, market.space, settings, candidates=candidates
    )


def timed_layout(market: Market) -> tuple[Candidates, float]:
    """Lay the profiles out; give them, and the seconds that it took."""
    started = time.perf_counter()
    return lay_out(market.profiles), time.perf_counter() - started
