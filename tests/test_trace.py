"""The trace of a request: read by the standard, in what is logged, and passed on to whoever is asked."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from false_sources import CALLER, honest, registered, serving
from hypothesis import given
from hypothesis import strategies as st
from laptop import OIN, laptop
from logs import PROCESSOR, audit_in, rows_of, show
from served import served
from sqlalchemy import select
from test_app import QUESTION, VUM
from test_fanout import CONTEXT, INQUIRY
from v1_world import world

from api.app import create_app
from api.exchange.fanout import ask_all
from api.exchange.log_files import stored
from api.exchange.logboek import SubjectCipher, create_subject_key, lines
from api.exchange.remote import RemoteSources
from api.exchange.trace import Trace, current, trace_of, traced
from api.store import Store
from api.store.tables import audit_entry

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def is_new(trace: Trace) -> bool:
    return trace.parent is None and trace.id != TRACE


@pytest.mark.parametrize(
    "header",
    [
        TRACEPARENT,
        f"00-{TRACE}-{PARENT}-00",
        f"01-{TRACE}-{PARENT}-ff",
        f"cc-{TRACE}-{PARENT}-01-what.is/new",
    ],
)
def test_a_request_goes_on_with_the_trace_that_it_tells(header: str) -> None:
    trace = trace_of([header.encode()])
    assert (trace.id, trace.parent) == (TRACE, PARENT)
    assert re.fullmatch(f"00-{TRACE}-{trace.span}-01", trace.traceparent)
    assert trace.span != PARENT


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"01-{TRACE}-{PARENT}-01.more",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f" {TRACEPARENT}",
        f"{TRACEPARENT}\n",
        f"{TRACEPARENT},{TRACEPARENT}",
        f"01-{TRACE}-{PARENT}-01-{'x' * 600}",
    ],
)
def test_what_is_no_traceparent_of_the_standard_begins_a_new_trace(header: str) -> None:
    assert is_new(trace_of([header.encode()]))


def test_none_or_two_begin_a_new_trace_that_is_another_each_time() -> None:
    made = [trace_of([]), trace_of([]), trace_of([TRACEPARENT.encode()] * 2)]
    assert all(map(is_new, made))
    assert len({each.id for each in made} | {each.span for each in made}) == 6


@given(st.integers(0, len(TRACEPARENT) - 1), st.characters(codec="latin-1"))
def test_whatever_is_written_into_a_traceparent_only_digits_of_it_are_taken(at: int, letter: str) -> None:
    header = TRACEPARENT[:at] + letter + TRACEPARENT[at + 1 :]
    trace = trace_of([header.encode("latin-1")])
    assert re.fullmatch("[0-9a-f]{32}", trace.id)
    assert trace.parent is None or re.fullmatch("[0-9a-f]{16}", trace.parent)


# -- whom we ask


def test_every_source_is_told_the_trace_and_what_of_ours_asks_it() -> None:
    async def ask() -> list[list[str | None]]:
        remotes = RemoteSources(CONTEXT, private_networks=True)
        async with serving(honest()) as first, serving(honest()) as second:
            sources = [remotes.get(registered(f"s{each.port}", each.port)) for each in (first, second)]
            with traced(trace_of([TRACEPARENT.encode()])):
                trace = current()
                await ask_all(sources, INQUIRY, CALLER, seconds=5)
                await sources[0].detail("werkzoekende", "a1", CALLER, seconds=5)
            await ask_all(sources, INQUIRY, CALLER, seconds=5)
            await remotes.aclose()
            assert trace is not None
            assert {trace.traceparent, None} == {
                each.headers.get("traceparent") for each in (*first.requests, *second.requests)
            }
            return [[each.headers.get("traceparent") for each in one.requests] for one in (first, second)]

    first, second = asyncio.run(ask())
    assert first[0] == first[1] == second[0]
    assert first[2] == second[1] is None
    assert str(first[0]).startswith(f"00-{TRACE}-")
    assert PARENT not in str(first[0])


def entries_of(url: str) -> list[dict[str, Any]]:
    store = Store(url)
    with store.read() as connection:
        rows = connection.execute(select(audit_entry).order_by(audit_entry.c.seq)).all()
    store.close()
    return [{"kind": row.kind, **json.loads(row.body)} for row in rows if row.kind != "administration"]


def test_the_logs_of_two_exchanges_tell_of_one_trace_and_which_action_of_one_the_other_served(
    tmp_path: Path,
) -> None:
    with world(tmp_path / "there") as there:
        here = laptop(tmp_path / "here", url=f"{there.url}/vum/v3/bron")
        with served(create_app(here), lifespan="on") as url:
            headers = VUM | {"X-VUM-viaParty": OIN, "X-VUM-fromParty": OIN, "tracestate": "vendor=personal"}
            for sent in ({"traceparent": TRACEPARENT}, {}):
                told = httpx.post(
                    f"{url}/vum/v3/werkzoekendeProfielen/matches",
                    json=QUESTION,
                    headers=headers | sent,
                    timeout=60,
                )
                assert told.json()["matches"]
        asked, matches, asked_anew, _ = entries_of(here.store_url)
        served_first, served_second = entries_of(there.settings.store_url)
    assert (asked["kind"], matches["kind"], served_first["kind"]) == ("asked", "matches", "bron-matches")
    assert asked["trace"] == matches["trace"]
    assert (asked["trace"]["id"], asked["trace"]["parent"]) == (TRACE, PARENT)
    assert (served_first["trace"]["id"], served_first["trace"]["parent"]) == (TRACE, asked["trace"]["span"])
    assert asked_anew["trace"]["parent"] is None
    assert asked_anew["trace"]["id"] != TRACE
    assert served_second["trace"]["parent"] == asked_anew["trace"]["span"]
    assert "personal" not in json.dumps([asked, matches, served_first])


# -- what is logged


def test_a_line_of_the_logboek_has_the_trace_and_names_the_foreign_action_that_asked_for_it(
    store: Store, tmp_path: Path
) -> None:
    audit = audit_in(store, tmp_path)
    trace = trace_of([TRACEPARENT.encode()])
    with traced(trace):
        show(audit, ["anna"])
    with traced(trace_of([])):
        show(audit, ["anna"], "detail")
    create_subject_key(tmp_path / "logboek")
    with store.read() as connection:
        made = list(lines(stored(connection, 0), SubjectCipher(tmp_path / "logboek"), "urn:a"))
    matches, anna, detail, again = made
    assert matches["trace_id"] == anna["trace_id"] == TRACE
    assert matches["span_id"] == anna["parent_span_id"] == trace.span
    assert matches["foreign_operation"] == {
        "trace_id": TRACE,
        "span_id": PARENT,
        "entity": f"urn:osb:oin:{PROCESSOR}",
    }
    assert "foreign_operation" not in anna
    assert "parent_span_id" not in matches
    # A detail is a request of its own, and belongs to the same question.
    assert detail["trace_id"] == again["trace_id"] != TRACE
    assert "foreign_operation" not in detail
    question = "dpl.vum.question_id"
    assert matches["attributes"][question] == detail["attributes"][question]
    assert b"traceparent" not in rows_of(store)[0][3]
