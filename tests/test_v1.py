"""Our own API: what it answers to whom, and what it never tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from laptop import OIN
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import update
from starlette.requests import Request
from v1_world import (
    BEROEP,
    DORP,
    NOBODY,
    PRIVAAT,
    PROCESSOR,
    STAD,
    VACATURE,
    World,
    problem,
    profile,
    world,
)

from api.contracts.headers import Parties, Received
from api.contracts.identity import Identified
from api.exchange.errors import NotAuthorised
from api.exchange.fanout import Completeness
from api.exchange.rules import rules
from api.store import Store
from api.store.tables import question
from api.v1.callers import admit
from api.v1.rankings import Group

VUM = {"X-VUM-berichtVersie": "3.0.0", "API-Version": "3.0.0", "X-VUM-toParty": OIN}
RANKING = {"vacature": VACATURE, "top": 5}
*GROUPS, LAST_GROUP = map(repr, get_args(Group))
QUESTION = {"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 30}}}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("v1") / "state") as made:
        yield made


def shown(here: World, via: str = OIN) -> list[dict[str, Any]]:
    """The cooks that a party is shown."""
    asked = {
        "vraagObject": {
            "bemiddelingsberoep": {"$elemMatch": {"$or": [{"codeBeroepsnaam": {"$eq": BEROEP}}]}},
            "selectiegebied": {"postcode": "6511AB", "afstand": 5},
        }
    }
    with here.client(via, via) as client:
        answer = client.post("/vum/v3/werkzoekendeProfielen/matches", json=asked, headers=VUM)
    assert answer.status_code == 200
    matches: list[dict[str, Any]] = answer.json()["matches"]
    return matches


# Whoever collects telemetry


def test_a_collector_of_telemetry_is_told_nothing_of_a_request(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(told))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with here.client(OIN) as client:
        assert client.get("/v1/titles", params={"title": "kok"}).status_code == 200
    assert told.get_finished_spans() == ()


# Who asks


@pytest.mark.parametrize("path", ["/participants", "/sources", "/questions"])
def test_whoever_is_not_admitted_is_told_nothing(here: World, path: str) -> None:
    told = set()
    for via, controller in ((None, None), (NOBODY, None), (PROCESSOR, STAD), (STAD, DORP), (OIN, NOBODY)):
        with here.client(via, controller) as client:
            answer = client.get(f"/v1{path}")
        problem(answer, 401)
        told.add(answer.content)
    assert len(told) == 1


def test_a_processor_asks_for_the_controller_that_it_has_a_mandate_of(here: World) -> None:
    with here.client(PROCESSOR, DORP) as client:
        assert client.get("/v1/sources").status_code == 200


@pytest.mark.parametrize("name", ["X-VUM-fromParty", "X-VUM-viaParty", "X-VUM-toParty", "API-Version"])
def test_a_header_that_is_repeated_is_refused(here: World, name: str) -> None:
    with here.client(None) as client:
        headers = [("X-VUM-viaParty", STAD), ("X-VUM-fromParty", STAD), ("X-VUM-toParty", OIN)]
        headers += [("API-Version", "1.0.0")]
        assert client.get("/v1/sources", headers=headers).status_code == 200
        problem(client.get("/v1/sources", headers=[*headers, (name, dict(headers)[name])]), 400)


def test_nothing_of_a_body_is_read_for_who_is_not_admitted(here: World) -> None:
    wrong = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    with here.client(NOBODY) as client:
        problem(client.post("/v1/rankings", **wrong), 401)  # type: ignore[arg-type]
        problem(client.request("GET", "/v1/sources", content=b"{}"), 401)
    with here.client(OIN) as client:
        problem(client.post("/v1/rankings", **wrong), 400)  # type: ignore[arg-type]


@pytest.mark.parametrize("via", [DORP, "", "abc", f"{STAD}, {STAD}"])
def test_who_names_another_party_than_its_certificate_is_refused(via: str) -> None:
    async def admitted(*told: Any) -> Any:
        return told[-1]

    services = SimpleNamespace(
        identity=lambda _: Identified(STAD, "f" * 64), settings=SimpleNamespace(oin=OIN), admit=admitted
    )
    app = SimpleNamespace(state=SimpleNamespace(services=services))
    request = Request({"type": "http", "app": app})
    for same in ([], [(b"x-vum-viaparty", STAD.encode())]):
        asyncio.run(admit(request, Received(same)))
        assert request.state.caller == Parties(STAD, OIN, STAD)
    with pytest.raises(NotAuthorised):
        asyncio.run(admit(request, Received([(b"x-vum-viaparty", via.encode())])))


# What there is to know


def test_words_and_rules_are_told_to_anyone(here: World) -> None:
    with here.client(None) as client:
        assert {"code": "B", "label": ""} not in client.get("/v1/code-lists").json()
        for name in client.get("/v1/code-lists").json():
            told = client.get(f"/v1/code-lists/{name}").json()
            assert told["name"] == name
            assert told["codes"]
        assert client.get("/v1/titles", params={"title": "kok"}).json()[0]["code"] == BEROEP
        suggested = client.get("/v1/title-suggestions", params={"typed": "ko", "top": 3}).json()
        assert len(suggested) == 3
        assert client.get("/v1/rules").json() == rules()


def test_a_source_is_listed_for_whoever_may_ask_it_and_for_its_own_party(here: World) -> None:
    with here.client(DORP) as client:
        assert [each["id"] for each in client.get("/v1/sources").json()] == ["bron", "stad"]
    with here.client(PRIVAAT) as client:
        before = client.get("/v1/sources")
        assert before.json() == []
        administration = here.administration()
        administration.register_source("geheim", STAD, "Van Stad alleen")
        assert client.get("/v1/sources").content == before.content
    with here.client(STAD) as client:
        own = {each["id"]: (each["own"], each["shares"]) for each in client.get("/v1/sources").json()}
    assert own["geheim"] == (True, [])
    assert own["bron"] == (False, ["werkzoekende", "vacature", "werkgeverscontactmoment"])


def test_participants_are_those_that_are_admitted_now(here: World) -> None:
    with here.client(STAD) as client:
        told = {each["oin"]: each["kind"] for each in client.get("/v1/participants").json()}
    assert told == {OIN: "uwv", STAD: "gemeente", DORP: "gemeente", PRIVAAT: "privaat"}


# Rankings


def test_a_ranking_gives_the_best_first_and_a_vum_id_that_opens_the_record(here: World) -> None:
    with here.client(OIN, OIN) as client:
        answer = client.post("/v1/rankings", json=RANKING)
        ranked = answer.json()
        scores = [each["score"] for each in ranked["matches"]]
        assert scores == sorted(scores, reverse=True)
        assert [each["rank"] for each in ranked["matches"]] == list(range(1, len(scores) + 1))
        assert "answered=2" in answer.headers["Koppel-Completeness"]
        for each in ranked["matches"]:
            assert sum(each["parts"].values()) == pytest.approx(each["score"], abs=1e-5)
        vum_id = ranked["matches"][0]["match"]["vumID"]
        detail = client.get(f"/vum/v3/werkzoekendeProfielen/{vum_id}", headers=VUM)
        assert detail.status_code == 200
        (latest, *_) = client.get("/v1/questions").json()["questions"]
    assert latest["vraagID"] == ranked["vraagID"]
    assert (latest["kind"], latest["side"], latest["detailsLeft"]) == ("rangorde", "werkzoekende", 9)
    assert latest["completeness"] == {"answered": 2, "timedOut": 0, "failed": 0, "refused": 0, "leftOut": 0}


def test_an_explanation_has_the_score_of_the_ranking(here: World) -> None:
    with here.client(OIN) as client:
        first = client.post("/v1/rankings", json=RANKING).json()["matches"][0]
        asked = {"vacature": VACATURE, "candidate": first["match"]["vumID"]}
        explained = client.post("/v1/explanations", json=asked).json()
        inline = client.post("/v1/explanations", json=asked | {"candidate": first["match"]}).json()
    assert explained["score"] == inline["score"] == first["score"]
    assert sum(part["adds"] for part in explained["vacancy"]["parts"]) == pytest.approx(
        first["score"], abs=1e-5
    )


def test_a_vum_id_of_another_party_explains_nothing(here: World) -> None:
    with here.client(OIN) as client:
        vum_id = client.post("/v1/rankings", json=RANKING).json()["matches"][0]["match"]["vumID"]
    with here.client(STAD) as client:
        foreign, forged = (
            client.post("/v1/explanations", json={"vacature": VACATURE, "candidate": each})
            for each in (vum_id, "verzonnen")
        )
    problem(foreign, 400)
    assert foreign.content == forged.content


def test_a_profile_of_the_callers_own_source_asks_by_its_id(here: World) -> None:
    asked = {"werkzoekende": {"sourceId": "stad", "recordId": "kok"}}
    with here.client(STAD) as client:
        assert client.post("/v1/rankings", json=asked).json()["direction"] == "profile"
    with here.client(OIN) as client:
        foreign = client.post("/v1/rankings", json=asked)
        absent = client.post("/v1/rankings", json={"werkzoekende": {"sourceId": "x", "recordId": "y"}})
    problem(foreign, 400)
    assert foreign.content == absent.content


@pytest.mark.parametrize(
    "asked",
    [
        {},
        [],
        {"vacature": VACATURE, "werkzoekende": {}},
        {"vacature": VACATURE, "top": 0},
        {"vacature": VACATURE, "wished": ["colour"]},
        {"vacature": {**VACATURE, "onbekend": "Jansen"}},
        {"vacature": {"naam": 1}},
        {"vacature": {**VACATURE, "Jansen": 1}},
        {"vacature": {**VACATURE, "Piet.Jansen": 1}},
        {"vacature": {"adres": {"postcode": "6511AB", "Jansen": 1}}},
        {"vacature": VACATURE, "vraagObject": {**QUESTION["vraagObject"], "selectiegebied": {"Jansen": 1}}},
        {"vacature": VACATURE, "top": "3"},
        {"vacature": VACATURE, "top": True},
        {"vacature": VACATURE, "top": 3.0},
        {"vacature": VACATURE, "strict": "true"},
        {"vacature": VACATURE, "strict": 1},
        {"vacature": VACATURE, "preferred": {"skill": "1"}},
        {"vacature": VACATURE, "preferred": {"skill": True}},
        {"vacature": VACATURE, "radius_km": 3},
        {"vacature": VACATURE, "vraag_object": QUESTION["vraagObject"]},
        {"vacature": {"source_id": "bron", "record_id": "x"}},
        {"vacature": VACATURE, "vraagObject": {"selectiegebied": {"postcode": "Jansen"}}},
    ],
)
def test_a_ranking_that_is_asked_otherwise_than_documented_is_refused_without_its_values(
    here: World, asked: Any
) -> None:
    with here.client(OIN) as client:
        answer = client.post("/v1/rankings", json=asked)
    problem(answer, 400)
    assert "Jansen" not in answer.text


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ({"vacature": {}, "top": 200}, {"body.top": "less than equal 100"}),
        ({"werkzoekende": {}, "top": 0}, {"body.top": "greater than equal 1"}),
        ({"vacature": {}, "direction": "x"}, {"body.direction": "literal error 'vacancy' or 'mutual'"}),
        ({"werkzoekende": {}, "vacature": {}}, {"body": "extra forbidden"}),
        (
            {"vacature": {}, "preferred": {"Jansen": 1}},
            {"body.preferred": f"literal error {', '.join(GROUPS)} or {LAST_GROUP}"},
        ),
        ({"top": 3}, {"body": "vacature or werkzoekende"}),
        ([], {"body": "vacature or werkzoekende"}),
    ],
)
def test_each_fault_is_told_once_with_what_is_allowed(
    here: World, asked: Any, faults: dict[str, str]
) -> None:
    with here.client(OIN) as client:
        told = problem(client.post("/v1/rankings", json=asked), 400)["faults"]
        explained = problem(client.post("/v1/explanations", json=asked), 400)["faults"]
    assert {each["field"]: each["message"] for each in told} == faults
    assert len(told) == len(faults)
    assert [each for each in explained if not each["field"].endswith(".candidate")] == told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"vacature": {}, "vacature": {}}',
        b'{"vacature": NaN}',
        b"[" * 30 + b"]" * 30,
        b'{"vacature": "' + b"a" * 300_000 + b'"}',
        b'{"vacature": "\\ud800"}',
        b"\xff",
    ],
)
def test_a_body_that_can_be_read_in_two_ways_or_is_too_large_is_refused(here: World, body: bytes) -> None:
    with here.client(OIN) as client:
        problem(client.post("/v1/rankings", content=body, headers={"Content-Type": "application/json"}), 400)


# Records


def test_a_record_counts_once_it_is_put_and_no_more_once_it_is_deleted(here: World) -> None:
    before = len(shown(here))
    with here.client(STAD) as client:
        answer = client.put("/v1/sources/stad/records/werkzoekende/nieuw", json=profile("nieuw"))
        assert answer.status_code == 204
        assert len(shown(here)) == before + 1
        assert client.delete("/v1/sources/stad/records/werkzoekende/nieuw").status_code == 204
        assert len(shown(here)) == before
        problem(client.delete("/v1/sources/stad/records/werkzoekende/nieuw"), 404)


def test_a_batch_is_stored_as_it_was_sent(here: World) -> None:
    ids = [f"batch-{number}" for number in range(4)]
    body = json.dumps([profile(each) for each in ids], indent=2).encode()
    with here.client(STAD, STAD) as client:
        path = "/v1/sources/stad/records/werkzoekende"
        put = client.put(path, content=body, headers={"Content-Type": "application/json"})
        assert put.json() == {"stored": 4}
        assert client.request("DELETE", path, params={"id": ids}).json() == {"deleted": 4}
        assert client.request("DELETE", path, params={"id": ids}).json() == {"deleted": 0}
    assert not list(here.settings.state.glob("batch-*"))


def test_of_a_batch_with_one_wrong_record_nothing_is_stored(here: World) -> None:
    before = len(shown(here))
    wrong = profile("fout", persoonlijkePresentatie=["Jansen"])
    with here.client(STAD) as client:
        answer = client.put("/v1/sources/stad/records/werkzoekende", json=[profile("goed"), wrong])
    problem(answer, 400)
    assert "Jansen" not in answer.text
    assert len(shown(here)) == before


def test_a_batch_of_the_other_side_is_refused_as_wrong(here: World) -> None:
    before = len(shown(here))
    with here.client(STAD) as client:
        answer = client.put("/v1/sources/stad/records/vacature", json=[profile("fout")])
    assert problem(answer, 400)["detail"] == "records: the side vacature"
    assert len(shown(here)) == before


def test_an_id_that_could_be_a_bsn_is_refused(here: World) -> None:
    with here.client(STAD) as client:
        answer = client.put("/v1/sources/stad/records/werkzoekende/111222333", json=profile("111222333"))
    problem(answer, 400)


def test_anothers_source_is_as_one_that_is_not_there(here: World) -> None:
    with here.client(DORP) as client:
        for method in ("PUT", "DELETE"):
            told = {
                client.request(
                    method,
                    f"/v1/sources/{source}/records/werkzoekende/kok",
                    **({"json": profile("kok")} if method == "PUT" else {}),  # type: ignore[arg-type]
                ).content
                for source in ("stad", "bron", "nergens")
            }
            assert len(told) == 1
            assert json.loads(told.pop())["status"] == 404
    assert shown(here)


# What is not there


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/rankings", "POST"),
        ("POST", "/v1/sources/stad/records/vacature/1", "DELETE, PUT"),
        ("GET", "/v1/sources/stad/records/vacature", "DELETE, PUT"),
        ("DELETE", "/v1/titles", "GET"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_answered_with_those_that_are(
    here: World, method: str, path: str, allowed: str
) -> None:
    with here.client(STAD) as client:
        answer = client.request(method, path)
    problem(answer, 405)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/nergens", "/v1/rules/", "/v1/code-lists/nergens", "/vumm"]
)
def test_a_path_that_is_not_there_is_a_problem(here: World, path: str) -> None:
    with here.client(STAD) as client:
        assert problem(client.get(path), 404)["title"] == "Niet gevonden"


def test_where_callers_are_believed_every_answer_says_so(here: World) -> None:
    with here.client(STAD) as client:
        for path in ("/v1/rules", "/v1/sources", "/v1/nergens"):
            assert client.get(path).headers["Koppel-Identity"] == "not checked"


def test_on_a_laptop_the_document_names_the_server_that_gave_it(here: World) -> None:
    with here.client(None) as client:
        assert client.get("/v1/openapi.json").json()["servers"] == [{"url": "/v1"}]


def test_no_answer_is_to_be_kept(here: World) -> None:
    with here.client(STAD) as client:
        for path in ("/v1/rules", "/v1/nergens", "/v1/questions", "/health", "/ready"):
            assert client.get(path).headers["Cache-Control"] == "no-store"


def test_history_tells_how_many_records_were_left_out(here: World) -> None:
    with here.client(OIN, OIN) as client:
        vraag_id = client.post("/v1/rankings", json=RANKING).json()["vraagID"]
        store = Store(here.settings.store_url)
        with store.write() as connection:
            kept = Completeness({"bron": "answered", "ver": "timed_out"}, left_out=2).as_json()
            asked = question.c.id == vraag_id
            connection.execute(update(question).where(asked).values(completeness=kept))
        store.close()
        (latest, *_) = client.get("/v1/questions").json()["questions"]
    assert latest["completeness"] == {"answered": 1, "timedOut": 1, "failed": 0, "refused": 0, "leftOut": 2}


def test_history_goes_back_page_by_page(here: World) -> None:
    with here.client(DORP, DORP) as client:
        asked = [
            client.post("/vum/v3/werkzoekendeProfielen/matches", json=QUESTION, headers=VUM).json()["vraagID"]
            for _ in range(3)
        ]
        first = client.get("/v1/questions", params={"limit": 2}).json()
        second = client.get("/v1/questions", params={"limit": 2, "before": first["next"]}).json()
    told = [each["vraagID"] for each in first["questions"] + second["questions"]]
    assert told == asked[::-1]
    assert second["next"] is None
    assert first["questions"][0]["criteria"]["pc4"] == "6511"
