"""The application as a whole: what the operator is told, and that nothing personal gets out besides."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from laptop import OIN
from served import served
from sqlalchemy import func, select, text, update
from starlette.types import Receive, Scope, Send
from v1_world import BEROEP, DORP, NOBODY, PROCESSOR, STAD, World, problem, profile, world, written

from api.app import _every, create_app
from api.busy import Busy
from api.clock import DAY, now
from api.exchange.hosted import HostedSources
from api.logs import configure
from api.observed import Observed
from api.store import Store
from api.store.store import WAIT_S
from api.store.tables import audit_entry, registry_version

VUM = {"X-VUM-berichtVersie": "3.0.0", "API-Version": "3.0.0", "X-VUM-toParty": OIN}
QUESTION = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 30}}}


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What the server logs."""
    handlers, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers[:] = []
    stream = StringIO()
    configure("DEBUG", stream)
    yield stream
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "state") as made:
        yield made


def test_the_server_is_ready_as_long_as_store_log_index_and_keys_are(here: World) -> None:
    with here.client(None) as client:
        assert client.get("/health").json() == {"status": "alive"}
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        here.settings.keys_file.rename(here.settings.state / "elsewhere")
        red = client.get("/ready")
        assert (red.status_code, red.json()["status"]) == (503, "not ready")
        assert red.json()["checks"] == {"store": "ok", "log": "ok", "index": "ok", "keys": "fails"}
        here.settings.checkpoint_file.unlink(missing_ok=True)
        here.settings.checkpoint_file.mkdir()
        assert client.get("/ready").json()["checks"]["log"] == "fails"
        assert client.get("/health").status_code == 200


def test_a_server_whose_index_is_of_an_earlier_day_builds_one_of_today(tmp_path: Path) -> None:
    with world(tmp_path / "state") as made:
        settings = made.settings
    store = Store(settings.store_url)
    yesterday = HostedSources(store, settings.index_folder, lambda: now() - DAY)
    yesterday.rebuild()
    store.close()
    begin = time.monotonic()
    with served(create_app(settings), lifespan="on") as url, World(url, settings).client(STAD) as client:
        asked = {"vacature": {"beroep": {"codeBeroepsnaam": BEROEP}}}
        while (day := client.post("/v1/rankings", json=asked).json()["asOf"]) == str(yesterday.today()):
            assert time.monotonic() - begin < 60
            time.sleep(0.05)
    assert day == str(yesterday.today() + timedelta(days=1))


def test_a_change_that_nobody_took_in_counts_soon(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store, record = Store(here.settings.store_url), profile("verweesd")
    author = HostedSources(store, here.settings.index_folder, now)
    monkeypatch.setattr(author, "take_in", lambda: True)
    author.put("stad", "werkzoekende", "verweesd", *written(record))
    begin, asked = time.monotonic(), {"vacature": {"beroep": {"codeBeroepsnaam": BEROEP}}, "top": 100}
    with here.client(STAD) as client:

        def found() -> int:
            return len(client.post("/v1/rankings", json=asked).json()["matches"])

        before = found()
        while found() == before:
            assert time.monotonic() - begin < 60
            time.sleep(0.05)
    store.close()


def test_what_is_done_always_is_done_again_whatever_it_fails_by(logged: StringIO) -> None:
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if done == [0]:
            raise OSError(28, "No space left on device", "/geheim")

    async def run() -> None:
        task = asyncio.create_task(_every(0.01, work, "work.failed"))
        while len(done) < 2:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    (line,) = logged.getvalue().splitlines()
    assert json.loads(line)["event"] == "work.failed"
    assert "geheim" not in line


def test_asking_whether_it_is_ready_keeps_nobody_from_writing_and_writes_nothing(here: World) -> None:
    store = Store(here.settings.store_url)

    def state() -> tuple[int, bytes]:
        with store.read() as connection:
            entries = connection.scalar(select(func.count()).select_from(audit_entry)) or 0
        return entries, here.settings.checkpoint_file.read_bytes()

    with here.client(None) as client, store.write() as connection:
        # Held by another: whoever wanted to write would wait for 5 s, and then give up.
        connection.execute(update(registry_version).values(n=registry_version.c.n))
        before = state()
        ready = client.get("/ready")
        assert (ready.status_code, ready.elapsed.total_seconds() < WAIT_S) == (200, True)
        assert state() == before
    store.close()


def test_a_server_whose_log_could_not_be_written_is_not_ready_until_it_can_be(here: World) -> None:
    store = Store(here.settings.store_url)
    with store.write() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON audit_entry "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        )
    with here.client(OIN, OIN) as client, here.client(None) as operator:
        told = client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
        assert told.status_code == 503
        for _ in range(2):
            red = operator.get("/ready")
            assert (red.status_code, red.json()["checks"]["log"]) == (503, "fails")
        with store.write() as connection:
            connection.execute(text("DROP TRIGGER full"))
        assert [operator.get("/ready").status_code for _ in range(2)] == [200, 200]
        with store.read() as connection:
            kinds = connection.scalars(select(audit_entry.c.kind).order_by(audit_entry.c.seq)).all()
        assert list(kinds).count("resumed") == 1
        told = client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
        assert told.status_code == 200
    store.close()


def test_where_the_keys_are_gone_nothing_is_answered(here: World) -> None:
    here.settings.keys_file.unlink()
    with here.client(OIN, OIN) as client:
        answer = client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
        assert (answer.status_code, answer.json()["code"]) == (503, "500.3")
        problem(client.post("/v1/rankings", json={"vacature": {"adres": {"postcode": "6511AB"}}}), 503)


def test_requests_are_counted_by_operation_and_status(here: World) -> None:
    def count(operation: str, status: int) -> float:
        with here.client(None) as client:
            lines = client.get("/metrics").text.splitlines()
        wanted = f'koppel_requests_total{{operation="{operation}",status="{status}"}} '
        return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

    counted = {
        ("bemiddelaar.werkzoekendeProfielen.matches", 200): 2,
        ("bemiddelaar.werkzoekendeProfielen.detail", 400): 1,
        ("bemiddelaar.unknown", 400): 1,
        ("listRules", 200): 1,
        ("unknown", 404): 1,
    }
    before = {each: count(*each) for each in counted}
    with here.client(OIN, OIN) as client:
        for _ in range(2):
            client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
        client.get("/vum/v3/werkzoekendeProfielen/verzonnen", headers=VUM)
        client.get("/vum/v3/verzonnen", headers=VUM)
        client.get("/v1/rules")
        client.get("/v1/verzonnen")
    assert {each: count(*each) - before[each] for each in counted} == counted


def test_metrics_are_the_same_whether_a_source_that_may_not_be_asked_is_there(here: World) -> None:
    def told() -> list[str]:
        with here.client(None) as client:
            text = client.get("/metrics").text
        return sorted({line.rpartition(" ")[0] for line in text.splitlines() if "seconds" not in line})

    with here.client(OIN, OIN) as client:
        client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
    before = told()
    administration = here.administration()
    administration.register_source("geheim", STAD, "Geheim", url="https://geheim.example/vum/v3")
    with here.client(OIN, OIN) as client:
        client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
    assert told() == before


def test_no_canary_gets_into_a_log_a_metric_or_an_error(
    logged: StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def canary(name: str) -> str:
        return f"kanarie{name}"

    record = profile(
        canary("id"),
        persoonlijkePresentatie=canary("presentatie"),
        emailadres=[f"{canary('mail')}@example.org"],
        webadres=[],
        contactpersoon=[{"naamContactpersoonAfdeling": canary("naam")}],
    )
    errors: list[str] = []
    with world(tmp_path / "state") as here:
        with here.client(STAD) as client:
            path = f"/v1/sources/stad/records/werkzoekende/{record['idWerkzoekende']}"
            answers = [
                client.put(path, json=record),
                client.put(f"{path}x", json=record),
                client.put(path, json={**record, "emailadres": canary("verkeerd")}),
                client.put("/v1/sources/stad/records/werkzoekende", json=[{**record, "nee": 1}]),
                client.get(f"/v1/{canary('pad')}", params={canary("sleutel"): canary("waarde")}),
                client.get("/v1/titles", params={"title": canary("titel"), "top": canary("top")}),
                client.get("/v1/questions", params={"before": canary("toen")}),
                client.post("/v1/rankings", json={"vacature": {"nummerVacature": canary("vacature")}}),
                client.get("/v1/sources", headers={"X-VUM-fromParty": canary("partij")}),
                client.get("/v1/rules", headers={"X-Eigen": canary("kop")}),
            ]
        with here.client(OIN, OIN) as client:
            asked = client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM)
            vum_ids = [each["vumID"] for each in asked.json()["matches"]]
            details = [
                client.get(f"/vum/v3/werkzoekendeProfielen/{each}", headers=VUM) for each in vum_ids[:12]
            ]
            answers += [each for each in details if each.status_code != 200]
            answers += [
                client.get(f"/vum/v3/werkzoekendeProfielen/{canary('vumID')}", headers=VUM),
                client.post("/vum/v3/vacatures/matches", json={canary("a"): canary("b")}, headers=VUM),
                client.post("/vum/v3/vacatures/matches", content=canary("rommel"), headers=VUM),
            ]
            # Whatever breaks inside tells what it was about.
            monkeypatch.setattr(
                "api.exchange.exchange.Exchange.rank", _broken(canary("binnen")), raising=True
            )
            monkeypatch.setattr("api.exchange.exchange.Exchange.ask", _broken(canary("binnen")))
            answers += [
                client.post("/v1/rankings", json={"vacature": {"adres": {"postcode": "6511AB"}}}),
                client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM),
            ]
            assert [each.status_code for each in answers[-2:]] == [500, 500]
        with here.client(PROCESSOR, STAD) as client:
            answers.append(client.get("/v1/sources", headers={"X-Eigen": canary("vreemd")}))
        with here.client(None) as client:
            metrics = client.get("/metrics").text
        errors = [each.text for each in answers if each.status_code >= 400]
    assert len(errors) >= 14
    lines = logged.getvalue()
    assert lines.count("\n") > 20
    told = "\n".join([metrics, *errors, lines])
    assert "kanarie" not in told
    assert not any(oin in told for oin in (OIN, STAD, DORP, PROCESSOR, NOBODY))
    assert not any(vum_id in lines + metrics for vum_id in vum_ids)
    assert BEROEP not in lines + metrics
    assert "6511AB" not in told


def _broken(secret: str) -> Any:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(secret)

    return broken


def test_every_line_of_the_log_has_the_number_of_its_request(logged: StringIO, tmp_path: Path) -> None:
    with world(tmp_path / "state") as here, here.client(OIN) as client:
        client.get("/v1/rules")
        client.get("/v1/nergens")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 404]
    assert len({line["request"] for line in requests}) == 2
    assert len({line["trace"] for line in requests}) == 2


def test_every_line_of_the_log_has_the_trace_that_the_caller_told(logged: StringIO, tmp_path: Path) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with world(tmp_path / "state") as here, here.client(OIN) as client:
        client.get("/v1/rules", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    requests = [json.loads(line) for line in logged.getvalue().splitlines() if '"request"' in line]
    assert {line["trace"] for line in requests} == {trace}


# Middleware


class Sent:
    """What an application sends."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def scope_of(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}


def test_whoever_comes_on_top_of_what_can_be_answered_hears_so_at_once() -> None:
    async def main() -> None:
        go, passed = asyncio.Event(), []

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            passed.append(scope["path"])
            await go.wait()

        busy = Busy(slow, most=1)
        first = asyncio.create_task(busy(scope_of("/v1/a"), _nothing, Sent()))
        await asyncio.sleep(0)
        for path, told in (("/vum/v3/x", b'"code":"500.3"'), ("/v1/x", b'"status":503')):
            sent = Sent()
            await busy(scope_of(path), _nothing, sent)
            assert sent.messages[0]["status"] == 503
            assert told in sent.messages[1]["body"]
        probe = asyncio.create_task(busy(scope_of("/health"), _nothing, Sent()))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, probe)
        assert passed == ["/v1/a", "/health"]
        await busy(scope_of("/v1/b"), _nothing, Sent())
        assert passed[-1] == "/v1/b"

    asyncio.run(main())


def test_an_error_that_nobody_handles_is_a_500_without_a_word() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("Jansen")

    sent = Sent()
    asyncio.run(Observed(broken)(scope_of("/v1/x"), _nothing, sent))
    assert [each.get("status") for each in sent.messages] == [500, None]
    assert sent.messages[1]["body"] == b""
