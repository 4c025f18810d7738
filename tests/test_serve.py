"""`koppel serve`, as a process: it sets a laptop up, answers the README, and lives through a good deal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from command import koppel
from laptop import laptop
from typer.testing import CliRunner

from api.cli import app
from api.commands.serve import SETTINGS
from api.config import Settings
from api.laptop import DORP, PROCESSOR, STAD, set_up
from data.errors import KoppelError

README = Path(__file__).parents[1] / "README.md"
OIN = "00000001810207357000"
KOPPEL = [sys.executable, "-c", "from api.cli import main; main()"]
ASK = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 5}}}
HEADERS = {
    "X-VUM-berichtVersie": "3.0.0",
    "API-Version": "3.0.0",
    "X-VUM-fromParty": DORP,
    "X-VUM-toParty": OIN,
    "X-VUM-viaParty": PROCESSOR,
}


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    url: str
    state: Path
    log: Path

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def ask(self, client: httpx.Client | None = None) -> int:
        """Ask a question; gives the status. Over a connection of its own, or one that a client keeps."""
        url = f"{self.url}/vum/v3/werkzoekendeProfielen/matches"
        return (client or httpx).post(url, json=ASK, headers=HEADERS, timeout=30).status_code

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/ready", timeout=10).status_code == 200
        return False


def runs(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for yet has no command any more."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def start(state: Path, *options: str) -> Served:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = state.with_suffix(".log")
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*KOPPEL, "serve", "--laptop", "--port", str(port), *options],
            env=os.environ | {"KOPPEL_STATE": str(state)},
            stderr=file,
            cwd=state.parent,
        )
    made = Served(process, f"http://127.0.0.1:{port}", state, log)
    until(lambda: made.is_ready() or process.poll() is not None, 180)
    assert process.poll() is None, log.read_text()
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start(tmp_path_factory.mktemp("serve") / "state", "--workers", "2")
    until(lambda: len(made.workers()) == 2)
    yield made
    made.process.terminate()
    made.process.wait()


def commands() -> list[str]:
    """The curl commands of the README."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return [each for block in blocks for each in block.strip().split("\n\n") if each.startswith("curl")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl isn't installed")
@pytest.mark.parametrize("command", commands())
def test_the_examples_of_the_readme_are_answered(server: Served, command: str) -> None:
    words = shlex.split(command.replace("\\\n", " "))
    words = [word.replace("http://127.0.0.1:8000", server.url) for word in words]
    told = subprocess.run([*words, "-sS", "-w", "\n%{http_code}"], capture_output=True, text=True, check=True)
    body, _, status = told.stdout.rpartition("\n")
    assert status in ("200", "204")
    assert body.startswith(("{", "[")) or status == "204"


def test_a_laptop_is_set_up_once_and_loudly(server: Served) -> None:
    assert server.state.stat().st_mode & 0o777 == 0o700
    assert "LAPTOP MODE" in server.log.read_text()
    sources = httpx.get(f"{server.url}/v1/sources", headers={"X-VUM-viaParty": STAD}).json()
    assert {each["id"] for each in sources} == {"stad", "uwv"}


def test_no_thread_of_polars_runs_where_workers_are_forked(server: Served) -> None:
    names = {path.read_text().strip() for path in Path(f"/proc/{server.process.pid}/task").glob("*/comm")}
    assert not [name for name in names if re.fullmatch(r"polars-\d+|tokio.*", name)]


def test_memory_of_the_workers_is_shared(server: Served) -> None:
    for worker in server.workers():
        rollup = Path(f"/proc/{worker}/smaps_rollup").read_text()
        rss, pss = (int(re.search(rf"^{name}: +(\d+)", rollup, re.M)[1]) for name in ("Rss", "Pss"))  # type: ignore[index]
        assert pss < 0.75 * rss


def test_a_worker_that_is_killed_is_replaced(server: Served) -> None:
    killed, *_ = server.workers()
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in server.workers() and len(server.workers()) == 2)
    assert server.ask() == 200
    until(server.is_ready)


def test_no_worker_outlives_a_server_that_is_killed(server: Served, tmp_path: Path) -> None:
    shutil.copytree(server.state, tmp_path / "state")
    own = start(tmp_path / "state", "--workers", "2")
    workers = own.workers()
    own.process.kill()
    own.process.wait()
    assert len(workers) == 2
    until(lambda: not any(map(runs, workers)))


def test_workers_are_replaced_one_after_the_other_without_a_failed_request(server: Served) -> None:
    before = set(server.workers())
    statuses: list[object] = []
    over = threading.Event()

    def load(*, keeps: bool) -> None:
        with httpx.Client() as client:
            while not over.is_set():
                try:
                    statuses.append(server.ask(client if keeps else None))
                except httpx.TransportError as problem:
                    statuses.append(repr(problem))

    threads = [threading.Thread(target=load, kwargs={"keeps": keeps}) for keeps in (False, True)]
    for thread in threads:
        thread.start()
    server.process.send_signal(signal.SIGHUP)
    try:
        until(lambda: before.isdisjoint(server.workers()) and len(server.workers()) == 2)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statuses
    assert set(statuses) == {200}


def test_it_stops_in_time_and_goes_on_where_it_was(server: Served, tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(server.state, state)
    own = start(state)
    try:
        keys = (state / "keys.json").read_bytes()
        assert keys == (server.state / "keys.json").read_bytes()
        assert own.ask() == 200
        began = time.monotonic()
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 10
    finally:
        own.process.terminate()
    lines = [line for line in own.log.read_text().splitlines() if line.startswith("{")]
    assert lines
    assert "Traceback" not in own.log.read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "needs a socket"),
        ('socket = "koppel.sock"\nstate = "leeg"', "koppel store migrate"),
        ('identity = "laptop"', "--laptop"),
    ],
)
def test_what_can_not_be_served_is_told_before_anything_starts(tmp_path: Path, text: str, told: str) -> None:
    config = tmp_path / "koppel.toml"
    config.write_text(text)
    run = subprocess.run(
        [*KOPPEL, "serve", "--config", str(config)], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert run.returncode in (3, 6)
    assert told in run.stderr
    assert "Traceback" not in run.stderr


def test_a_port_that_is_taken_is_told_before_anything_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOPPEL_STATE", str(tmp_path / "state"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = koppel("serve", "--laptop", "--port", port)
    assert ended.code == 4
    assert ended.told() == (
        f"Error: 127.0.0.1:{port}: in use by another program. Stop it, or give another --port."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_store_with_other_parties_gets_no_made_up_records(tmp_path: Path) -> None:
    settings = laptop(tmp_path / "state")
    before = (settings.state / "koppel.db").read_bytes()
    with pytest.raises(KoppelError, match="KOPPEL_STATE"):
        set_up(settings)
    assert (settings.state / "koppel.db").read_bytes() == before


def test_help_says_how_production_differs() -> None:
    text = CliRunner().invoke(app, ["serve", "--help"]).output
    for word in ("--laptop", "socket", "checkpoints", "nginx.conf", "SIGHUP"):
        assert word in text


def test_help_lists_every_setting() -> None:
    text = CliRunner().invoke(app, ["serve", "--help"]).output
    assert list(SETTINGS) == list(Settings.model_fields)
    for name, says in SETTINGS.items():
        assert f"{name}: {says}\n" in re.sub(" +\n", "\n", text)
        if told := re.search(r"by default ([0-9]+)\.$", says):
            assert Settings.model_fields[name].default == int(told[1])
