"""How many vacancies a second are ranked, against what others offer and against what the machine allows.

    python -m benchmarks.kernel [--profiles N] [--vacancies N] [--data NAME ...] [--peers NAME ...]

Four sets of made-up records (see `benchmarks.synthetic`), each in a process of its own: "ind", "clus", and
both expanded. The k best profiles of a vacancy are asked for in four ways:

- full: no conditions;
- area: profiles within a radius of the vacancy, the same for all, that leaves about a tenth of them;
- limits: profiles whose own travel limit reaches the vacancy; one in ten has no limit;
- all: the radius, and every condition that excludes by default, travel limits among them.

A peer knows no conditions, so it is measured on all profiles, and on exactly those that are in reach. For
that the vacancies stand in a few postcodes, in turn: the vacancies of one postcode reach the same profiles,
which the peer gets as a collection of their own, chosen and arranged beforehand, and that isn't counted.
Koppel gets no such help: it has one index of all profiles, and works out who is in reach while it is timed.

Koppel and a peer take turns; a ratio is the median of the turns' ratios. Each gets as many vacancies as it
ranks in the time given. The scores of some vacancies are compared: where a peer's best aren't Koppel's, the
benchmark fails.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks import limits
from benchmarks.limits import Rates
from benchmarks.peers import PEERS, Peer
from benchmarks.report import figure, machine_lines, peak_memory, say, write_page
from benchmarks.synthetic import AS_OF, Distribution, Synthetic, anywhere, eligible, synthetic
from engine import UNIT, Encoded, Ranker, Settings
from engine.blocks import lay_out

DATA: Final = {
    "ind": "IND",
    "clus": "CLUS",
    "ind-expanded": "IND, expanded",
    "clus-expanded": "CLUS, expanded",
}
WAYS: Final = {
    "full": "no conditions",
    "area": "within a radius",
    "limits": "own travel limits",
    "all": "radius and every condition",
}
REACHED: Final = ("full", "area", "limits")
"""Ways in which peers are measured too."""
SINGLE: Final = ("full", "area", "all")
"""Ways in which single queries are timed."""
PERCENTILES: Final = (50, 95, 99)
RATES: Final = ("triad", "scatter", "axpy")
TURNS: Final = 3
PLACES: Final = 8
IN_REACH: Final = 0.1
COMPARED: Final = 16
QUERIES: Final = 500

DISTRIBUTIONS: Final = {"sklearn": "scikit-learn"}
"""Packages that are installed under another name."""

Run = Callable[[int], Any]
"""Ranks for the first so many vacancies."""

Result = TypeVar("Result")


def main() -> None:
    """Measure every set of records in its own process, print the figures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--vacancies", type=int, default=4_000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.5, help="what one run takes, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--peers", nargs="*", choices=[peer.package for peer in PEERS])
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        Benchmark(asked, asked.data[0]).run()
        return
    say(machine_lines())
    figures = {line["name"]: line for name in asked.data for line in in_own_process(name)}
    write_page("kernel", page(asked, figures))


def in_own_process(name: str) -> Iterator[dict[str, Any]]:
    """Run this command for one set of records, pass its figures on and yield them."""
    say(f"== {name}")
    command = [sys.executable, "-m", "benchmarks.kernel", *sys.argv[1:], "--data", name, "--alone"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"{name} failed")


class Reach(NamedTuple):
    """Vacancies of one postcode, and the rows of the profiles that are in their reach."""

    vacancies: slice
    profiles: NDArray[np.intp]


class Koppel:
    """Koppel, ready to rank in each of the four ways, through what a user calls."""

    def __init__(self, data: Synthetic, vacancies: Encoded, k: int, radius_km: int) -> None:
        self.k = k
        started = time.perf_counter()
        candidates = lay_out(data.profiles)
        self.seconds = time.perf_counter() - started
        self.bytes = sum(
            each.nbytes
            for each in (candidates.rows, *candidates.facts, *candidates.blocks)
            if isinstance(each, np.ndarray)
        )
        self.rankers = {
            way: Ranker(vacancies, data.profiles, data.space, settings, candidates=candidates)
            for way, settings in {
                "full": Settings(AS_OF, required=frozenset()),
                "area": Settings(AS_OF, required=frozenset(), radius_km=radius_km),
                "limits": Settings(AS_OF, required=frozenset({"area"})),
                "all": Settings(AS_OF, radius_km=radius_km),
            }.items()
        }

    def run(self, way: str, threads: int) -> Run:
        """Return what ranks for the first so many vacancies."""
        return lambda m: self.rankers[way].rank(self.k, 0, m, threads=threads)

    def one(self, way: str, vacancy: int) -> None:
        """Rank for one vacancy, on one thread."""
        self.rankers[way].rank(self.k, vacancy, vacancy + 1)

    def scores(self, way: str, m: int) -> NDArray[np.float32]:
        """Scores of the best of the first m vacancies, float32 (m, k), 0 where there are fewer than k."""
        ranking = self.rankers[way].rank(self.k, 0, m)
        scores = np.zeros((m, self.k), np.float32)
        scores[ranking.vacancy, ranking.rank - 1] = ranking.score_vacancy / UNIT
        return scores


class Other:
    """A peer, ready to rank the same vacancies among the profiles that are in their reach."""

    def __init__(self, peer: Peer, data: Synthetic, reach: Sequence[Reach], k: int, threads: int) -> None:
        candidates = data.profile_matrix if peer.weighs else data.weighted_profile_matrix
        n = candidates.shape[0]
        self.peer, self.asking, self.k, self.threads = peer, data.vacancy_matrix, k, threads
        self.parts = [
            (vacancies, peer.index(candidates if len(rows) == n else candidates[rows]))
            for vacancies, rows in reach
        ]

    def scores(self, m: int) -> NDArray[np.float32]:
        """Scores of the best of the first m vacancies, float32 (m, k)."""
        scores = np.zeros((m, self.k), np.float32)
        for vacancies, index in self.parts:
            top = self.peer.ask(index, self.asking[:m][vacancies], self.k, self.threads)
            scores[vacancies] = top.scores
        return scores


class Benchmark:
    """Measures one set of records."""

    def __init__(self, asked: argparse.Namespace, name: str) -> None:
        self.asked, self.name, self.peak = asked, name, 0.0
        self.seconds: float = asked.seconds
        distribution, _, expanded = name.partition("-")
        self.data = synthetic(
            cast(Distribution, distribution),
            asked.profiles,
            asked.vacancies,
            expanded=bool(expanded),
            conditions=True,
            places=PLACES,
            seed=asked.seed,
        )
        self.radius_km = radius_for(self.data, IN_REACH)
        of_place = [slice(place, None, PLACES) for place in range(PLACES)]
        self.reach = {
            "full": [Reach(slice(None), np.arange(asked.profiles))],
            "area": [Reach(of, eligible(self.data, of.start, radius_km=self.radius_km)) for of in of_place],
            "limits": [Reach(of, eligible(self.data, of.start, limits=True)) for of in of_place],
        }

    def run(self) -> None:
        """Print every figure."""
        self.figure("radius", self.radius_km, "km")
        for way in ("area", "limits"):
            reached = sum(len(each.profiles) for each in self.reach[way]) / PLACES / self.asked.profiles
            self.figure(f"{way}.in_reach", round(reached, 3), "share")
        rates = limits.measure(self.asked.threads)
        for name in RATES:
            self.figure(f"rate.{name}", getattr(rates, name) / 1e9, "G/s")
        koppel, memory = self.weigh(
            lambda: Koppel(self.data, self.data.vacancies, self.asked.k, self.radius_km)
        )
        self.figure("memory.koppel", memory, "MiB")
        self.figure("layout.speed", self.asked.profiles / koppel.seconds, "profiles/s")
        self.figure("layout.size", koppel.bytes / self.asked.profiles, "bytes/profile")
        for peer in PEERS:
            if self.asked.peers is None or peer.package in self.asked.peers:
                if peer.available:
                    self.compare(koppel, peer)
                else:
                    say(f"skipped {peer.name}: {peer.package} is not installed")
        self.alone(koppel, rates)
        self.latencies()
        self.figure("peak_memory", max(self.peak, peak_memory()), "MiB")

    def compare(self, koppel: Koppel, peer: Peer) -> None:
        """Measure a peer in turn with Koppel: among all profiles, and among those in reach."""
        for way, reach in self.reach.items():
            other, memory = self.weigh(
                partial(Other, peer, self.data, reach, self.asked.k, self.asked.threads)
            )
            if peer.weighs and not same(other.scores(COMPARED), koppel.scores(way, COMPARED), peer.exact):
                raise SystemExit(f"the best of {peer.name} aren't Koppel's: {self.name}, {WAYS[way]}")
            ours, theirs = self.take_turns(koppel.run(way, self.asked.threads), other.scores)
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            speeds = statistics.median(ours), statistics.median(theirs)
            self.figure(f"{way}.koppel_beside.{peer.package}", speeds[0], "vacancies/s", peer.name, ratio)
            self.figure(f"{way}.{peer.package}", speeds[1], "vacancies/s")
            if way == "full":
                self.figure(f"memory.{peer.package}", memory, "MiB")

    def alone(self, koppel: Koppel, rates: Rates) -> None:
        """Measure Koppel in all ways, in turn, and how near it comes to the bound."""
        turns = self.take_turns(*(koppel.run(way, self.asked.threads) for way in WAYS))
        speeds = dict(zip(WAYS, turns, strict=True))
        for way, found in speeds.items():
            speed = statistics.median(found)
            if way in self.reach:
                most = self.bound(way, rates)
                self.figure(f"{way}.bound", most, "vacancies/s")
                self.figure(f"{way}.koppel", speed, "vacancies/s", f"{way}.bound", speed / most)
            else:
                ratio = statistics.median(a / b for a, b in zip(found, speeds["area"], strict=True))
                self.figure(f"{way}.koppel", speed, "vacancies/s", "area.koppel", ratio)

    def bound(self, way: str, rates: Rates) -> float:
        """The mixed bound in vacancies a second, with nothing but the profiles in reach."""
        seconds = 0.0
        for vacancies, profiles in self.reach[way]:
            asking = self.data.vacancy_matrix[vacancies]
            seconds += asking.shape[0] / limits.bound(self.data.profile_matrix[profiles], asking, rates)
        return len(self.data.vacancies) / seconds

    def latencies(self) -> None:
        """Measure single queries on one thread, each vacancy in a postcode of its own."""
        vacancies = anywhere(self.data.vacancies, self.asked.seed)
        koppel = Koppel(self.data, vacancies, self.asked.k, self.radius_km)
        for way in SINGLE:
            times = []
            for vacancy in range(min(QUERIES, len(vacancies))):
                started = time.perf_counter()
                koppel.one(way, vacancy)
                times.append(1000 * (time.perf_counter() - started))
            for percent in PERCENTILES:
                # The first queries warm up.
                self.figure(f"{way}.p{percent}", float(np.percentile(times[20:] or times, percent)), "ms")

    def weigh(self, make: Callable[[], Result]) -> tuple[Result, float]:
        """Return what is made, and the most memory in MiB that making it took beside what was there."""
        gc.collect()
        self.peak = max(self.peak, peak_memory())
        forget_peak()
        before = resident()
        made = make()
        return made, resident(peak=True) - before

    def take_turns(self, *runs: Run) -> list[list[float]]:
        """Vacancies a second of each, in each of the turns."""
        sizes = [self.enough(run) for run in runs]
        rates: list[list[float]] = [[] for _ in runs]
        for _ in range(TURNS):
            for run, m, found in zip(runs, sizes, rates, strict=True):
                found.append(m / seconds_of(run, m))
        return rates

    def enough(self, run: Run) -> int:
        """So many vacancies that a run takes about the time given; as many of each postcode."""
        run(PLACES)
        m, most = PLACES, len(self.data.vacancies)
        while m < most:
            wanted = int(m * self.seconds / seconds_of(run, m)) // PLACES * PLACES
            if wanted <= 2 * m:
                return min(max(m, wanted), most)
            m = min(wanted, 16 * m, most)
        return m

    def figure(
        self, name: str, value: float, unit: str, ratio_to: str | None = None, ratio: float | None = None
    ) -> None:
        """Print a figure of this set of records, to four digits."""
        short = None if ratio is None else float(f"{ratio:.4g}")
        figure(f"{self.name}.{name}", float(f"{value:.4g}"), unit, ratio_to, short)


def radius_for(data: Synthetic, share: float) -> int:
    """The radius, in whole km, that comes nearest to leaving a share of the profiles, over all postcodes."""
    asking, columns = data.vacancies.records.columns, data.profiles.records.columns
    counts = np.zeros(1000, np.int64)
    for place in range(PLACES):
        distance = np.hypot(columns.x - np.float64(asking.x[place]), columns.y - np.float64(asking.y[place]))
        counts += np.bincount(np.ceil(distance / 1000).astype(np.intp), minlength=1000)
    return int(np.abs(np.cumsum(counts) / counts.sum() - share).argmin())


def same(scores: NDArray[np.float32], others: NDArray[np.float32], exact: bool) -> bool:
    """Tell whether two tables of best scores are equal, or near where no more can be asked."""
    return bool(np.array_equal(scores, others) if exact else np.allclose(scores, others, rtol=0, atol=1e-6))


def seconds_of(run: Run, m: int) -> float:
    """How long it takes to rank for the first m vacancies."""
    started = time.perf_counter()
    run(m)
    return time.perf_counter() - started


def resident(peak: bool = False) -> float:
    """Memory that this process holds, in MiB, or held at most since the last `forget_peak`; NaN off Linux."""
    name = "VmHWM" if peak else "VmRSS"
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.nan
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(name)), math.nan)


def forget_peak() -> None:
    """Let Linux begin anew to keep the peak, for `resident` and for getrusage alike."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def page(asked: argparse.Namespace, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page in Markdown."""
    sets = "\n".join(section(name, figures) for name in asked.data)
    losses = [
        f"- {line['ratio_to']} on {name.partition('.')[0]}, {WAYS[name.split('.')[1]]}: {line['ratio']:.2g}x"
        for name, line in figures.items()
        if ".koppel_beside." in name and line["ratio"] < 1
    ]
    lost = "\n".join(["Koppel is slower than", "", *losses]) if losses else "No peer is faster than Koppel."
    versions = ", ".join(
        f"{peer.package} {version(DISTRIBUTIONS.get(peer.package, peer.package))}"
        for peer in PEERS
        if peer.available
    )
    return f"""# Vacancies ranked a second

`python -m benchmarks.kernel`. {machine_lines()} Peers: {versions}.

{asked.profiles:,} profiles, at most {asked.vacancies:,} vacancies, the best {asked.k}, {asked.threads}
threads, seed {asked.seed}. Medians of {TURNS} turns of about {asked.seconds} s; ratios within a turn.

For each peer: vacancies a second, and in brackets how many times as fast Koppel is beside it. On "no
conditions" both rank all profiles. On the others the peer got exactly the profiles that are in reach, chosen
and arranged beforehand, and Koppel its one index of all. bm25s doesn't weigh what a vacancy asks, so it
multiplies nothing. The mixed bound is what the machine allows: each feature at the cheaper of the rate at
which postings are scattered and that at which dense rows are added (`benchmarks.limits`), for the profiles in
reach alone.

{lost}

{sets}"""


def section(name: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the part of one set of records."""

    def cell(key: str, ratio: str = "", scale: float = 1.0) -> str:
        line = figures.get(f"{name}.{key}")
        if line is None:
            return ""
        against = figures.get(f"{name}.{ratio}") if ratio else None
        times = f" ({scale * against['ratio']:,.3g}{'x' if scale == 1 else ' %'})" if against else ""
        return f"{line['value']:,.0f}{times}"

    rows = [
        ["Koppel (share of the bound)"] + [cell(f"{way}.koppel", f"{way}.koppel", 100) for way in REACHED],
        ["mixed bound"] + [cell(f"{way}.bound") for way in REACHED],
    ]
    rows += [
        [peer.name]
        + [cell(f"{way}.{peer.package}", f"{way}.koppel_beside.{peer.package}") for way in REACHED]
        for peer in PEERS
        if f"{name}.full.{peer.package}" in figures
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    single = "\n".join(
        f"| {WAYS[way]} | "
        + " | ".join(f"{figures[f'{name}.{way}.p{percent}']['value']:.2f}" for percent in PERCENTILES)
        + " |"
        for way in SINGLE
    )
    memory = ", ".join(
        f"{label} {figures[key]['value']:,.0f}"
        for label, key in [("Koppel", f"{name}.memory.koppel")]
        + [(peer.name, f"{name}.memory.{peer.package}") for peer in PEERS]
        if key in figures
    )
    radius = figures[f"{name}.radius"]["value"]
    area, limit = (figures[f"{name}.{way}.in_reach"]["value"] for way in ("area", "limits"))
    every, peak = figures[f"{name}.all.koppel"], figures[f"{name}.peak_memory"]["value"]
    triad, scatter, axpy = (figures[f"{name}.rate.{rate}"]["value"] for rate in RATES)
    speed, size = (figures[f"{name}.layout.{what}"]["value"] for what in ("speed", "size"))
    return f"""## {DATA[name]}

A radius of {radius:.0f} km leaves {area:.1%} of the profiles, own travel limits leave {limit:.1%}. The
machine reached {triad:.1f} GB/s, {scatter:.2f} G postings/s and {axpy:.1f} G dense degrees/s. Koppel laid out
{speed:,.0f} profiles a second, in {size:,.0f} bytes each.

| vacancies a second | {" | ".join(WAYS[way] for way in REACHED)} |
|---|---|---|---|
{table}

With the radius and every condition Koppel ranks {every["value"]:,.0f} a second, in
{1 / every["ratio"]:.2f} times the time of the radius alone.

| one vacancy, one thread, ms | p50 | p95 | p99 |
|---|---|---|---|
{single}

MiB to arrange what is needed: {memory}. The process held {peak:,.0f} at most.
"""


if __name__ == "__main__":
    main()
