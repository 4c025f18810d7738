"""The VUM paths with an exchange that answers the same to everyone and counts its calls, and who may call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from api.clock import DAY, now
from api.contracts.identity import Identity, LaptopIdentity
from api.contracts.strict_json import Limits
from api.contracts.vum import VumApp
from api.exchange.admission import Admission, CallerOfSource
from api.exchange.answering import Answer, question_of
from api.exchange.contacts import contact_question
from api.exchange.errors import unknown
from api.exchange.registry import Mandate, Party, Period, Registry, RegistryReader, Source, SourceScope
from api.exchange.rules import Caller
from data.standard import Side

OWN = "00000001810207357000"
GEMEENTE = "00000001001299757000"
LEVERANCIER = "00000003123456780000"
VREEMD = "00000009999999990000"
NOBODY = "00000004000000000000"

ALWAYS = Period(0, None)

QUESTION: dict[str, Any] = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 25}}}
KVK: dict[str, Any] = {"vraagObject": {"werkgever.nummerKvk": {"$eq": "12345678"}}}
HERE: dict[str, Any] = {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 40_000)}
COLLECTIONS: dict[Side, str] = {"werkzoekende": "werkzoekendeProfielen", "vacature": "vacatures"}


def registry(mandate: Period | None = ALWAYS) -> Registry:
    """An exchange that is a party too, a municipality, its supplier, and a party that is never admitted."""
    parties = [
        Party(OWN, "Uitwisseling", "uwv", True, False, ALWAYS),
        Party(GEMEENTE, "Gemeente", "gemeente", True, False, ALWAYS),
        Party(LEVERANCIER, "Leverancier", "privaat", False, False, ALWAYS),
        Party(VREEMD, "Vreemd", "privaat", False, False, ALWAYS),
    ]
    mandates = (
        {} if mandate is None else {(LEVERANCIER, GEMEENTE): (Mandate(1, LEVERANCIER, GEMEENTE, mandate),)}
    )
    return Registry(
        1,
        {party.oin: party for party in parties},
        mandates,
        {"gemeenten_uwv": 0},
        ((0, "1.0"),),
        {(party.oin, "1.0"): 0 for party in parties},
        {"bron": Source("bron", OWN, OWN, "Bron", True, None, False, ALWAYS)},
        {"bron": (SourceScope(1, "bron", None, "alle", ALWAYS),)},
    )


MANDATES = {
    "none": None,
    "expired": Period(0, now() - DAY),
    "future": Period(now() + DAY, None),
    "valid": Period(0, now() + DAY * 365),
}


@dataclass
class FakeExchange:
    """Answers with the same record always; `calls` tells what it was called with."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    fault: BaseException | None = None
    completeness: str = "answered=1; failed=0"

    async def ask(self, caller: Caller, side: Side, document: dict[str, Any]) -> Answer:
        self._called("ask", caller, side)
        ignored = question_of(document, side).ignored
        answer = {
            "maximumAantalResultatenBereikt": False,
            "vraagID": "1",
            "matches": [{"vumID": "a.b-c_d", **self._shown(side)}],
        }
        return Answer(self._json(answer), ignored, self.completeness)

    async def detail(self, caller: Caller, side: Side, vum_id: str) -> bytes:
        self._called("detail", caller, side, vum_id)
        if vum_id != "a.b-c_d":
            raise unknown()
        return self._json({"bronID": "bron", side: {f"id{side.capitalize()}": "1", **self._shown(side)}})

    async def contacts(self, caller: Caller, document: dict[str, Any]) -> Answer:
        self._called("contacts", caller)
        answer = {
            "maximumAantalResultatenBereikt": False,
            "vraagID": "1",
            "matches": self._contacts(document),
        }
        return Answer(self._json(answer), (), "")

    async def bron_ask(self, caller: CallerOfSource, side: Side, document: dict[str, Any]) -> Answer:
        self._called("bron_ask", caller, side)
        ignored = question_of(document, side).ignored
        match = {f"id{side.capitalize()}": "1", **self._shown(side)}
        return Answer(self._json({"maximumAantalResultatenBereikt": False, "matches": [match]}), ignored, "")

    async def bron_detail(self, caller: CallerOfSource, side: Side, record_id: str) -> bytes:
        self._called("bron_detail", caller, side, record_id)
        if record_id != "1":
            raise unknown()
        return self._json({f"id{side.capitalize()}": "1", **self._shown(side)})

    async def bron_contacts(self, caller: CallerOfSource, document: dict[str, Any]) -> Answer:
        self._called("bron_contacts", caller)
        answer = {"maximumAantalResultatenBereikt": False, "matches": self._contacts(document)}
        return Answer(self._json(answer), (), "")

    def _called(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fault is not None:
            raise self.fault

    def _contacts(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        contact_question(document)
        return [{"datum": "2026-09-01"}]

    def _shown(self, side: Side) -> dict[str, Any]:
        if side == "werkzoekende":
            return {"mobiliteit": {"bemiddelingspostcode": "6511AB"}}
        return {"adres": {"postcode": "6511AB"}}

    def _json(self, value: Any) -> bytes:
        return json.dumps(value).encode()


def vum_app(
    exchange: Any = None,
    *,
    identity: Identity | None = None,
    of: Callable[[], Registry] = registry,
    limits: Limits | None = None,
) -> VumApp:
    """The paths, on a laptop unless told otherwise."""
    admission = Admission(Reader(of), now, OWN, believe=identity is None)
    asked: Any = exchange or FakeExchange()
    return VumApp(asked, identity or LaptopIdentity(), admission, OWN, limits)


class Reader(RegistryReader):
    """Gives the registry that the test says."""

    def __init__(self, of: Callable[[], Registry]) -> None:
        self._of = of

    def current(self) -> Registry:
        return self._of()

    def at_once(self) -> None:
        return None


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name.lower())

    @property
    def error(self) -> Any:
        return json.loads(self.body)


Headers = dict[str, str] | list[tuple[str, str]]


def headers(
    from_oin: str = OWN, via_oin: str | None = None, to_oin: str = OWN, **others: str
) -> dict[str, str]:
    """The headers of a request, in order; `_` in the name of another stands for `-`."""
    told = {
        "Host": "127.0.0.1:8000",
        "Content-Type": "application/json",
        "API-Version": "3.0.0",
        "X-VUM-berichtVersie": "3.0.0",
        "X-VUM-fromParty": from_oin,
        "X-VUM-toParty": to_oin,
        "X-VUM-viaParty": via_oin or from_oin,
        "X-VUM-SUWIparty": "true",
    }
    return told | {name.replace("_", "-"): value for name, value in others.items()}


def call(
    app: Any,
    method: str,
    path: str | bytes,
    given: Headers | None = None,
    body: bytes | Iterable[bytes] = b"",
    **scope: Any,
) -> Answered:
    """Send one request by ASGI, its path as it is, its body in pieces or in one."""
    given = headers() if given is None else given
    raw = path if isinstance(path, bytes) else path.encode()
    pieces = iter([body] if isinstance(body, bytes) else body)
    sent: list[Any] = []

    async def receive() -> Any:
        piece = next(pieces, None)
        if piece is None:
            return {"type": "http.disconnect" if body == [] else "http.request"}
        return {"type": "http.request", "body": piece, "more_body": not isinstance(body, bytes)}

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = list(given.items()) if isinstance(given, dict) else given
    asked = {
        "type": "http",
        "method": method,
        "raw_path": raw,
        "path": unquote(raw.decode("latin-1")),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        **HERE,
        **scope,
    }
    asyncio.run(app(asked, receive, send))
    start, *rest = sent
    told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answered(start["status"], told, b"".join(part.get("body", b"") for part in rest))


def ask(app: Any, path: str, document: Any = None, given: Headers | None = None) -> Answered:
    """Post a question."""
    return call(app, "POST", path, given, json.dumps(QUESTION if document is None else document).encode())
