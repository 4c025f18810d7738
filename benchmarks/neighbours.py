"""Which occupations are taken to be alike: 20 well-known ones with their five nearest, from ESCO in Dutch.

    python -m benchmarks.neighbours

A page for people to judge. The figures say how often the nearest occupations stand in the same ISCO-08
group; random pairs are the comparison, drawn with the printed seed.
"""

import argparse
import time

import numpy as np

from benchmarks.report import figure, machine_lines, peak_memory, say, shared, write_page
from data.taxonomy import Taxonomy, build, normalise, read_esco

SEED = 20
OCCUPATIONS = (
    "algemeen verpleegkundige",
    "vrachtwagenchauffeur",
    "timmerman",
    "loodgieter",
    "kapper",
    "kok",
    "leraar basisonderwijs",
    "software ontwikkelaar",
    "metselaar",
    "automonteur",
    "boekhouder",
    "beveiliger",
    "schoonmaker gebouwen",
    "magazijnmedewerker",
    "ober/serveerster",
    "politieagent",
    "algemeen dierenarts",
    "hovenier",
    "bakker",
    "lasser",
)


def main() -> None:
    """Print the figures and write benchmarks/results/neighbours.md."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    folder = shared("reference", "esco")
    say(machine_lines())
    say(f"seed {SEED}")
    source = read_esco(folder)
    started = time.perf_counter()
    esco = build(source)
    figure("neighbours.build", round(time.perf_counter() - started, 2), "s")
    near, by_chance = same_group(esco)
    figure(
        "neighbours.five_nearest_in_same_isco3", round(near, 3), "share", "random", round(near / by_chance, 1)
    )
    figure("neighbours.random_in_same_isco3", round(by_chance, 4), "share")
    figure("neighbours.highest_degree", int(esco.neighbour_degrees.max()), "of 128")
    memory = figure("neighbours.peak_memory", round(peak_memory()), "MiB")
    write_page("neighbours", page(esco, near, by_chance, memory["value"]))


def same_group(taxonomy: Taxonomy) -> tuple[float, float]:
    """Return the share of five nearest, and of random others, in the occupation's own 3-digit ISCO group."""
    groups = np.array([code[:3] for code in taxonomy.isco])
    nearest = taxonomy.neighbours[:, :5]
    near = (groups[nearest] == groups[:, None])[nearest >= 0].mean()
    random = np.random.default_rng(SEED).integers(0, len(groups), nearest.shape)
    other = random != np.arange(len(groups))[:, None]
    return float(near), float((groups[random] == groups[:, None])[other].mean())


def page(taxonomy: Taxonomy, near: float, by_chance: float, memory: float) -> str:
    """Return the page in Markdown."""
    labels, index = taxonomy.occupations.labels, taxonomy.occupations.label_index()
    rows = []
    for name in OCCUPATIONS:
        occupation = index[normalise(name)]
        five = zip(
            taxonomy.neighbours[occupation][:5].tolist(),
            taxonomy.neighbour_degrees[occupation][:5].tolist(),
            strict=True,
        )
        cells = [f"{labels[other]} ({degree})" for other, degree in five if other >= 0]
        rows.append(f"| {labels[occupation]} | {', '.join(cells)} |")
    table = "\n".join(rows)
    return f"""# Occupations and their nearest

`python -m benchmarks.neighbours`. {machine_lines()} Seed {SEED}. Peak memory {memory:,.0f} MiB.

Twenty occupations of ESCO (Dutch labels), each with its five nearest and how alike they are, of 128. Skills
in common count by rarity, essential ones double; the rest comes from the ISCO-08 hierarchy. Of the five
nearest of all {len(labels):,} occupations {near:.0%} stand in the same 3-digit ISCO group; of random others
{by_chance:.1%}.

| occupation | five nearest |
|---|---|
{table}
"""


if __name__ == "__main__":
    main()
