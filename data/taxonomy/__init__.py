"""Occupations and skills, their labels, relations and likeness, as one versioned `Taxonomy`."""

from data.taxonomy.build import build, bundled_taxonomy
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
    "read_own",
]
