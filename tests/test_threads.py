"""Threads of a worker: questions in turn, the rest beside them."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest
from anyio import create_task_group, fail_after
from anyio.to_thread import run_sync

from api.threads import in_turn, n_waiting, share_threads


def test_questions_are_answered_in_turn_in_one_thread() -> None:
    threads, answering, together = set[int](), 0, 0

    def answer(number: int) -> int:
        nonlocal answering, together
        threads.add(threading.get_ident())
        answering += 1
        together = max(together, answering)
        time.sleep(0.002)
        answering -= 1
        return number

    async def ask() -> list[int]:
        return await asyncio.gather(*(in_turn(answer, number) for number in range(8)))

    assert asyncio.run(ask()) == list(range(8))
    assert together == 1
    assert threads.isdisjoint({threading.get_ident()})
    assert len(threads) == 1


def test_who_waits_for_a_turn_is_counted() -> None:
    async def ask() -> list[int]:
        seen = [n_waiting()]
        answered = threading.Event()
        asking = [asyncio.create_task(in_turn(answered.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        seen.append(n_waiting())
        asking[1].cancel()
        answered.set()
        await asyncio.gather(*asking, return_exceptions=True)
        return [*seen, n_waiting()]

    assert asyncio.run(ask()) == [0, 2, 0]


def test_a_question_is_answered_while_every_other_thread_is_loading() -> None:
    async def ask() -> str:
        share_threads()
        loaded = threading.Event()
        loads = [asyncio.create_task(run_sync(loaded.wait)) for _ in range(20)]
        await asyncio.sleep(0)
        try:
            with fail_after(10):
                return await in_turn(lambda: "answered")
        finally:
            loaded.set()
            await asyncio.gather(*loads)

    assert asyncio.run(ask()) == "answered"


def test_what_a_question_was_begun_with_is_known_in_its_thread() -> None:
    request = ContextVar("request", default="")

    async def ask() -> str:
        request.set("this one")
        return await in_turn(request.get)

    assert asyncio.run(ask()) == "this one"


def test_a_question_whose_caller_is_gone_is_waited_for() -> None:
    begun, done = threading.Event(), threading.Event()

    def answer() -> None:
        begun.set()
        time.sleep(0.02)
        done.set()

    async def ask() -> None:
        async with create_task_group() as group:
            group.start_soon(in_turn, answer)
            await run_sync(begun.wait)
            group.cancel_scope.cancel()
        assert done.is_set()

    asyncio.run(ask())


def test_what_fails_fails_for_whoever_asked() -> None:
    def answer() -> None:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        asyncio.run(in_turn(answer))
