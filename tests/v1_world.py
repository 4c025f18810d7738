"""A running exchange with two municipalities, UWV, a processor and a stranger, and a few invented records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from laptop import OIN, laptop
from served import served

from api.app import create_app
from api.clock import now
from api.commands.opened import audit_of
from api.config import Settings
from api.exchange.administration import Administration
from api.exchange.hosted import HostedSources
from api.store import Store
from data.pilot import Pilot, write_pilot

STAD, DORP, PROCESSOR, PRIVAAT = (f"999999990000000001{number:02}" for number in (1, 2, 3, 4))
NOBODY = "99999999000000000199"
BEROEP = "urn:koppel:beroep:kok"
VACATURE: Mapping[str, Any] = {"adres": {"postcode": "6511AB"}, "beroep": {"codeBeroepsnaam": BEROEP}}
"""A vacancy for which there are candidates."""


def profile(record_id: str, **more: Any) -> dict[str, Any]:
    """A cook in Nijmegen."""
    return {
        "idWerkzoekende": record_id,
        "mobiliteit": {"bemiddelingspostcode": "6511AB"},
        "bemiddelingsberoep": [{"codeBeroepsnaam": BEROEP}],
        **more,
    }


@dataclass(frozen=True)
class World:
    """A server, and what it works with."""

    url: str
    settings: Settings

    def client(self, via: str | None = OIN, controller: str | None = None) -> httpx.Client:
        """A client of a party; None for nobody."""
        parties = {"X-VUM-viaParty": via, "X-VUM-fromParty": controller}
        headers = {name: oin for name, oin in parties.items() if oin is not None}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def administration(self) -> Administration:
        """What changes the registry."""
        return Administration(audit_of(self.settings, Store(self.settings.store_url)), now, "test")


@contextmanager
def world(state: Path, **changes: Any) -> Iterator[World]:
    """Set everything up, and serve it."""
    settings = laptop(state)
    administration = Administration(audit_of(settings, Store(settings.store_url)), now, "test")
    for oin, name in ((STAD, "Gemeente Stad"), (DORP, "Gemeente Dorp")):
        administration.admit_party(oin, name, "gemeente", suwi=True)
        administration.accept(oin, "1.0")
    for phase in ("openbaar", "privaat"):
        administration.open_phase(phase)
    administration.admit_party(PRIVAAT, "Privaat", "privaat")
    administration.accept(PRIVAAT, "1.0")
    administration.add_mandate(PROCESSOR, DORP)
    administration.register_source("stad", STAD, "Gemeente Stad")
    administration.set_scope("stad", "suwi")
    store = Store(settings.store_url)
    hosted = HostedSources(store, settings.index_folder, now)
    files = write_pilot(state / "pilot", Pilot(profiles=60, vacancies=20, seed=1))
    for side, path in zip(("werkzoekende", "vacature"), files, strict=True):
        hosted.load("bron", side, path)  # type: ignore[arg-type]
    hosted.put("stad", "werkzoekende", "kok", *written(profile("kok")))
    store.close()
    settings = settings.model_copy(update=changes)
    with served(create_app(settings), lifespan="on") as url:
        yield World(url, settings)


def written(record: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
    """A record as JSON, and what that says."""
    return json.dumps(record).encode(), record


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer tells."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["API-Version"] == "1.0.0"
    told: dict[str, Any] = answer.json()
    assert told.keys() == {"type", "title", "status", "detail", "faults"}
    assert told["status"] == status
    return told
