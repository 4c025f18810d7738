"""Make `outlines.geojson`, the outlines of the labour-market regions, from the points of the postcodes.

    python -m data.reference.build_outlines [-o outlines.geojson]

The land nearest to a PC4 point counts as that PC4's (a Voronoi diagram); the areas of one region are joined.
Where land ends isn't known: what is further than `REACH` from all PC4 points counts as sea or abroad, but for
patches of less than `LAKE` that lie inland. Borders are then thinned (Douglas and Peucker) and rounded
(Chaikin), each once for both its sides, so that neighbours fit.
"""

import argparse
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.spatial import KDTree, Voronoi

from data.reference.areas import OUTLINES, Regions, regions
from data.reference.locations import postcodes

REACH: Final = 4.0
"""Kilometres from a PC4 point to what is no land of ours."""

POLDERS: Final = (
    (52.465, 5.360, "Flevoland"),
    (52.430, 5.490, "Flevoland"),
    (52.555, 5.560, "Flevoland"),
    (52.610, 5.560, "Flevoland"),
    (52.500, 5.590, "Flevoland"),
    (52.540, 5.770, "Flevoland"),
    (52.380, 5.390, "Veluwe Stedendriehoek"),
    (52.350, 5.440, "Veluwe Stedendriehoek"),
)
"""Latitude and longitude of wide polders with hardly a house, and their regions."""

GRID: Final = 1.5
"""Kilometres between the points that stand for what is no land of ours."""

LAKE: Final = 300.0
"""Square kilometres: a smaller patch without PC4 points, inland, is taken for forest or fen."""

TOLERANCE: Final = 0.5
"""Kilometres that a thinned border may lie aside."""

SMALLEST: Final = 20.0
"""Square kilometres: smaller patches of a region, apart from the rest of it, go to the region around them."""

DEGREE: Final = 111.195
"""Kilometres a degree of latitude."""

SQUEEZE: Final = float(np.cos(np.radians(52.2)))
"""A degree of longitude in degrees of latitude, half-way up the country."""

OUTSIDE: Final = -1

Points = NDArray[np.float64]
Arc = tuple[int, ...]


def build(areas: Regions) -> dict[str, Any]:
    """Make the FeatureCollection that `data.reference.outlines` describes."""
    located = areas.table.join(postcodes().table, on="pc4", maintain_order="left").unique(
        ["latitude", "longitude"], keep="first", maintain_order=True
    )
    polders = pl.DataFrame(POLDERS, schema=["latitude", "longitude", "region"], orient="row")
    located = pl.concat([located.select(polders.columns), polders])
    inside = DEGREE * located.select(pl.col("longitude") * SQUEEZE, "latitude").to_numpy()
    region = np.searchsorted(areas.names, located["region"].to_numpy().astype(str))
    outside = _outside(inside)
    points = np.concatenate([inside, outside])
    owner = np.concatenate([region, np.full(len(outside), OUTSIDE)])
    diagram = Voronoi(points)
    owner = _without_patches(diagram, owner)
    arcs = _arcs(diagram, owner)
    shapes = {arc: _shape(diagram, arc) for _, arc in arcs}
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": name,
                "properties": {"region": name},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": _polygons([arc for of, arc in arcs if of == number], shapes),
                },
            }
            for number, name in enumerate(areas.names)
        ],
    }


def _outside(inside: Points) -> Points:
    """Lay a grid over all that is far from the points, but for small patches that are enclosed."""
    low, high = inside.min(axis=0) - 5 * REACH, inside.max(axis=0) + 5 * REACH
    columns, rows = (np.arange(low[axis], high[axis], GRID) for axis in (0, 1))
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    far = KDTree(inside).query(grid)[0] > REACH
    patches, _ = label(far)
    large = np.bincount(patches.ravel()) * GRID * GRID > LAKE
    large[0] = False
    return np.asarray(grid[large[patches]])


def _without_patches(diagram: Voronoi, owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each small patch of a region to the one that it borders most."""
    size = _areas(diagram)
    pairs = diagram.ridge_points
    patch = _patches(owner, pairs)
    area = np.bincount(patch, size)
    small = (area[patch] < SMALLEST) & (owner != OUTSIDE)
    around: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs[patch[pairs[:, 0]] != patch[pairs[:, 1]]].tolist():
        around[patch[one]].append(owner[other])
        around[patch[other]].append(owner[one])
    given = owner.copy()
    for point in np.flatnonzero(small):
        near = [each for each in around[patch[point]] if each != OUTSIDE]
        # A small island borders nothing but sea, and stays.
        if near:
            given[point] = max(set(near), key=lambda each: (near.count(each), -each))
    return given


def _areas(diagram: Voronoi) -> NDArray[np.float64]:
    """The area of each point's cell; of cells without end, which are all outside, any."""
    size = np.zeros(len(diagram.points))
    for point, at in enumerate(diagram.point_region):
        corners = diagram.regions[at]
        if corners and OUTSIDE not in corners:
            size[point] = abs(_signed_area(diagram.vertices[corners]))
    return size


def _patches(owner: NDArray[np.int64], pairs: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the connected cells of one owner."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    same = pairs[owner[pairs[:, 0]] == owner[pairs[:, 1]]]
    links = coo_array((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(len(owner), len(owner)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _arcs(diagram: Voronoi, owner: NDArray[np.int64]) -> list[tuple[int, Arc]]:
    """Chain the edges between owners into arcs; each comes with the region on its left, so once a side."""
    steps: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for (one, other), (begin, end) in zip(diagram.ridge_points.tolist(), diagram.ridge_vertices, strict=True):
        if owner[one] == owner[other]:
            continue
        along = diagram.vertices[end] - diagram.vertices[begin]
        aside = diagram.points[one] - diagram.vertices[begin]
        left, right = (one, other) if along[0] * aside[1] > along[1] * aside[0] else (other, one)
        steps[owner[left], owner[right]][begin] = end
        steps[owner[right], owner[left]][end] = begin
    arcs = []
    for (left, right), following in sorted(steps.items()):
        if left > right:
            continue
        for arc in _chains(following):
            arcs += [(left, arc), (right, arc[::-1])]
    return [(region, arc) for region, arc in arcs if region != OUTSIDE]


def _chains(following: dict[int, int]) -> list[Arc]:
    """Follow each chain from a vertex that nothing leads to; what is then left are rings."""
    chains = []
    for begin in sorted(set(following) - set(following.values())):
        chain = [begin]
        while chain[-1] in following:
            chain.append(following.pop(chain[-1]))
        chains.append(tuple(chain))
    while following:
        begin = min(following)
        chain = [begin, following.pop(begin)]
        while chain[-1] != begin:
            chain.append(following.pop(chain[-1]))
        chains.append(tuple(chain))
    return chains


def _shape(diagram: Voronoi, arc: Arc) -> list[list[float]]:
    """Draw an arc, the very same from both its sides."""
    forth = min(arc, arc[::-1])
    drawn = _smooth(diagram.vertices[list(forth)])
    return drawn if forth == arc else drawn[::-1]


def _smooth(corners: Points) -> list[list[float]]:
    """Thin and round a border, its ends kept, and give it as longitudes and latitudes."""
    if len(corners) > 3 and np.array_equal(corners[0], corners[-1]):
        middle = len(corners) // 2
        kept = np.concatenate([_thin(corners[: middle + 1])[:-1], _thin(corners[middle:])])
    else:
        kept = _thin(corners)
    for _ in range(2):
        cut = np.stack([0.75 * kept[:-1] + 0.25 * kept[1:], 0.25 * kept[:-1] + 0.75 * kept[1:]], axis=1)
        kept = np.concatenate([kept[:1], cut.reshape(-1, 2)[1:-1], kept[-1:]]) if len(kept) > 2 else kept
    kept = _thin(kept, TOLERANCE / 5)
    return np.round(kept / DEGREE / (SQUEEZE, 1), 4).tolist()  # type: ignore[no-any-return]


def _thin(corners: Points, tolerance: float = TOLERANCE) -> Points:
    """Leave out corners that lie near enough to the line without them (Douglas and Peucker, 1973)."""
    if len(corners) < 3:
        return corners
    begin, along = corners[0], corners[-1] - corners[0]
    length = np.hypot(*along)
    off = corners[1:-1] - begin
    away = np.abs(along[0] * off[:, 1] - along[1] * off[:, 0]) / length if length else np.hypot(*off.T)
    furthest = int(away.argmax()) + 1
    if away[furthest - 1] <= tolerance:
        return corners[[0, -1]]
    return np.concatenate(
        [_thin(corners[: furthest + 1], tolerance)[:-1], _thin(corners[furthest:], tolerance)]
    )


def _polygons(arcs: list[Arc], shapes: dict[Arc, list[list[float]]]) -> list[list[list[list[float]]]]:
    """Join the arcs of a region into rings, each outer ring with the holes in it; the largest first."""
    following = {arc[0]: arc for arc in arcs}
    rings = []
    while following:
        begin = min(following)
        ring: list[list[float]] = []
        at = begin
        while at in following:
            arc = following.pop(at)
            # The one shape of a border serves both its sides.
            ring += shapes[arc] if not ring else shapes[arc][1:]
            at = arc[-1]
        rings.append(ring)
    rings.sort(key=lambda ring: -_signed_area(np.array(ring)))
    outer = [[ring[::-1]] for ring in rings if _signed_area(np.array(ring)) > 0]
    for ring in rings:
        if _signed_area(np.array(ring)) < 0:
            next(each for each in outer[::-1] if _contains(each[0], ring[0])).append(ring[::-1])
    return outer


def _signed_area(ring: Points) -> float:
    """Positive where the ring runs counterclockwise."""
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _contains(ring: list[list[float]], point: list[float]) -> bool:
    """Whether a point lies in a ring, by the crossings of a ray from it to the east."""
    inside = False
    for (x, y), (next_x, next_y) in pairwise(ring):
        if (y > point[1]) != (next_y > point[1]):
            inside ^= point[0] < x + (point[1] - y) * (next_x - x) / (next_y - y)
    return inside


def main() -> None:
    """Build the outlines from the command line."""
    parser = argparse.ArgumentParser(description="Make outlines.geojson from the points of the postcodes")
    parser.add_argument("-o", "--output", type=Path, default=OUTLINES)
    output = parser.parse_args().output
    output.write_text(json.dumps(build(regions()), ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(f"{output}: {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
