"""Everything that the server works with, opened from the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.clock import Clock, now
from api.commands.opened import audit_of, store_of
from api.contracts.identity import identity_of
from api.exchange.admission import Admission
from api.exchange.exchange import Exchange
from api.exchange.handles import Handles
from api.exchange.hosted import HostedSources
from api.exchange.keys import Keys
from api.exchange.questions import Limits, Questions
from api.exchange.registry import RegistryReader
from api.exchange.remote import RemoteSources, tls_context
from api.exchange.resources import Resources
from data.question import Question
from engine.build import SIDES
from engine.placement import rehearse

if TYPE_CHECKING:
    from api.config import Settings
    from api.contracts.identity import Identity
    from api.contracts.vum import Admit
    from api.exchange.audit import Audit
    from api.store import Store

__all__ = ["Services", "open_services"]

_SOMEWHERE: Final = "1011AB"


@dataclass(frozen=True)
class Services:
    """What requests are answered with.

    Attributes
    ----------
    settings, clock : of all of them.
    identity, admit : tell who made a connection, and who asks.
    store, audit, reader, keys : what is kept.
    hosted, remotes : the sources.
    exchange : the use cases.
    """

    settings: Settings
    clock: Clock
    identity: Identity
    admit: Admit
    store: Store
    audit: Audit
    reader: RegistryReader
    keys: Keys
    hosted: HostedSources
    remotes: RemoteSources
    exchange: Exchange

    def prepare(self) -> None:
        """Open the index, building it where there is none, and load the kernels that answer a question.

        Starts threads: in the process that answers. Raises FileError or OutputError.
        """
        self.hosted.prepare()
        sources = [source.id for source in self.reader.current().sources.values() if source.hosted]
        for side in SIDES:
            self.hosted.matches(Question(side, _SOMEWHERE, 1), sources, 1)
        rehearse(self.hosted.index(), sources)

    async def aclose(self) -> None:
        """Close what is open, and sign how far the log has come."""
        await self.remotes.aclose()
        self.audit.checkpoint()
        self.store.close()


def open_services(settings: Settings, clock: Clock = now) -> Services:
    """Open everything.

    Raises
    ------
    StoreError : the store can't be read, or its schema isn't that of this version.
    FileError : keys, certificates or the index can't be read.
    """
    store = store_of(settings)
    audit = audit_of(settings, store)
    reader, keys = RegistryReader(store), Keys(settings.keys_file)
    limits = Limits(settings.matches, settings.details, settings.question_days, settings.deadline_seconds + 5)
    questions, handles = Questions(clock, limits), Handles(keys, clock)
    hosted = HostedSources(store, settings.index_folder, clock)
    context = tls_context(settings.certificate, settings.private_key, settings.authorities)
    remotes = RemoteSources(
        context,
        private_networks=settings.private_networks or settings.identity == "laptop",
        max_bytes=settings.source_bytes,
    )
    resources = Resources(
        store=store,
        audit=audit,
        reader=reader,
        questions=questions,
        handles=handles,
        keys=keys,
        hosted=hosted,
        remotes=remotes,
        clock=clock,
        seconds=settings.deadline_seconds,
    )
    admit = Admission(
        reader,
        clock,
        settings.oin,
        exchange_oin=settings.exchange,
        believe=settings.identity == "laptop",
    )
    return Services(
        settings=settings,
        clock=clock,
        identity=identity_of(settings, clock),
        admit=admit,
        store=store,
        audit=audit,
        reader=reader,
        keys=keys,
        hosted=hosted,
        remotes=remotes,
        exchange=Exchange(resources),
    )
