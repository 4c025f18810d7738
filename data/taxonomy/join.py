"""Joining the concepts of several sources that mean the same.

Two concepts of different sources are one when, in this order of trust,

1. their preferred labels are equal;
2. each has the preferred label of the other among its own labels;
3. both sources give every label to one concept only, and no other concept of either source shares as many
labels
   with the one or the other.

Labels are compared normalised; hidden labels don't count. A label that several concepts of one source have (a
homonym: "portier" is a doorman and a lift attendant) is no evidence; nor is a preferred label of one that is
merely an alternative of the other, for alternatives are often narrower: a piano tuner stands under the
repairer of musical instruments. Such a concept stays apart and keeps its label as the preferred one.

Rule 3 is for BO&C and CompetentNL, two editions of one list of job titles, where a title stands under one
reference occupation: "Voorman heien" and "Voorman / voorvrouw heien" share their titles, though neither
names the other.

A concept takes at most one concept from each source, so no two concepts of one source ever become one.
Sources are joined one after another, each to what the ones before it have become.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from data.taxonomy.labels import normalise
from data.taxonomy.sources import SourceConcept

Group = tuple[SourceConcept, ...]


def join(sources: Sequence[Sequence[SourceConcept]], one_owner: Sequence[bool]) -> list[Group]:
    """Return groups of equal concepts: members in the order of the sources, groups by their first code.

    one_owner : for each source, whether it gives every label to one concept only (rule 3).
    """
    groups: list[list[SourceConcept]] = []
    exclusive: list[bool] = []
    for concepts, alone in zip(sources, one_owner, strict=True):
        pairs = _pairs(groups, exclusive, concepts, alone)
        exclusive = [known and (alone or number not in pairs) for number, known in enumerate(exclusive)]
        for number, found in pairs.items():
            groups[number].append(concepts[found])
        joined = set(pairs.values())
        rest = [[concept] for number, concept in enumerate(concepts) if number not in joined]
        groups += rest
        exclusive += [alone] * len(rest)
    return sorted((tuple(group) for group in groups), key=lambda group: group[0].code)


def _pairs(
    groups: Sequence[Sequence[SourceConcept]],
    exclusive: Sequence[bool],
    concepts: Sequence[SourceConcept],
    alone: bool,
) -> dict[int, int]:
    """Return group -> concept that joins it, each at most once."""
    group_labels = [_all_labels(group) for group in groups]
    labels = [_all_labels([concept]) for concept in concepts]
    group_names = [{normalise(member.label) for member in group} - {""} for group in groups]
    names = [{normalise(concept.label)} - {""} for concept in concepts]
    pairs: dict[int, int] = {}

    def take(found: Iterable[tuple[int, int]]) -> None:
        found = [(left, right) for left, right in found if left not in pairs and right not in taken]
        lefts, rights = Counter(left for left, _ in found), Counter(right for _, right in found)
        for left, right in found:
            if lefts[left] == rights[right] == 1:
                pairs[left] = right
                taken.add(right)

    taken: set[int] = set()
    take(set(_sharing(group_names, names)))
    take((left, right) for left, right in _sharing(group_names, labels) if names[right] <= group_labels[left])
    if alone:
        shared = Counter(
            (left, right)
            for left, right in _sharing(group_labels, labels)
            if exclusive[left] and left not in pairs and right not in taken
        )
        take(_mutually_best(shared))
    return pairs


def _all_labels(group: Sequence[SourceConcept]) -> set[str]:
    return {normalise(text) for concept in group for text in (concept.label, *concept.alternatives)} - {""}


def _sharing(lefts: Sequence[set[str]], rights: Sequence[set[str]]) -> Iterator[tuple[int, int]]:
    """Yield left and right for each key that both have and no other on its side has."""
    left_owner, right_owner = _owners(lefts), _owners(rights)
    for key in sorted(left_owner.keys() & right_owner.keys()):
        if len(left_owner[key]) == len(right_owner[key]) == 1:
            yield left_owner[key][0], right_owner[key][0]


def _owners(sets: Sequence[set[str]]) -> dict[str, list[int]]:
    owners: dict[str, list[int]] = defaultdict(list)
    for number, keys in enumerate(sets):
        for key in keys:
            owners[key].append(number)
    return owners


def _mutually_best(shared: Counter[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    most_left: Counter[int] = Counter()
    most_right: Counter[int] = Counter()
    for (left, right), count in shared.items():
        most_left[left] = max(most_left[left], count)
        most_right[right] = max(most_right[right], count)
    for (left, right), count in shared.items():
        if count == most_left[left] == most_right[right]:
            yield left, right
