"""Joining the concepts of several sources that mean the same."""

from collections import defaultdict
from collections.abc import Sequence

from data.taxonomy.labels import normalise
from data.taxonomy.sources import SourceConcept

Group = tuple[SourceConcept, ...]


def join(sources: Sequence[Sequence[SourceConcept]]) -> list[Group]:
    """Return groups of equal concepts: members in the order of the sources, groups by their first code."""
    groups: list[list[SourceConcept]] = []
    for concepts in sources:
        keys: dict[str, list[int]] = defaultdict(list)
        for number, group in enumerate(groups):
            for key in {normalise(member.label) for member in group}:
                keys[key].append(number)
        mine: dict[str, list[SourceConcept]] = defaultdict(list)
        for concept in concepts:
            mine[normalise(concept.label)].append(concept)
        taken: set[int] = set()
        for key, same in sorted(mine.items()):
            found = [number for number in keys.get(key, []) if number not in taken]
            if key and len(same) == len(found) == 1:
                groups[found[0]].append(same[0])
                taken.add(found[0])
            else:
                groups += [[concept] for concept in same]
    return sorted((tuple(group) for group in groups), key=lambda group: group[0].code)
