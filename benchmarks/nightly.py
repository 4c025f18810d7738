"""Two nights of an exchange, from hosted sources to published folders, and what the first saves the second.

    python -m benchmarks.nightly [--profiles N] [--vacancies N] [--parties N] [--top N] [--threads N]

Parties hold the records of a country among them, each in a hosted source, and see all. After the first night
one record in fifty is deleted, and the second is run twice from the same state: by what the first night led
to expect, and without. Both publish the same matches, or the benchmark fails. Each run is a process of its
own.
Writes benchmarks/results/nightly.md and nightly.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.report import figure, machine_lines, say, write_figures, write_page

if TYPE_CHECKING:
    from api.config import Settings

OIN: Final = "00000001810207357000"
SIDES: Final = {"werkzoekende": "profiles", "vacature": "vacancies"}
CHURN: Final = 50
"""One record in so many is deleted between the nights."""

NIGHTS: Final = {
    "first": "the first night",
    "second": "the second",
    "unexpecting": "the second, expecting nothing",
}


def main() -> None:
    """Measure, print the figures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profiles", type=int, default=200_000)
    parser.add_argument("--vacancies", type=int, default=80_000)
    parser.add_argument("--parties", type=int, default=20)
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--step", choices=("make", "change", "night"), help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        {"make": make, "change": change, "night": night}[asked.step](asked)
        return
    from api.exchange.nightly.nights import EXPECTED

    say(machine_lines())
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "state"
        step("make", asked, state)
        found = {"first": step("night", asked, state)}
        step("change", asked, state)
        copy = Path(name) / "copy"
        shutil.copytree(state, copy, symlinks=True)
        shutil.rmtree(copy / "nights" / EXPECTED)
        found["second"] = step("night", asked, state)
        found["unexpecting"] = step("night", asked, copy)
    if found["second"]["matches_hash"] != found["unexpecting"]["matches_hash"]:
        raise SystemExit("what the night before led to expect changed the matches")
    figures = []
    for name, told in found.items():
        figures += [
            figure(f"nightly.{name}.{stage}", seconds, "s") for stage, seconds in told["stages"].items()
        ]
        figures.append(figure(f"nightly.{name}.total", told["seconds"], "s"))
        figures.append(figure(f"nightly.{name}.peak_memory", told["memory"], "MiB"))
        figures.append(figure(f"nightly.{name}.matches", told["matches"], "matches"))
    write_figures("nightly", figures)
    say(f"see {write_page('nightly', page(asked, found))}")


def step(name: str, asked: argparse.Namespace, state: Path) -> dict[str, Any]:
    """Run a step in a process of its own, and give what it tells."""
    options = [
        f"--{each}={getattr(asked, each)}" for each in ("profiles", "vacancies", "parties", "top", "threads")
    ]
    command = [sys.executable, "-m", "benchmarks.nightly", *options, f"--step={name}", f"--state={state}"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    say(told.strip())
    return dict(json.loads(told))


def settings_of(state: Path) -> Settings:
    """The configuration of the exchange."""
    from api.config import Settings

    return Settings(state=state, oin=OIN, identity="laptop")


def party(number: int) -> str:
    """The OIN of a party."""
    return f"{99_999_999_000_000_000_000 + number}"


def make(asked: argparse.Namespace) -> None:
    """Set an exchange up, and load each party's share of the records into its source."""
    import polars as pl

    from api.clock import now
    from api.commands.opened import SIGNING_KEY, VERIFYING_KEY, audit_of
    from api.exchange.administration import Administration
    from api.exchange.checkpoints import create_signing_key
    from api.exchange.hosted import HostedSources
    from api.exchange.keys import create_keys
    from api.store import Store
    from benchmarks.country import write_country
    from data.dataset import read, write

    started = time.perf_counter()
    asked.state.mkdir(parents=True)
    settings = settings_of(asked.state)
    store = Store(settings.store_url)
    store.migrate()
    create_keys(settings.keys_file, now)
    create_signing_key(asked.state / SIGNING_KEY, asked.state / VERIFYING_KEY)
    administration = Administration(audit_of(settings, store), now, "benchmark")
    administration.add_agreement("1.0")
    for phase in ("pilot", "gemeenten_uwv"):
        administration.open_phase(phase)
    hosted = HostedSources(store, settings.index_folder, now)
    write_country(asked.state, asked.profiles, asked.vacancies, seed=1, as_of=hosted.today())
    frames = {
        side: read(asked.state / f"{name}.parquet", side).frame  # type: ignore[arg-type]
        for side, name in SIDES.items()
    }
    for number in range(asked.parties):
        source = f"bron-{number}"
        administration.admit_party(party(number), f"Gemeente {number}", "gemeente", suwi=True)
        administration.accept(party(number), "1.0")
        administration.register_source(source, party(number), f"Gemeente {number}")
        administration.set_scope(source, "suwi")
        for side, frame in frames.items():
            path = asked.state / f"{side}-{number}.parquet"
            mine = frame.filter(pl.int_range(pl.len()) % asked.parties == number)
            write([mine], path)
            hosted.load(source, side, path)  # type: ignore[arg-type]
    store.close()
    print(json.dumps({"made in": round(time.perf_counter() - started)}))


def change(asked: argparse.Namespace) -> None:
    """Delete one record in `CHURN`."""
    from sqlalchemy import select

    from api.clock import now
    from api.exchange.hosted import HostedSources
    from api.store import Store
    from api.store.tables import record

    settings = settings_of(asked.state)
    store = Store(settings.store_url)
    hosted, deleted = HostedSources(store, settings.index_folder, now), 0
    columns = record.c.source_id, record.c.side, record.c.id
    with store.read() as connection:
        keys = connection.execute(select(*columns).order_by(*columns)).all()[::CHURN]
    for source, side in sorted({(key.source_id, key.side) for key in keys}):
        ids = [key.id for key in keys if (key.source_id, key.side) == (source, side)]
        deleted += hosted.delete(source, side, ids)
    store.close()
    print(json.dumps({"deleted": deleted}))


def night(asked: argparse.Namespace) -> None:
    """Run a night, and tell how long each stage took."""
    from api.commands.nightly import runner_of
    from api.commands.opened import nights_of
    from api.exchange.nightly.run import Wishes
    from api.exchange.nightly.sealing import read_summary
    from api.store import Store
    from engine.nightly import in_threads

    settings = settings_of(asked.state)
    store, nights = Store(settings.store_url), nights_of(settings)
    runner = runner_of(settings, store)
    began: dict[str, float] = {}

    def told(stage: str, _done: int, _whole: int) -> None:
        # What reads the sources one by one is one stage.
        began.setdefault("Reading" if stage.startswith("Reading") else stage, time.perf_counter())

    started = time.perf_counter()
    made = runner.run(Wishes(top=asked.top), in_threads(asked.threads), writers=asked.threads, progress=told)
    ended = time.perf_counter()
    moments = [*began.values(), ended]
    folder = nights.folder(made.name)
    sides = [each for told in read_summary(folder)["recipients"].values() for each in told.values()]
    usage = [
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    report = {
        "stages": {
            stage: round(end - begin, 1)
            for stage, begin, end in zip(began, moments, moments[1:], strict=False)
        },
        "seconds": round(ended - started, 1),
        "memory": round(max(usage)),
        "lists": sum(each["lists"] for each in sides),
        "matches": sum(each["matches"] for each in sides),
        "matches_hash": hash_of(folder),
    }
    store.close()
    print(json.dumps(report))


def hash_of(folder: Path) -> str:
    """A hash of all that a night ranked, but for who comes first among equals: that differs by the night."""
    import polars as pl

    digest = hashlib.sha256()
    for path in sorted(folder.rglob("matches/*/*.parquet")):
        frame = pl.read_parquet(path, columns=["own_source", "own_id", "rank", "score", "distance_km"])
        digest.update(frame.write_ndjson().encode())
    return digest.hexdigest()


def page(asked: argparse.Namespace, found: dict[str, dict[str, Any]]) -> str:
    """Return the page in Markdown."""
    stages = list(dict.fromkeys(stage for told in found.values() for stage in told["stages"]))
    head = " | ".join(NIGHTS[name] for name in found)
    rows = [
        f"| {stage} | {' | '.join(str(told['stages'].get(stage, '')) for told in found.values())} |"
        for stage in stages
    ]
    for what, key in (
        ("**all, s**", "seconds"),
        ("most memory of one process, MiB", "memory"),
        ("lists", "lists"),
        ("matches", "matches"),
    ):
        rows.append(f"| {what} | {' | '.join(format(told[key], ',') for told in found.values())} |")
    table = "\n".join([f"| s | {head} |", "|---|" + "---|" * len(found), *rows])
    return f"""# Two nights of an exchange

`python -m benchmarks.nightly`. {machine_lines()} {asked.profiles:,} profiles and {asked.vacancies:,}
vacancies of the generator in {asked.parties} hosted sources of as many parties, seed 1, the best {asked.top}
for each, every condition on, {asked.threads} threads. One record in {CHURN} was deleted between the nights.
The second night was run twice from the same state: both published the same matches.

{table}

A stage lasts from when the run first tells of it until it tells of the next. Reading is that of all sources,
for the snapshot and for the index; Publishing is that of the index; Writing lists also covers the sealing and
the publication of the night. What is expected bears on the ranking alone: where the two runs of the second
night differ otherwise, the machine was busier in one of them.
"""


if __name__ == "__main__":
    main()
