"""Forged and replayed vumIDs, counted: `python tests/forgery.py 1000000`."""

import random
import string
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.clock import DAY
from api.exchange.handles import Handles
from api.exchange.keys import Keys, create_keys
from data.standard import Side

ALPHABET = string.ascii_letters + string.digits + "-_"
NOW = 1_800_000_000_000_000
QUESTION = "8f14e45f-ceea-467f-a9d5-4b4c6a2b1c11"
SIDE: Side = "werkzoekende"


@dataclass(frozen=True)
class Party:
    controller: str
    processor: str


GEMEENTE, UWV = Party("0" * 19 + "1", "0" * 19 + "2"), Party("0" * 19 + "3", "0" * 19 + "3")


def forgeries(valid: list[str], random_: random.Random) -> Iterator[tuple[str, Side, Party]]:
    """Yield without end: vumIDs that were changed, made up, or are used by another party or another side."""
    known = set(valid)
    others = [UWV, Party(UWV.controller, GEMEENTE.processor), Party(GEMEENTE.controller, UWV.processor)]
    while True:
        token = random_.choice(valid)
        at = random_.randrange(len(token))
        for letter in random_.sample(ALPHABET.replace(token[at], ""), 4):
            yield token[:at] + letter + token[at + 1 :], SIDE, GEMEENTE
        yield token[:at], SIDE, GEMEENTE
        yield token + random_.choice([*ALPHABET, "\n", "=", ".", "AAAA"]), SIDE, GEMEENTE
        mixed = token[:at] + random_.choice(valid)[at:]
        if mixed not in known:
            yield mixed, SIDE, GEMEENTE
        yield "".join(random_.choices(ALPHABET, k=len(token))), SIDE, GEMEENTE
        yield token, "vacature", GEMEENTE
        yield token, SIDE, random_.choice(others)


def count_accepted(n: int, folder: Path, seed: int = 1) -> tuple[int, int]:
    """Give how many of n forgeries open, and how many of 1000 valid vumIDs do."""
    keys = folder / "keys.json"
    create_keys(keys, lambda: NOW)
    handles = Handles(Keys(keys), lambda: NOW)
    ids = [f"record-{number}" for number in range(1000)]
    valid = handles.seal(QUESTION, SIDE, GEMEENTE, [("bron", each) for each in ids], NOW + DAY)
    made = forgeries(valid, random.Random(seed))
    accepted = sum(handles.open(*next(made)) is not None for _ in range(n))
    opened = [handles.open(token, SIDE, GEMEENTE) for token in valid]
    return accepted, sum(
        found is not None and found.record_id == record for found, record in zip(opened, ids, strict=True)
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        n = int(sys.argv[1])
        accepted, opened = count_accepted(n, Path(name))
        print(f"{n} forgeries: {accepted} accepted; 1000 valid vumIDs: {opened} opened")
        sys.exit(accepted > 0 or opened < 1000)
