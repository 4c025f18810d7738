"""The charts of a report, as Vega-Lite that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from data.reference import outlines

INK, QUIET, LINE, ACCENT, PALE, EMPTY = (
    f"var(--{name})" for name in ("ink", "quiet", "line", "accent", "pale", "empty")
)
RAMP: Final = tuple(f"var(--ramp-{step})" for step in range(1, 6))
"""From few to many."""

SCOPES: Final = {
    "own": "eigen organisatie",
    "region": "+ eigen regio",
    "neighbours": "+ buurregio's",
    "all": "hele uitwisseling",
}
"""What is seen up to each ring of `RINGS`."""

METHODS: Final = {
    "koppel": "Koppel",
    "bm25": "Zoekmachine (BM25)",
    "tfidf": "Gelijkenis (tf-idf)",
    "occupation": "Zelfde beroepscode",
    "distance": "Dichtstbij eerst",
    "random": "Willekeurige volgorde",
}
"""What ranks, and what it is called."""

GROUPS: Final = {
    "occupation": "beroep",
    "skill": "vaardigheden",
    "education": "opleiding",
    "sector": "sector",
}
"""What the groups of features are called."""

_ROW: Final = 30
"""Height of a bar with what is around it, in pixels."""

_PLAIN: Final = ",~f"
"""How an amount is spelt: no more decimals than it takes."""

_FONT: Final = 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif'

_CONFIG: Final[dict[str, Any]] = {
    # What assistive technology reads is the label of the figure and the table beside it.
    "aria": False,
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": QUIET,
        "labelFontSize": 13,
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelPadding": 8,
    },
    "scale": {"bandPaddingInner": 0.35},
    "axisY": {"grid": False, "labelColor": INK},
}

_LABELS: Final = {"expr": "containerSize()[0] < 460 ? 140 : 230"}
"""How wide the names at the left may be: less on a narrow screen."""

_TICKS: Final = {"expr": "containerSize()[0] < 460 ? 3 : 5"}
"""About how many amounts the axis tells."""


@dataclass(frozen=True)
class Chart:
    """A chart, with what stands above it.

    Attributes
    ----------
    caption : what its length or place tells.
    spec : Vega-Lite, as wide as its place.
    legend : names and colours, where colours tell something.
    """

    caption: str
    spec: dict[str, Any]
    legend: tuple[tuple[str, str], ...] = ()


def _finished(
    chart: Any,
    caption: str,
    *,
    rows: int = 0,
    height: int = 0,
    legend: Sequence[tuple[str, str]] = (),
) -> Chart:
    """A chart that takes the width of its place, and the height of its rows or the one given."""
    sized = chart.properties(width="container", height=height or max(2, rows) * _ROW)
    return Chart(caption, sized.configure(**_CONFIG).to_dict(), tuple(legend))


def _data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _names(order: Sequence[str]) -> alt.Y:
    """Names from the top down."""
    return alt.Y("name:N", sort=list(order), axis=alt.Axis(title=None, labelLimit=_LABELS))


def _amounts(column: str, spelt: str = _PLAIN, most: float | None = None) -> alt.X:
    """Amounts to the right, from 0 on."""
    scale = alt.Scale() if most is None else alt.Scale(domain=[0, most])
    return alt.X(f"{column}:Q", scale=scale, axis=alt.Axis(title=None, format=spelt, tickCount=_TICKS))


def shares(table: Sequence[dict[str, Any]], column: str, caption: str) -> Chart:
    """Bars: a share with its interval, by what is seen; the last ring stands out."""
    rows = [
        {
            "name": SCOPES[row["scope"]],
            "value": row[column],
            "low": row[f"{column}_low"],
            "high": row[f"{column}_high"],
            "is_last": row["scope"] == "all",
        }
        for row in table
    ]
    base = alt.Chart(_data(rows)).encode(y=_names([row["name"] for row in rows]))
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        x=_amounts("value", ".0%", 1.0), color=_accented("is_last", PALE)
    )
    limits = base.encode(x=_amounts("low", ".0%", 1.0), x2="high:Q")
    halo = limits.mark_rule(strokeWidth=5, color="var(--page)")
    return _finished(bars + halo + limits.mark_rule(strokeWidth=1.5, color=INK), caption, rows=len(rows))


def _accented(flag: str, other: str) -> alt.Color:
    return alt.Color(f"{flag}:N", scale=alt.Scale(domain=[False, True], range=[other, ACCENT]), legend=None)


def own_and_all(table: Sequence[dict[str, Any]], caption: str) -> Chart:
    """Dumbbells: the median for each organisation, by itself and with all."""
    seen = {"own": (SCOPES["own"], QUIET), "all": (SCOPES["all"], ACCENT)}
    order = [row["organisation"] for row in table]
    rows = [
        {"name": row["organisation"], "seen": name, "value": row[f"median_{key}"]}
        for row in table
        for key, (name, _) in seen.items()
    ]
    base = alt.Chart(_data(rows)).encode(y=_names(order), x=_amounts("value"))
    lines = base.mark_line(strokeWidth=2).encode(detail="name:N", color=alt.value(PALE))
    names, colours = zip(*seen.values(), strict=True)
    colour = alt.Color("seen:N", scale=alt.Scale(domain=list(names), range=list(colours)), legend=None)
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(color=colour)
    return _finished(lines + dots, caption, rows=len(order), legend=list(seen.values()))


def classes(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Divide counts, 1 or more, in up to five classes of about as many: the lowest and highest of each."""
    ordered = sorted({count for count in counts if count > 0})
    if not ordered:
        return []
    n = min(len(RAMP), len(ordered))
    cuts = [ordered[place * len(ordered) // n] for place in range(n)]
    ends = [*(cut - 1 for cut in cuts[1:]), ordered[-1]]
    return list(zip(cuts, ends, strict=True))


def _classed(
    rows: Sequence[dict[str, Any]], minimum: int
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The rows with the class that their count is in, and the classes with their colours, fewest first."""
    ranges = classes([row["count"] for row in rows if row["count"] is not None])
    names = [_range(low, high) for low, high in ranges]
    few, none = f"minder dan {minimum}", "geen"

    def class_of(count: int | None) -> str:
        if count is None:
            return few
        if count == 0:
            return none
        return next(name for name, (_, high) in zip(names, ranges, strict=True) if count <= high)

    classed = [{**row, "class": class_of(row["count"])} for row in rows]
    there = {row["class"] for row in classed}
    colours = [(none, EMPTY), (few, LINE), *zip(names, RAMP[len(RAMP) - len(names) :], strict=True)]
    return classed, [(name, colour) for name, colour in colours if name in there]


def _by_class(path: str, classes: Sequence[tuple[str, str]]) -> alt.Color:
    names, colours = zip(*classes, strict=True)
    return alt.Color(f"{path}:N", scale=alt.Scale(domain=list(names), range=list(colours)), legend=None)


def _range(low: int, high: int) -> str:
    spelt = [f"{each:,}".replace(",", ".") for each in dict.fromkeys((low, high))]
    return "–".join(spelt)


def between(
    table: Sequence[dict[str, Any]],
    vacancies_of: Sequence[str],
    jobseekers_of: Sequence[str],
    minimum: int,
    caption: str,
) -> Chart | None:
    """Squares: how many jobseekers of each organisation suit vacancies of each; None without any."""
    if not table:
        return None
    known = {(row["vacancies_of"], row["jobseekers_of"]): row["jobseekers"] for row in table}
    rows, legend = _classed(
        [
            {"name": one, "other": other, "count": known.get((one, other), 0)}
            for one in vacancies_of
            for other in jobseekers_of
        ],
        minimum,
    )
    axis = alt.Axis(title=None, labelAngle=-40, labelLimit=150, orient="top", labelColor=INK)
    chart = (
        alt.Chart(_data(rows))
        .mark_rect(cornerRadius=2, stroke="var(--page)", strokeWidth=2)
        .encode(
            x=alt.X("other:N", sort=list(jobseekers_of), scale=alt.Scale(paddingInner=0), axis=axis),
            y=_names(vacancies_of).scale(paddingInner=0),
            color=_by_class("class", legend),
        )
    )
    return _finished(chart, caption, rows=len(vacancies_of), legend=legend)


def region_map(table: Sequence[dict[str, Any]], home: str, minimum: int, caption: str) -> Chart:
    """A map of the regions, by how many of their jobseekers suit vacancies in the home region."""
    rows, legend = _classed([{"region": row["region"], "count": row["jobseekers"]} for row in table], minimum)
    class_of = {row["region"]: row["class"] for row in rows}
    shapes = outlines()["features"]
    for shape in shapes:
        name = shape["properties"]["region"]
        shape["properties"] = {"class": class_of[name], "is_home": name == home}
    base = alt.Chart(_data(shapes))
    regions = base.mark_geoshape(stroke="var(--page)", strokeWidth=1).encode(
        color=_by_class("properties.class", legend)
    )
    outline = base.transform_filter("datum.properties.is_home").mark_geoshape(
        filled=False, stroke=INK, strokeWidth=2.5
    )
    return _finished((regions + outline).project(type="mercator"), caption, height=460, legend=legend)


def intervals(
    rows: Sequence[dict[str, Any]],
    caption: str,
    *,
    spelt: str = _PLAIN,
    most: float | None = None,
    accent: str | None = None,
    zero: bool = False,
) -> Chart | None:
    """Dots with whiskers: name, value, low and high of each row; one may stand out, and zero be marked.

    None without rows.
    """
    if not rows:
        return None
    told = [{**row, "is_accent": accent in (None, row["name"])} for row in rows]
    colour = _accented("is_accent", QUIET)
    base = alt.Chart(_data(told)).encode(y=_names([row["name"] for row in rows]), color=colour)
    whiskers = base.mark_rule(strokeWidth=2).encode(x=_amounts("low", spelt, most), x2="high:Q")
    dots = base.mark_point(filled=True, size=100, opacity=1).encode(x=_amounts("value", spelt, most))
    chart = whiskers + dots
    if zero:
        line = alt.Chart(_data([{"value": 0}])).mark_rule(color=QUIET, strokeDash=[4, 3])
        chart = line.encode(x=_amounts("value", spelt, most)) + chart
    return _finished(chart, caption, rows=len(rows))


def bars(rows: Sequence[dict[str, Any]], caption: str) -> Chart | None:
    """Bars: name and value of each row; None without rows."""
    if not rows:
        return None
    base = alt.Chart(_data(rows)).mark_bar(cornerRadiusEnd=2, color=ACCENT)
    chart = base.encode(x=_amounts("value"), y=_names([row["name"] for row in rows]))
    return _finished(chart, caption, rows=len(rows))
