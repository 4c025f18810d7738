"""How well and how fast free text is linked to occupations.

    python -m benchmarks.linking [--sample N]

The titles asked are alternative labels of CompetentNL occupations, in seeded samples. Each is asked with
itself left out: that label of that concept can't be matched, in whatever spelling (case, accents,
punctuation), and doesn't count among the labels of its concept; the same text under another concept stays.
Right is the concept that the label belongs to. Two taxonomies are searched:

- CompetentNL alone;
- CompetentNL joined with BO&C and ESCO. There only CompetentNL's label is left out: where another source has
the
  same title under the joined concept, that copy stays, and most titles are found through it. The join itself
  is made with all labels; the row "without joins that need the title" counts as wrong every title without
  which its concept and BO&C's would not have been joined.

The counts of n-grams in the whole collection are not made anew for each title. Baselines on the same titles:
tf-idf of character n-grams (2 to 4, inside words) over all labels, best label of each concept; and
rapidfuzz's token_set_ratio on preferred labels.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.report import figure, machine_lines, peak_memory, say, shared, write_page
from data.taxonomy import Linker, Source, Taxonomy, build, normalise, read_boc, read_competentnl, read_esco

SEEDS = (1, 2, 3, 4, 5)
Asked = tuple[str, str]
"""A title and the code of the occupation that it belongs to."""


def main() -> None:
    """Measure, print and write benchmarks/results/linking.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sample", type=int, default=1000, help="titles in a sample")
    size = parser.parse_args().sample
    reference = shared("reference")
    competentnl = read_competentnl([reference / "competentnl_occupations.csv"])
    others = [read_boc(reference / "boc_24.1.csv"), read_esco(reference / "esco")]
    titles = [(text, concept.code) for concept in competentnl.occupations for text in concept.alternatives]
    say(machine_lines())
    say(f"{len(titles)} titles, samples of {size}, seeds {SEEDS}")

    rows = []
    alone = build(competentnl)
    rows += measure("alone", alone, titles, size, kept=set())
    joined = build(competentnl, *others)
    kept = copies(joined, titles, others)
    rows += measure("joined", joined, titles, size, kept=kept)
    rows += measure_joins(competentnl, others, joined, titles, size, kept)
    memory = figure("linking.peak_memory", round(peak_memory()), "MiB")
    write_page("linking", page(rows, len(titles), len(kept), size, memory["value"]))


def copies(taxonomy: Taxonomy, titles: Sequence[Asked], others: Sequence[Source]) -> set[Asked]:
    """Return the titles that another source has too, under the same (joined) concept."""
    index = taxonomy.occupations.index()
    known = {
        (normalise(text), index[concept.code])
        for source in others
        for concept in source.occupations
        for text in (concept.label, *concept.alternatives, *concept.hidden)
    }
    return {(text, code) for text, code in titles if (normalise(text), index[code]) in known}


def measure(
    name: str, taxonomy: Taxonomy, titles: Sequence[Asked], size: int, kept: set[Asked]
) -> list[list[str]]:
    """Return rows of the page: baselines on the first seed, the linker on each seed and on all titles."""
    index = taxonomy.occupations.index()
    started = time.perf_counter()
    linker = Linker(taxonomy)
    figure(f"linking.{name}.build", round(time.perf_counter() - started, 2), "s")

    def ours(asked: Sequence[Asked]) -> list[list[int]]:
        left_out = [None if pair in kept else pair[1] for pair in asked]
        found = linker.link([text for text, _ in asked], 5, left_out=left_out)
        return [[index[candidate.code] for candidate in candidates] for candidates in found]

    rows = []
    first = random.Random(SEEDS[0]).sample(list(titles), min(size, len(titles)))
    ways: list[tuple[str, Callable[[Sequence[Asked]], list[list[int]]], Sequence[Asked]]] = [
        ("token_set, preferred labels", lambda asked: token_set(taxonomy, asked), first),
        ("tf-idf, all labels", lambda asked: tfidf(taxonomy, asked, kept), first),
    ]
    for seed in SEEDS:
        sample = random.Random(seed).sample(list(titles), min(size, len(titles)))
        ways.append((f"linker, seed {seed}", ours, sample))
    ways.append(("linker, all titles", ours, titles))
    looked_at = half_looked_at(titles)
    ways.append(("linker, titles looked at", ours, [pair for pair in titles if pair[1] in looked_at]))
    ways.append(("linker, the other titles", ours, [pair for pair in titles if pair[1] not in looked_at]))
    base: dict[str, float] = {}
    for way, ask, asked in ways:
        started = time.perf_counter()
        found = ask(asked)
        speed = len(asked) / (time.perf_counter() - started)
        first_right = np.mean([index[code] in few[:1] for (_, code), few in zip(asked, found, strict=True)])
        five_right = np.mean([index[code] in few for (_, code), few in zip(asked, found, strict=True)])
        key = f"linking.{name}.{way.replace(',', '').replace(' ', '_')}"
        for what, value in (("top1", float(first_right)), ("top5", float(five_right))):
            compared = way.startswith("linker") and what in base
            ratio = round(value / base[what], 3) if compared else None
            figure(f"{key}.{what}", round(value, 4), "share", "tf-idf" if compared else None, ratio)
            if way.startswith("tf-idf"):
                base[what] = value
        figure(f"{key}.speed", round(speed), "titles/s")
        rows.append([name, way, f"{first_right:.3f}", f"{five_right:.3f}", f"{speed:,.0f}"])
    return rows


def half_looked_at(titles: Sequence[Asked]) -> set[str]:
    """Return the codes of the occupations whose misses were read while data/taxonomy/words.py was written."""
    codes = sorted({code for _, code in titles})
    random.Random(99).shuffle(codes)
    return set(codes[: len(codes) // 2])


def measure_joins(
    competentnl: Source,
    others: Sequence[Source],
    joined: Taxonomy,
    titles: Sequence[Asked],
    size: int,
    kept: set[Asked],
) -> list[list[str]]:
    """Return a row for the first seed in which no title may have helped to join its own concept.

    Only titles found through a copy can owe that to a join that isn't one of preferred labels; for those,
    BO&C and CompetentNL are joined again without the title.
    """
    from data.taxonomy.join import join

    index = joined.occupations.index()
    sample = random.Random(SEEDS[0]).sample(list(titles), min(size, len(titles)))
    linker = Linker(joined)
    found = linker.link(
        [text for text, _ in sample], 5, left_out=[None if pair in kept else pair[1] for pair in sample]
    )
    boc = others[0]
    names = {normalise(concept.label): concept.code for concept in boc.occupations}
    labels = {concept.code: normalise(concept.label) for concept in competentnl.occupations}
    pair = [competentnl.occupations, boc.occupations]
    members = {group[0].code: {member.code for member in group} for group in join(pair, [True, True])}
    right = [0, 0]
    for (text, code), candidates in zip(sample, found, strict=True):
        if (text, code) in kept and labels[code] not in names:
            fewer = [
                replace(concept, alternatives=tuple(other for other in concept.alternatives if other != text))
                if concept.code == code
                else concept
                for concept in competentnl.occupations
            ]
            again = join([fewer, boc.occupations], [True, True])
            if next(group for group in again if group[0].code == code)[1:] == () and len(members[code]) > 1:
                continue
        ranked = [index[candidate.code] for candidate in candidates]
        right[0] += index[code] in ranked[:1]
        right[1] += index[code] in ranked
    shares = [count / len(sample) for count in right]
    for what, value in zip(("top1", "top5"), shares, strict=True):
        figure(f"linking.joined.without_joins_that_need_the_title.{what}", round(value, 4), "share")
    way = f"linker, seed {SEEDS[0]}, without joins that need the title"
    return [["joined", way, f"{shares[0]:.3f}", f"{shares[1]:.3f}", ""]]


def tfidf(taxonomy: Taxonomy, asked: Sequence[Asked], kept: set[Asked]) -> list[list[int]]:
    """Link by the plain cosine of tf-idf-weighted character n-grams with the best label of each concept."""
    occupations = taxonomy.occupations
    index, owners = occupations.index(), occupations.label_concepts
    keys = [normalise(text) for text in occupations.label_texts]
    rows = {(key, int(owner)): row for row, (key, owner) in enumerate(zip(keys, owners, strict=True))}
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    by_gram = vectorizer.fit_transform(keys).T.tocsr()
    questions = vectorizer.transform([normalise(text) for text, _ in asked])
    found = []
    for number, (text, code) in enumerate(asked):
        likeness = (questions[[number]] @ by_gram).toarray()[0]
        row = rows.get((normalise(text), index[code]))
        if row is not None and (text, code) not in kept:
            likeness[row] = -1.0
        nearest = owners[np.argsort(-likeness, kind="stable")[:300]]
        found.append(list(dict.fromkeys(nearest.tolist()))[:5])
    return found


def token_set(taxonomy: Taxonomy, asked: Sequence[Asked]) -> list[list[int]]:
    """Link by rapidfuzz's token_set_ratio with the preferred labels."""
    labels = [normalise(label) for label in taxonomy.occupations.labels]
    scores = process.cdist([normalise(text) for text, _ in asked], labels, scorer=fuzz.token_set_ratio)
    nearest: list[list[int]] = np.argsort(-scores, axis=1, kind="stable")[:, :5].tolist()
    return nearest


def page(rows: Sequence[Sequence[str]], titles: int, kept: int, size: int, memory: float) -> str:
    """Return the page in Markdown."""
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"""# Linking job titles to occupations

`python -m benchmarks.linking`. {machine_lines()} Peak memory {memory:,.0f} MiB. One thread.

{titles:,} alternative labels of CompetentNL, seeded samples of {size:,}, each asked with itself left out:
that label of that concept can't be matched, in whatever spelling, and doesn't count among the labels of its
concept. The same text under another concept stays. *Joined* adds BO&C and ESCO: there only CompetentNL's own
label is left out, and {kept:,} of the titles stand under the joined concept in another source too. The last
row counts a title as wrong where its own concept was joined on the strength of that title. The baselines are
asked the first sample. The list of words that mean the same was written while reading the misses of a
fixed half of the occupations ("titles looked at"); the rows for both halves show what it is worth elsewhere.

| taxonomy | way | top 1 | top 5 | titles a second |
|---|---|---|---|---|
{table}

What is missed is mostly meaning that no spelling shows ("Senator" is a member of the Eerste Kamer), and
titles that two sources give to different occupations.
"""


if __name__ == "__main__":
    main()
