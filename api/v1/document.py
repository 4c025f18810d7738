"""The OpenAPI document, by the Dutch REST API Design Rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

from api.v1.problems import VERSION, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["DESCRIPTION", "document", "methods"]

DESCRIPTION: Final = (
    "What the national VUM contract lacks: ranked and explained answers, the words of the standard, the "
    "registry as a participant may know it, its own questions, and the records of its own hosted sources.\n\n"
    "Who asks is told by the TLS certificate (PKIoverheid, OIN in serialNumber), on whose behalf by "
    "X-VUM-fromParty. On a laptop without certificates X-VUM-viaParty stands in the place of the certificate."
)
_CONTACT: Final = {
    "name": "Koppel",
    "email": "koppel@example.org",
    "url": "https://koppel.example.org",
}
_VERSION_HEADER: Final = {
    "API-Version": {
        "description": "The full version of this API.",
        "required": True,
        "schema": {"type": "string", "examples": [VERSION]},
    }
}


def document(app: FastAPI, address: str) -> dict[str, Any]:
    """Make the document of an application that is reached below /v1 of an address, or "" for its own."""
    made = get_openapi(
        title="Koppel",
        version=VERSION,
        summary="Ranked and explained matches between jobseekers and vacancies",
        description=DESCRIPTION,
        contact=_CONTACT,
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        routes=app.routes,
        servers=[{"url": f"{address}/v1"}],
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    components["securitySchemes"] = {
        "certificate": {"type": "mutualTLS", "description": "A certificate of PKIoverheid."}
    }
    for operations in made["paths"].values():
        for operation in operations.values():
            # A framework's own 422 is answered as 400.
            operation["responses"].pop("422", None)
            for response in operation["responses"].values():
                response["headers"] = _VERSION_HEADER
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return made


def methods(document: dict[str, Any], path: str) -> list[str]:
    """Give the methods that a document has of a path: a router knows those of one of its routes."""
    found = [
        method.upper()
        for template, operations in document["paths"].items()
        if compile_path(template)[0].fullmatch(path)
        for method in operations
    ]
    return sorted(found) or ["GET"]
