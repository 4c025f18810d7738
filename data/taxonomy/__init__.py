"""Occupations and skills, their labels, relations and likeness, as one versioned `Taxonomy`."""

from typing import TYPE_CHECKING, Any

from data.taxonomy.boc import read_boc
from data.taxonomy.build import build, bundled_taxonomy
from data.taxonomy.competentnl import read_competentnl
from data.taxonomy.esco import read_esco
from data.taxonomy.labels import normalise
from data.taxonomy.model import Concepts, Taxonomy, load_taxonomy
from data.taxonomy.own import read_own
from data.taxonomy.sources import Source, SourceConcept

if TYPE_CHECKING:
    from data.taxonomy.linking import Candidate, Linker

__all__ = [
    "Candidate",
    "Concepts",
    "Linker",
    "Source",
    "SourceConcept",
    "Taxonomy",
    "build",
    "bundled_taxonomy",
    "load_taxonomy",
    "normalise",
    "read_boc",
    "read_competentnl",
    "read_esco",
    "read_own",
]


def __getattr__(name: str) -> Any:
    # Linking brings scipy and rapidfuzz along, which nothing else here needs.
    if name in ("Candidate", "Linker"):
        from data.taxonomy import linking

        return getattr(linking, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
