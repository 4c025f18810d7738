"""A laptop set up in one go: store, keys, an example registry, and a made-up region as two hosted sources."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from api.clock import now
from api.commands.opened import SIGNING_KEY, VERIFYING_KEY, audit_of
from api.exchange.administration import Administration
from api.exchange.checkpoints import create_signing_key
from api.exchange.hosted import HostedSources
from api.exchange.keys import create_keys
from api.exchange.registry import RegistryReader
from api.store import Store
from data.errors import QuestionError

if TYPE_CHECKING:
    from api.config import Settings
    from api.exchange.audit import Audit

__all__ = ["DORP", "PROCESSOR", "STAD", "set_up"]

STAD: Final = "99999999000000000101"
"""OIN of the municipality whose profiles are a source here. The range is given to nobody."""

DORP: Final = "99999999000000000102"
"""OIN of the municipality that asks through a processor."""

PROCESSOR: Final = "99999999000000000201"
"""OIN of that processor."""

PROFILES: Final = 1000
VACANCIES: Final = 150
"""How many records of each side a source gets."""


def set_up(settings: Settings) -> None:
    """Make what is not there yet. What is there stays as it is.

    Raises QuestionError where the store is of an exchange that isn't made up.
    """
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Store(settings.store_url)) as store:
        store.migrate()
        registry = RegistryReader(store).current()
        if registry.parties and STAD not in {source.oin for source in registry.sources.values()}:
            raise QuestionError(
                str(store),
                "has parties of its own",
                "a store that --laptop made, or a new one",
                "Name another folder: KOPPEL_STATE=koppel-laptop koppel serve --laptop.",
            )
        if not settings.keys_file.exists():
            create_keys(settings.keys_file, now)
        if not (settings.state / SIGNING_KEY).exists():
            create_signing_key(settings.state / SIGNING_KEY, settings.state / VERIFYING_KEY)
        if not registry.parties:
            _register(settings, audit_of(settings, store))
            _load(HostedSources(store, settings.index_folder, now))


def _register(settings: Settings, audit: Audit) -> None:
    administration = Administration(audit, now, "laptop")
    administration.add_agreement("1.0")
    administration.open_phase("pilot")
    administration.open_phase("gemeenten_uwv")
    administration.admit_party(settings.oin, "UWV (voorbeeld)", "uwv", suwi=True)
    administration.admit_party(STAD, "Gemeente Stad (voorbeeld)", "gemeente", suwi=True)
    administration.admit_party(DORP, "Gemeente Dorp (voorbeeld)", "gemeente", suwi=True)
    for oin in (settings.oin, STAD, DORP):
        administration.accept(oin, "1.0")
    administration.add_mandate(PROCESSOR, DORP)
    administration.register_source("stad", STAD, "Gemeente Stad (voorbeeld)")
    administration.set_scope("stad", "suwi")
    administration.register_source("uwv", settings.oin, "UWV (voorbeeld)")
    administration.set_scope("uwv", "openbaar")


def _load(hosted: HostedSources) -> None:
    from data.pilot import Pilot, write_pilot

    with TemporaryDirectory(prefix="koppel-") as name:
        for seed, source_id in enumerate(("stad", "uwv"), start=1):
            pilot = Pilot(profiles=PROFILES, vacancies=VACANCIES, seed=seed, as_of=hosted.today())
            files = write_pilot(Path(name) / source_id, pilot)
            hosted.load(source_id, "werkzoekende", files[0])
            hosted.load(source_id, "vacature", files[1])
