"""The report of a run: one HTML page in Dutch that needs nothing but itself."""

from __future__ import annotations

import json
from functools import cache
from itertools import groupby
from typing import Any, Final

from api.pilot import charts
from api.pilot.charts import Chart
from api.pilot.findings import compared, day, dimension, findings, margin, number, percent
from api.pilot.reach import ELSEWHERE

Row = dict[str, Any]

_TIGHT, _WIDE = 10, 5
"""How many of the tightest and of the widest occupations are shown."""

_DRAW: Final = """
const dutch = {decimal: ",", thousands: ".", grouping: [3], currency: ["€ ", ""]};
const quiet = {actions: false, tooltip: false, hover: false, defaultStyle: false};
for (const place of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  vegaEmbed(place, spec, {...quiet, renderer: "svg", formatLocale: dutch}).then(() => {
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    place.dataset.drawn = "yes";
  });
}
"""
"""Draws every chart; in SVG, so that colours follow the page."""

CONDITIONS: Final = {
    "area": "reisafstand",
    "hours": "uren per week",
    "contract": "soort contract",
    "irregular": "onregelmatig werk",
    "office_hours": "kantoortijden",
    "dates": "beschikbaarheid",
    "open": "sluitingsdatum",
    "licence": "rijbewijs",
    "language": "taal",
    "education_level": "opleidingsniveau",
}
"""What the conditions are called."""


def render(numbers: Row, timing: Row) -> str:
    """Give the page of a run, by its numbers and what they took."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("api.pilot"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "margin": margin, "day": day}
    made = _charts(numbers, timing)
    dimensions = {
        name: list(rows) for name, rows in groupby(numbers["fairness"], key=lambda row: row["dimension"])
    }
    page = environment.get_template("report.html.j2").render(
        **numbers,
        timing=timing,
        says=findings(numbers),
        dimensions=[(name, rows, dimension(rows)) for name, rows in dimensions.items()],
        charts=made,
        specs={name: _inlined(each.spec) for name, each in made.items()},
        scripts=_scripts(),
        scopes=charts.SCOPES,
        methods=charts.METHODS,
        groups=charts.GROUPS,
        conditions=CONDITIONS,
        matrix=_matrix(numbers["between"]),
        is_uneven=any(compared(rows) for rows in dimensions.values()),
        ends=_ends(numbers["occupations"]),
    )
    return page


def _charts(numbers: Row, timing: Row) -> dict[str, Chart]:
    """Every chart of the page that has something to show, by the id of its place."""
    about, quality = numbers["about"], numbers["quality"]
    minimum = about["minimum"]
    offering, seeking, _ = _matrix(numbers["between"])
    made: dict[str, Chart | None] = {
        "few-candidates": charts.shares(
            numbers["reach_vacancies"], "few", f"Vacatures met minder dan {about['few']} geschikte kandidaten"
        ),
        "no-vacancy": charts.shares(
            numbers["reach_jobseekers"], "none", "Werkzoekenden zonder passende vacature"
        ),
        "by-organisation": charts.own_and_all(
            numbers["vacancies_by_organisation"], "Geschikte kandidaten bij de middelste vacature"
        ),
        "between": charts.between(
            numbers["between"],
            offering,
            seeking,
            minimum,
            "Werkzoekenden van (kolom) die geschikt zijn voor een vacature van (rij)",
        ),
        "map": charts.region_map(
            numbers["regions"],
            about["region"],
            minimum,
            f"Werkzoekenden die geschikt zijn voor een vacature in {about['region']}",
        ),
        "skills": charts.bars(
            [{"name": row["skill"], "value": row["lacking"]} for row in numbers["skills"]],
            f"Kandidaten in een top {about['top']} die de gevraagde vaardigheid missen",
        ),
        "occupations": charts.bars(
            [{"name": row["group"], "value": 100 * row["tension"]} for row in _ends(numbers["occupations"])],
            "Vacatures op 100 werkzoekenden",
        ),
        "stages": charts.bars(
            [{"name": row["stage"], "value": row["seconds"]} for row in timing["stages"]], "Seconden"
        ),
    }
    for place, (_, rows) in enumerate(groupby(numbers["fairness"], key=lambda row: row["dimension"])):
        shown = [_whiskers(row["group"], row, "visible") for row in rows if row["jobseekers"] is not None]
        made[f"fair-{place}"] = charts.intervals(
            shown, "Aandeel in minstens één toplijst", spelt=".0%", most=1.0
        )
    if quality:
        made["quality"] = charts.intervals(
            [_whiskers(charts.METHODS[row["method"]], row, "ndcg") for row in quality["methods"]],
            f"nDCG@{quality['k']}, met marge",
            accent=charts.METHODS["koppel"],
        )
        made["ablation"] = charts.intervals(
            [_whiskers(f"zonder {charts.GROUPS[row['group']]}", row, "lost") for row in quality["ablation"]],
            f"Verlies aan nDCG@{quality['k']}, met marge",
            zero=True,
        )
    return {place: chart for place, chart in made.items() if chart}


def _ends(occupations: list[Row]) -> list[Row]:
    """The tightest occupations and the widest."""
    return occupations if len(occupations) <= _TIGHT + _WIDE else occupations[:_TIGHT] + occupations[-_WIDE:]


def _whiskers(name: str, row: Row, column: str) -> Row:
    return {"name": name, "value": row[column], "low": row[f"{column}_low"], "high": row[f"{column}_high"]}


def _matrix(table: list[Row]) -> tuple[list[str], list[str], dict[tuple[str, str], int | None]]:
    """Who has vacancies, whose jobseekers suit them, elsewhere last, and how many by both."""
    offering = sorted({row["vacancies_of"] for row in table})
    seeking = sorted({row["jobseekers_of"] for row in table}, key=lambda name: (name == ELSEWHERE, name))
    return (
        offering,
        seeking,
        {(row["vacancies_of"], row["jobseekers_of"]): row["jobseekers"] for row in table},
    )


@cache
def _scripts() -> str:
    from vl_convert import javascript_bundle

    return javascript_bundle(_DRAW).replace("</script", "<\\/script")


def _inlined(spec: Row) -> str:
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
