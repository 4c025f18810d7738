"""Occupations and skills, their labels, relations and likeness, as one versioned `Taxonomy`."""

from data.taxonomy.boc import read_boc
from data.taxonomy.build import build, bundled_taxonomy
from data.taxonomy.competentnl import read_competentnl
from data.taxonomy.esco import read_esco
from data.taxonomy.labels import normalise
from data.taxonomy.model import Concepts, Taxonomy, load_taxonomy
from data.taxonomy.own import read_own
from data.taxonomy.sources import Source, SourceConcept

__all__ = [
    "Concepts",
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
