"""How good the ranking is by judgements, beside simple ones, and what each group of features adds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from data.errors import FileError
from engine import Ranker
from engine.baselines import METHODS, Baselines, best, coverage, eligible
from engine.evaluation import Judgements, intervals, measure
from engine.features import GROUPS
from engine.judgements import read_judgements
from engine.merge import take
from engine.rank import weigh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from api.pilot.choices import Choices
    from api.pilot.world import Part, World
    from engine.encode import Encoded

    _Ranked = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
    """Vacancies, profiles and ranks of pairs."""

DEPTH: Final = 100
"""How many places of a ranking are kept for MAP and MRR."""

_PAIRS_AT_ONCE: Final = 1 << 22


@dataclass(frozen=True, eq=False)
class Judged:
    """Judgements of pairs of a world, and where they come from.

    Attributes
    ----------
    pairs : by rows of vacancies and of profiles.
    origin : "file" where people judged, "synthetic" where the generator did.
    is_complete : whether a pair that isn't judged is known not to be suitable. If not, only judged pairs are
        ranked (the condensed lists of Sakai, 2007).
    """

    pairs: Judgements
    origin: Literal["file", "synthetic"]
    is_complete: bool


def read_judged(path: Path, world: World) -> Judged:
    """Read judgements of people, a file as `engine.judgements.read_judgements` takes it.

    A record of which several organisations have the id is named ORGANISATION=ID. In a made-up world, and in a
    file with "synthetic" in its name, grades are synthetic.

    Raises FileError as that does, and where no grade is above 0.
    """
    pairs = read_judgements(path, _named(world.vacancies.encoded), _named(world.profiles.encoded))
    if not pairs.grade.any():
        raise FileError(str(path), "no pair is suitable", "a grade above 0", "Judge more pairs.")
    is_synthetic = world.is_made_up or "synthetic" in path.name
    return Judged(pairs, "synthetic" if is_synthetic else "file", is_complete=False)


def _named(encoded: Encoded) -> Encoded:
    """The same records, those of which several have the id under names that tell them apart."""
    records = encoded.records
    rows = np.arange(len(records))
    names = pl.DataFrame({"id": records.ids_of(rows), "source": records.sources_of(rows)})
    whole = pl.concat_str("source", "id", separator="=")
    ids = names.select(pl.when(pl.col("id").is_duplicated()).then(whole).otherwise("id"))
    return replace(encoded, records=replace(records, ids=ids.to_series().to_list()))


def rows_of(part: Part, ids: pl.Series) -> NDArray[np.int32]:
    """Give the rows of records by their ids, which are known and unique among all organisations."""
    rows = np.arange(len(part), dtype=np.int32)
    known = pl.DataFrame({"id": part.encoded.records.ids_of(rows), "row": rows})
    sought = pl.DataFrame({"id": ids})
    found: NDArray[np.int32] = sought.join(known, on="id", how="left", maintain_order="left")[
        "row"
    ].to_numpy()
    return found


def measure_quality(world: World, judged: Judged, choices: Choices) -> dict[str, Any]:
    """Measure the ranking, the baselines, and the ranking without each group of features.

    Returns
    -------
    "methods": a row each, "koppel" first and "random" last, with mean, low and high of the measures;
    "ablation": a row for each group with the nDCG that is lost without it, and the interval of that
    difference; and counts.
    """
    asking, place = np.unique(judged.pairs.asking, return_inverse=True)
    vacancies = take(world.vacancies.encoded, asking)
    profiles, space, k = world.profiles.encoded, world.space, choices.top
    pairs = Judgements(place.astype(np.int32), judged.pairs.candidate, judged.pairs.grade)
    ranker = Ranker(vacancies, profiles, space, choices.settings(world.as_of))
    weights = {"koppel": ranker.vacancy_weights}
    for group in GROUPS:
        weights[f"-{group}"] = weigh(vacancies, space, choices.settings(world.as_of, without=group))[0]
    baselines = Baselines(vacancies, profiles, space)
    found: dict[str, list[_Ranked]] = defaultdict(list)
    candidates = 0
    for vacancy, profile in _candidates(ranker, pairs, judged):
        candidates += len(vacancy)
        scores: dict[str, NDArray[Any]] = {
            name: coverage(each, profiles, space, vacancy, profile) for name, each in weights.items()
        }
        scores |= {method: baselines.score(method, vacancy, profile) for method in METHODS}
        for name, score in scores.items():
            nearest = name in weights
            which, rank = best(vacancies, profiles, vacancy, profile, score, DEPTH, nearest=nearest)
            found[name].append((vacancy[which], profile[which], rank))
    measured = {name: _measured(pairs, blocks, k) for name, blocks in found.items()}
    whole = measured["koppel"]["ndcg"]
    return {
        "origin": judged.origin,
        "k": k,
        "depth": DEPTH,
        "vacancies": len(whole),
        "judged_pairs": len(pairs.grade),
        "suitable_pairs": int((pairs.grade > 0).sum()),
        "candidates": candidates,
        "methods": [{"method": name, **_told(measured[name])} for name in ("koppel", *reversed(METHODS))],
        "ablation": [
            {"group": name, **_told({"lost": whole - measured[f"-{name}"]["ndcg"]})} for name in GROUPS
        ],
    }


def _measured(pairs: Judgements, blocks: list[_Ranked], k: int) -> dict[str, NDArray[np.float64]]:
    vacancy, profile, rank = (np.concatenate(each) for each in zip(*blocks, strict=True))
    return measure(pairs, vacancy, profile, rank, k)


def _candidates(
    ranker: Ranker, pairs: Judgements, judged: Judged
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Yield vacancies and the profiles that meet their conditions, pairs of rows, many at a time."""
    order = np.lexsort((pairs.candidate, pairs.asking))
    asking, candidate = pairs.asking[order], pairs.candidate[order]
    found: list[NDArray[np.int32]] = []
    first = 0
    for vacancy in range(len(ranker.vacancies)):
        profile = eligible(ranker, vacancy)
        if not judged.is_complete:
            own = candidate[slice(*np.searchsorted(asking, (vacancy, vacancy + 1)))]
            profile = profile[np.isin(profile, own)]
        found.append(profile)
        if sum(map(len, found)) >= _PAIRS_AT_ONCE or vacancy == len(ranker.vacancies) - 1:
            owner = np.repeat(np.arange(first, vacancy + 1, dtype=np.int32), [len(each) for each in found])
            yield owner, np.concatenate(found)
            found, first = [], vacancy + 1


def _told(measured: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Mean of each value and its interval, as columns of a row."""
    row: dict[str, float] = {}
    for name, each in intervals(measured).items():
        row |= {name: each.mean, f"{name}_low": each.low, f"{name}_high": each.high}
    return row
