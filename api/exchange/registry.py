"""The registry: who takes part, who acts for whom, and which source shares what with whom; as it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args

from sqlalchemy import Connection, Row, select

from api.store import Store, tables

Kind = Literal["uwv", "gemeente", "openbaar", "privaat"]
"""What a participant is: UWV, a municipality, another public party, a private one."""

PhaseName = Literal["pilot", "gemeenten_uwv", "openbaar", "privaat"]
"""The phases of admission, in their order."""

Scope = Literal["suwi", "openbaar", "alle"]
"""With whom a source shares: SUWI parties only, public parties, all participants."""

Shared = Literal["werkzoekende", "vacature", "werkgeverscontactmoment"]
"""What a source may share: profiles, vacancies, contacts with employers."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PHASES: Final[tuple[PhaseName, ...]] = get_args(PhaseName)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SHARED: Final[tuple[Shared, ...]] = get_args(Shared)

_VERSION: Final = "SELECT n FROM registry_version"

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Period(NamedTuple):
    """From its first moment until just before `until`; without it, for ever. In microseconds since 1970.

    Where both are the same it is empty: it was withdrawn before it began.
    """

    first: int
    until: int | None = None

    def holds(self, at: int) -> bool:
        """Tell whether a moment is in it."""
        return self.first <= at and (self.until is None or at < self.until)

    def overlaps(self, other: Period) -> bool:
        """Tell whether a moment is in both."""
        first = max(self.first, other.first)
        return all(until is None or first < until for until in (self.until, other.until))


@dataclass(frozen=True, slots=True)
class Party:
    """A participant that SZW admitted, for a period."""

    oin: str
    name: str
    kind: Kind
    suwi: bool
    pilot: bool
    admitted: Period


@dataclass(frozen=True, slots=True)
class Mandate:
    """A processor may act for a controller, for a period."""

    id: int
    processor_oin: str
    controller_oin: str
    valid: Period


@dataclass(frozen=True, slots=True)
class Source:
    """A source (bron).

    Attributes
    ----------
    oin : of the answering controller.
    processor_oin : of who answers for it; `oin` where it does so itself.
    hosted : True where its records are in this store, False where it is asked at `url`.
    bsn_declared : whether it declared in writing that its ids of nine digits are no BSN.
    """

    id: str
    oin: str
    processor_oin: str
    name: str
    hosted: bool
    url: str | None
    bsn_declared: bool
    valid: Period


@dataclass(frozen=True, slots=True)
class SourceScope:
    """A source shares with a scope of parties, for a period.

    `side` is what it shares; None stands for profiles and vacancies, not for contacts with employers.
    """

    id: int
    source_id: str
    side: Shared | None
    scope: Scope
    valid: Period

    def covers(self, side: Shared) -> bool:
        """Tell whether it is about a side."""
        return self.side == side or (self.side is None and side != "werkgeverscontactmoment")


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at one version: what is registered, not what follows from it (see `api.exchange.rules`).

    Attributes
    ----------
    version : raised by every change.
    parties : by OIN.
    mandates : by (processor, controller).
    phases : when each opens; None, or no entry: not yet.
    agreements : (in force from, version), oldest first.
    acceptances : when a party accepted a version, by (OIN, version).
    sources : by id, in the order of their ids.
    scopes : by source id.
    """

    version: int = 0
    parties: Mapping[str, Party] = field(default_factory=dict)
    mandates: Mapping[tuple[str, str], tuple[Mandate, ...]] = field(default_factory=dict)
    phases: Mapping[PhaseName, int | None] = field(default_factory=dict)
    agreements: tuple[tuple[int, str], ...] = ()
    acceptances: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    scopes: Mapping[str, tuple[SourceScope, ...]] = field(default_factory=dict)

    def current_agreement(self, at: int) -> str | None:
        """Give the version of the agreement that counts at a moment, None where none is in force yet."""
        return next((version for first, version in reversed(self.agreements) if first <= at), None)


class RegistryReader:
    """Gives the registry as it stands, and reads it anew only where it has changed.

    May be used by any number of threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: Registry | None = None

    def current(self) -> Registry:
        """Give the registry as it stands now: a change that was committed before the call counts.

        Raises `sqlalchemy.exc.SQLAlchemyError` where the store can't be read.
        """
        last = self._unchanged()
        if last is None:
            with self._store.read() as connection:
                last = self._last = read_registry(connection)
        return last

    def at_once(self) -> Registry | None:
        """Give the registry as `current` does, where nothing but a file is looked into for it; else None."""
        return self._unchanged() if self._store.dialect == "sqlite" else None

    def _unchanged(self) -> Registry | None:
        last = self._last
        return last if last is not None and last.version == self._store.value(_VERSION) else None


def read_registry(connection: Connection) -> Registry:
    """Read the whole registry."""
    parties = connection.execute(select(tables.party))
    mandates = connection.execute(select(tables.mandate).order_by(tables.mandate.c.id))
    phases = connection.execute(select(tables.phase))
    agreements = connection.execute(select(tables.agreement).order_by(tables.agreement.c.in_force_from))
    acceptances = connection.execute(select(tables.acceptance))
    sources = connection.execute(select(tables.source).order_by(tables.source.c.id))
    scopes = connection.execute(select(tables.source_scope).order_by(tables.source_scope.c.id))
    return Registry(
        version=int(connection.exec_driver_sql(_VERSION).scalar_one()),
        parties={row.oin: _party(row) for row in parties},
        mandates=_grouped(((row.processor_oin, row.controller_oin), _mandate(row)) for row in mandates),
        phases={row.name: row.opens_at for row in phases},
        agreements=tuple((row.in_force_from, row.version) for row in agreements),
        acceptances={(row.oin, row.version): row.accepted_at for row in acceptances},
        sources={row.id: _source(row) for row in sources},
        scopes=_grouped((row.source_id, _scope(row)) for row in scopes),
    )


def _party(row: Row[Any]) -> Party:
    period = Period(row.admitted_from, row.admitted_until)
    return Party(row.oin, row.name, row.kind, row.suwi, row.pilot, period)


def _mandate(row: Row[Any]) -> Mandate:
    return Mandate(row.id, row.processor_oin, row.controller_oin, Period(row.valid_from, row.valid_until))


def _source(row: Row[Any]) -> Source:
    return Source(
        row.id,
        row.oin,
        row.processor_oin,
        row.name,
        row.hosted,
        row.url,
        row.bsn_declaration is not None,
        Period(row.valid_from, row.valid_until),
    )


def _scope(row: Row[Any]) -> SourceScope:
    return SourceScope(row.id, row.source_id, row.side, row.scope, Period(row.valid_from, row.valid_until))


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}
