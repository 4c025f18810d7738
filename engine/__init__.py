"""How it is matched: records to vectors and columns, selection, ranking in both directions, explanation.

frame -> encode -> Encoded -> Ranker.rank -> Ranking -> frame
             Encoded.records -> select -> Selection
                     Ranker, one pair -> explain -> Explanation
files -> build_index -> open_index -> MatchIndex.ranker -> Ranker
"""

from engine.build import build_index
from engine.columns import Columns, Records, read_columns, sort_by_key
from engine.conditions import CONDITIONS, REQUIRED, SUGGESTED, Settings
from engine.encode import Encoded, encode
from engine.explain import Coverage, Explanation, Part, explain
from engine.features import FeatureSpace
from engine.frequencies import count_frequencies
from engine.index import Collection, MatchIndex, open_index, verify
from engine.kernels import UNIT
from engine.rank import Ranker, Ranking
from engine.select import Selection, select

__all__ = [
    "CONDITIONS",
    "REQUIRED",
    "SUGGESTED",
    "UNIT",
    "Collection",
    "Columns",
    "Coverage",
    "Encoded",
    "Explanation",
    "FeatureSpace",
    "MatchIndex",
    "Part",
    "Ranker",
    "Ranking",
    "Records",
    "Selection",
    "Settings",
    "build_index",
    "count_frequencies",
    "encode",
    "explain",
    "open_index",
    "read_columns",
    "select",
    "sort_by_key",
    "verify",
]
