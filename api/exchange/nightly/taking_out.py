"""What may not be shown any more is taken out of a night: people, sources, whole parties."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import copytree, rmtree
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl
from sqlalchemy import or_, select

from api.exchange.nightly.files import remove
from api.exchange.nightly.recipients import OTHER, Recipient, recipients
from api.exchange.nightly.sealing import parties_of, read_manifest, seal_night, seal_party
from api.exchange.registry import read_registry
from api.store.tables import nightly_withdrawal, record
from data.files import atomic
from engine.nightly import parquet

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.exchange.handles import Handles
    from api.exchange.nightly.nights import Nights
    from api.exchange.nightly.snapshot import Snapshot
    from api.exchange.registry import Registry
    from api.store import Store
    from data.standard import Side

__all__ = [
    "Absent",
    "Drops",
    "Party",
    "Taken",
    "absent_now",
    "is_anybody_withdrawn",
    "revise",
    "sources_of",
    "take_out",
]

_OWN: Final = ["own_source", "own_id"]
_KEYS: Final = pl.Schema({"source": pl.String, "id": pl.String})


@dataclass(frozen=True)
class Absent:
    """What was there at the cut-off of a night and may not be shown any more.

    Attributes
    ----------
    records : side -> source and id of records that are gone, restricted, expired or withdrawn.
    parties : OINs of the parties that were withdrawn.
    sources : the ids of their sources.
    then, now : the recipients by name, by the rules at the cut-off and by those of this moment.
    """

    records: Mapping[Side, pl.DataFrame]
    parties: frozenset[str]
    sources: frozenset[str]
    then: Mapping[str, Recipient]
    now: Mapping[str, Recipient]

    @property
    def is_nothing(self) -> bool:
        """Tell whether everything may still be shown."""
        rights = [
            {name: (each.own, each.permitted) for name, each in found.items()}
            for found in (self.then, self.now)
        ]
        return rights[0] == rights[1] and not self.parties and not any(map(len, self.records.values()))

    def party(self, party: Party) -> bool:
        """Tell whether a recipient gets nothing any more."""
        return bool(self.parties & {party.controller, party.processor}) or party.folder not in self.now

    def own(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether the list of an own record has to go."""
        return source_id not in self.now[party.folder].own.get(side, ()) or self._is_gone(
            side, source_id, record_id
        )

    def match(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether a record of `side` may not stand in the lists of a recipient."""
        permitted = self.now[party.folder].permitted.get(side, ())
        return source_id not in permitted or self._is_gone(side, source_id, record_id)

    def sealed(self, party: Party, side: Side, source_id: str, record_id: str) -> None:
        """Tell that every vumID has to be opened."""

    def _is_gone(self, side: Side, source_id: str, record_id: str) -> bool:
        return source_id in self.sources or (source_id, record_id) in self._keys[side]

    @cached_property
    def _keys(self) -> dict[Side, frozenset[tuple[str, ...]]]:
        return {side: frozenset(frame.iter_rows()) for side, frame in self.records.items()}


def absent_now(store: Store, snapshot: Snapshot, cut_off: int, own_oin: str, now: int) -> Absent:
    """Find out what of a snapshot may not be shown any more at this moment."""
    with store.read() as connection:
        registry = read_registry(connection)
        since = select(nightly_withdrawal).where(nightly_withdrawal.c.withdrawn_at >= cut_off)
        withdrawn = connection.execute(since).all()
        gone = {side: _gone(connection, snapshot, side, now) for side in OTHER}
    records = [(row.source_id, row.record_id) for row in withdrawn if row.source_id is not None]
    parties = frozenset(row.oin for row in withdrawn if row.oin is not None)
    named = pl.DataFrame(records, schema=_KEYS, orient="row")
    return Absent(
        {side: pl.concat([gone[side], named]).unique() for side in OTHER},
        parties,
        sources_of(registry, parties),
        {each.name: each for each in snapshot.recipients},
        {each.name: each for each in recipients(registry, snapshot.records, own_oin, now)},
    )


def is_anybody_withdrawn(store: Store, since: int) -> bool:
    """Tell whether a record or a party was withdrawn at a moment or later."""
    with store.read() as connection:
        found = select(nightly_withdrawal.c.n).where(nightly_withdrawal.c.withdrawn_at >= since).limit(1)
        return connection.execute(found).first() is not None


def sources_of(registry: Registry, oins: frozenset[str]) -> frozenset[str]:
    """Give the ids of the sources of some controllers."""
    return frozenset(each.id for each in registry.sources.values() if each.oin in oins)


def _gone(connection: Connection, snapshot: Snapshot, side: Side, now: int) -> pl.DataFrame:
    there = pl.read_parquet(snapshot.folder / f"{side}-places.parquet", columns=["source", "id"])
    held = there.filter(~pl.col("source").is_in(list(snapshot.supplied[side])))
    shown = select(record.c.source_id, record.c.id).where(
        record.c.side == side,
        ~record.c.restricted,
        or_(record.c.expires_at.is_(None), record.c.expires_at > now),
    )
    rows = connection.execution_options(yield_per=10_000).execute(shown)
    present = [
        pl.DataFrame([tuple(row) for row in part], schema=_KEYS, orient="row") for part in rows.partitions()
    ]
    return held.join(pl.concat([_KEYS.to_frame(), *present]), on=["source", "id"], how="anti")


@dataclass(frozen=True)
class Party:
    """Whose a folder is."""

    folder: str

    @property
    def controller(self) -> str:
        """OIN of the controller."""
        return self.folder.partition("-")[0]

    @property
    def processor(self) -> str:
        """OIN of the processor, the controller's where it has none."""
        return self.folder.rpartition("-")[2]


class Drops(Protocol):
    """Tells what has to go."""

    def party(self, party: Party) -> bool:
        """Tell whether a recipient gets nothing any more."""

    def own(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether the list of an own record has to go."""

    def match(self, party: Party, side: Side, source_id: str, record_id: str) -> bool:
        """Tell whether a record of `side` may not stand in the lists of a recipient."""

    def sealed(self, party: Party, side: Side, source_id: str, record_id: str) -> Collection[str] | None:
        """Give the vumIDs that have to go from the list of an own record of `side`.

        None where that can't be told: then every vumID is opened, which takes ten times as long.
        """


@dataclass
class Taken:
    """What was taken out of the folder of a recipient: all of it, or the vumIDs of so many places."""

    whole: bool = False
    vum_ids: list[str] = field(default_factory=list)
    lists: int = 0


def take_out(folder: Path, handles: Handles, drops: Drops) -> dict[str, Taken]:
    """Take out of a night what has to go; give what that was, by recipient. Manifests are written anew.

    folder : that nobody reads yet. Files are replaced, never changed: others may have links to them.
    """
    taken: dict[str, Taken] = {}
    for name in parties_of(folder):
        party = Party(name)
        if drops.party(party):
            rmtree(folder / name)
            taken[name] = Taken(whole=True)
            continue
        found = Taken()
        for path in sorted((folder / name).glob("*/*/*.parquet")):
            _take_out_of(path, party, handles, drops, found)
        if found.vum_ids or found.lists:
            taken[name] = found
            seal_party(folder / name, _about(folder / name))
    if taken:
        seal_night(folder, _about(folder))
    return taken


def revise(
    nights: Nights,
    name: str,
    handles: Handles,
    drops: Drops,
    tell: Callable[[Mapping[str, Taken]], None] | None = None,
) -> None:
    """Take out of a published night what has to go, in one step; what it was before is removed.

    tell : is told what goes, by recipient, right before it does: once it has gone nobody could tell any more.

    Within `nights.changing`.
    """
    before = (nights.root / name).resolve(strict=True)
    copy = before.with_name(f".{secrets.token_hex(8)}")
    # Links, not copies: only the files out of which something is taken are written.
    copytree(before, copy, copy_function=os.link)
    taken = take_out(copy, handles, drops)
    if taken:
        if tell:
            tell(taken)
        nights.put(name, copy)
        remove(before)
    else:
        rmtree(copy)


def _take_out_of(path: Path, party: Party, handles: Handles, drops: Drops, found: Taken) -> None:
    side: Side = "vacature" if path.parent.name == "vacature" else "werkzoekende"
    is_matches = path.parent.parent.name == "matches"
    names = [name for name in ("vumID", "vumID_before") if name in pl.read_parquet_schema(path)]
    read = pl.read_parquet(path, columns=[*_OWN, *names])
    own = read.select(_OWN).unique(maintain_order=True)
    lost = pl.Series("lost", [drops.own(party, side, *key) for key in own.iter_rows()], pl.Boolean)
    tokens = pl.concat([read[name].drop_nulls().alias("token") for name in names])
    gone = tokens.filter(_goes(tokens, own, side, party, handles, drops))
    found.lists += int(lost.sum()) if is_matches else 0
    found.vum_ids += gone.to_list()
    if gone.is_empty() and not lost.any():
        return
    whole = pl.read_parquet(path).join(own.filter(lost), on=_OWN, how="anti", maintain_order="left")
    kept = whole.filter(*(pl.col(name).is_in(gone.implode()).fill_null(False).not_() for name in names))
    if is_matches:
        kept = kept.with_columns(rank=pl.col("rank").cum_count().over(_OWN).cast(pl.Int32))
    with atomic(path) as file:
        file.write(parquet(kept))


def _goes(
    tokens: pl.Series, own: pl.DataFrame, side: Side, party: Party, handles: Handles, drops: Drops
) -> pl.Series:
    """Tell of each vumID in the lists of own records whether it has to go."""
    sealed = [drops.sealed(party, side, *key) for key in own.iter_rows()]
    known = [token for each in sealed for token in each or ()]
    if None not in sealed:
        return tokens.is_in(pl.Series(known, dtype=pl.String).implode())
    handles_of = (handles.open(token, OTHER[side], party) for token in tokens)
    # Of one that opens no more nobody can tell whose it is, and nobody can ask for it.
    goes = [
        each is not None and drops.match(party, OTHER[side], each.source_id, each.record_id)
        for each in handles_of
    ]
    return pl.Series(goes, dtype=pl.Boolean)


def _about(folder: Path) -> dict[str, object]:
    manifest = read_manifest(folder)
    return {name: each for name, each in manifest.items() if name not in ("format", "files", "counts")}
