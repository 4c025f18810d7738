"""A whole exchange on this machine: store, keys, log, one party that is the exchange itself, one source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from api.clock import now
from api.commands.opened import SIGNING_KEY, VERIFYING_KEY, audit_of
from api.config import Settings
from api.exchange.administration import Administration
from api.exchange.checkpoints import create_signing_key
from api.exchange.hosted import HostedSources
from api.exchange.keys import create_keys
from api.exchange.registry import PHASES
from api.store import Store
from data.standard import Side

OIN = "00000001810207357000"


def accreditation_records(shared: Path) -> dict[Side, Path]:
    """The files of the published records."""
    folder = shared / "accreditation"
    return {"werkzoekende": folder / "werkzoekenden.json", "vacature": folder / "vacatures.json"}


def laptop(state: Path, records: Mapping[Side, Path] | None = None, url: str | None = None) -> Settings:
    """Set up an exchange that believes headers.

    records : files of what its one source holds; or url : where that source is asked.
    """
    settings = Settings(state=state, oin=OIN, identity="laptop")
    state.mkdir()
    store = Store(settings.store_url)
    store.migrate()
    create_signing_key(state / SIGNING_KEY, state / VERIFYING_KEY)
    create_keys(settings.keys_file, now)
    administration = Administration(audit_of(settings, store), now, "test")
    administration.add_agreement("1.0")
    for phase in PHASES[:2]:
        administration.open_phase(phase)
    administration.admit_party(OIN, "Uitwisseling", "uwv", suwi=True)
    administration.accept(OIN, "1.0")
    administration.register_source("bron", OIN, "Bron", url=url)
    administration.set_scope("bron", "suwi")
    administration.set_scope("bron", "suwi", side="werkgeverscontactmoment")
    if records:
        administration.declare_no_bsn("bron", "The ids are made up.")
        hosted = HostedSources(store, settings.index_folder, now)
        for side, path in records.items():
            hosted.load("bron", side, path)
    store.close()
    return settings
