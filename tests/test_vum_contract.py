"""The VUM paths: the statuses, headers and bodies of the contracts, and nothing of a framework's."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from vum import (
    COLLECTIONS,
    GEMEENTE,
    KVK,
    LEVERANCIER,
    NOBODY,
    OWN,
    QUESTION,
    VREEMD,
    Answered,
    FakeExchange,
    ask,
    call,
    headers,
    registry,
    vum_app,
)

from api.contracts.identity import Identified
from api.contracts.strict_json import Limits
from api.contracts.vum import serves
from api.exchange.errors import Incomplete, Invalid, LimitExceeded, NotAuthorised, Unavailable
from api.exchange.registry import Registry
from data.standard import Side

PROFIELEN = "/vum/v3/werkzoekendeProfielen"
ASKING = {
    f"/vum/v3{role}/{collection}/matches": KVK if collection.startswith("werkgevers") else QUESTION
    for role in ("", "/bron")
    for collection in (*COLLECTIONS.values(), "werkgeverscontactmomenten")
}
READING = {
    f"/vum/v3{role}/{collection}/{'1' if role else 'a.b-c_d'}": side
    for role in ("", "/bron")
    for side, collection in COLLECTIONS.items()
}
CONTRACT = {200, 400, 401, 429, 500, 503}


def code_of(answer: Answered) -> str:
    """The code of a refusal, whose form is checked too."""
    assert answer.header("content-type") == "application/json"
    error = answer.error
    assert error.keys() <= {"code", "message", "details"}
    assert len(error["code"]) <= 10
    assert 0 < len(error["message"]) <= 500
    assert len(error.get("details", "")) <= 2000
    return f"{answer.status} {error['code']}"


@pytest.mark.parametrize(("path", "document"), ASKING.items())
def test_a_question_is_answered_with_what_the_exchange_gives(path: str, document: Any) -> None:
    exchange = FakeExchange()
    answer = ask(vum_app(exchange), path, document)
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.header("content-length") == str(len(answer.body))
    assert len(answer.error["matches"]) == 1
    assert ("vraagID" in answer.error) == ("/bron/" not in path)
    assert len(exchange.calls) == 1


@pytest.mark.parametrize(("path", "side"), READING.items())
def test_a_detail_is_answered_with_what_the_exchange_gives(path: str, side: Side) -> None:
    exchange = FakeExchange()
    answer = call(vum_app(exchange), "GET", path)
    assert answer.status == 200
    assert (side in answer.error) == ("/bron/" not in path)
    assert [each[-1] for each in exchange.calls] == [path.rpartition("/")[2]]


def test_the_exchange_is_told_who_asks_by_the_registry_and_not_by_the_headers() -> None:
    exchange = FakeExchange()
    told = headers(GEMEENTE, LEVERANCIER, X_VUM_SUWIparty="false")
    assert ask(vum_app(exchange), f"{PROFIELEN}/matches", given=told).status == 200
    (_, caller, _), *_ = exchange.calls
    assert (caller.controller, caller.processor, caller.suwi) == (GEMEENTE, LEVERANCIER, True)


@pytest.mark.parametrize(
    ("spelt", "suwi"), [("true", True), ("TRUE", True), ("False", False), ("false", False)]
)
def test_a_bron_is_told_of_suwi_by_the_exchange(spelt: str, suwi: bool) -> None:
    exchange = FakeExchange()
    told = headers(NOBODY, OWN, X_VUM_SUWIparty=spelt)
    assert ask(vum_app(exchange), "/vum/v3/bron/vacatures/matches", given=told).status == 200
    (_, caller, _), *_ = exchange.calls
    assert (caller.controller, caller.suwi, caller.sources) == (NOBODY, suwi, ("bron",))


def test_an_answer_to_a_bemiddelaar_comes_from_the_exchange_and_goes_to_who_asks() -> None:
    answer = ask(vum_app(), f"{PROFIELEN}/matches", given=headers(GEMEENTE, LEVERANCIER))
    assert answer.header("X-VUM-fromParty") == OWN
    assert answer.header("X-VUM-toParty") == GEMEENTE
    assert answer.header("X-VUM-viaParty") == LEVERANCIER
    assert answer.header("X-VUM-berichtVersie") == answer.header("API-Version") == "3.0.0"


def test_an_answer_of_a_bron_comes_from_the_answering_controller_and_echoes_via_party() -> None:
    answer = ask(vum_app(), "/vum/v3/bron/werkzoekendeProfielen/matches", given=headers(GEMEENTE, OWN))
    assert answer.header("X-VUM-fromParty") == OWN
    assert answer.header("X-VUM-toParty") == GEMEENTE
    assert answer.header("X-VUM-viaParty") == OWN


def test_every_answer_of_a_laptop_says_that_nobody_checked_who_asked() -> None:
    for path in (f"{PROFIELEN}/matches", f"{PROFIELEN}/x/y"):
        assert ask(vum_app(), path).header("Koppel-Identity") == "not checked"
        assert ask(vum_app(identity=someone), path).header("Koppel-Identity") is None


def test_what_had_no_effect_and_how_complete_the_answer_is_stand_in_headers() -> None:
    asked = QUESTION["vraagObject"] | {"foo.bar": 1, 'a"\\': {}, "werktijden": {"x\r\ny": "é"}}
    answer = ask(vum_app(), f"{PROFIELEN}/matches", {"vraagObject": asked})
    assert answer.header("Koppel-Ignored-Criteria") == r'"a\"\\", "foo.bar", "werktijden"'
    assert answer.header("Koppel-Completeness") == "answered=1; failed=0"
    plain = ask(vum_app(FakeExchange(completeness="")), f"{PROFIELEN}/matches")
    assert plain.header("Koppel-Ignored-Criteria") is plain.header("Koppel-Completeness") is None


@given(st.dictionaries(st.text().map("{}?".format), st.just(1), min_size=1, max_size=30))
def test_any_names_that_had_no_effect_fit_a_header(names: dict[str, int]) -> None:
    asked = {"vraagObject": names | QUESTION["vraagObject"]}
    told = ask(vum_app(), "/vum/v3/vacatures/matches", asked).header("Koppel-Ignored-Criteria") or ""
    assert re.fullmatch(r'(?:"(?:[ !#-\[\]-~]|\\["\\])*"(?:, |\Z))+', told)


def test_many_and_long_names_are_counted_and_cut_off() -> None:
    asked = {"vraagObject": {f"{n:04}" + "x" * 500: 1 for n in range(100)} | QUESTION["vraagObject"]}
    told = ask(vum_app(), f"{PROFIELEN}/matches", asked).header("Koppel-Ignored-Criteria") or ""
    assert len(told) < 4_200
    assert re.search(r'"\.\.\. \d+ more"$', told)


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/vum",
        "/vum/",
        "/vum/v3",
        "/vum/v3/",
        "/vum/v3/foo",
        "/vum/v2/vacatures/matches",
        "/vum//v3/vacatures/matches",
        "/vum/v3//vacatures/matches",
        "/vum/v3/vacatures",
        "/vum/v3/vacatures/",
        "/vum/v3/vacatures//",
        "/vum/v3/vacatures/matches/",
        "/vum/v3/vacatures/a/b",
        "/vum/v3/Vacatures/matches",
        "/vum/v3/vacatures%2Fmatches",
        "/vum/v3/vacatures/a%2Fb",
        "/vum/v3%2Fvacatures/matches",
        "//vum/v3/vacatures/matches",
        "/vum/v3/vacatures/..",
        "/vum/v3/vacatures/../../../v1",
        "/vum/v3/vacatures/%2e%2e",
        "/vum/v3/vacatures/.",
        "/vum/v3/vacatures/%00",
        "/vum/v3/vacatures/a.b-c_d%0A",
        "/vum/v3/vacatures/é",
        "/vum/v3/vacatures/" + "a" * 501,
        "/vum/v3/werkgeverscontactmomenten/1",
        "/vum/v3/bron",
        "/vum/v3/bron/",
        "/vum/v3/bron/foo",
        "/vum/v3/bron/bron/vacatures/matches",
        "/vum/v3/bron/vacatures/" + "a" * 201,
        "/vum/v3/bron/werkgeverscontactmomenten/1",
    ],
)
def test_a_path_or_method_outside_the_contract_is_400(method: str, path: str) -> None:
    exchange = FakeExchange()
    answer = call(vum_app(exchange), method, path)
    assert code_of(answer) == "400 400.01"
    assert answer.header("API-Version") == "3.0.0"
    assert [each for each in exchange.calls if each[-1] not in (".", "..", "matches")] == []


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "post"])
@pytest.mark.parametrize("path", [*ASKING, *READING])
def test_another_method_on_a_path_of_the_contract_is_400(method: str, path: str) -> None:
    exchange = FakeExchange()
    answer = call(vum_app(exchange), method, path)
    assert code_of(answer) == "400 400.01"
    assert answer.header("allow") is None
    assert exchange.calls == []


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/vum", True),
        ("/vum/x", True),
        ("/%76um/v3", True),
        ("//vum/v3/vacatures/matches", True),
        ("///vum", True),
        ("/vumx", False),
        ("/v1/vum/", False),
        ("/", False),
        ("*", False),
    ],
)
def test_everything_below_its_root_is_served_however_it_is_spelt(path: str, ours: bool) -> None:
    decoded = path.replace("%76", "v")
    assert serves({"type": "http", "path": decoded, "raw_path": path.encode()}) is ours
    assert not serves({"type": "websocket", "path": decoded, "raw_path": path.encode()})
    assert not serves({"type": "lifespan"})


def test_a_vum_id_that_cannot_be_one_is_refused_as_one_that_is_not_known() -> None:
    app = vum_app()
    known = call(app, "GET", f"{PROFIELEN}/niet-bekend")
    for wrong in ("..", ".", "%2e", "a.b-c_d%0A", "a.b-c%5Fe", "a" * 501, "matches", "~", "a,b"):
        assert call(app, "GET", f"{PROFIELEN}/{wrong}") == known


def test_what_is_escaped_without_need_means_what_it_means_plainly() -> None:
    app = vum_app()
    plain = call(app, "GET", f"{PROFIELEN}/a.b-c_d")
    assert plain.status == 200
    for spelt in (f"{PROFIELEN}/%61%2eb%2Dc%5f%64", "/v%75m/v%33/werkzoekende%50rofielen/a.b-c_d"):
        assert call(app, "GET", spelt) == plain
    assert ask(app, f"{PROFIELEN}/match%65s").status == 200
    # A slash is another one where it is escaped.
    assert call(app, "GET", f"{PROFIELEN}%2Fa.b-c_d").status == 400


@pytest.mark.parametrize("path", [*ASKING, *READING])
@pytest.mark.parametrize(
    "name",
    [
        "API-Version",
        "X-VUM-berichtVersie",
        "X-VUM-fromParty",
        "X-VUM-toParty",
        "X-VUM-SUWIparty",
        "X-VUM-viaParty",
    ],
)
def test_a_required_header_that_is_absent_makes_the_call_incomplete(path: str, name: str) -> None:
    # Also on a laptop, where viaParty tells who calls.
    given = {each: value for each, value in headers().items() if each != name}
    for identity in (someone, None):
        exchange = FakeExchange()
        app = vum_app(exchange, identity=identity)
        answer = call(app, "POST" if path in ASKING else "GET", path, given, body(path))
        if name == "X-VUM-SUWIparty" and "/bron/" not in path:
            assert answer.status == 200
        else:
            assert code_of(answer) == "400 400.02"
            assert answer.error["details"] == f"{name}: required"
            assert exchange.calls == []


def someone(scope: Any) -> Identified:
    """Whoever calls is this exchange itself."""
    return Identified(OWN, "f" * 64)


def body(path: str) -> bytes:
    """What is asked at a path."""
    return json.dumps(ASKING[path]).encode() if path in ASKING else b""


@pytest.mark.parametrize("path", ["/vum/v3/vacatures/matches", "/vum/v3/bron/vacatures/matches"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API-Version", "3.1.0"),
        ("API-Version", "3"),
        ("API-Version", ""),
        ("X-VUM-berichtVersie", "3.0.0, 3.0.0"),
        ("X-VUM-fromParty", ""),
        ("X-VUM-fromParty", f"{OWN}, {OWN}"),
        ("X-VUM-fromParty", OWN[1:]),
        ("X-VUM-fromParty", f"{OWN}0"),
        ("X-VUM-toParty", f"{OWN[:-1]}x"),
        ("X-VUM-viaParty", "\xb2" * 20),
        ("X-VUM-viaParty", "geheim"),
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/json; charset=latin-1"),
        ("Content-Type", "application/json, application/json"),
        ("Content-Type", ""),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "identity, gzip"),
        ("Content-Length", "-1"),
        ("Content-Length", "1e3"),
        ("Content-Length", "9" * 30),
    ],
)
def test_a_header_whose_value_is_none_of_the_contract_is_400(path: str, name: str, value: str) -> None:
    for identity in (someone, None):
        exchange = FakeExchange()
        app = vum_app(exchange, identity=identity)
        answer = call(app, "POST", path, headers() | {name: value}, body(path))
        assert code_of(answer) == "400 400.01"
        assert "geheim" not in str(answer)
        assert exchange.calls == []


@pytest.mark.parametrize("value", ["", "ja", "1", "true, true", "truee"])
def test_a_bron_wants_to_know_for_certain_whether_a_party_takes_part_in_suwi(value: str) -> None:
    app = vum_app()
    assert (
        code_of(ask(app, "/vum/v3/bron/vacatures/matches", given=headers(X_VUM_SUWIparty=value)))
        == "400 400.01"
    )
    assert ask(app, "/vum/v3/vacatures/matches", given=headers(X_VUM_SUWIparty=value)).status == 200


@pytest.mark.parametrize(
    "value", ["application/json", "APPLICATION/JSON; charset=utf-8", 'application/json;charset="UTF-8"']
)
def test_json_in_utf_8_may_be_announced_in_any_spelling(value: str) -> None:
    assert ask(vum_app(), f"{PROFIELEN}/matches", given=headers(Content_Type=value)).status == 200


@pytest.mark.parametrize(
    "name",
    [*headers(), "Content-Length", "Content-Encoding", "Content-Foo", "X-VUM-foo", "Transfer-Encoding"],
)
def test_a_repeated_header_is_400_even_with_the_same_value(name: str) -> None:
    value = {"Content-Length": str(len(body(next(iter(ASKING))))), "Content-Encoding": "identity"}.get(
        name, "x"
    )
    told = {name: value} | headers()
    pairs = [*told.items(), (name.upper(), told[name])]
    path = "/vum/v3/bron/vacatures/matches"
    for identity in (someone, None):
        exchange = FakeExchange()
        answer = call(vum_app(exchange, identity=identity), "POST", path, pairs, body(path))
        assert code_of(answer) == "400 400.01"
        assert exchange.calls == []


def test_headers_that_the_contract_does_not_know_are_ignored_however_often() -> None:
    given = [
        *headers().items(),
        ("X-OIN", VREEMD),
        ("X-OIN", VREEMD),
        ("X_VUM_fromParty", VREEMD),
        ("Accept", "x/y"),
    ]
    assert ask(vum_app(), f"{PROFIELEN}/matches", given=given).status == 200


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "400 400.02"),
        ({"vraagobject": {}}, "400 400.02"),
        ({"selectiegebied": QUESTION["vraagObject"]["selectiegebied"]}, "400 400.02"),
        ({"vraagObject": {}}, "400 400.02"),
        ([], "400 400.01"),
        ("geheim", "400 400.01"),
        (0, "400 400.01"),
        (None, "400 400.02"),
    ],
)
def test_a_body_without_its_question_is_refused(path: str, document: Any, code: str) -> None:
    # What None stands for here: a body that says null.
    answer = call(vum_app(), "POST", path, body=json.dumps(document).encode())
    assert code_of(answer) == ("400 400.01" if document is None else code)
    assert b"geheim" not in answer.body


@pytest.mark.parametrize("path", ASKING)
def test_only_the_contract_of_vacancies_lets_properties_stand_beside_the_question(path: str) -> None:
    answer = ask(vum_app(), path, ASKING[path] | {"geheim": 1})
    if "vacatures" in path:
        assert answer.status == 200
    else:
        assert code_of(answer) == "400 400.01"
        assert b"geheim" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"vraagObject":{},"vraagObject":{}}',
        b'{"vraagObject":NaN}',
        b'{"vraagObject":"\\ud800"}',
        b'{"vraagObject":' + b"1" * 5_000 + b"}",
        b'{"vraagObject":' * 100_000,
        b'{"vraagObject":[' + b"1," * 100_000 + b"1]}",
        b" " * 300_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_no_proper_json_is_400(body: bytes) -> None:
    exchange = FakeExchange()
    for pieces in (body, [body[:7], b"", body[7:]]):
        assert code_of(call(vum_app(exchange), "POST", f"{PROFIELEN}/matches", body=pieces)) == "400 400.01"
    assert exchange.calls == []


def test_a_body_is_counted_while_it_comes_in_and_not_as_it_was_announced() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        for taken in range(1, 100):  # noqa: B007
            yield b" " * 1_000
        pytest.fail("all of it is read")

    app = vum_app(limits=Limits(body_bytes=10_000))
    answer = call(app, "POST", f"{PROFIELEN}/matches", headers(Content_Length="5"), endless())
    assert code_of(answer) == "400 400.01"
    assert taken == 11


def test_a_detail_is_asked_for_without_a_body() -> None:
    app = vum_app()
    assert code_of(call(app, "GET", f"{PROFIELEN}/a.b-c_d", body=b"x")) == "400 400.01"
    assert code_of(call(app, "GET", f"{PROFIELEN}/a.b-c_d", headers(Content_Length="1"))) == "400 400.01"
    assert call(app, "GET", f"{PROFIELEN}/a.b-c_d", headers(Content_Length="0")).status == 200


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Invalid("x" * 5_000), "400 400.01"),
        (Incomplete("$.vraagObject"), "400 400.02"),
        (LimitExceeded(), "429 429.01"),
        (Unavailable(), "503 500.3"),
        (RuntimeError("geheim"), "500 500.1"),
        (RecursionError("geheim"), "500 500.1"),
        (UnicodeEncodeError("utf-8", "geheim", 0, 1, "geheim"), "500 500.1"),
    ],
)
@pytest.mark.parametrize("path", [*ASKING, *READING])
def test_each_way_to_fail_has_its_status_and_code(
    fault: Exception, code: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    method = "POST" if path in ASKING else "GET"
    answer = call(vum_app(FakeExchange(fault=fault)), method, path, body=body(path))
    assert code_of(answer) == code
    assert answer.header("X-VUM-toParty") == OWN
    assert "geheim" not in str(answer) + "".join(capsys.readouterr())


def test_a_registry_that_cannot_be_read_answers_nobody() -> None:
    def broken() -> Registry:
        raise OperationalError("SELECT geheim", {}, Exception("geheim"))

    exchange = FakeExchange()
    answer = ask(vum_app(exchange, of=broken), f"{PROFIELEN}/matches")
    assert code_of(answer) == "503 500.3"
    assert b"geheim" not in answer.body
    assert exchange.calls == []


@pytest.mark.parametrize(
    "given",
    [
        headers(VREEMD),
        headers(NOBODY),
        headers(LEVERANCIER),
        headers(OWN, LEVERANCIER),
        headers(GEMEENTE, VREEMD),
        headers(VREEMD, LEVERANCIER),
        headers(OWN, to_oin=GEMEENTE),
        headers(OWN) | {"Client-Cert": ":AA==:"},
        headers(OWN) | {"Host": "evil.example"},
    ],
)
def test_every_refusal_of_who_asks_is_the_same_bytes(given: dict[str, str]) -> None:
    exchange = FakeExchange()
    answers = {ask(vum_app(exchange), path, ASKING[path], given) for path in ASKING if "/bron/" not in path}
    answers |= {call(vum_app(exchange), "GET", path, given) for path in READING if "/bron/" not in path}
    answers.add(call(vum_app(FakeExchange(fault=NotAuthorised("geheim"))), "GET", f"{PROFIELEN}/x"))
    assert answers == {Answered(401, REFUSED, b"")}
    assert exchange.calls == []


REFUSED = (("content-length", "0"), ("cache-control", "no-store"), ("api-version", "3.0.0"))


@pytest.mark.parametrize(
    "given",
    [headers(OWN, GEMEENTE), headers(OWN, OWN, GEMEENTE), headers(OWN, VREEMD, VREEMD)],
)
def test_a_bron_answers_for_its_own_sources_only(given: dict[str, str]) -> None:
    exchange = FakeExchange()
    answer = ask(vum_app(exchange), "/vum/v3/bron/vacatures/matches", given=given)
    assert answer == Answered(401, REFUSED, b"")
    assert exchange.calls == []


def test_a_bron_answers_the_exchange_only() -> None:
    exchange = FakeExchange()
    other = vum_app(exchange, identity=lambda scope: Identified(GEMEENTE, "f" * 64))
    assert ask(other, "/vum/v3/bron/vacatures/matches").status == 401
    assert exchange.calls == []
    assert ask(vum_app(exchange, identity=someone), "/vum/v3/bron/vacatures/matches").status == 200


def test_nothing_of_a_body_is_read_for_who_is_not_admitted() -> None:
    def unread() -> Iterator[bytes]:
        pytest.fail("the body is read")
        yield b""

    assert call(vum_app(), "POST", f"{PROFIELEN}/matches", headers(VREEMD), unread()).status == 401


def test_a_caller_that_hangs_up_is_not_answered() -> None:
    exchange = FakeExchange()
    with pytest.raises(ValueError, match="not enough values"):
        call(vum_app(exchange), "POST", f"{PROFIELEN}/matches", body=[])
    assert exchange.calls == []


def test_a_revoked_admission_counts_at_the_next_request() -> None:
    now_registered = registry()
    app = vum_app(of=lambda: now_registered)
    given = headers(GEMEENTE, LEVERANCIER)
    assert ask(app, f"{PROFIELEN}/matches", given=given).status == 200
    now_registered = registry(mandate=None)
    assert ask(app, f"{PROFIELEN}/matches", given=given).status == 401


@given(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    st.lists(
        st.sampled_from(["vum", "v3", "bron", "vacatures", "matches", "..", "", "%2F", "a", "%00", "é"]),
        max_size=6,
    ),
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from([*headers(), "Content-Length", "X-Foo"]),
        st.text(st.characters(max_codepoint=255)),
        max_size=3,
    ),
)
def test_any_request_is_answered_by_the_contract(
    method: str, segments: list[str], body: bytes, others: dict[str, str]
) -> None:
    answer = call(vum_app(), method, f"/vum/{'/'.join(segments)}", headers() | others, body)
    assert answer.status in CONTRACT - {500}
    if answer.status == 401:
        assert answer == Answered(401, REFUSED, b"")
    elif answer.status != 200:
        code_of(answer)


AREA = QUESTION["vraagObject"]["selectiegebied"]
SECRET = "geheim"
# Each kind of criterion, so that a secret can stand at any place in it.
CRITERIA: dict[str, Any] = {
    "selectiegebied": AREA,
    "bemiddelingsberoep": {"$elemMatch": {"$or": [{"beroep.codeBeroepsnaam": {"$eq": "x"}}]}},
    "contractvorm": {"$elemMatch": {"$or": [{"codeTypeArbeidscontract": {"$eq": "O"}}]}},
    "arbeidsmarktkwalificatie.rijbewijs": {"$all": [{"$elemMatch": {"codeSoortRijbewijs": {"$eq": "B"}}}]},
    "taalbeheersing": {"$all": [{"$elemMatch": {"codeTaal": {"$eq": "nld"}}}]},
    "codeWerkEnDenkniveauMinimaal": {"$gte": "3", "$lt": "7"},
    "datumAanvangBeschikbaarVoorWerk": {"$lte": "2026-09-01"},
    "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 20},
    "werkgever.nummerKvk": {"$eq": "12345678"},
    "datum": {"$gte": "2026-09-01"},
}


@st.composite
def with_a_secret(draw: st.DrawFn, value: Any) -> Any:
    """Draw a value in which something is replaced by a secret, or a secret property is added."""
    if isinstance(value, dict) and draw(st.integers(0, 3)):
        if not draw(st.integers(0, 3)):
            return value | {SECRET: draw(st.sampled_from([1, {}, SECRET]))}
        name = draw(st.sampled_from(sorted(value)))
        return value | {name: draw(with_a_secret(value[name]))}
    if isinstance(value, list) and draw(st.integers(0, 3)):
        return [draw(with_a_secret(value[0]))]
    return draw(st.sampled_from([SECRET, [SECRET], {SECRET: SECRET}]))


@settings(max_examples=300)
@given(
    st.sampled_from(list(ASKING)),
    st.sampled_from(["", SECRET]),
    with_a_secret({"vraagObject": CRITERIA}),
    st.dictionaries(st.sampled_from(list(headers())), st.just(SECRET), max_size=1),
)
def test_no_refusal_tells_what_stood_in_the_request(
    path: str, more: str, asked: Any, others: dict[str, str]
) -> None:
    answer = ask(vum_app(identity=someone), path + more, asked, headers() | others)
    assert SECRET.encode() not in answer.body
    assert answer.status == 200 or SECRET not in str(answer)
