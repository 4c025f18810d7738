"""A worker that is asked for details: `python tests/caps.py URL FOLDER VUM_ID...`.

It prints every vumID whose detail it answers. It waits for a line on stdin, so that all workers begin at the
same moment.
"""

import asyncio
import sys
from pathlib import Path

from exchange_world import World, profile

from api.exchange.errors import LimitExceeded, Unavailable
from api.store import Store

RECORDS = [profile(f"{number:03}") for number in range(200)]


async def answer(world: World, vum_ids: list[str]) -> None:
    """Answer all details at the same time."""
    caller = await world.caller()

    async def detail(vum_id: str) -> None:
        for _ in range(20):
            try:
                await world.exchange.detail(caller, "werkzoekende", vum_id)
            except LimitExceeded:
                return
            except Unavailable:  # on a busy machine the store is held too long: try again
                continue
            print(vum_id, flush=True)
            return

    await asyncio.gather(*map(detail, vum_ids))


if __name__ == "__main__":
    world = World(Store(sys.argv[1]), Path(sys.argv[2]))
    world.fake.put("eigen", "werkzoekende", *RECORDS)
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(answer(world, sys.argv[3:]))
