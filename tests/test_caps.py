"""Never more details than the limit: many calls at once, in several processes, of which one is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from caps import RECORDS
from exchange_world import QUESTION, World, vum_ids
from sqlalchemy import func, select

from api.exchange.questions import Limits
from api.store import Store
from api.store.tables import audit_entry, detail_claim

SCRIPT = Path(__file__).with_name("caps.py")


@pytest.fixture
def given(store: Store, tmp_path: Path) -> list[str]:
    """The vumIDs of 200 records of one question."""
    world = World(store, tmp_path / "state", limits=Limits(matches=200))
    world.source("eigen")
    world.fake.put("eigen", "werkzoekende", *RECORDS)

    async def ask() -> bytes:
        answer = await world.exchange.ask(await world.caller(), "werkzoekende", QUESTION)
        return answer.body

    return vum_ids(asyncio.run(ask()))


@contextmanager
def workers(url: str, folder: Path, given: list[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Start four workers that are ready to answer 50 of the details each."""
    started = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), url, str(folder), *given[first : first + 50]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in range(0, 200, 50)
    ]
    try:
        for worker in started:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        yield started
    finally:
        for worker in started:
            worker.kill()
            worker.communicate()


def begin(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def delivered(store: Store) -> tuple[int, int]:
    """How many details were delivered, and how many the log tells of."""
    with store.read() as connection:
        claims = select(func.count()).where(detail_claim.c.state == "delivered")
        entries = select(func.count()).where(audit_entry.c.kind == "detail")
        return connection.execute(claims).scalar_one(), connection.execute(entries).scalar_one()


def test_of_200_details_at_once_over_4_workers_exactly_10_succeed(
    store: Store, store_url: str, tmp_path: Path, given: list[str]
) -> None:
    with workers(store_url, tmp_path / "state", given) as started:
        for worker in started:
            begin(worker)
        told = [line for worker in started for line in worker.communicate()[0].splitlines()]
        assert [worker.returncode for worker in started] == [0] * 4
    assert len(told) == len(set(told)) == 10
    assert delivered(store) == (10, 10)


def test_with_a_worker_killed_half_way_never_more_than_10_are_answered_and_all_are_logged(
    store: Store, store_url: str, tmp_path: Path, given: list[str]
) -> None:
    with workers(store_url, tmp_path / "state", given) as started:
        first, *others = started
        begin(first)
        assert first.stdout is not None
        told = [first.stdout.readline()]
        first.kill()
        for worker in others:
            begin(worker)
        told += [line for worker in started for line in worker.communicate()[0].splitlines()]
        assert [worker.returncode for worker in started] == [-9, 0, 0, 0]
    n_delivered, n_logged = delivered(store)
    assert 1 <= len(told) <= n_delivered == n_logged <= 10
