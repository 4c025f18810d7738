"""The exchange under load: a hosted source, a real server, a client in a process of its own, the log on.

    python -m benchmarks.exchange [--profiles N] [--workers N] [--seconds S] [--rate N] [--state DIR]

Makes the records of a country and loads them once; with --state they are kept there and used again. Then for
one worker and for several: memory, and for questions and rankings each: one at a time, so many a second
(evenly, the time counted from when each was due), and as many as it can. Client and server share the
processors. Writes benchmarks/results/exchange.md and exchange.jsonl.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.load import Measured, load, questions, request
from benchmarks.report import figure, machine_lines, say, write_figures, write_page

OIN: Final = "00000001810207357000"
SOURCE: Final = "land"
PREPARED: Final = 400
HEADERS: Final = {
    "X-VUM-berichtVersie": "3.0.0",
    "API-Version": "3.0.0",
    "X-VUM-fromParty": OIN,
    "X-VUM-toParty": OIN,
    "X-VUM-viaParty": OIN,
}
PATHS: Final = {"matches": "/vum/v3/werkzoekendeProfielen/matches", "rankings": "/v1/rankings"}
CONNECTIONS: Final = 16
COLUMNS: Final = {
    "p50": "p50 ms",
    "p95": "p95 ms",
    "p99": "p99 ms",
    "rate": "answers/s",
    "full": "share with 100 matches",
    "size": "KiB",
    "wrong": "not 200",
}


def main() -> None:
    """Measure, print the figures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--vacancies", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=150.0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--step", choices=("make", "load", "parts"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step == "make":
        make(asked.state, asked.profiles, asked.vacancies)
    elif asked.step == "load":
        asyncio.run(measure(asked))
    elif asked.step == "parts":
        asyncio.run(parts(asked))
    else:
        with tempfile.TemporaryDirectory() as name:
            asked.state = asked.state or Path(name) / "state"
            run(asked)


def run(asked: argparse.Namespace) -> None:
    """Do all of it, each step in a process of its own."""
    say(machine_lines())
    if not (asked.state / "made").exists():
        say(f"making {asked.profiles:,} profiles")
        list(step("make", asked))
    figures: list[dict[str, Any]] = []
    for workers in (1, asked.workers):
        with served(asked.state, workers) as (url, pid):
            with ThreadPoolExecutor(1) as beside:
                loading = beside.submit(step, "load", asked, "--url", url)
                seen = [memory(pid)]
                while not loading.done():
                    time.sleep(5)
                    seen.append(memory(pid))
            figures += loading.result() if workers == asked.workers else []
            whole, own = max(seen)
            figures += figure(f"memory.{workers}", whole, "MiB"), figure(f"own.{workers}", own, "MiB")
    one, several = (each["value"] for each in figures if each["name"].startswith("memory."))
    figures.append(figure("memory.ratio", round(several / one, 2), "times"))
    figures += step("parts", asked)
    write_figures("exchange", figures)
    say(f"see {write_page('exchange', page(asked, figures))}")


def step(name: str, asked: argparse.Namespace, *more: str) -> list[dict[str, Any]]:
    """Run a step, and give its figures."""
    options = [f"--{each}={getattr(asked, each)}" for each in ("profiles", "vacancies", "seconds", "rate")]
    command = [
        sys.executable,
        "-m",
        "benchmarks.exchange",
        *options,
        f"--state={asked.state}",
        f"--step={name}",
    ]
    told = subprocess.run([*command, *more], check=True, stdout=subprocess.PIPE, text=True).stdout
    sys.stdout.write(told)
    return [json.loads(line) for line in told.splitlines()]


def make(state: Path, profiles: int, vacancies: int) -> None:
    """Set up an exchange with one hosted source of a country."""
    from api.clock import now
    from api.commands.opened import SIGNING_KEY, VERIFYING_KEY, audit_of
    from api.config import Settings
    from api.exchange.administration import Administration
    from api.exchange.checkpoints import create_signing_key
    from api.exchange.hosted import HostedSources
    from api.exchange.keys import create_keys
    from api.laptop import STAD
    from api.store import Store
    from benchmarks.country import write_country

    state.mkdir(parents=True)
    settings = Settings(state=state, oin=OIN, identity="laptop")
    store = Store(settings.store_url)
    store.migrate()
    create_keys(settings.keys_file, now)
    create_signing_key(state / SIGNING_KEY, state / VERIFYING_KEY)
    administration = Administration(audit_of(settings, store), now, "benchmark")
    administration.add_agreement("1.0")
    administration.open_phase("pilot")
    administration.open_phase("gemeenten_uwv")
    administration.admit_party(OIN, "UWV", "uwv", suwi=True)
    administration.accept(OIN, "1.0")
    # The made-up municipality has the records of all: where it has none, --laptop refuses to serve.
    administration.admit_party(STAD, "Land", "gemeente")
    administration.accept(STAD, "1.0")
    administration.register_source(SOURCE, STAD, "Land")
    administration.set_scope(SOURCE, "suwi")
    hosted = HostedSources(store, settings.index_folder, now)
    # Vacancies that have closed have no candidates.
    write_country(state, profiles, vacancies, seed=1, as_of=hosted.today())
    started = time.perf_counter()
    hosted.load(SOURCE, "werkzoekende", state / "profiles.parquet")
    say(f"loaded in {time.perf_counter() - started:.0f} s")
    store.close()
    (state / "made").touch()


@contextmanager
def served(state: Path, workers: int) -> Iterator[tuple[str, int]]:
    """Run `koppel serve`; gives its URL and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--laptop"]
    with (state / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, f"--workers={workers}", f"--port={port}"],
            env=os.environ | {"KOPPEL_STATE": str(state)},
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None and not _is_ready(url):
            time.sleep(0.2)
        time.sleep(5)  # until all of the workers are
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def memory(pid: int) -> tuple[float, float]:
    """Give the memory of a server, each page counted once (PSS), and what of it is no file, in MiB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    told = {"Pss": 0, "Pss_Anon": 0}
    for each in (str(pid), *children):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            name, _, size = line.partition(":")
            if name in told:
                told[name] += int(size.removesuffix("kB"))
    return round(told["Pss"] / 1024, 1), round(told["Pss_Anon"] / 1024, 1)


def prepared(state: Path) -> dict[str, list[bytes]]:
    """Make the requests."""
    import polars as pl

    from data.dataset.lines import to_lines
    from data.reference import postcodes
    from data.taxonomy import bundled_taxonomy

    codes = bundled_taxonomy().occupations.codes
    places = [f"{pc4}AB" for pc4 in postcodes().table["pc4"].to_list()]
    asked = questions(places, codes, PREPARED, seed=2)
    vacancies = to_lines(pl.read_parquet(state / "vacancies.parquet").head(PREPARED)).splitlines()
    rankings = [{"vacature": json.loads(line), "top": 100} for line in vacancies]
    return {
        "matches": [request(PATHS["matches"], each, HEADERS) for each in asked],
        "rankings": [request(PATHS["rankings"], each, HEADERS) for each in rankings],
    }


async def measure(asked: argparse.Namespace) -> None:
    """Load a server and print the figures."""
    for kind, requests in prepared(asked.state).items():
        mark = b'"vumID"'
        ways: dict[str, dict[str, Any]] = {
            "alone": {"connections": 1},
            "paced": {"connections": CONNECTIONS, "a_second": asked.rate},
            "full": {"connections": CONNECTIONS},
        }
        warm = {"connections": CONNECTIONS, "seconds": min(asked.seconds, 5)}
        await load(asked.url, requests, _holds(mark, 100), **warm)
        for way, options in ways.items():
            told = await load(asked.url, requests, _holds(mark, 100), seconds=asked.seconds, **options)
            _tell(f"{kind}.{way}", told)


def _holds(mark: bytes, n: int) -> Callable[[bytes], bool]:
    return lambda body: body.count(mark) >= n


def _tell(name: str, told: Measured) -> None:
    for percent in (50, 95, 99):
        figure(f"{name}.p{percent}", told.percentile(percent), "ms")
    figure(f"{name}.rate", told.a_second, "answers/s")
    figure(f"{name}.full", told.share_full, "share of answers with 100 matches")
    figure(f"{name}.size", round(told.bytes / max(len(told.milliseconds), 1) / 1024, 1), "KiB/answer")
    figure(f"{name}.wrong", told.wrong, "answers")


# Where the time goes

TIMED: Final = {
    "nearest records": "api.exchange.hosted.nearest",
    "their match level from the store": "api.exchange.hosted.HostedSources._shown",
    "look for changes": "api.exchange.hosted.HostedSources.index",
    "registry and rules": "api.exchange.exchange.Exchange._decide",
    "pseudonyms for the log": "api.exchange.audit.Audit.subjects",
    "entry in the log": "api.exchange.audit.Audit.append",
    "commits, on the disk": "sqlalchemy.engine.default.DefaultDialect.do_commit",
    "vumIDs": "api.exchange.handles.Handles.seal",
    "answer joined": "api.exchange.exchange.matches_body",
}


async def parts(asked: argparse.Namespace) -> None:
    """Ask within this process, one at a time, and print how long each part takes."""
    from api.config import Settings
    from api.exchange.exchange import Exchange
    from api.exchange.rules import caller_of
    from api.services import open_services

    services = open_services(Settings(state=asked.state, oin=OIN, identity="laptop"))
    services.hosted.prepare()
    caller = caller_of(services.reader.current(), OIN, OIN, "laptop")
    spent = {what: _timed(path) for what, path in TIMED.items()}
    spent["all"] = _timed("api.exchange.exchange.Exchange._answer")
    bodies = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in prepared(asked.state)["matches"]]
    total: list[float] = []
    for body in bodies[:50] + bodies[:300]:
        started = time.perf_counter()
        await Exchange.ask(services.exchange, caller, "werkzoekende", body)
        total.append(time.perf_counter() - started)
    whole = 1000 * sum(total[50:]) / len(total[50:])
    figure("parts.whole question", round(whole, 2), "ms")
    for what, times in spent.items():
        figure(f"parts.{what}", round(1000 * sum(times) / len(total), 2), "ms")
    await services.aclose()


def _timed(path: str) -> list[float]:
    """Have a function note how long each call takes, in seconds."""
    from importlib import import_module

    times: list[float] = []
    names = path.split(".")
    owner: Any = import_module(".".join(names[:3]))
    for name in names[3:-1]:
        owner = getattr(owner, name)
    function = getattr(owner, names[-1])

    @wraps(function)
    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            times.append(time.perf_counter() - started)

    setattr(owner, names[-1], timed)
    return times


def page(asked: argparse.Namespace, figures: list[dict[str, Any]]) -> str:
    """Write the page."""
    value = {each["name"]: each["value"] for each in figures}
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for kind in PATHS:
        for way, what in (
            ("alone", "one at a time"),
            ("paced", f"{asked.rate:g} a second"),
            ("full", f"{CONNECTIONS} connections, as many as it can"),
        ):
            name = f"{kind}.{way}"
            told = (str(value[f"{name}.{each}"]) for each in COLUMNS)
            rows[kind].append(f"| {what} | {' | '.join(told)} |")
    head = f"| | {' | '.join(COLUMNS.values())} |\n|{'---|' * (1 + len(COLUMNS))}"
    timed = "\n".join(
        f"| {name.removeprefix('parts.')} | {ms} |" for name, ms in value.items() if name.startswith("parts.")
    )
    more = value[f"memory.{asked.workers}"]
    return f"""# The exchange under load

`koppel serve --workers {asked.workers}` with a hosted source of {asked.profiles:,} generated profiles over
the whole country, SQLite, log and checkpoints on; the client runs on the same processors. {machine_lines()}

## Questions: `POST {PATHS["matches"]}`, within 10, 25 or 50 km, half of them for an occupation

{head}
{chr(10).join(rows["matches"])}

## Rankings: `POST {PATHS["rankings"]}`, a vacancy, its best 100

{head}
{chr(10).join(rows["rankings"])}

Times in the middle row count from when a question was due, so that waiting counts too.

## Memory

One worker: {value["memory.1"]} MiB; {asked.workers} workers: {more} MiB, {value["memory.ratio"]} times as
much (PSS of the server and its workers, at its highest). Of that {value["own.1"]} and
{value[f"own.{asked.workers}"]} MiB are their own; the rest are files that they map, above all the index.

## Where the time of a question goes

Within one process, one at a time, without HTTP. "all" is what follows the search: log, vumIDs and answer.

| | ms |
|---|---|
{timed}
"""


if __name__ == "__main__":
    main()
