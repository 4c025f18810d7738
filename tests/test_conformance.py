"""A running exchange passes every published accreditation case, with the records here or at another bron."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from laptop import OIN, accreditation_records, laptop
from served import served

from api.app import create_app

DOMAINS = {"werkzoekenden": 20, "vacatures": 30}


@pytest.fixture(scope="module")
def hosting(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an exchange that holds the accreditation records."""
    settings = laptop(tmp_path_factory.mktemp("hosting") / "state", accreditation_records(shared))
    with served(create_app(settings), lifespan="on") as url:
        yield url


@pytest.fixture(scope="module")
def asking(hosting: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an exchange that asks the other one, as its bron."""
    settings = laptop(tmp_path_factory.mktemp("asking") / "state", url=f"{hosting}/vum/v3/bron")
    with served(create_app(settings), lifespan="on") as url:
        yield url


@pytest.mark.parametrize("records", ["hosting", "asking"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_published_case_passes(
    shared: Path, request: pytest.FixtureRequest, records: str, domain: str
) -> None:
    url = request.getfixturevalue(records)
    cases = shared / "accreditation" / f"{domain}_cases.json"
    check = [sys.executable, str(shared / "conformance" / "check.py"), "--base-url", f"{url}/vum/v3"]
    parties = [f"--header=X-VUM-{party}Party={OIN}" for party in ("from", "via", "to")]
    told = subprocess.run(
        [*check, "--domain", domain, "--cases", str(cases), *parties], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout + told.stderr
    n = DOMAINS[domain]
    assert f"{n} of {n} cases pass" in told.stdout
    assert "skipped" not in told.stdout
