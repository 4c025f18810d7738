"""What is to be reached, line by line, and the page that says what was."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from benchmarks.contest import FAR, FEWEST_OF_SLOW, TURNS
from benchmarks.country import INDEXED
from benchmarks.peers import PEERS
from benchmarks.report import machine_lines

Figures = Mapping[str, Mapping[str, Any]]

MARKETS: Final = {
    "ind": "IND",
    "clus": "CLUS",
    "ind-expanded": "IND, expanded",
    "clus-expanded": "CLUS, expanded",
    "pilot-fifth": "pilot, a fifth",
    "pilot": "pilot",
}
WAYS: Final = {"full": "no conditions", "area": "within a radius", "limits": "own travel limits"}
SINGLE: Final = {"full": "no conditions", "area": "radius", "all": "radius, every condition"}


class Target(NamedTuple):
    """One line of what is to be reached.

    Attributes
    ----------
    what : in words.
    figure : name of the figure.
    ratio : whether its ratio is meant, else its value.
    best : "high" or "low".
    reach : how much.
    form : how it is written.
    """

    what: str
    figure: str
    ratio: bool
    best: str
    reach: float
    form: str

    def row(self, figures: Figures) -> list[str]:
        """What, what to reach, what was measured, and whether that is enough."""
        sign = "≥" if self.best == "high" else "≤"
        start = [self.what, f"{sign} {self.form.format(self.reach)}"]
        line = figures.get(self.figure)
        if line is None:
            return [*start, "not measured", ""]
        found = line["ratio" if self.ratio else "value"]
        enough = found >= self.reach if self.best == "high" else found <= self.reach
        return [*start, self.form.format(found), "yes" if enough else "**no**"]


def _times(what: str, figure: str, reach: float) -> Target:
    return Target(what, figure, True, "high", reach, "{:.3g}×")


def _share(what: str, figure: str, reach: float) -> Target:
    return Target(what, figure, True, "high", reach, "{:.0%}")


def _longer(what: str, figure: str, reach: float) -> Target:
    return Target(what, figure, True, "low", reach, "{:.3g}× the time")


def _at_most(what: str, figure: str, reach: float, unit: str) -> Target:
    return Target(what, figure, False, "low", reach, "{:,.4g} " + unit)


def _at_least(what: str, figure: str, reach: float, unit: str) -> Target:
    return Target(what, figure, False, "high", reach, "{:,.0f} " + unit)


_EXACTLY = "handed exactly the right slice"
_RUST = "sp_matmul_rs, public call"
_CORE = "sp_matmul_rs, its core without the copy"

TARGETS: Final = (
    _times("full scan against sparse_dot_topn, IND", "ind.full.koppel.to.sparse_dot_topn", 7),
    _times("full scan against sparse_dot_topn, CLUS", "clus.full.koppel.to.sparse_dot_topn", 6),
    _times(f"full scan against {_RUST}, IND", "ind.full.koppel.to.sp_matmul_rs", 8),
    _times(f"full scan against {_RUST}, CLUS", "clus.full.koppel.to.sp_matmul_rs", 5),
    _times(f"full scan against {_CORE}, IND", "ind.full.koppel.to.sp_matmul_rs_core", 8),
    _times(f"full scan against {_CORE}, CLUS", "clus.full.koppel.to.sp_matmul_rs_core", 5),
    _times(
        f"within a radius against sparse_dot_topn {_EXACTLY}, IND", "ind.area.koppel.to.sparse_dot_topn", 4.5
    ),
    _times(
        f"within a radius against sparse_dot_topn {_EXACTLY}, CLUS",
        "clus.area.koppel.to.sparse_dot_topn",
        3.5,
    ),
    _times("the same with own travel limits, 10 % unlimited, IND", "ind.limits.koppel.to.sparse_dot_topn", 3),
    _times(
        "the same with own travel limits, 10 % unlimited, CLUS", "clus.limits.koppel.to.sparse_dot_topn", 2.5
    ),
    _share("share of the mixed bound, full scan, IND", "ind.full.koppel", 0.75),
    _share("share of the mixed bound, full scan, CLUS", "clus.full.koppel", 0.60),
    _share("share of the mixed bound, within a radius, IND", "ind.area.koppel", 0.60),
    _share("share of the mixed bound, within a radius, CLUS", "clus.area.koppel", 0.40),
    *(
        _longer(f"every condition against the radius alone, {label}", f"{name}.all.koppel.time", 1.2)
        for name, label in MARKETS.items()
    ),
    *(
        _at_most(
            f"one query, one thread, radius and every condition, {percent}, {MARKETS[name]}",
            f"{name}.all.{percent}",
            most,
            "ms",
        )
        for name in ("ind", "clus", "pilot")
        for percent, most in (("p50", 0.3), ("p95", 0.6), ("p99", 1.5))
    ),
    _at_most("the national run, Parquet to Parquet", "national.total", 6, "minutes"),
    _at_most("the national run, peak memory", "national.peak_memory", 6144, "MiB"),
    *(
        _longer(
            f"twice the profiles, {SINGLE[way]}, {MARKETS[name]}",
            f"{name}.{way}.whole.time",
            2.1,
        )
        for name in ("ind", "clus")
        for way in SINGLE
    ),
    *(
        _at_most(f"index, {what}, {MARKETS[name]}", f"{name}.{figure}.size", most, "bytes a profile")
        for name, most in (("ind", 300), ("clus", 300), ("ind-expanded", 1200), ("clus-expanded", 1200))
        for what, figure in (("in memory", "layout"), ("published", "index"))
    ),
    *(
        _at_least(
            f"index, build after encoding, published, {MARKETS[name]}",
            f"{name}.index.build",
            150_000,
            "profiles/s",
        )
        for name in ("ind", "clus", "ind-expanded", "clus-expanded")
    ),
    _at_most("index, open, fresh process", "start.open", 50, "ms"),
    _at_most("import engine, fresh process", "start.import", 1.0, "s"),
    _at_most("first ranking after that, opening included", "start.first_ranking", 0.5, "s"),
)
"""All lines, in the order of the page."""


def page(asked: argparse.Namespace, lines: Iterable[Mapping[str, Any]], minutes: float) -> str:
    """Return the page in Markdown."""
    figures = {line["name"]: line for line in lines}
    targets = [target.row(figures) for target in TARGETS]
    reached = sum(row[-1] == "yes" for row in targets)
    measured = [name for name in MARKETS if f"{name}.profiles" in figures]
    sizes = ", ".join(f"{MARKETS[name]} {figures[f'{name}.profiles']['value']:,.0f}" for name in measured)
    parts = [
        f"""# The matching core

`make bench{"-quick" if asked.quick else ""}`, {minutes:.0f} minutes. {machine_lines()}

Profiles: {sizes}; indexes of made-up records hold {min(asked.profiles, INDEXED):,}. What is to be reached
is meant for 1,000,000. {asked.vacancies:,} vacancies at most, the best {asked.k}, {asked.threads} threads,
seed {asked.seed}. Medians of {TURNS} turns of about {asked.seconds} s; ratios within a turn. A peer that
takes {FAR} times as long for the fewest vacancies that are asked for, {FEWEST_OF_SLOW} a collection, has one
turn of those. Where there are conditions the peer got exactly the profiles in reach, chosen and arranged
beforehand, and Koppel its one index of all: see `benchmarks/contest.py`. The national run is one of its own
(`make bench-national`), see `national.md`.

{reached} of {len(targets)} lines are reached.
""",
        table(("what", "reach", "measured", "reached"), targets),
        _losses(figures),
        "What keeps the rest from being reached is told in `benchmarks/LIMITS.md`.\n",
        "## Vacancies a second\n\nFor each peer, in brackets, how many times as fast Koppel is beside it.\n",
        _speeds(figures, measured),
        """sp_matmul_rs copies row pointers and ids of its index at every public call, here one a turn and
postcode; its core doesn't. bm25s can't weigh what a vacancy asks, so it multiplies nothing. The slow ones are
measured where profiles aren't expanded, on made-up records only.
""",
        "## One vacancy, one thread, ms\n",
        table(("profiles", "conditions", "p50", "p95", "p99"), _latencies(figures, measured)),
        "A new question on the opened index is one for which a ranker is made while it is timed.\n",
        "## Machine and memory\n",
        _machine(figures, measured),
        "## Small things, median µs\n",
        table(
            ("what", "µs"),
            [
                [name.removeprefix("small.").replace("_", " "), f"{line['value']:,.4g}"]
                for name, line in figures.items()
                if name.startswith("small.")
            ],
        ),
    ]
    return "\n".join(parts)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _losses(figures: Figures) -> str:
    lost = [
        f"- {_peer_of(name)} on {MARKETS[name.split('.')[0]]}, {WAYS[name.split('.')[1]]}: "
        f"{line['ratio']:.2g}×"
        for name, line in figures.items()
        if ".koppel.to." in name and line["ratio"] < 1
    ]
    return "\n".join(["Koppel is slower than", "", *lost, ""]) if lost else "No peer is faster than Koppel.\n"


def _peer_of(name: str) -> str:
    key = name.rpartition(".")[2]
    return next(peer.name for peer in PEERS if peer.key == key)


def _speeds(figures: Figures, measured: Iterable[str]) -> str:
    peers = [peer for peer in PEERS if any(name.endswith(f".to.{peer.key}") for name in figures)]
    rows = []
    for name in measured:
        for way, words in WAYS.items():
            reached = figures.get(f"{name}.{way}.in_reach", {"value": 1})["value"]
            koppel = figures[f"{name}.{way}.koppel"]
            cells = [MARKETS[name], words, f"{reached:.1%}"]
            cells += [f"{koppel['value']:,.0f} ({koppel['ratio']:.1%} of the bound)"]
            for peer in peers:
                line, ratio = (figures.get(f"{name}.{way}.{key}{peer.key}") for key in ("", "koppel.to."))
                cells.append(f"{line['value']:,.0f} ({ratio['ratio']:.3g}×)" if line and ratio else "")
            rows.append(cells)
    head = ["profiles", "conditions", "in reach", "Koppel", *(peer.name for peer in peers)]
    return table(head, rows)


def _latencies(figures: Figures, measured: Iterable[str]) -> Iterator[list[str]]:
    for name in measured:
        ways = {**SINGLE, "question": "a new question, radius, every condition"}
        for way, words in ways.items():
            if f"{name}.{way}.p50" in figures:
                values = (figures[f"{name}.{way}.{percent}"]["value"] for percent in ("p50", "p95", "p99"))
                yield [MARKETS[name], words, *(f"{value:.2f}" for value in values)]


def _machine(figures: Figures, measured: Iterable[str]) -> str:
    wanted = {
        "triad GB/s": "rate.triad",
        "scatter G/s": "rate.scatter",
        "axpy G/s": "rate.axpy",
        "features a profile": "features",
        "radius km": "radius",
        "layout profiles/s": "layout.speed",
        "MiB to arrange: Koppel": "memory.koppel",
        **{peer.name: f"full.memory.{peer.key}" for peer in PEERS},
        "peak MiB of the process": "peak_memory",
    }
    names = list(measured)
    rows = []
    for what, key in wanted.items():
        lines = [figures.get(f"{name}.{key}") for name in names]
        rows.append([what, *(f"{line['value']:,.4g}" if line else "" for line in lines)])
    return table(["", *(MARKETS[name] for name in names)], rows)
