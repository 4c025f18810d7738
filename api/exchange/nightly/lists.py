"""The lists of a recipient as files: matches for its own records, and what changed since a night before.

    <recipient>/matches/<side>/00000.parquet   for its own records of a side: who matches them, best first
    <recipient>/changes/<side>/00000.parquet   the same records: who is new, gone, or moved

vumIDs of one night can't be joined with those of another; the changes tell what became of whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from api.exchange.nightly.recipients import OTHER, Recipient
from engine import UNIT
from engine.conditions import names
from engine.nightly import asking_rows

if TYPE_CHECKING:
    from api.exchange.handles import Handles, Run
    from api.exchange.nightly.snapshot import Texts
    from data.standard import Side
    from engine.index import MatchIndex
    from engine.nightly import Block

__all__ = ["CHANGES", "MATCHES", "Before", "Lists", "part_path"]

MATCHES: Final = pl.Schema(
    {
        "own_source": pl.String(),
        "own_id": pl.String(),
        "vraagID": pl.String(),
        "rank": pl.Int32(),
        "vumID": pl.String(),
        "score": pl.Float64(),
        "score_vacancy": pl.Float64(),
        "score_profile": pl.Float64(),
        "score_mutual": pl.Float64(),
        "distance_km": pl.Int32(),
        "unknown": pl.List(pl.String()),
        "match": pl.String(),
    }
)
"""Columns of the matches. Scores are 0..1, as in a ranking of the exchange; `unknown` names the conditions
that could not be checked; `match` is the record at match level, as JSON."""

CHANGES: Final = pl.Schema(
    {
        "own_source": pl.String,
        "own_id": pl.String,
        "change": pl.String,
        "vumID": pl.String,
        "vumID_before": pl.String,
        "rank": pl.Int32,
        "rank_before": pl.Int32,
    }
)
"""Columns of the changes: "new", "gone" or "moved" (of rank); what there is no such thing of is null."""

_OWN: Final = ["own_source", "own_id"]
_LISTED: Final = pl.Schema({name: MATCHES[name] for name in (*_OWN, "rank", "vumID")})


def part_path(recipient: str, kind: str, side: Side, number: int) -> str:
    """Give the path of a file of a recipient in the folder of a night."""
    return f"{recipient}/{kind}/{side}/{number:05}.parquet"


@dataclass(frozen=True)
class Lists:
    """Makes the lists of one recipient.

    Attributes
    ----------
    recipient : whose.
    run, handles, expires_at : seal vumIDs, which open until then.
    index, texts : the records, and side -> what a match shows of them.
    gone : side -> (source, id) of records that are there no more.
    """

    recipient: Recipient
    run: Run
    handles: Handles
    expires_at: int
    index: MatchIndex
    texts: Mapping[Side, Texts]
    gone: Mapping[Side, pl.DataFrame]

    def matches(self, side: Side, block: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give the matches of its own records of a side, and the source and id behind each, row by row.

        block : as the engine ranks them.
        """
        other = OTHER[side]
        own = self.index.side(side).keys(block["asking"].to_numpy())
        found = self.index.side(other).keys(block["candidate"].to_numpy())
        whole = block.with_columns(
            own_source=own["source"], own_id=own["id"], **dict(zip(found.columns, found, strict=True))
        )
        whole = (
            whole.join(self.gone[other], on=["source", "id"], how="anti")
            .join(self.gone[side], left_on=_OWN, right_on=["source", "id"], how="anti")
            .sort(*_OWN, "rank")
            # Where one is gone, those behind it move up: no gap tells that there was somebody.
            .with_columns(rank=pl.col("rank").cum_count().over(_OWN).cast(pl.Int32))
        )
        questions = _questions(self.run, other, self.recipient, whole)
        records = list(zip(questions, whole["source"], whole["id"], strict=True))
        bits, at = np.unique(whole["unknown"].to_numpy(), return_inverse=True)
        unknown = pl.Series("unknown", [names(each) for each in bits.tolist()], pl.List(pl.String()))
        score = "score_vacancy" if side == "vacature" else "score_profile"
        frame = whole.select(
            *_OWN,
            pl.Series("vraagID", questions, pl.String),
            "rank",
            pl.Series("vumID", self._seal(other, records), pl.String),
            _shares("score", whole[score]),
            *(_shares(name, whole[name]) for name in ("score_vacancy", "score_profile", "score_mutual")),
            _kilometres(whole["distance"]),
            unknown.gather(at),
            self._shown(other, whole["candidate"]),
        )
        return frame.match_to_schema(MATCHES), whole.select("source", "id")

    def own(self, side: Side, block: Block) -> pl.DataFrame:
        """Give source and id of all own records in a block, also of those that nobody matches."""
        collection = self.index.side(side)
        rows = asking_rows(collection, block.job.own)[block.first : block.last]
        return collection.keys(rows).rename({"source": "own_source", "id": "own_id"})

    def _seal(self, side: Side, records: Sequence[tuple[str, str, str]]) -> list[str]:
        return self.handles.seal_nightly(self.run, side, self.recipient.caller, records, self.expires_at)

    def _shown(self, side: Side, rows: pl.Series) -> pl.Series:
        # Who matches one matches many.
        found, at = np.unique(rows.to_numpy(), return_inverse=True)
        texts = [text.decode() for text in self.texts[side].take(found.tolist())]
        return pl.Series("match", texts, pl.String).gather(at)


def _questions(run: Run, side: Side, recipient: Recipient, lists: pl.DataFrame) -> list[str]:
    """Give the vraagID of each row in lists of own records."""
    known: dict[tuple[str, str], str] = {}
    questions = []
    for key in zip(lists["own_source"], lists["own_id"], strict=True):
        if key not in known:
            known[key] = run.question(side, recipient.caller, *key)
        questions.append(known[key])
    return questions


def _shares(name: str, points: pl.Series) -> pl.Series:
    """Spell points as a ranked answer does."""
    found, at = np.unique(points.to_numpy(), return_inverse=True)
    return pl.Series(name, [round(each / UNIT, 6) for each in found.tolist()], pl.Float64).gather(at)


def _kilometres(distance: pl.Series) -> pl.Series:
    """Round as a ranked answer does; null where it isn't known."""
    whole = np.rint(distance.to_numpy())
    return pl.Series("distance_km", whole).fill_nan(None).cast(pl.Int32)


@dataclass(frozen=True)
class Before:
    """The lists of a recipient in a night before.

    Attributes
    ----------
    folder : of the recipient in that night; it may not be there.
    run, handles, expires_at : seal its vumIDs again; no run where they open no more.
    """

    folder: Path
    recipient: Recipient
    run: Run | None
    handles: Handles
    expires_at: int

    def changes(
        self, side: Side, own: pl.DataFrame, matches: pl.DataFrame, keys: pl.DataFrame
    ) -> pl.DataFrame:
        """Tell what changed since: who is new, gone or moved.

        Where the vumIDs of that night open no more nobody could tell who stood there, and all are new.

        Parameters
        ----------
        own : the own records whose lists these are, also those that nobody matches.
        matches, keys : as `Lists.matches` gives them.
        """
        if self.run is None:
            nothing = pl.Series([None] * matches.height, dtype=pl.String)
            return _changes(_LISTED.to_frame(), matches, nothing)
        return _changes(self._listed(side, own), matches, self._sealed(self.run, side, matches, keys))

    def _listed(self, side: Side, own: pl.DataFrame) -> pl.DataFrame:
        paths = sorted((self.folder / "matches" / side).glob("*.parquet"))
        return pl.concat([_LISTED.to_frame(), *(_lists_of(path, own) for path in paths)])

    def _sealed(self, run: Run, side: Side, matches: pl.DataFrame, keys: pl.DataFrame) -> pl.Series:
        """Give the vumID of each match in that night: made again it is the same, much quicker than opened."""
        other = OTHER[side]
        questions = _questions(run, other, self.recipient, matches)
        records = list(zip(questions, keys["source"], keys["id"], strict=True))
        sealed = self.handles.seal_nightly(run, other, self.recipient.caller, records, self.expires_at)
        return pl.Series(sealed, dtype=pl.String)


def _lists_of(path: Path, own: pl.DataFrame) -> pl.DataFrame:
    """Read the lists of some own records, of a file that mostly has none of them."""
    there = pl.read_parquet(path, columns=_OWN).join(own, on=_OWN, how="semi")
    if there.is_empty():
        return _LISTED.to_frame()
    return pl.read_parquet(path, columns=_LISTED.names()).join(own, on=_OWN, how="semi")


def _changes(before: pl.DataFrame, matches: pl.DataFrame, sealed: pl.Series) -> pl.DataFrame:
    """Join lists of a night before with those of this one, by the vumIDs that these had then."""
    now = matches.select(*_OWN, "rank", "vumID", sealed.alias("sealed"))
    both = now.join(
        before.with_columns(sealed="vumID"), on=[*_OWN, "sealed"], how="full", suffix="_before", coalesce=True
    )
    change = (
        pl.when(pl.col("rank_before").is_null())
        .then(pl.lit("new"))
        .when(pl.col("rank").is_null())
        .then(pl.lit("gone"))
        .when(pl.col("rank") != pl.col("rank_before"))
        .then(pl.lit("moved"))
    )
    return (
        both.with_columns(change=change)
        .drop_nulls("change")
        .sort(*_OWN, "rank", "rank_before", nulls_last=True)
        .select(list(CHANGES))
        .match_to_schema(CHANGES)
    )
