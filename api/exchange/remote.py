"""Remote sources, asked in the contract of the bron over HTTP.

Each source has connections of its own, so that one that hangs holds up no other. Nothing is read from the
environment (proxies), kept (cookies), followed (redirects) or unpacked (gzip), because httpcore does neither.
One time limit covers a whole call, from the name look-up to the last byte. After `FAILURES` failed calls in a
row a source isn't called for `PAUSE_SECONDS`; then one call decides.

What is wrong with a source, or with its answer, is told by one of a few words, and by nothing of the answer:

    time, connection, size               it is too slow, can't be spoken with, or answers too much
    refused, not authorised, limit       it says no: to the call, to whoever calls, or to so many calls
    address, private address             it is registered where nobody may be asked
    certificate                          whoever is there shows none of the source's
    status, headers, content type        what stands above its answer, with whose answer it is to whom
    JSON, envelope, schema               the form of its answer, or of a record
    id, duplicate id, another record     a record can't be told by its id, or is none that was asked for
    criteria, too many                   records that the question isn't for, or beyond what it may give
    paused                               it isn't called for a while
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import httpcore
import structlog
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from api.exchange.answers import BadAnswer, Checked, Contacts, Matches, can_be_asked_for, checked_record
from api.exchange.connections import Connections, WrongEnd
from api.exchange.trace import current
from data.question import Question, vraag_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from api.exchange.registry import Source
    from api.exchange.rules import Caller
    from data.standard import Side

__all__ = [
    "Inquiry",
    "RemoteSource",
    "RemoteSources",
    "SourceAnswer",
    "SourceDetail",
    "Status",
    "tls_context",
]

Status = Literal["answered", "timed_out", "failed", "refused"]
"""How a call to a source ended. Refused: the source itself says so (400, 401 or 429)."""

VERSION: Final = "3.0.0"
CONNECTIONS: Final = 32
"""Most connections to one source at a time; more calls wait, within their own time."""

IDLE_SECONDS: Final = 5.0
"""How long a connection is kept for the next call."""

FAILURES: Final = 5
PAUSE_SECONDS: Final = 30.0

_PATHS: Final[dict[Side, str]] = {"werkzoekende": "werkzoekendeProfielen", "vacature": "vacatures"}
_ID: Final = re.compile("[a-zA-Z0-9_.-]{1,200}")
T = TypeVar("T")
_log: Final = structlog.get_logger(__name__)

_REFUSALS: Final = {400: "refused", 401: "not authorised", 429: "limit"}
_HEADER_VALUES: Final = {"api-version": VERSION, "x-vum-berichtversie": VERSION}


class _Check(Protocol):
    def check(self, body: bytes, limit: int) -> Checked: ...


@dataclass(frozen=True)
class Inquiry:
    """A question as sources are asked it: the path, the body, and how the answer is checked."""

    path: str
    body: bytes
    answer: _Check

    @classmethod
    def matches(cls, question: Question) -> Inquiry:
        """Ask for profiles or vacancies. Only what the contract knows of a question is passed on."""
        return cls(f"{_PATHS[question.side]}/matches", _body(vraag_object(question)), Matches(question))

    @classmethod
    def contacts(cls, kvk: str, since: date | None) -> Inquiry:
        """Ask for the contacts with an employer, from a day on."""
        asked: dict[str, Any] = {"werkgever.nummerKvk": {"$eq": kvk}}
        if since is not None:
            asked["datum"] = {"$gte": since.isoformat()}
        return cls("werkgeverscontactmomenten/matches", _body(asked), Contacts(kvk, since))


@dataclass(frozen=True)
class SourceAnswer:
    """What a source contributes to an answer.

    Attributes
    ----------
    source_id : the source.
    status : how the call ended; without "answered" there are no matches.
    matches : the source's own id of each record, and what is shown of it as compact JSON without any id.
    more : the source has more records than it told.
    left_out : how many of its records something was wrong with.
    why : what kind of failure it was, one of a few fixed words; "" where it answered.
    """

    source_id: str
    status: Status
    matches: tuple[tuple[str, bytes], ...] = ()
    more: bool = False
    left_out: int = 0
    why: str = ""


@dataclass(frozen=True)
class SourceDetail:
    """What a source gives of one record: `body` as it supplied it, None unless the status is "answered"."""

    source_id: str
    status: Status
    body: bytes | None = None
    why: str = ""


class _Refused(Exception):  # noqa: N818
    """The source refuses the call."""


class RemoteSource:
    """One remote source. Its methods never raise, whatever the source does, unless they are cancelled.

    Made by `RemoteSources`.
    """

    def __init__(
        self,
        source: Source,
        context: ssl.SSLContext,
        breakers: AsyncCircuitBreakerFactory,
        pool: ThreadPoolExecutor,
        max_bytes: int,
        private_networks: bool,
        failed: Callable[[str, str, int], None],
    ) -> None:
        self.source = source
        self._breakers, self._pool, self._max_bytes = breakers, pool, max_bytes
        self._failed = partial(failed, source.id)
        self._base = _base(source.url or "")
        self._connections = (
            Connections(
                self._base,
                context,
                oin=source.processor_oin,
                private_networks=private_networks,
                most=CONNECTIONS,
                idle_seconds=IDLE_SECONDS,
            )
            if self._base is not None
            else None
        )

    async def ask(
        self, inquiry: Inquiry, caller: Caller, *, seconds: float, limit: int = 100
    ) -> SourceAnswer:
        """Ask the source a question.

        Parameters
        ----------
        inquiry : the question.
        caller : who asks, once it may; whether it takes part in SUWI is what the registry says.
        seconds : how long the call may take in all.
        limit : most records that are kept.
        """
        status, why, found = await self._call(
            caller, "POST", inquiry.path, inquiry.body, partial(inquiry.answer.check, limit=limit), seconds
        )
        if found is None:
            return SourceAnswer(self.source.id, status, why=why)
        for fault, count in found.faults.items():
            self._failed(fault, count)
        return SourceAnswer(self.source.id, status, found.matches, found.more, found.left_out)

    async def detail(self, side: Side, record_id: str, caller: Caller, *, seconds: float) -> SourceDetail:
        """Ask the source for the whole of a record that it answered before, by the source's own id."""
        if not _ID.fullmatch(record_id) or not can_be_asked_for(record_id):
            return SourceDetail(self.source.id, "refused", why="id")

        check = partial(checked_record, side=side, record_id=record_id)
        path = f"{_PATHS[side]}/{record_id}"
        status, why, found = await self._call(caller, "GET", path, None, check, seconds)
        return SourceDetail(self.source.id, status, found, why)

    async def aclose(self) -> None:
        """Close the connections that are kept for the next call."""
        if self._connections is not None:
            await self._connections.aclose()

    async def _call(
        self,
        caller: Caller,
        method: str,
        path: str,
        body: bytes | None,
        check: Callable[[bytes], T],
        seconds: float,
    ) -> tuple[Status, str, T | None]:
        """Give how a call ended, why it failed, and what was checked of the answer; tell where it failed."""
        status: Status
        try:
            if self._connections is None:
                raise WrongEnd("address")
            breaker = await self._breakers.get_breaker(self.source.id)
            async with breaker, asyncio.timeout(seconds):
                async with self._connections.one() as connection:
                    answer = await self._fetch(connection, caller, method, f"{self._base}/{path}", body)
                # Checking takes the processor; meanwhile other sources are read.
                loop = asyncio.get_running_loop()
                return "answered", "", await loop.run_in_executor(self._pool, check, answer)
        except OpenedState as problem:
            # The breaker raises the same one each time, and it would grow.
            problem.__traceback__ = None
            status, why = "failed", "paused"
        except TimeoutError:
            status, why = "timed_out", "time"
        except _Refused as problem:
            status, why = "refused", str(problem)
        except (BadAnswer, WrongEnd) as problem:
            status, why = "failed", str(problem)
        except Exception:
            # Not only what HTTP knows: whatever a source brings about stays with that source.
            status, why = "failed", "connection"
        self._failed(why, 1)
        return status, why, None

    async def _fetch(
        self,
        connection: httpcore.AsyncHTTPConnection,
        caller: Caller,
        method: str,
        url: str,
        body: bytes | None,
    ) -> bytes:
        """Give the body of the answer to a request."""
        headers = self._headers(caller) + ([] if body is None else [("Content-Type", "application/json")])
        async with connection.stream(method, url, headers=headers, content=body) as response:
            self._check_head(response, caller)
            answer = bytearray()
            async for piece in response.aiter_stream():
                answer += piece
                if len(answer) > self._max_bytes:
                    raise BadAnswer("size")
            return bytes(answer)

    def _headers(self, caller: Caller) -> list[tuple[str, str]]:
        trace = current()
        return [
            *([] if trace is None else [("traceparent", trace.traceparent)]),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "koppel"),
            ("API-Version", VERSION),
            ("X-VUM-berichtVersie", VERSION),
            ("X-VUM-fromParty", caller.controller),
            ("X-VUM-toParty", self.source.oin),
            ("X-VUM-viaParty", self.source.processor_oin),
            ("X-VUM-SUWIparty", "true" if caller.suwi else "false"),
        ]

    def _check_head(self, response: httpcore.Response, caller: Caller) -> None:
        """Check status and headers. Raises BadAnswer, or _Refused where the source itself refuses."""
        if response.status in _REFUSALS:
            raise _Refused(_REFUSALS[response.status])
        if response.status != 200:
            raise BadAnswer("status")
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in response.headers:
            found[name.decode("latin-1").lower()].append(value.decode("latin-1"))
        expected = _HEADER_VALUES | {
            "x-vum-fromparty": self.source.oin,
            "x-vum-toparty": caller.controller,
            "content-encoding": "identity",
        }
        if any(found[name] not in ([], [value]) for name, value in expected.items()):
            raise BadAnswer("headers")
        kind = ";".join(found["content-type"]).lower().replace(" ", "").replace('"', "")
        if kind not in ("application/json", "application/json;charset=utf-8"):
            raise BadAnswer("content type")


class RemoteSources:
    """The remote sources of a process, by what the registry says of them now.

    Parameters
    ----------
    context : of TLS, see `tls_context`.
    private_networks : whether sources may be at addresses that only this machine, or its network, can reach.
    max_bytes : most bytes of one answer.
    failures, pause_seconds : after how many failed calls in a row a source isn't called, and for how long.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        private_networks: bool = False,
        max_bytes: int = 8 << 20,
        failures: int = FAILURES,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._context, self._max_bytes, self._private_networks = context, max_bytes, private_networks
        self._told: list[Callable[[str, str, int], None]] = []
        # What a source refuses is no failure, nor is a client that goes away.
        self._breakers = AsyncCircuitBreakerFactory(
            failures, pause_seconds, exclude=[_Refused, asyncio.CancelledError]
        )
        # Few, so that the checks of bad answers can't keep the loop from the processor.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="answers")
        self._sources: dict[str, RemoteSource] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, source: Source) -> RemoteSource:
        """Give a source as the registry has it. Where that has changed, it gets a new client."""
        remote = self._sources.get(source.id)
        if remote is None or remote.source != source:
            if remote is not None:
                self._replaced(remote)
            remote = self._sources[source.id] = RemoteSource(
                source,
                self._context,
                self._breakers,
                self._pool,
                self._max_bytes,
                self._private_networks,
                self._failed,
            )
        return remote

    def watch(self, changed: Callable[[str, str], None], failed: Callable[[str, str, int], None]) -> None:
        """Tell from now on how it goes with the sources.

        changed : is given the id of a source that is paused ("opened"), tried ("half-opened") or back
            ("closed"), and which of these.
        failed : is given the id of a source, what is wrong and how often, whenever something is.
        """
        self._told.append(failed)

        def listen(source_id: str, kind: str, change: Any) -> None:
            if kind == "state_changed":
                changed(source_id, change.state)

        self._breakers.add_listener(listen)

    def _failed(self, source_id: str, kind: str, count: int) -> None:
        # While it is paused, nothing happens that hasn't been logged.
        if kind != "paused":
            _log.warning("source.failed", source=source_id, kind=kind, count=count)
        for told in self._told:
            told(source_id, kind, count)

    def _replaced(self, remote: RemoteSource) -> None:
        closing = asyncio.get_running_loop().create_task(remote.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close all connections."""
        for remote in self._sources.values():
            await remote.aclose()
        await asyncio.gather(*self._closing)
        self._pool.shutdown(wait=False, cancel_futures=True)


def tls_context(
    certificate: Path | None, private_key: Path | None, authorities: Path | None
) -> ssl.SSLContext:
    """Make what connections to sources are secured with: TLS 1.2 or later, the server's name checked.

    Parameters
    ----------
    certificate, private_key : PEM files of the exchange's own, with which sources recognise it; or None.
    authorities : PEM file of whom certificates of sources are trusted from; by default those of the system.
    """
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate, private_key)
    return context


def _body(asked: dict[str, Any]) -> bytes:
    return json.dumps({"vraagObject": asked}, separators=(",", ":")).encode()


def _base(address: str) -> str | None:
    """The address of a source without a slash at its end, None where no source may be asked there.

    That is, unless it is https with a host and nothing but a path; or http on this machine itself.
    """
    try:
        url = urlsplit(address)
        secure = url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or ""))
        there = url.hostname and (url.port or True)
    except ValueError:
        return None
    beside = url.username is not None or url.query or url.fragment
    return address.rstrip("/") if secure and there and not beside else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
