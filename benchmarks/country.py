"""Generated records of a country, and what an index of them weighs: on the disk, in time, when opened."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.market import Market, moved
from benchmarks.report import figure
from data.dataset import write
from data.pilot import Region, generate_profiles, generate_vacancies
from data.reference import postcodes
from data.taxonomy import bundled_taxonomy
from engine import Encoded, MatchIndex, Settings, build_index
from engine.build import _Spill
from engine.features import FeatureSpace
from engine.publish import Arrays, building, publish

AS_OF: Final = date(2026, 9, 1)
STARTS: Final = 5
QUESTIONS: Final = 200

INDEXED: Final = 200_000
"""Most synthetic profiles of which an index is built: more of them weigh the same, each."""

FRESH: Final = """
import sys, time
from pathlib import Path
begin = time.perf_counter()
import engine
imported = time.perf_counter()
index = engine.open_index(Path(sys.argv[1]))
opened = time.perf_counter()
index.ranker(engine.Settings(index.as_of)).rank(100, 0, 1)
print(imported - begin, opened - imported, time.perf_counter() - imported)
"""
"""Prints how long a fresh process takes to import, to open an index, and to that and rank once, in s."""


def write_country(folder: Path, profiles: int, vacancies: int, seed: int, as_of: date = AS_OF) -> None:
    """Write the records of a country in which every postcode is as likely as any other."""
    table = postcodes().table
    alike = np.ones(len(table), np.int64)
    country = Region("Nederland", table["place"], table["pc4"].to_numpy(), alike, alike)
    write(generate_profiles(profiles, seed=seed, region=country, as_of=as_of), folder / "profiles.parquet")
    write(generate_vacancies(vacancies, seed=seed, region=country, as_of=as_of), folder / "vacancies.parquet")


def index_country(folder: Path) -> None:
    """Index what `write_country` wrote, in folder / "index"."""
    build_index(
        folder / "index",
        profiles={"made-up": folder / "profiles.parquet"},
        vacancies={"made-up": folder / "vacancies.parquet"},
        taxonomy=bundled_taxonomy(),
        as_of=AS_OF,
    )


def market_of(index: MatchIndex, places: int, seed: int) -> Market:
    """The records of an index, its vacancies moved to a few postcodes."""
    return Market(index.profiles.whole, moved(index.vacancies.whole, seed, places), index.space)


def measure_build(name: str, profiles: Encoded, space: FeatureSpace, folder: Path) -> None:
    """Print how fast encoded profiles are laid out, written, hashed and published, and what they weigh."""
    root = folder / f"index-{name}"
    started = time.perf_counter()
    with building(root) as new:
        with _Spill(new / "spill", ("",)) as spill:
            spill.append(profiles, 0)
        with Arrays(new) as arrays:
            numbers = np.arange(len(space), dtype=np.int32)
            spill.lay_out(arrays, "profiles", space, numbers, profiles.reach, lambda *_: None)
        shutil.rmtree(new / "spill")
        publish(root, new, {}, 1)
    seconds = time.perf_counter() - started
    figure(f"{name}.index.build", round(len(profiles) / seconds), "profiles/s")
    figure(f"{name}.index.size", round(size_of(root) / len(profiles)), "bytes/profile")


def measure_start(root: Path) -> None:
    """Print how long fresh processes take to import the engine, to open an index and to rank for one."""
    runs = []
    for _ in range(1 + STARTS):
        command = [sys.executable, "-c", FRESH, str(root)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        runs.append([float(seconds) for seconds in found.split()])
    # The first may have compiled, and read files that the system hadn't.
    imported, opened, first = (statistics.median(column) for column in zip(*runs[1:], strict=True))
    figure("start.import", round(imported, 3), "s")
    figure("start.open", round(1000 * opened, 2), "ms")
    figure("start.first_ranking", round(first, 3), "s")


def measure_questions(name: str, index: MatchIndex, radius_km: int, k: int) -> None:
    """Print how long one question takes for which a ranker is made, on one thread, with every condition."""
    settings, asking = Settings(index.as_of, radius_km=radius_km), index.vacancies
    times = []
    for row in range(min(QUESTIONS, len(asking))):
        vacancy = asking.take(np.array([row]))
        started = time.perf_counter()
        index.ranker(settings, vacancies=vacancy).rank(k)
        times.append(1000 * (time.perf_counter() - started))
    for percent in (50, 95, 99):
        figure(f"{name}.question.p{percent}", round(float(np.percentile(times[20:], percent)), 3), "ms")


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
