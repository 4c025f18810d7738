"""Our own API under Schemathesis: requests made of its own document, right and wrong ones.

    KOPPEL_FUZZ_CASES=50000 pytest tests/test_v1_fuzz.py

makes as many as are wished; without it there are 600.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from laptop import OIN
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_dict
from v1_world import VACATURE, World, profile, world

CASES = int(os.environ.get("KOPPEL_FUZZ_CASES", "600"))
OPERATIONS = 14

# Records and questions are described by the standard, which the document doesn't repeat: most of what is
# made of it is refused with 400.
EXCLUDED = [positive_data_acceptance]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
HEADERS = {"X-VUM-viaParty": OIN}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("fuzz") / "state") as made:
        yield made


@pytest.fixture(scope="module")
def schema(here: World) -> Any:
    """The document, in which the source is the caller's own, and some records are real ones."""
    raw = requests.get(f"{here.url}/v1/openapi.json", timeout=10).json()
    schemas = raw["components"]["schemas"]
    for operations in raw["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "sourceId":
                    parameter["schema"] = {"enum": ["bron", "stad"]}
                elif parameter["name"] == "X-VUM-fromParty":
                    parameter["schema"] = {"type": "string", "enum": [OIN]}
    for name, field, record in (
        ("VacancyRanking", "vacature", dict(VACATURE)),
        ("VacancyExplanation", "vacature", dict(VACATURE)),
        ("ProfileRanking", "werkzoekende", profile("kok")),
    ):
        described = schemas[name]["properties"][field]
        described["anyOf"] = [{"const": record}, *described["anyOf"]]
    config = SchemathesisConfig.from_dict({"generation": {"database": "none", "deterministic": True}})
    made = from_dict(raw, config=config)
    made.config.update(base_url=f"{here.url}/v1")
    return made


def test_whatever_is_asked_is_answered_as_the_document_says(schema: Any) -> None:
    statuses: Counter[int] = Counter()
    labels = set()
    with requests.Session() as session:
        for result in schema.get_all_operations():
            operation = result.ok()
            labels.add(operation.label)
            takes = operation.definition.raw.keys() & {"parameters", "requestBody"}
            for mode in MODES if takes else MODES[:1]:

                @settings(
                    max_examples=max(CASES // OPERATIONS // 2, 1),
                    phases=(Phase.generate,),
                    database=None,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                )
                @given(operation.as_strategy(generation_mode=mode))
                def check(case: Any) -> None:
                    response = case.call(session=session, headers=HEADERS)
                    statuses[response.status_code] += 1
                    case.validate_response(response, excluded_checks=EXCLUDED, headers=HEADERS)

                check()
    assert len(labels) == OPERATIONS
    assert statuses.keys() <= {200, 204, 400, 404, 405}
    assert min(statuses[200], statuses[400]) >= sum(statuses.values()) // 20
