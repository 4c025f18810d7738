"""The OpenAPI document keeps the Dutch REST API Design Rules: the checks of their Spectral rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from api.v1.app import create_v1
from api.v1.document import document

METHODS = {"get", "put", "post", "delete", "patch"}
DATES = re.compile(r"date|datum|.*(\w+D|_[dD])(ate|atum).*")
"""Names of properties that hold a date, as the rules tell them."""


class _Settings:
    body_bytes = batch_bytes = 1024
    depth, width = 24, 1000
    address, identity = "https://koppel.example.nl", "proxy"


class _Services:
    settings = _Settings()


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    app: FastAPI = create_v1(_Services())  # type: ignore[arg-type]
    return document(app, "https://koppel.example.nl")


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


def test_it_is_openapi_3_with_a_version_a_contact_and_a_server_of_that_version(told: dict[str, Any]) -> None:
    assert re.fullmatch(r"3(\.\d+){1,2}", told["openapi"])
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", told["info"]["version"])
    assert {"name", "email", "url"} <= told["info"]["contact"].keys()
    for server in told["servers"]:
        assert urlsplit(server["url"]).scheme == "https"
        assert re.search(r"/v\d+$", server["url"])
        assert server["url"].endswith(f"/v{told['info']['version'].partition('.')[0]}")


def test_every_operation_has_an_id_of_its_own_a_tag_and_a_description(told: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(told)]
    assert len(ids) == len(set(ids)) > 10
    for _, method, operation in operations(told):
        assert method in METHODS
        assert operation["tags"]
        assert operation["description"]


def test_paths_are_in_kebab_case_and_end_without_a_slash(told: dict[str, Any]) -> None:
    for path in told["paths"]:
        assert re.fullmatch(r"(/([a-z0-9\-]+|\{[^}]+\}))+", path), path


def test_parameters_are_in_camel_case_and_those_of_a_path_are_declared(told: dict[str, Any]) -> None:
    for path, _, operation in operations(told):
        parameters = operation.get("parameters", ())
        for each in parameters:
            if each["in"] == "query":
                assert re.fullmatch(r"[a-z][a-z\d]*([A-Z][a-z\d]*)*", each["name"])
        assert set(re.findall(r"\{(.*?)\}", path)) == {e["name"] for e in parameters if e["in"] == "path"}


def test_every_answer_has_the_header_api_version(told: dict[str, Any]) -> None:
    for _, _, operation in operations(told):
        for response in operation["responses"].values():
            assert "API-Version" in response["headers"]


def test_every_error_is_a_problem_and_whatever_takes_something_in_may_answer_400(
    told: dict[str, Any],
) -> None:
    members = {"status", "title", "detail"}
    assert members <= told["components"]["schemas"]["Problem"]["properties"].keys()
    for path, method, operation in operations(told):
        responses = operation["responses"]
        assert "422" not in responses
        if operation.get("parameters") or method not in {"get", "delete"}:
            assert "400" in responses, path
        for status, response in responses.items():
            if status >= "400":
                (kind,) = response["content"].items()
                assert kind[0] == "application/problem+json"
                assert kind[1]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_schemas_are_in_pascal_case_are_used_and_say_the_format_of_dates(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    used = {each["$ref"].rpartition("/")[2] for each in objects(told) if isinstance(each.get("$ref"), str)}
    assert schemas.keys() == used
    for name, schema in schemas.items():
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", name)
        for field, about in schema.get("properties", {}).items():
            if DATES.fullmatch(field):
                assert "format" in about
    assert schemas["Ranking"]["properties"]["asOf"]["format"] == "date"
    assert schemas["PastQuestion"]["properties"]["askedAt"]["format"] == "date-time"


def test_whoever_must_be_known_is_told_so(told: dict[str, Any]) -> None:
    open_to_all = {path for path, _, operation in operations(told) if "security" not in operation}
    assert open_to_all == {"/code-lists", "/code-lists/{name}", "/titles", "/title-suggestions", "/rules"}
    assert told["components"]["securitySchemes"]["certificate"]["type"] == "mutualTLS"
