"""How many records a second are validated, encoded and ranked, on one core.

    python -m benchmarks.throughput [--profiles N] [--vacancies N] [--seed N]

The records are those of the generator. Each stage runs three times after one that isn't counted (which
compiles the kernels and warms the file cache); the median is given, with the slowest. Validated means: from a
file into a frame, every record checked. Encoded means: from Parquet to columns and vectors, taxonomy
expansion included, reading included. Each stage runs in a process of its own, so that its peak memory is its
own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.report import SHARED, figure, machine_lines, peak_memory, say, write_page

AS_OF = date(2026, 9, 1)
RUNS = 3
STAGES = {
    "generate": "profiles generated",
    "ndjson": "profiles validated from NDJSON into a frame",
    "json": "profiles validated from a JSON list into a frame",
    "parquet_checked": "profiles validated from Parquet into a frame",
    "parquet": "profiles read from Parquet that Koppel wrote, ids checked",
    "vacancies_ndjson": "vacancies validated from NDJSON into a frame",
    "encode": "profiles encoded from Parquet, reading included",
    "encode_joined": "the same with CompetentNL, BO&C and ESCO joined to the bundled taxonomy",
    "encode_alone": "profiles encoded from a frame",
    "rank": "vacancies ranked against all profiles, top 100, all conditions",
    "rank_mutual": "vacancies ranked against all profiles, mutual, top 100",
}


def main() -> None:
    """Measure each stage in its own process, print the figures and write benchmarks/results/throughput.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profiles", type=int, default=50_000)
    parser.add_argument("--vacancies", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        measure(asked.stage, asked.folder, asked.profiles, asked.vacancies, asked.seed)
        return
    say(machine_lines())
    say(f"{asked.profiles} profiles, {asked.vacancies} vacancies, seed {asked.seed}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_records(Path(folder), asked.profiles, asked.vacancies, asked.seed)
        for stage in STAGES:
            if stage == "encode_joined" and not SHARED.is_dir():
                say(f"skipped {stage}: {SHARED} is absent")
                continue
            rows.append(in_own_process(stage, folder, asked))
    write_page("throughput", page(rows, asked.profiles, asked.vacancies, asked.seed))


def write_records(folder: Path, profiles: int, vacancies: int, seed: int) -> None:
    """Write the same profiles in three formats, and the vacancies in two."""
    from data.dataset import write
    from data.pilot import generate_profiles, generate_vacancies

    for suffix in ("ndjson", "json", "parquet"):
        write(generate_profiles(profiles, seed=seed, as_of=AS_OF), folder / f"profiles.{suffix}")
    for suffix in ("ndjson", "parquet"):
        write(generate_vacancies(vacancies, seed=seed, as_of=AS_OF), folder / f"vacancies.{suffix}")


def in_own_process(stage: str, folder: str, asked: argparse.Namespace) -> tuple[str, float, float, float]:
    """Run one stage on one core and return its name, median and lowest rate, and peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--stage", stage, "--folder", folder]
    for name in ("profiles", "vacancies", "seed"):
        command += [f"--{name}", str(getattr(asked, name))]
    run = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | {"POLARS_MAX_THREADS": "1"}
    )
    median, lowest, memory = map(float, run.stdout.split())
    figure(f"throughput.{stage}", round(median), "records/s")
    figure(f"throughput.{stage}.peak_memory", round(memory), "MiB")
    return stage, median, lowest, memory


def measure(stage: str, folder: Path, profiles: int, vacancies: int, seed: int) -> None:
    """Print median rate, lowest rate and peak memory of one stage, for the process that asked."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run, records = prepared(stage, folder, profiles, vacancies, seed)
    run()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    print(records / statistics.median(times), records / max(times), peak_memory())


def prepared(
    stage: str, folder: Path, profiles: int, vacancies: int, seed: int
) -> tuple[Callable[[], Any], int]:
    """Return what a stage does, and to how many records."""
    from data.dataset import read
    from data.pilot import generate_profiles

    if stage == "generate":
        return lambda: sum(len(block) for block in generate_profiles(profiles, seed=seed)), profiles
    if stage in ("ndjson", "json", "parquet", "parquet_checked"):
        path = folder / f"profiles.{stage.partition('_')[0]}"
        return lambda: read(path, trust=stage == "parquet"), profiles
    if stage == "vacancies_ndjson":
        return lambda: read(folder / "vacancies.ndjson"), vacancies

    from engine import FeatureSpace, Ranker, Settings, encode

    space = FeatureSpace(joined_taxonomy() if stage == "encode_joined" else bundled())
    path = folder / "profiles.parquet"
    if stage in ("encode", "encode_joined"):
        return lambda: encode(read(path).frame, "werkzoekende", space, as_of=AS_OF), profiles
    frame = read(path).frame
    if stage == "encode_alone":
        return lambda: encode(frame, "werkzoekende", space, as_of=AS_OF), profiles
    offered = encode(read(folder / "vacancies.parquet").frame, "vacature", space, as_of=AS_OF)
    sought = encode(frame, "werkzoekende", space, as_of=AS_OF)
    settings = Settings(AS_OF, "mutual" if stage == "rank_mutual" else "vacancy")
    ranker = Ranker(offered, sought, space, settings)
    some = min(vacancies, 500)
    return lambda: ranker.rank(100, 0, some), some


def bundled() -> Any:
    """Return the bundled taxonomy."""
    from data.taxonomy import bundled_taxonomy

    return bundled_taxonomy()


def joined_taxonomy() -> Any:
    """Return CompetentNL, BO&C and ESCO joined with the bundled taxonomy, whose codes the records have."""
    from data.taxonomy import build, read_boc, read_competentnl, read_esco, read_own

    reference = SHARED / "reference"
    names = [reference / "competentnl_occupations.csv", reference / "competentnl_capabilities.csv"]
    sources = read_own(), read_competentnl(names), read_boc(reference / "boc_24.1.csv")
    return build(*sources, read_esco(reference / "esco"))


def page(rows: list[tuple[str, float, float, float]], profiles: int, vacancies: int, seed: int) -> str:
    """Return the page in Markdown."""
    table = "\n".join(
        f"| {STAGES[stage]} | {median:,.0f} | {lowest:,.0f} | {memory:,.0f} |"
        for stage, median, lowest, memory in rows
    )
    return f"""# Records a second, on one core

`python -m benchmarks.throughput`. {machine_lines()} {profiles:,} generated profiles, {vacancies:,} vacancies,
seed {seed}. Medians of {RUNS} runs after one that isn't counted, each stage in a process of its own, which
has one core. Peak memory includes what the stage is given, for most of them the whole frame.

| what | a second, median | slowest run | peak MiB |
|---|---|---|---|
{table}
"""


if __name__ == "__main__":
    main()
