"""What an importer hands over: the concepts and relations of one source, in plain tuples."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceConcept:
    """An occupation or a skill as one source knows it.

    code : the source's code.
    label : preferred label, as spelt.
    alternatives, hidden : other labels, as spelt; hidden ones are found by a search but never shown or
        joined on.
    aliases : other codes of the source for the same concept.
    isco : 4-digit ISCO-08 group of an occupation, or "".
    """

    code: str
    label: str
    alternatives: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    isco: str = ""


@dataclass(frozen=True)
class Source:
    """Everything that one source says.

    name : short name, lower case, e.g. "esco".
    broader : pairs (skill, directly broader skill) of codes.
    essential, optional : pairs (occupation, skill) of codes.
    frequencies : rows (group, code, count, total) of a reference table that comes with the source.
    one_owner : whether each label belongs to one concept only, so that a shared title says that concepts are
        one.
    notes : what the reader passed over, in sentences for people.
    """

    name: str
    occupations: tuple[SourceConcept, ...] = ()
    skills: tuple[SourceConcept, ...] = ()
    broader: tuple[tuple[str, str], ...] = ()
    essential: tuple[tuple[str, str], ...] = ()
    optional: tuple[tuple[str, str], ...] = ()
    frequencies: tuple[tuple[str, str, int, int], ...] = ()
    one_owner: bool = False
    notes: tuple[str, ...] = ()
