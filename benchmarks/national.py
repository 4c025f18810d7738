"""A night of the whole country on this machine: Parquet in, index, both directions ranked, Parquet out.

    python -m benchmarks.national [--profiles N] [--vacancies N] [--threads N]

The records are the generator's, over all postcodes alike, with the travel limits, hours and all else that it
gives them; every condition counts. What is written holds the row numbers of the index instead of ids. Each
stage is timed once, since a run takes minutes; making the records is not counted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.country import AS_OF, index_country, write_country
from benchmarks.report import figure, machine_lines, peak_memory, say, write_figures, write_page
from engine import Settings, open_index
from engine.conditions import Direction

SEED = 1
PAIRS = pl.Schema(
    {
        "vacancy": pl.UInt32,
        "profile": pl.UInt32,
        "rank": pl.UInt16,
        "score_vacancy": pl.Int32,
        "score_profile": pl.Int32,
        "distance_km": pl.Float32,
        "unknown": pl.UInt16,
    }
)


def main() -> None:
    """Measure, print the figures and write benchmarks/results/national.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--vacancies", type=int, default=400_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.make:
        write_country(asked.make, asked.profiles, asked.vacancies, SEED)
        return
    say(machine_lines())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = [f"--{what}={getattr(asked, what)}" for what in ("profiles", "vacancies")]
        subprocess.run([sys.executable, "-m", "benchmarks.national", *sizes, "--make", name], check=True)
        stages = run(folder, asked.threads)
        written = sum(path.stat().st_size for path in folder.glob("pairs-*.parquet")) / (1 << 20)
        index = sum(path.stat().st_size for path in (folder / "index").rglob("*") if path.is_file())
    minutes = sum(seconds for seconds, _ in stages.values()) / 60
    figures = [figure(f"national.{name}", round(seconds, 2), "s") for name, (seconds, _) in stages.items()]
    figures += [
        figure("national.total", round(minutes, 2), "minutes"),
        figure("national.written", round(written), "MiB"),
        figure("national.index.size", round(index / (asked.profiles + asked.vacancies)), "bytes a record"),
        figure("national.peak_memory", round(peak_memory()), "MiB"),
    ]
    write_figures("national", figures)
    write_page("national", page(asked, stages, written, figures[-1]["value"]))


def run(folder: Path, threads: int) -> dict[str, tuple[float, int]]:
    """Run all stages; return seconds and number of rows of each."""
    stages: dict[str, tuple[float, int]] = {}

    def stage(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        made = work()
        seconds = time.perf_counter() - started
        stages[name] = seconds, made if isinstance(made, int) else 0
        say(f"{name}: {seconds:.1f} s, peak so far {peak_memory():,.0f} MiB")
        return made

    stage("index", lambda: index_country(folder))
    index = stage("open", lambda: open_index(folder / "index"))
    asking: tuple[tuple[str, Direction, int], ...] = (
        ("vacancies", "vacancy", 100),
        ("profiles", "profile", 50),
    )
    for name, direction, k in asking:
        path = folder / f"pairs-{name}.parquet"
        ranker = stage(f"prepare_{name}", partial(index.ranker, Settings(AS_OF, direction)))
        stage(f"rank_{name}", partial(write_pairs, ranker, k, threads, path))
    return stages


def write_pairs(ranker: Any, k: int, threads: int, path: Path) -> int:
    """Rank for all records that ask, write the pairs as they come, and return how many."""
    from polars.io.plugins import register_io_source

    written = 0

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal written
        for block in ranker.blocks(k, threads=threads):
            written += len(block)
            yield pl.DataFrame(
                {
                    "vacancy": block.vacancy,
                    "profile": block.profile,
                    "rank": block.rank,
                    "score_vacancy": block.score_vacancy,
                    "score_profile": block.score_profile,
                    "distance_km": block.distance,
                    "unknown": block.unknown,
                },
            ).cast(PAIRS)

    source = register_io_source(lambda *_: frames(), schema=PAIRS)
    source.sink_parquet(path, compression="lz4", maintain_order=True, engine="streaming")
    return written


def page(
    asked: argparse.Namespace, stages: dict[str, tuple[float, int]], written: float, memory: float
) -> str:
    """Return the page in Markdown."""
    total = sum(seconds for seconds, _ in stages.values())
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {seconds:,.1f} | {seconds / total:.0%} | {pairs:,} |"
        for name, (seconds, pairs) in stages.items()
    )
    slowest = max(stages, key=lambda name: stages[name][0])
    return f"""# A night of the whole country

`python -m benchmarks.national`. {machine_lines()} {asked.profiles:,} profiles and {asked.vacancies:,}
vacancies of the generator over all postcodes, seed {SEED}, {asked.threads} threads, top 100 for each vacancy
and top 50 for each profile, every condition on.

**{total / 60:.1f} minutes, {memory / 1024:.1f} GiB at most**, {written:,.0f} MiB of pairs.

| stage | seconds | share | pairs written |
|---|---|---|---|
{rows}

Index is reading, checking ids, encoding, expanding and laying out both sides, hashed and on the disk. Most
time goes to {slowest.replace("_", " ")}, so that is where the next gain would be.
"""


if __name__ == "__main__":
    main()
