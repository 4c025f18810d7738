"""A remote source: what it is asked, by whom, over what connection; and its details."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from false_sources import (
    ANSWERING,
    ASKING,
    CALLER,
    HONEST,
    PROCESSOR,
    QUESTION,
    Answer,
    FalseSource,
    encoded,
    for_ever,
    head,
    honest,
    ok,
    raw,
    record,
    registered,
    serving,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pki import DAY, Authority
from test_fanout import CONTEXT, INQUIRY, until
from test_select import SIDES, random_question

from api.exchange.remote import CONNECTIONS, Inquiry, RemoteSource, RemoteSources, tls_context
from data.question import parse_question, vraag_object
from data.standard import Side

Told = Callable[[RemoteSource, FalseSource], Awaitable[None]]


def with_source(answer: Answer, told: Told, **options: Any) -> None:
    """Have something happen with a source that gives an answer."""

    async def happen() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True, **options)
        async with serving(answer) as server:
            try:
                await told(remotes.get(registered("s", server.port)), server)
            finally:
                await remotes.aclose()

    asyncio.run(happen())


# -- what is asked


def test_a_question_goes_out_with_the_headers_of_the_contract_and_nothing_of_its_own() -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        await source.ask(INQUIRY, CALLER, seconds=5)
        await source.ask(INQUIRY, replace(CALLER, suwi=False, processor="7" * 20), seconds=5)
        first, second = server.requests
        assert (first.method, first.path) == ("POST", "/api/v3/werkzoekendeProfielen/matches")
        assert json.loads(first.body) == {"vraagObject": QUESTION}
        sent = {
            name: value for name, value in first.headers.items() if name not in ("host", "content-length")
        }
        assert sent == {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "koppel",
            "content-type": "application/json",
            "api-version": "3.0.0",
            "x-vum-berichtversie": "3.0.0",
            "x-vum-fromparty": ASKING,
            "x-vum-toparty": ANSWERING,
            "x-vum-viaparty": PROCESSOR,
            "x-vum-suwiparty": "true",
        }
        assert second.headers == {**first.headers, "x-vum-suwiparty": "false"}

    with_source(honest(), told)


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.sampled_from(SIDES))
def test_a_question_that_is_passed_on_is_the_question_without_what_has_no_effect(
    seed: int, side: Side
) -> None:
    question = parse_question(random_question(random.Random(seed), side), side)
    passed_on = parse_question({"vraagObject": vraag_object(question)}, side)
    if question.occupations == frozenset():
        question = replace(question, occupations=frozenset({""}))
    # A language criterion needs a codeTaal, also where it asks for none.
    assert all(path.endswith("codeTaal") for path in passed_on.ignored)
    assert replace(passed_on, ignored=()) == replace(question, ignored=())


def test_every_accreditation_question_is_passed_on_as_it_was(shared: Path) -> None:
    files: dict[str, Side] = {"werkzoekenden": "werkzoekende", "vacatures": "vacature"}
    for name, side in files.items():
        cases = json.loads((shared / "accreditation" / f"{name}_cases.json").read_bytes())
        for case in cases:
            question = parse_question(case["vraagObject"], side)
            passed_on = vraag_object(question)
            assert passed_on.keys() == case["vraagObject"].keys()
            assert parse_question(passed_on, side) == question


def test_contacts_with_an_employer_are_asked_for_and_only_his_are_taken() -> None:
    moment = {"datum": "2026-05-01", "codeSoort": 1, "werkgever": {"nummerKvk": "12345678"}}
    told_moments = [
        moment,
        moment | {"werkgever": {"nummerKvk": "12345679"}},
        moment | {"werkgever": {}},
        {"datum": "2026-05-01"},
        moment | {"datum": "2026-04-30"},
        moment | {"datum": "2026-05-32"},
        moment | {"naam": "Iemand"},
        moment,
    ]
    answer = {"maximumAantalResultatenBereikt": False, "matches": told_moments}

    async def told(source: RemoteSource, server: FalseSource) -> None:
        found = await source.ask(Inquiry.contacts("12345678", date(2026, 5, 1)), CALLER, seconds=5)
        assert [json.loads(shown) for _, shown in found.matches] == [moment, moment]
        assert {name for name, _ in found.matches} == {""}
        assert server.requests[0].path == "/api/v3/werkgeverscontactmomenten/matches"
        assert json.loads(server.requests[0].body) == {
            "vraagObject": {"werkgever.nummerKvk": {"$eq": "12345678"}, "datum": {"$gte": "2026-05-01"}}
        }
        everything = await source.ask(Inquiry.contacts("12345678", None), CALLER, seconds=5)
        assert len(everything.matches) == 3

    with_source(honest(answer), told)


def test_a_cookie_is_not_kept_and_proxies_of_the_environment_are_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def told(source: RemoteSource, server: FalseSource) -> None:
        for _ in range(2):
            assert (await source.ask(INQUIRY, CALLER, seconds=5)).status == "answered"
        assert "cookie" not in server.requests[1].headers

    with_source(ok(encoded(HONEST), Set_Cookie="who=1"), told)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/api/v3",
        "http://10.0.0.1/api/v3",
        "ftp://127.0.0.1/",
        "https://user:secret@example.com/",
        "https://example.com/?x=1",
        "https://example.com/#x",
        "https:///api",
        "//127.0.0.1",
        "https://[::1",
        "",
    ],
)
def test_an_address_that_may_not_be_asked_is_a_source_that_failed(address: str) -> None:
    async def ask() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True)
        found = await remotes.get(replace(registered("s", 9), url=address)).ask(INQUIRY, CALLER, seconds=5)
        assert (found.status, found.why) == ("failed", "address")
        await remotes.aclose()

    asyncio.run(ask())


def test_a_source_that_the_registry_has_moved_is_asked_at_its_new_address() -> None:
    async def move() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True)
        async with serving(honest()) as first, serving(honest()) as second:
            for server, n_asked in ((first, (1, 0)), (first, (2, 0)), (second, (2, 1))):
                found = await remotes.get(registered("s", server.port)).ask(INQUIRY, CALLER, seconds=5)
                assert found.status == "answered"
                assert (len(first.requests), len(second.requests)) == n_asked
            await remotes.aclose()
            await asyncio.sleep(0.05)
            assert (first.open, second.open) == (0, 0)

    asyncio.run(move())


def test_a_call_under_way_while_the_registry_moves_its_source_leaves_no_connection() -> None:
    async def move() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True)
        slow = raw(head(length=len(encoded(HONEST))), encoded(HONEST), pause=0.2)
        async with serving(slow) as first, serving(honest()) as second:
            asking = asyncio.create_task(
                remotes.get(registered("s", first.port)).ask(INQUIRY, CALLER, seconds=5)
            )
            await until(lambda: len(first.requests) == 1)
            await remotes.get(registered("s", second.port)).ask(INQUIRY, CALLER, seconds=5)
            assert (await asking).status == "answered"
            await until(lambda: first.open == 0)
            await remotes.aclose()

    asyncio.run(move())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_calls_that_end_at_any_moment_leave_no_connection_and_keep_no_place(scheme: str) -> None:
    async def end() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True, failures=10**9)
        async with serving(raw(then="hang")) as server:
            source = remotes.get(registered("s", server.port, scheme))
            for turns in range(3 * CONNECTIONS):
                call = asyncio.create_task(source.ask(INQUIRY, CALLER, seconds=5))
                for _ in range(turns % 40):
                    await asyncio.sleep(0)
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
            await until(lambda: server.open == 0)
            if scheme == "http":
                server.answer = honest()
                calls = (source.ask(INQUIRY, CALLER, seconds=5) for _ in range(CONNECTIONS))
                assert {each.status for each in await asyncio.gather(*calls)} == {"answered"}
            await remotes.aclose()

    asyncio.run(end())


# -- a source that fails again and again


def test_a_source_that_keeps_failing_is_left_alone_for_a_while_and_then_one_call_decides() -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        async def why() -> str:
            return (await source.ask(INQUIRY, CALLER, seconds=5)).why

        assert [await why() for _ in range(5)] == ["JSON"] * 3 + ["paused"] * 2
        assert len(server.requests) == 3
        await asyncio.sleep(0.25)
        assert [await why(), await why()] == ["JSON", "paused"]
        await asyncio.sleep(0.25)
        server.answer = honest()
        assert [await why() for _ in range(3)] == [""] * 3
        server.answer = ok(b"no")
        assert [await why() for _ in range(4)] == ["JSON"] * 3 + ["paused"]

    with_source(ok(b"no"), told, failures=3, pause_seconds=0.2)


def test_what_a_source_refuses_is_no_failure() -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        found = [await source.ask(INQUIRY, CALLER, seconds=5) for _ in range(4)]
        assert {each.status for each in found} == {"refused"}
        assert len(server.requests) == 4

    with_source(ok(b"{}", "429 Too Many Requests"), told, failures=1)


def test_no_more_is_read_than_an_answer_may_have() -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        assert (await source.ask(INQUIRY, CALLER, seconds=5)).status == "answered"
        server.answer = ok(encoded(HONEST) + b" ")
        assert (await source.ask(INQUIRY, CALLER, seconds=5)).why == "size"
        server.answer = for_ever(b" " * 1000, head())
        assert (await source.ask(INQUIRY, CALLER, seconds=60)).why == "size"

    with_source(honest(), told, max_bytes=len(encoded(HONEST)))


# -- details

DETAIL = record("a1") | {"persoonlijkePresentatie": "Ik ben er", "emailadres": []}


def test_a_detail_is_given_as_the_source_supplied_it() -> None:
    body = b" " + encoded(DETAIL).replace(b", ", b" ,\n ") + b"\r\n"

    async def told(source: RemoteSource, server: FalseSource) -> None:
        found = await source.detail("werkzoekende", "a1", CALLER, seconds=5)
        assert (found.status, found.body) == ("answered", body.strip())
        request = server.requests[0]
        assert (request.method, request.path) == ("GET", "/api/v3/werkzoekendeProfielen/a1")
        assert request.headers["x-vum-toparty"] == ANSWERING

    with_source(ok(body), told)


def without_id() -> dict[str, Any]:
    return {name: each for name, each in DETAIL.items() if name != "idWerkzoekende"}


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (ok(encoded(without_id())), "answered", ""),
        (ok(encoded(DETAIL | {"idWerkzoekende": "a2"})), "failed", "another record"),
        (ok(encoded(DETAIL | {"idWerkzoekende": ""})), "failed", "another record"),
        (ok(encoded(DETAIL | {"idWerkzoekende": None})), "failed", "schema"),
        (ok(encoded(DETAIL | {"vumID": "a1"})), "failed", "schema"),
        (ok(encoded(DETAIL | {"burgerservicenummer": "1"})), "failed", "schema"),
        (ok(encoded([DETAIL])), "failed", "schema"),
        (ok(encoded({"werkzoekende": DETAIL})), "failed", "schema"),
        (ok(b"{"), "failed", "JSON"),
        (ok(encoded({"code": "400.01", "message": "x"}), "400 Bad Request"), "refused", "refused"),
        (ok(b"{}", "404 Not Found"), "failed", "status"),
        (ok(encoded(DETAIL), X_VUM_toParty="9" * 20), "failed", "headers"),
        (raw(then="close"), "failed", "connection"),
    ],
)
def test_a_detail_is_given_only_if_it_is_the_record_that_was_asked_for(
    answer: Answer, status: str, why: str
) -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        found = await source.detail("werkzoekende", "a1", CALLER, seconds=5)
        assert (found.status, found.why, found.body is not None) == (status, why, status == "answered")

    with_source(answer, told)


@pytest.mark.parametrize(
    "record_id", ["", ".", "..", "a/b", "../x", "a?b", "a\n", "%2e%2e", "a b", "é", "a" * 201]
)
def test_an_id_that_is_no_name_in_a_path_is_never_asked_for(record_id: str) -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        found = await source.detail("vacature", record_id, CALLER, seconds=5)
        assert (found.status, found.why) == ("refused", "id")
        assert server.requests == []

    with_source(honest(), told)


@pytest.mark.parametrize("record_id", ["...", "a..b", ".a", "-", "_", "A9-_."])
def test_an_id_with_dots_is_asked_for_by_itself(record_id: str) -> None:
    async def told(source: RemoteSource, server: FalseSource) -> None:
        await source.detail("vacature", record_id, CALLER, seconds=5)
        assert server.requests[0].path == f"/api/v3/vacatures/{record_id}"

    with_source(honest(), told)


# -- certificates


def test_a_source_sees_the_exchanges_certificate_and_the_exchange_checks_the_sources(tmp_path: Path) -> None:
    ours, other = Authority(), Authority("Another CA")
    certificate, key = ours.issue([ASKING]).written(tmp_path, "exchange")
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(ours.pem)
    trusting = tls_context(certificate, key, authorities)

    def server_context(authority: Authority, **options: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue([PROCESSOR], **options).written(tmp_path, "source"))
        context.load_verify_locations(authorities)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    old = server_context(ours)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    async def ask(server: ssl.SSLContext, client: ssl.SSLContext, host: str = "127.0.0.1") -> str:
        remotes = RemoteSources(client, private_networks=True)
        async with serving(honest(), server, host) as source:
            found = await remotes.get(registered("s", source.port, "https", host)).ask(
                INQUIRY, CALLER, seconds=5
            )
            await remotes.aclose()
            assert (found.status == "answered") == bool(source.requests)
            return found.status

    async def all_of_them() -> list[str]:
        return [
            await ask(server_context(ours), trusting),
            await ask(server_context(ours), tls_context(None, None, authorities)),
            await ask(server_context(other), trusting),
            await ask(server_context(ours, first=-3 * DAY, last=-DAY), trusting),
            await ask(server_context(ours), trusting, "127.0.0.2"),
            await ask(old, trusting),
        ]

    assert asyncio.run(all_of_them()) == ["answered"] + ["failed"] * 5


def test_a_server_that_never_ends_its_tls_handshake_takes_no_more_than_the_time_there_is() -> None:
    async def ask() -> None:
        remotes = RemoteSources(CONTEXT, private_networks=True)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(serving(honest()))
            begin = time.perf_counter()
            source = remotes.get(registered("s", server.port, "https"))
            found = await source.ask(INQUIRY, CALLER, seconds=0.2)
            assert found.status == "timed_out"
            assert 0.2 <= time.perf_counter() - begin < 2
            await remotes.aclose()

    asyncio.run(ask())
