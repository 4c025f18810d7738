"""The VUM paths under Schemathesis: requests made of the published contracts, right and wrong ones.

    KOPPEL_FUZZ_CASES=50000 pytest tests/test_vum_fuzz.py

makes as many as are wished; without it there are five hundred, and five thousand in CI.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from laptop import accreditation_records, laptop
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance, unsupported_method
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.engine import events, from_schema
from schemathesis.openapi import from_dict
from served import served
from vum import COLLECTIONS, OWN, FakeExchange, headers, vum_app

from api.app import create_app

CASES = int(os.environ.get("KOPPEL_FUZZ_CASES", "5000" if os.environ.get("CI") else "500"))
COVERED = 1_900
"""What Schemathesis makes of the contracts by itself, one case for each rule of theirs."""

SUBJECTS = ("WerkzoekendeProfielen", "Vacatures", "Werkgeverscontactmomenten")
CONTRACTS = [f"VUM-{role}-{subject}.yaml" for role in ("Bemiddelaar", "Bron") for subject in SUBJECTS]
# A question for profiles or vacancies takes twice as long to draw as any other request.
SHARES = {"POST /werkzoekendeProfielen/matches": 1, "POST /vacatures/matches": 1}
ALL_SHARES = 2 * (2 * 1 + 3 * 2)

HEADERS = {name: value for name, value in headers().items() if name != "Host"}
WIDE: Any = {"vraagObject": {"selectiegebied": {"postcode": "3511AA", "afstand": 999}}}

# They demand a 405, and take the 400 that tells nothing of a vumID for a refusal of what is right.
EXCLUDED = [unsupported_method, positive_data_acceptance]


def contract(shared: Path, name: str, url: str, known: str) -> Any:
    """A contract, in which the parties are one that may ask and ids are known or not."""
    raw = yaml.safe_load((shared / "standard" / "contracts" / name).read_text("utf-8"))
    for party in ("vum_from_party", "vum_to_party", "vum_via_party"):
        raw["components"]["parameters"][party]["schema"]["enum"] = [OWN]
    for parameter in (
        each for path in raw["paths"].values() for each in path.get("get", {}).get("parameters", ())
    ):
        if parameter.get("in") == "path":
            parameter["schema"] = {"type": "string", "enum": [known, "niet-bekend"]}
    config = SchemathesisConfig.from_dict(
        {
            "checks": {check.__name__: {"enabled": False} for check in EXCLUDED},
            "phases": {"fuzzing": {"enabled": False}, "stateful": {"enabled": False}},
            "generation": {"database": "none", "deterministic": True},
        }
    )
    schema = from_dict(raw, config=config)
    schema.config.update(base_url=url)
    return schema


def drawn(schema: Any, cases: int) -> Counter[int]:
    """Send as many requests as asked, half of them wrong, and count the statuses of what comes back."""
    statuses: Counter[int] = Counter()
    with requests.Session() as session:
        for result in schema.get_all_operations():
            operation = result.ok()
            share = cases * SHARES.get(operation.label, 2) // ALL_SHARES
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                @settings(
                    max_examples=max(share // 2, 1),
                    phases=(Phase.generate,),
                    database=None,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                )
                @given(operation.as_strategy(generation_mode=mode))
                def check(case: Any) -> None:
                    response = case.call(session=session)
                    statuses[response.status_code] += 1
                    case.validate_response(response, excluded_checks=EXCLUDED)

                check()
    return statuses


def covering(schema: Any) -> tuple[Counter[int], list[str]]:
    """Send what Schemathesis makes of a contract by itself; gives the statuses and what is wrong."""
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            told = event.recorder
            statuses.update(each.response.status_code for each in told.interactions.values() if each.response)
            wrong += [
                f"{check.name}: {check.failure_info.failure.title}"
                for checks in told.checks.values()
                for check in checks
                if check.failure_info is not None
            ]
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(repr(event))
    return statuses, wrong


@dataclass(frozen=True)
class Running:
    """An exchange with the accreditation records, and an id of each of its contracts that it knows."""

    url: str
    known: dict[str, str]

    def contract(self, shared: Path, name: str) -> Any:
        role = "/bron" if "Bron" in name else ""
        return contract(shared, name, self.url + role, self.known.get(name, ""))


@pytest.fixture(scope="module")
def running(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = laptop(tmp_path_factory.mktemp("fuzz") / "state", accreditation_records(shared))
    with served(create_app(settings), lifespan="on") as url:
        url = f"{url}/vum/v3"
        known = {}
        for side, collection in COLLECTIONS.items():
            for role, path, name in (
                ("Bemiddelaar", "", "vumID"),
                ("Bron", "/bron", f"id{side.capitalize()}"),
            ):
                asked = requests.post(
                    f"{url}{path}/{collection}/matches", json=WIDE, headers=HEADERS, timeout=10
                )
                contract = f"VUM-{role}-{collection[0].upper()}{collection[1:]}.yaml"
                known[contract] = asked.json()["matches"][0][name]
        yield Running(url, known)


@pytest.mark.parametrize("name", CONTRACTS)
def test_whatever_is_asked_is_answered_as_the_contract_says(
    shared: Path, running: Running, name: str
) -> None:
    statuses = drawn(running.contract(shared, name), CASES - COVERED if CASES > COVERED else CASES)
    assert statuses.keys() <= {200, 400, 401}
    # Of both there are enough to learn from.
    assert min(statuses[200], statuses[400]) >= sum(statuses.values()) // 10


@pytest.mark.skipif(CASES < COVERED, reason="takes more cases: set KOPPEL_FUZZ_CASES")
@pytest.mark.parametrize("name", CONTRACTS)
def test_each_rule_of_the_contract_holds(shared: Path, running: Running, name: str) -> None:
    statuses, wrong = covering(running.contract(shared, name))
    assert wrong == []
    assert {200, 400} <= statuses.keys() <= {200, 400, 401}


class Wrong(FakeExchange):
    """Answers what the contract doesn't allow."""

    def _shown(self, side: Any) -> dict[str, Any]:
        return {"geheim": 1}


def test_an_answer_outside_the_contract_would_be_seen(shared: Path) -> None:
    with served(vum_app(Wrong())) as url:
        schema = contract(shared, CONTRACTS[0], f"{url}/vum/v3", "a.b-c_d")
        with pytest.raises(FailureGroup, match="Schemathesis"):
            drawn(schema, 500)
