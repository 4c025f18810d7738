"""Takes people out of the nights of worlds on the disk, in processes that are killed: withdrawal_child.py.

Reads lines of "FOLDER WHAT STEPS" and does in a process of its own what WHAT names: `withdraw` a person, do
so `again` a second later, or `finish` what was begun. After so many STEPS to the disk that process is killed.
Answers each line with the number of steps, -1 where it was killed.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nightly_world import Reopened
from sqlalchemy import Engine, event

from api.clock import SECOND
from api.exchange.nightly.withdrawal import Withdrawal, finish, withdraw

STEPS = ("fsync", "rename", "replace", "symlink", "link", "unlink")


def kill_at(until: int) -> list[str]:
    """Count what reaches the disk, and kill this process instead of one step more than `until`."""
    steps: list[str] = []

    def step(name: str) -> None:
        if len(steps) == until:
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)

    def counted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def done(*arguments: Any, **options: Any) -> Any:
            step(name)
            return original(*arguments, **options)

        return done

    for name in STEPS:
        setattr(os, name, counted(name, getattr(os, name)))
    event.listen(Engine, "commit", lambda _: step("commit"))
    return steps


def work(folder: Path, what: str, until: int) -> int:
    world = Reopened(folder)
    world.clock.at += SECOND * (what == "again")
    steps = kill_at(until)
    about = world.audit, world.keys, world.nights, world.clock
    if what == "finish":
        finish(*about, "test")
    else:
        withdraw(*about, Withdrawal(source_id="two", record_id="two-p1"), "test")
    return len(steps)


def forked(folder: Path, what: str, until: int) -> int:
    """Do it in a process of its own: this one has loaded everything, and no thread yet."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, str(work(folder, what, until)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        answer = told.read()
    _, status = os.waitpid(child, 0)
    return int(answer) if answer and not os.WIFSIGNALED(status) else -1


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        folder, what, until = line.split()
        print(forked(Path(folder), what, int(until)), flush=True)
