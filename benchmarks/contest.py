"""Koppel and its peers ask the same of the same profiles, in turn; and how near the machine's limit that is.

The k best profiles of a vacancy are asked for in four ways:

- full: no conditions;
- area: profiles within a radius of the vacancy, the same for all, that leaves about a tenth of them;
- limits: profiles whose own travel limit reaches the vacancy; one in ten has no limit;
- all: the radius, and every condition that excludes by default, travel limits among them.

A peer knows no conditions, so it is measured on all profiles, and on exactly those that are in reach. For
that the vacancies stand in a few postcodes, in turn: the vacancies of one postcode reach the same profiles,
which the peer gets as a collection of their own, chosen and arranged beforehand, and that isn't counted.
Koppel gets no such help: it has one index of all profiles, and works out who is in reach while it is timed.

In each turn each ranks once, for as many vacancies as it can in the time given; a ratio is the median of the
turns' ratios. No collection is asked for fewer than `FEWEST` at once, since a call has costs of its own, and
who takes far longer for these has one turn. The scores of some vacancies are compared:
where a peer's best aren't Koppel's, the benchmark fails.
"""

from __future__ import annotations

import contextlib
import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks import limits
from benchmarks.market import Market, eligible, moved, radius_for
from benchmarks.peers import PEERS, Peer
from benchmarks.report import figure, say
from engine import UNIT, Encoded, Settings

PLACES: Final = 8
"""Postcodes in which the vacancies stand; also how many vacancies are compared."""

FEWEST: Final = 32
FEWEST_OF_SLOW: Final = 8
"""Vacancies for which a collection is asked at once, at least; 8 also where there are no conditions."""

TURNS: Final = 3
FAR: Final = 4
"""How many times the time of a turn is far too long."""

IN_REACH: Final = 0.1
QUERIES: Final = 1000
WARM: Final = 50
"""Single queries that aren't counted."""

PERCENTILES: Final = (50, 95, 99)

Run = Callable[[int], Any]
"""Ranks for the first so many vacancies."""

MakeRanker = Callable[[Settings, Encoded], Any]
"""Makes a ranker of the market's profiles for these vacancies: (settings, vacancies)."""

Result = TypeVar("Result")


class Slice(NamedTuple):
    """Vacancies of one postcode, and the profiles that are in their reach, CSR float32."""

    vacancies: slice
    profiles: csr_matrix


class Contest:
    """Measures one market, whose vacancies stand in `PLACES` postcodes, and prints the figures."""

    def __init__(
        self, name: str, market: Market, ranker: MakeRanker, *, k: int, threads: int, seconds: float
    ) -> None:
        self.name, self.market, self.ranker = name, market, ranker
        self.k, self.threads, self.seconds = k, threads, seconds
        self.radius_km = radius_for(market, PLACES, IN_REACH)
        self.figure("profiles", len(market.profiles), "profiles")
        self.figure("features", market.profile_matrix.nnz / len(market.profiles), "features/profile")
        self.figure("radius", self.radius_km, "km")

    def settings(self, way: str) -> Settings:
        """How Koppel ranks in one of the ways."""
        as_of = self.market.profiles.as_of
        return {
            "full": Settings(as_of, required=frozenset()),
            "area": Settings(as_of, required=frozenset(), radius_km=self.radius_km),
            "limits": Settings(as_of, required=frozenset({"area"})),
            "all": Settings(as_of, radius_km=self.radius_km),
        }[way]

    def run(self, *, slow: bool) -> None:
        """Measure in all ways, the slow peers too where asked."""
        peers = [peer for peer in PEERS if peer.available and (slow or not peer.slow)]
        if missing := [peer.name for peer in PEERS if not peer.available]:
            say(f"skipped, not installed: {', '.join(missing)}")
        rates = limits.measure(self.threads, f"{self.name}.limits")
        for rate in ("triad", "scatter", "axpy"):
            self.figure(f"rate.{rate}", getattr(rates, rate) / 1e9, "G/s")
        for way in ("full", "area", "limits"):
            self.compare(way, peers, rates)
        self.latencies()

    def compare(self, way: str, peers: Sequence[Peer], rates: limits.Rates) -> None:
        """Measure Koppel and peers in turn, each peer among exactly the profiles that are in reach."""
        slices, market = self.slices(way), self.market
        if way != "full":
            reached = sum(each.profiles.shape[0] for each in slices) / PLACES / len(market.profiles)
            self.figure(f"{way}.in_reach", reached, "share")
        koppel = self.ranker(self.settings(way), market.vacancies)
        best = koppel_scores(koppel.rank(self.k, 0, PLACES), PLACES, self.k)
        runs: dict[str, Run] = {"koppel": partial(_rank, koppel, self.k, self.threads)}
        fewest = dict.fromkeys(("koppel", "all"), FEWEST * len(slices))
        if way == "area":
            every = self.ranker(self.settings("all"), market.vacancies)
            every.rank(self.k, 0, PLACES)
            runs["all"] = partial(_rank, every, self.k, self.threads)
        arranged: dict[Any, tuple[list[Any], float]] = {}
        for peer in peers:
            if peer.index not in arranged:
                arranged[peer.index] = weigh_memory(partial(self.arrange, peer, slices))
            indexes, memory = arranged[peer.index]
            self.figure(f"{way}.memory.{peer.key}", memory, "MiB")
            run = partial(self.ask, peer, indexes, slices)
            scores = run(PLACES)
            if peer.weighs and not same(scores, best, peer.exact):
                raise SystemExit(f"the best of {peer.name} aren't Koppel's: {self.name}, {way}")
            runs[peer.key] = run
            at_once = FEWEST_OF_SLOW if peer.slow or way == "full" else FEWEST
            fewest[peer.key] = at_once * len(slices)
        speeds = take_turns(runs, fewest, self.seconds, len(market.vacancies))
        self.report(way, speeds, bound(slices, market.vacancy_matrix, rates))

    def slices(self, way: str) -> list[Slice]:
        """What is in reach of the vacancies of each postcode."""
        everyone = self.market.profile_matrix
        if way == "full":
            return [Slice(slice(None), everyone)]
        radius, own = (self.radius_km, False) if way == "area" else (None, True)
        return [
            Slice(
                slice(place, None, PLACES),
                everyone[eligible(self.market, place, radius_km=radius, limits=own)],
            )
            for place in range(PLACES)
        ]

    def arrange(self, peer: Peer, slices: Sequence[Slice]) -> list[Any]:
        """What a peer makes of the profiles of each slice."""
        given = (each.profiles if peer.weighs else self.market.weighed(each.profiles) for each in slices)
        return [peer.index(profiles) for profiles in given]

    def ask(self, peer: Peer, indexes: Sequence[Any], slices: Sequence[Slice], m: int) -> NDArray[np.float32]:
        """Scores of the best of the first m vacancies by a peer, float32 (m, k)."""
        scores, asking = np.zeros((m, self.k), np.float32), self.market.vacancy_matrix[:m]
        for index, (vacancies, _) in zip(indexes, slices, strict=True):
            scores[vacancies] = peer.ask(index, asking[vacancies], self.k, self.threads).scores
        return scores

    def report(self, way: str, speeds: Mapping[str, Sequence[float]], most: float) -> None:
        """Print what the turns of one way have shown, in vacancies a second."""
        median = {name: statistics.median(found) for name, found in speeds.items()}
        unit = "vacancies/s"
        self.figure(f"{way}.bound", most, unit)
        self.figure(f"{way}.koppel", median["koppel"], unit, f"{way}.bound", median["koppel"] / most)
        for name, found in speeds.items():
            ratio = ratio_of(speeds["koppel"], found)
            if name == "all":
                self.figure("all.koppel", median[name], unit)
                unit_of_time, times = "ms/vacancy", f"{way}.koppel.time"
                self.figure(times, 1000 / median["koppel"], unit_of_time)
                self.figure("all.koppel.time", 1000 / median[name], unit_of_time, times, ratio)
            elif name != "koppel":
                self.figure(f"{way}.{name}", median[name], unit)
                self.figure(f"{way}.koppel.to.{name}", median["koppel"], unit, f"{way}.{name}", ratio)

    def latencies(self) -> None:
        """Measure single queries on one thread, each vacancy in a postcode of its own."""
        vacancies = moved(self.market.vacancies, seed=1)
        for way in ("full", "area", "all"):
            ranker = self.ranker(self.settings(way), vacancies)
            times = []
            for vacancy in range(min(QUERIES + WARM, len(vacancies))):
                started = time.perf_counter()
                ranker.rank(self.k, vacancy, vacancy + 1)
                times.append(1000 * (time.perf_counter() - started))
            for percent in PERCENTILES:
                self.figure(f"{way}.p{percent}", float(np.percentile(times[WARM:], percent)), "ms")

    def twice(self, half: MakeRanker) -> None:
        """Measure how much longer it takes than among half as many profiles."""
        for way in ("full", "area", "all"):
            runs: dict[str, Run] = {}
            for name, ranker in (("half", half), ("whole", self.ranker)):
                made = ranker(self.settings(way), self.market.vacancies)
                runs[name] = partial(_rank, made, self.k, self.threads)
                runs[name](PLACES)
            fewest = dict.fromkeys(runs, FEWEST)
            speeds = take_turns(runs, fewest, self.seconds, len(self.market.vacancies))
            times = {name: 1000 / statistics.median(found) for name, found in speeds.items()}
            self.figure(f"{way}.half.time", times["half"], "ms/vacancy")
            ratio = ratio_of(speeds["half"], speeds["whole"])
            self.figure(f"{way}.whole.time", times["whole"], "ms/vacancy", f"{way}.half.time", ratio)

    def figure(
        self, name: str, value: float, unit: str, ratio_to: str | None = None, ratio: float | None = None
    ) -> None:
        """Print a figure of this market, to four digits."""
        to = None if ratio_to is None else f"{self.name}.{ratio_to}"
        figure(f"{self.name}.{name}", short(value), unit, to, None if ratio is None else short(ratio))


def _rank(ranker: Any, k: int, threads: int, m: int) -> None:
    ranker.rank(k, 0, m, threads=threads)


def koppel_scores(ranking: Any, m: int, k: int) -> NDArray[np.float32]:
    """Scores of the best of the first m vacancies, float32 (m, k), 0 where there are fewer than k."""
    scores = np.zeros((m, k), np.float32)
    scores[ranking.vacancy, ranking.rank - 1] = ranking.score_vacancy / UNIT
    return scores


def same(scores: NDArray[np.float32], others: NDArray[np.float32], exact: bool) -> bool:
    """Tell whether two tables of best scores are equal, or near where no more can be asked."""
    return bool(np.array_equal(scores, others) if exact else np.allclose(scores, others, rtol=0, atol=1e-6))


def bound(slices: Sequence[Slice], asking: csr_matrix, rates: limits.Rates) -> float:
    """The mixed bound in vacancies a second, with nothing but the profiles in reach."""
    seconds = 0.0
    for vacancies, profiles in slices:
        of_place = asking[vacancies]
        seconds += of_place.shape[0] / limits.bound(profiles, of_place, rates)
    return float(asking.shape[0] / seconds)


def take_turns(
    runs: Mapping[str, Run], fewest: Mapping[str, int], seconds: float, most: int
) -> dict[str, list[float]]:
    """Vacancies a second of each in each of the turns, for at least `fewest` of the `most` that there are."""
    sizes: dict[str, int] = {}
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for name, run in runs.items():
        m = min(fewest[name], most)
        took = fastest(run, m)
        if took > FAR * seconds:
            speeds[name].append(m / took)
        else:
            sizes[name] = enough(run, m, took, seconds, most)
    for _ in range(TURNS):
        for name, m in sizes.items():
            speeds[name].append(m / seconds_of(runs[name], m))
    return speeds


def enough(run: Run, m: int, took: float, seconds: float, most: int) -> int:
    """So many vacancies that a run takes about the time given, as many of each postcode; m of them `took`."""
    while m < most:
        wanted = max(m, int(m * seconds / took) // PLACES * PLACES)
        if wanted <= 2 * m:
            return min(wanted, most)
        m = min(wanted, 16 * m, most)
        took = fastest(run, m)
    return m


def ratio_of(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios within the turns that both had."""
    return statistics.median(a / b for a, b in zip(these, those, strict=False))


def seconds_of(run: Run, m: int) -> float:
    """How long it takes to rank for the first m vacancies."""
    started = time.perf_counter()
    run(m)
    return time.perf_counter() - started


def fastest(run: Run, m: int) -> float:
    """The same of two runs, the faster: who was once held up isn't to be asked too little."""
    return min(seconds_of(run, m), seconds_of(run, m))


def short(value: float) -> float:
    """The same to four digits."""
    return float(f"{value:.4g}")


def weigh_memory(make: Callable[[], Result]) -> tuple[Result, float]:
    """Return what is made, and the most memory in MiB that making it took beside what was there."""
    gc.collect()
    # Lets Linux begin anew to keep the peak.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = resident("VmRSS")
    made = make()
    return made, resident("VmHWM") - before


def resident(name: str) -> float:
    """Memory that this process holds (VmRSS), or held at most (VmHWM), in MiB; NaN off Linux."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.nan
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(name)), math.nan)
