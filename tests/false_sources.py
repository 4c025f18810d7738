"""Sources that answer over real sockets, truly or not, and the faults that their answers may have."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from api.exchange.registry import Period, Source
from api.exchange.rules import Caller

Json = dict[str, Any]

ASKING, ANSWERING, PROCESSOR = "1" * 20, "2" * 20, "3" * 20
CALLER = Caller(controller=ASKING, processor=ASKING, suwi=True, certificate="")

QUESTION: Json = {
    "selectiegebied": {"postcode": "6511AB", "afstand": 50},
    "bemiddelingsberoep": {"$elemMatch": {"$or": [{"beroep.codeBeroepsnaam": {"$eq": "urn:a"}}]}},
    "contractvorm": {"$elemMatch": {"$or": [{"codeTypeArbeidscontract": {"$eq": "O"}}]}},
    "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": {"$eq": 1},
    "arbeidsmarktkwalificatie.rijbewijs": {"$all": [{"$elemMatch": {"codeSoortRijbewijs": {"$eq": "B"}}}]},
    "arbeidsmarktkwalificatie.taalbeheersing": {
        "$all": [
            {"$elemMatch": {"codeTaal": {"$eq": "nld"}, "codeNiveauTaalbeheersingMondeling": {"$gte": 3}}}
        ]
    },
    "datumAanvangBeschikbaarVoorWerk": {"$lte": "2026-06-01"},
    "werktijden.indicatieKantoortijden": {"$eq": 2},
    "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 24},
    "werktijden.aantalWerkurenPerWeekMinimaal": {"$lte": 32},
}


def record(name: str) -> Json:
    """A match of a profile that satisfies the question and says something about everything."""
    return {
        "idWerkzoekende": name,
        "mobiliteit": {"bemiddelingspostcode": "6511AB", "maximaleReisafstand": 20, "maximaleReistijd": 30},
        "bemiddelingsberoep": [{"codeBeroepsnaam": "urn:a"}],
        "contractvorm": [{"codeTypeArbeidscontract": "O", "codeTypeOvereenkomst": "01"}],
        "flexibiliteit": {
            "datumAanvangBeschikbaarVoorWerk": "2026-05-01",
            "datumEindeBeschikbaarVoorWerk": "2027-05-01",
            "indicatieOnregelmatigWerkOfPloegendienst": 1,
        },
        "indicatieBeschikbaarheidContactgegevens": 1,
        "sector": [{"codeSbi": 4711}],
        "vervoermiddel": [{"codeVervoermiddel": 1, "indicatieBeschikbaarVoorUitvoeringWerk": 1}],
        "werktijden": {
            "aantalWerkurenPerWeekMaximaal": 36,
            "aantalWerkurenPerWeekMinimaal": 24,
            "indicatieKantoortijden": 2,
        },
        "arbeidsmarktkwalificatie": {
            "codeWerkEnDenkniveauWerkzoekende": 4,
            "competentiebeheersing": [{"codeCompetentie": "urn:c"}],
            "cursus": [
                {"naamCursus": "heftruck", "indicatieCertificaat": 1, "datumCertificaat": "2020-02-29"}
            ],
            "interesse": [{"naamInteresse": "tuinen"}],
            "opleiding": [{"codeNiveauOpleiding": 4, "indicatieDiploma": 1, "datumDiploma": "2010-07-01"}],
            "rijbewijs": [{"codeSoortRijbewijs": "B"}],
            "taalbeheersing": [{"codeTaal": "nld", "codeNiveauTaalbeheersingMondeling": 4}],
            "werkervaring": [{"beroep": {"codeBeroepsnaam": "urn:a"}, "naamOrganisatie": "Een BV"}],
        },
    }


def document(*names: str, more: bool = False) -> Json:
    return {"maximumAantalResultatenBereikt": more, "matches": [record(name) for name in names]}


HONEST = document("a1", "a2", "a3")
LIAR = "a2"
"""The record that is false where one record is."""

HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "API-Version": "3.0.0",
    "X-VUM-berichtVersie": "3.0.0",
    "X-VUM-fromParty": ANSWERING,
    "X-VUM-toParty": ASKING,
    "X-VUM-viaParty": ASKING,
}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FalseSource:
    """A server that answers each request with what it was told to, and remembers what it was asked."""

    answer: Answer
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while request := await _read(reader):
                self.requests.append(request)
                if not await self._answered(reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer, unless who asked goes away meanwhile."""
        answering = asyncio.ensure_future(self.answer(writer))
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            return answering.done() and not writer.is_closing()
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, body)


@asynccontextmanager
async def serving(
    answer: Answer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[FalseSource]:
    """Serve on a port of this machine."""
    source = FalseSource(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await source.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, host, 0, ssl=context)
    source.port = server.sockets[0].getsockname()[1]
    try:
        yield source
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def registered(name: str, port: int, scheme: str = "http", host: str = "127.0.0.1") -> Source:
    return Source(
        id=name,
        oin=ANSWERING,
        processor_oin=PROCESSOR,
        name=name,
        hosted=False,
        url=f"{scheme}://{host}:{port}/api/v3",
        bsn_declared=False,
        valid=Period(0),
    )


# -- answers


def raw(*pieces: bytes, pause: float = 0.0, then: str = "") -> Answer:
    """Send bytes, with pauses between the pieces; then go on, close or reset the connection, or hang."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if then == "hang":
            await asyncio.sleep(60)
        elif then == "close":
            writer.close()
        elif then == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    return answer


def for_ever(piece: bytes, first: bytes = b"", pause: float = 0.0) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


def head(status: str = "200 OK", length: int | None = None, **changed: str | list[str] | None) -> bytes:
    """The head of a response; a header is changed, repeated by a list, or left out by None."""
    headers: dict[str, Any] = {**HEADERS}
    for name, value in changed.items():
        spelt = name.replace("_", "-")
        found = next((each for each in headers if each.lower() == spelt.lower()), spelt)
        headers[found] = value
    if length is not None:
        headers["Content-Length"] = str(length)
    lines = [f"HTTP/1.1 {status}"]
    for name, value in headers.items():
        lines += [
            f"{name}: {each}" for each in (value if isinstance(value, list) else [value]) if each is not None
        ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def ok(body: bytes, status: str = "200 OK", **changed: str | list[str] | None) -> Answer:
    return raw(head(status, len(body), **changed) + body)


def encoded(answer: Any) -> bytes:
    return json.dumps(answer).encode()


def honest(answer: Any = None) -> Answer:
    return ok(encoded(HONEST if answer is None else answer))


# -- lies


@dataclass(frozen=True)
class Lie:
    """A false answer, and which records of the honest one it may still bring: the true ones among them."""

    name: str
    answer: Answer
    keeps: frozenset[str] = frozenset()
    slow: bool = False
    more: bool = False


OTHERS = frozenset({"a1", "a3"})
ALL = frozenset({"a1", "a2", "a3"})


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, name))
    else:
        yield path, value


def changed(path: tuple[Any, ...], value: Any, name: str = LIAR) -> Json:
    """The honest answer with one value of one record changed."""
    told = copy.deepcopy(HONEST)
    target = next(each for each in told["matches"] if each["idWerkzoekende"] == name)
    for step in path[:-1]:
        target = target[step]
    if isinstance(target, list):
        target[path[-1]] = value
    else:
        target[path[-1]] = value
    return told


def lies_of_fields() -> Iterator[Lie]:
    """Each field with each fault that no such field may have."""
    for path, value in leaves(record(LIAR)):
        spelt = ".".join(map(str, path))
        faults: dict[str, Any] = {
            "null": None,
            "an object": {"x": 1},
            "a list": [value],
            "true": True,
            "too long or too large": "x" * 5000 if isinstance(value, str) else 10**12,
            "the other type": 7 if isinstance(value, str) else str(value),
        }
        for fault, wrong in faults.items():
            keeps = OTHERS
            yield Lie(f"{spelt} is {fault}", honest(changed(path, wrong)), keeps)


def lies_of_objects() -> Iterator[Lie]:
    """What a match doesn't show, or the standard doesn't know, at any depth; and what it must have."""
    for name, value in {
        "contactpersoon": [{"naamContactpersoonAfdeling": "Iemand"}],
        "eisAanWerk": {"indicatieBegeleiding": 1},
        "emailadres": ["iemand@example.com"],
        "indicatieLdrRegistratie": 1,
        "persoonlijkePresentatie": "Ik ben iemand",
        "telefoonnummer": ["0612345678"],
        "webadres": [{"url": "https://example.com"}],
        "vumID": "x",
        "burgerservicenummer": "111222333",
        "__proto__": {},
    }.items():
        yield Lie(f"shows {name}", honest(changed((name,), value)), OTHERS)
    for place in ("mobiliteit", "flexibiliteit", "werktijden", "arbeidsmarktkwalificatie"):
        yield Lie(f"something more in {place}", honest(changed((place, "naam"), "Iemand")), OTHERS)
    without = copy.deepcopy(HONEST)
    del without["matches"][1]["mobiliteit"]
    yield Lie("without mobiliteit", honest(without), OTHERS)
    nothings: dict[str, Any] = {"null": None, "text": "x", "a list": [], "a number": 1, "an object": {}}
    for what, wrong in nothings.items():
        told = copy.deepcopy(HONEST)
        told["matches"][1] = wrong
        yield Lie(f"a match is {what}", honest(told), OTHERS)


def lies_of_criteria() -> Iterator[Lie]:
    """Records that don't satisfy a criterion, or don't say."""
    outside: dict[str, tuple[tuple[Any, ...], Any]] = {
        "occupation": (("bemiddelingsberoep", 0, "codeBeroepsnaam"), "urn:b"),
        "occupation absent": (("bemiddelingsberoep",), []),
        "contract": (("contractvorm", 0, "codeTypeArbeidscontract"), "B"),
        "irregular": (("flexibiliteit", "indicatieOnregelmatigWerkOfPloegendienst"), 2),
        "irregular unknown": (("flexibiliteit", "indicatieOnregelmatigWerkOfPloegendienst"), 0),
        "licence": (("arbeidsmarktkwalificatie", "rijbewijs", 0, "codeSoortRijbewijs"), "A"),
        "no licence": (("arbeidsmarktkwalificatie", "rijbewijs"), []),
        "language": (("arbeidsmarktkwalificatie", "taalbeheersing", 0, "codeTaal"), "eng"),
        "level": (("arbeidsmarktkwalificatie", "taalbeheersing", 0, "codeNiveauTaalbeheersingMondeling"), 2),
        "start": (("flexibiliteit", "datumAanvangBeschikbaarVoorWerk"), "2026-06-02"),
        "office hours": (("werktijden", "indicatieKantoortijden"), 1),
        "most hours": (("werktijden", "aantalWerkurenPerWeekMaximaal"), 23),
        "least hours": (("werktijden", "aantalWerkurenPerWeekMinimaal"), 33),
        "qualification absent": (("arbeidsmarktkwalificatie",), {}),
    }
    for name, (path, value) in outside.items():
        yield Lie(f"outside the question by {name}", honest(changed(path, value)), OTHERS)
    other = document("b1", "b2", "b3")
    for each in other["matches"]:
        each["bemiddelingsberoep"] = [{"codeBeroepsnaam": "urn:b"}]
    yield Lie("the answer to another question", honest(other))


def lies_of_ids() -> Iterator[Lie]:
    for name, wrong in {
        "empty": "",
        "a dot": ".",
        "the folder above": "..",
        "a path": "../../admin",
        "with a newline": "a2\n",
        "with a query": "a2?x=1",
        "too long": "a" * 201,
        "of another alphabet": "а2",
    }.items():
        yield Lie(f"an id that is {name}", honest(changed(("idWerkzoekende",), wrong)), OTHERS)
    yield Lie("an id twice", honest(changed(("idWerkzoekende",), "a1")), frozenset({"a3"}))
    yield Lie("one id for all", honest(document("a1", "a1", "a1")))
    without = copy.deepcopy(HONEST)
    del without["matches"][1]["idWerkzoekende"]
    yield Lie("a match without an id", honest(without), OTHERS)


def lies_of_envelopes() -> Iterator[Lie]:
    flag, matches = HONEST["maximumAantalResultatenBereikt"], HONEST["matches"]
    for name, told in {
        "no flag": {"matches": matches},
        "a flag that is null": {"maximumAantalResultatenBereikt": None, "matches": matches},
        "a flag in text": {"maximumAantalResultatenBereikt": "false", "matches": matches},
        "a flag that is a number": {"maximumAantalResultatenBereikt": 0, "matches": matches},
        "no matches": {"maximumAantalResultatenBereikt": flag},
        "matches that are null": {"maximumAantalResultatenBereikt": flag, "matches": None},
        "matches in an object": {"maximumAantalResultatenBereikt": flag, "matches": {"0": matches[0]}},
        "matches in text": {"maximumAantalResultatenBereikt": flag, "matches": "[]"},
        "a list": matches,
        "a number": 1,
        "null": None,
        "an error of the contract": {"code": "500.1", "message": "Interne serverfout"},
    }.items():
        yield Lie(f"answers {name}", ok(encoded(told)))
    yield Lie(
        "a flag though the limit was not reached",
        honest({**HONEST, "maximumAantalResultatenBereikt": True}),
        ALL,
        more=True,
    )
    many = document(*(f"m{number}" for number in range(101)))
    yield Lie("101 records and no flag", honest(many), frozenset(f"m{n}" for n in range(100)), more=True)


def lies_of_json() -> Iterator[Lie]:
    good = encoded(HONEST)
    start = b'{"maximumAantalResultatenBereikt":false,"matches":['
    for name, body in {
        "nothing": b"",
        "no JSON": b"<html>sorry</html>",
        "half of it": good[: len(good) // 2],
        "it twice": good + good,
        "NaN": good.replace(b": 4711", b": NaN"),
        "Infinity": good.replace(b": 4711", b": Infinity"),
        "a number of 5000 digits": good.replace(b": 4711", b": " + b"9" * 5000),
        "1e999": good.replace(b": 4711", b": 1e999"),
        "half a surrogate pair": good.replace(b"heftruck", b"\\ud83d"),
        "no UTF-8": good.replace(b"heftruck", b"h\xffftruck"),
        "Latin-1": good.replace(b"heftruck", b"h\xe9ftruck"),
        "UTF-16": json.dumps(HONEST).encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "a property twice": good.replace(b'{"maximum', b'{"matches": [], "maximum', 1),
        "a property of a record twice": good.replace(b'"codeSbi": 4711', b'"codeSbi": 1, "codeSbi": 4711'),
        "100,000 levels": start + b"[" * 100_000,
        "a million elements": start + b",".join([b"1"] * 1_000_000) + b"]}",
        "a comma too many": good[:-2] + b",]}",
        "a comment": b"/* */" + good,
        "a zero byte": good.replace(b"heftruck", b"hef\x00truck"),
    }.items():
        yield Lie(f"sends {name}", ok(body))


def lies_of_headers() -> Iterator[Lie]:
    good = encoded(HONEST)
    wrong: dict[str, dict[str, Any]] = {
        "another fromParty": {"X_VUM_fromParty": "9" * 20},
        "ourselves as fromParty": {"X_VUM_fromParty": ASKING},
        "two fromParties": {"X_VUM_fromParty": [ANSWERING, ANSWERING]},
        "another toParty": {"X_VUM_toParty": "9" * 20},
        "two toParties": {"X_VUM_toParty": [ASKING, "9" * 20]},
        "an empty toParty": {"X_VUM_toParty": ""},
        "another version": {"API_Version": "2.0.0"},
        "two versions": {"API_Version": ["3.0.0", "2.0.0"]},
        "another berichtVersie": {"X_VUM_berichtVersie": "3.1.0"},
        "another type": {"Content_Type": "text/html"},
        "no type": {"Content_Type": None},
        "two types": {"Content_Type": ["application/json", "text/html"]},
        "another charset": {"Content_Type": "application/json; charset=iso-8859-1"},
        "problem+json": {"Content_Type": "application/problem+json"},
    }
    for name, headers in wrong.items():
        yield Lie(f"with {name}", ok(good, **headers))
    for coding in ("gzip", "deflate", "br", "zstd", "identity, gzip"):
        body = gzip.compress(good) if coding == "gzip" else good
        yield Lie(f"packed by {coding}", ok(body, Content_Encoding=coding))
    bomb = gzip.compress(b" " * 20_000_000)
    yield Lie("a bomb of gzip", ok(bomb, Content_Encoding="gzip"))
    yield Lie("a bomb of gzip that doesn't say so", ok(bomb))
    yield Lie("a header of 1 MiB", raw(head("200 OK", len(good), X_Large="x" * (1 << 20)) + good))
    yield Lie("headers for ever", for_ever(b"X-More: x\r\n" * 1000, b"HTTP/1.1 200 OK\r\n"))


def lies_of_statuses() -> Iterator[Lie]:
    good = encoded(HONEST)
    for status in ("201 Created", "203 Other", "206 Partial", "300 Choices", "400 Bad", "401 No", "403 No"):
        yield Lie(f"status {status}", ok(good, status))
    for status in ("404 Not Found", "418 Teapot", "429 Many", "500 Error", "503 Later", "599 X", "999 X"):
        yield Lie(f"status {status}", ok(good, status))
    for status in ("204 No Content", "304 Not Modified"):
        yield Lie(f"status {status}", raw(head(status)))
    for code in (301, 302, 303, 307, 308):
        elsewhere = "http://127.0.0.1:9/elsewhere"
        yield Lie(f"a redirect {code}", ok(good, f"{code} Elsewhere", Location=elsewhere))


def lies_of_transport() -> Iterator[Lie]:
    good = encoded(HONEST)
    whole = head(length=len(good)) + good
    chunked = head(Transfer_Encoding="chunked")
    yield Lie("closes at once", raw(then="close"))
    yield Lie("resets at once", raw(then="reset"))
    yield Lie("closes within the head", raw(whole[:40], then="close"))
    yield Lie("closes within the body", raw(whole[:-10], then="close"))
    yield Lie("resets within the body", raw(whole[:-10], then="reset"))
    yield Lie("says a longer length", raw(head(length=len(good) + 9) + good, then="close"))
    yield Lie("says a shorter length", raw(head(length=len(good) - 9) + good, then="close"))
    yield Lie("says two lengths", raw(head(length=len(good), Content_length="7") + good, then="close"))
    yield Lie("a length that is negative", raw(head(Content_Length="-1") + good, then="close"))
    yield Lie("a length that is no number", raw(head(Content_Length="many") + good, then="close"))
    yield Lie("chunks that are none", raw(chunked + good, then="close"))
    yield Lie("chunks that never end", raw(chunked + b"5\r\nhello\r\n", then="close"))
    yield Lie("a chunk of 2**70 bytes", raw(chunked + b"4" + b"0" * 17 + b"\r\n" + good, then="close"))
    yield Lie("another transfer coding", raw(head(Transfer_Encoding="gzip, chunked") + good, then="close"))
    yield Lie("no HTTP", raw(b"\x00\x01\x02\x03\r\n\r\n", then="close"))
    yield Lie("HTTP/2", raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", then="close"))
    yield Lie("HTTP/0.9", raw(good, then="close"))
    yield Lie("a status that is no number", raw(b"HTTP/1.1 OK\r\n\r\n" + good, then="close"))
    yield Lie("spaces in a header's name", raw(head(length=len(good)).replace(b"API-", b"API -") + good))
    yield Lie("a body that never ends", for_ever(b" " * 65_536, head()))
    yield Lie("chunks for ever", for_ever(b"10000\r\n" + b" " * 65_536 + b"\r\n", chunked))
    yield Lie("records for ever", for_ever(encoded(record("z"))[:-1] + b"},", head() + good[:-2] + b","))
    for name, answer in {
        "hangs": raw(then="hang"),
        "hangs after the head": raw(head(length=len(good)), then="hang"),
        "hangs within the head": raw(whole[:40], then="hang"),
        "hangs within the body": raw(whole[:-1], then="hang"),
        "drips the body": for_ever(b" ", head(length=10**6), 0.01),
        "drips the head": for_ever(b"x", b"HTTP/1.1 200 OK\r\nX-", 0.01),
        "drips its chunks": for_ever(b"1\r\n \r\n", chunked, 0.01),
        "says to go on, for ever": for_ever(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01),
        "says early hints, for ever": for_ever(b"HTTP/1.1 103 Early Hints\r\n\r\n", pause=0.01),
    }.items():
        yield Lie(name, answer, slow=True)


def every_lie() -> list[Lie]:
    """All lies. A field that is a list in the standard may lawfully be one; those faults are left out."""
    return [
        *lies_of_fields(),
        *lies_of_objects(),
        *lies_of_criteria(),
        *lies_of_ids(),
        *lies_of_envelopes(),
        *lies_of_json(),
        *lies_of_headers(),
        *lies_of_statuses(),
        *lies_of_transport(),
    ]
