"""The reference table of document frequencies, made anew on purpose from reference records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from engine.features import GROUPS

if TYPE_CHECKING:
    from engine.encode import Encoded
    from engine.features import FeatureSpace


def count_frequencies(collections: Sequence[Encoded], space: FeatureSpace) -> pl.DataFrame:
    """Count in how many records each feature occurs, as it stands in the record, not expanded.

    Parameters
    ----------
    collections : reference records, encoded in this space: vacancies by what they ask, profiles by what they
        have.
    space : their feature space.

    Returns
    -------
    Columns group, code (String), count, total (Int64), sorted by group and code, as
    `data.taxonomy.Taxonomy.frequencies` holds them: every occupation and skill of the taxonomy, counted or
    not, and each further code that occurs. total is the number of records.
    """
    counts = np.zeros(len(space), np.int64)
    for each in collections:
        vectors = each.asks if each.records.side == "vacature" else each.has
        counts += np.bincount(vectors.features, minlength=len(space))
    table = pl.DataFrame(
        {
            "group": [GROUPS[group] for group in space.group.tolist()],
            "code": space.codes,
            "count": counts,
            "total": np.full(len(space), sum(len(each) for each in collections), np.int64),
        },
        schema={"group": pl.String, "code": pl.String, "count": pl.Int64, "total": pl.Int64},
    )
    return table.sort("group", "code")
