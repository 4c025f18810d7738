"""A client that loads a server over HTTP: prepared requests, many connections, the time of each answer."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np


@dataclass
class Measured:
    """What came of loading a server.

    Attributes
    ----------
    milliseconds : of each answer, from the moment that its question was due.
    full : answers that hold as many matches as may be.
    wrong : answers with another status than 200.
    seconds : how long it went on.
    """

    milliseconds: list[float] = field(default_factory=list)
    full: int = 0
    wrong: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def percentile(self, percent: float) -> float:
        """Give the milliseconds within which so many percent of the answers came."""
        return round(float(np.percentile(self.milliseconds, percent)), 2)

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return round(len(self.milliseconds) / self.seconds, 1)

    @property
    def share_full(self) -> float:
        """Share of the answers that hold as many matches as may be."""
        return round(self.full / max(len(self.milliseconds), 1), 3)


async def load(
    url: str,
    requests: Sequence[bytes],
    is_full: Callable[[bytes], bool],
    *,
    connections: int,
    seconds: float,
    a_second: float | None = None,
) -> Measured:
    """Send requests for a while.

    requests : whole HTTP requests, sent in turn. a_second : how many are sent, evenly spread; None: a new one
    on each connection as soon as the answer before it is there.
    """
    host, port = urlsplit(url).hostname, urlsplit(url).port
    measured, began = Measured(), time.perf_counter()
    due = iter(range(1 << 62))

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        while True:
            number = next(due)
            at = began + number / a_second if a_second else time.perf_counter()
            if at - began >= seconds:
                break
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            measured.milliseconds.append(1000 * (time.perf_counter() - at))
            measured.bytes += length
            measured.wrong += not head.startswith(b"HTTP/1.1 200")
            measured.full += is_full(body)
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection(host, port)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    measured.seconds = time.perf_counter() - began
    return measured


def request(path: str, body: object, headers: dict[str, str]) -> bytes:
    """Spell a POST."""
    text = json.dumps(body).encode()
    lines = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(text)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + text


def questions(postcodes: Sequence[str], occupations: Sequence[str], n: int, seed: int) -> list[object]:
    """Make up questions: within 10, 25 or 50 km of somewhere, half of them for an occupation."""
    draw = random.Random(seed)
    made: list[object] = []
    for number in range(n):
        asked: dict[str, object] = {
            "selectiegebied": {"postcode": draw.choice(postcodes), "afstand": draw.choice((10, 25, 50))}
        }
        if number % 2:
            code = {"codeBeroepsnaam": {"$eq": draw.choice(occupations)}}
            asked["bemiddelingsberoep"] = {"$elemMatch": {"$or": [code]}}
        made.append({"vraagObject": asked})
    return made
