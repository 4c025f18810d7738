"""In which threads a worker does what would hold up its connections: questions in one of their own, in turn.

Python runs one thread at a time, and two that answer questions spend their time handing over. What is no
question (loading records, looking titles up, telling how it goes) has threads beside it, so that a load of
thousands of records holds up no question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from anyio import CancelScope, to_thread

__all__ = ["in_turn", "n_waiting", "share_threads"]

T = TypeVar("T")

_BESIDE: Final = 4

# It goes from one call to the next without waiting for the event loop, as a limited thread of AnyIO would.
# The thread starts with the first call: none is there when workers are forked.
_questions: Final = ThreadPoolExecutor(1, "questions")
_in_hand = 0


def share_threads() -> None:
    """Set how many threads there are for what is no question: those of `anyio.to_thread.run_sync`."""
    to_thread.current_default_thread_limiter().total_tokens = _BESIDE


async def in_turn(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that answers a question, or a part of it, in the thread of questions.

    It must not wait for another question. It is waited for, also where the caller is cancelled.
    """
    global _in_hand
    run = copy_context().run
    _in_hand += 1
    try:
        with CancelScope(shield=True):
            answer = await asyncio.get_running_loop().run_in_executor(_questions, run, function, *arguments)
    finally:
        _in_hand -= 1
    return answer


def n_waiting() -> int:
    """Tell how many wait for their turn."""
    return max(0, _in_hand - 1)
