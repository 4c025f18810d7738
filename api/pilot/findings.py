"""What the numbers of a run say, in plain Dutch sentences."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Any

from api.pilot.charts import GROUPS, METHODS
from api.pilot.reach import ELSEWHERE

Row = dict[str, Any]

_MONTHS = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)

_SAYS_NOTHING = ("niet opgegeven", "niet van toepassing")
"""Groups that are told, but not compared: nobody knows who is in them."""


def percent(share: float | None) -> str:
    """Spell a share, 0..1, as "12%"; "–" where there is none."""
    return "–" if share is None else f"{100 * share:.0f}%"


def number(value: float | None, decimals: int = 0) -> str:
    """Spell a number the Dutch way, "1.234,5"; "–" where there is none."""
    if value is None:
        return "–"
    # Adding 0 leaves no minus before a zero.
    return f"{round(value, decimals) + 0:,.{decimals}f}".translate(str.maketrans(",.-", ".,−"))


def day(written: str) -> str:
    """Spell a date, "2026-09-01", as "1 september 2026"."""
    found = date.fromisoformat(written)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def margin(row: Row, name: str, decimals: int | None = None) -> str:
    """Spell the interval around a column of a row, as "10–14%", or as numbers with so many decimals."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low is None:
        return "–"
    if decimals is None:
        return f"{100 * low:.0f}–{100 * high:.0f}%"
    return f"{number(low, decimals)} – {number(high, decimals)}"


def findings(numbers: Row) -> dict[str, str]:
    """Give a sentence, or a few, for each part of a report."""
    about = numbers["about"]
    told = {
        "vacancies": _vacancies(numbers, about),
        "jobseekers": _jobseekers(numbers, about),
        "organisations": _organisations(numbers["vacancies_by_organisation"], about),
        "between": _between(numbers["between"]),
        "regions": _regions(numbers["regions"], about),
        "visibility": _visibility(numbers["visibility"], about),
        "skills": _skills(numbers["skills"], about),
        "occupations": _occupations(numbers["occupations"]),
    }
    if numbers["quality"]:
        told["quality"] = _quality(numbers["quality"])
        told["ablation"] = _ablation(numbers["quality"]["ablation"])
    return told


def _vacancies(numbers: Row, about: Row) -> str:
    own, *_, every = numbers["reach_vacancies"]
    return (
        f"Van de {number(about['region_vacancies'])} vacatures in {about['region']} heeft "
        f"{percent(own['few'])} minder dan {about['few']} geschikte kandidaten bij de eigen organisatie. "
        f"Ziet de organisatie de hele uitwisseling, dan is dat {percent(every['few'])}. De middelste "
        "vacature gaat van "
        f"{number(own['median'])} naar {number(every['median'])} geschikte kandidaten."
    )


def _jobseekers(numbers: Row, about: Row) -> str:
    own, *_, every = numbers["reach_jobseekers"]
    return (
        f"Van de {number(about['region_profiles'])} werkzoekenden in {about['region']} heeft "
        f"{percent(own['none'])} geen enkele passende vacature bij de eigen organisatie. Met de hele "
        f"uitwisseling is dat {percent(every['none'])}. Gemiddeld gaat een werkzoekende van "
        f"{number(own['mean'], 1)} naar {number(every['mean'], 1)} passende vacatures."
    )


def _organisations(table: list[Row], about: Row) -> str:
    enough = about["minimum"]
    table = [row for row in table if row["records"] >= enough]
    if not table:
        return f"Geen organisatie heeft {enough} of meer vacatures in deze regio."
    most = max(table, key=lambda row: row["median_all"] - row["median_own"])
    least = min(table, key=lambda row: row["median_all"] - row["median_own"])
    return (
        f"Van de organisaties met minstens {enough} vacatures wint {most['organisation']} het meest: de "
        f"middelste vacature gaat van {number(most['median_own'])} naar {number(most['median_all'])} "
        f"geschikte kandidaten. {least['organisation']} wint het minst: van {number(least['median_own'])} "
        f"naar {number(least['median_all'])}."
    )


def _between(table: list[Row]) -> str:
    known = [row for row in table if row["jobseekers"] and row["jobseekers_of"] != ELSEWHERE]
    crossing = [row for row in known if row["vacancies_of"] != row["jobseekers_of"]]
    if not crossing:
        return "Tussen de organisaties in de regio is geen stroom groot genoeg om te tonen."
    most = max(crossing, key=lambda row: row["jobseekers"])
    return (
        f"De grootste stroom tussen twee organisaties: {number(most['jobseekers'])} werkzoekenden van "
        f"{most['jobseekers_of']} zijn geschikt voor een vacature van {most['vacancies_of']}."
    )


def _regions(table: list[Row], about: Row) -> str:
    known = [row for row in table if row["jobseekers"]]
    home = sum(row["jobseekers"] for row in known if row["region"] == about["region"])
    outside = sorted(
        (row for row in known if row["region"] != about["region"]), key=lambda row: -row["jobseekers"]
    )
    total = home + sum(row["jobseekers"] for row in outside)
    if not outside:
        return "Geen andere regio heeft genoeg geschikte werkzoekenden om te tonen."
    most = " en ".join(f"{row['region']} ({number(row['jobseekers'])})" for row in outside[:2])
    return (
        f"{number(total)} werkzoekenden zijn geschikt voor minstens één vacature in {about['region']}; "
        f"{percent(1 - home / total)} van hen woont buiten de regio. De meesten komen uit {most}."
    )


def _visibility(table: Row, about: Row) -> str:
    return (
        f"{percent(table['visible'])} van de werkzoekenden in de regio staat in minstens één toplijst van "
        f"{about['top']}. De tien procent die het vaakst getoond wordt, bezet "
        f"{percent(table['top_tenth'])} van hun plaatsen."
    )


def compared(rows: list[Row]) -> tuple[Row, Row] | None:
    """Give the two groups of a dimension that differ most beyond their margins, the least visible first."""
    known = [row for row in rows if row["jobseekers"] is not None and row["group"] not in _SAYS_NOTHING]
    apart = []
    for pair in combinations(known, 2):
        low, high = sorted(pair, key=lambda row: row["visible"])
        if low["visible_high"] < high["visible_low"]:
            apart.append((low, high))
    return max(apart, key=lambda pair: pair[1]["visible"] - pair[0]["visible"], default=None)


def dimension(rows: list[Row]) -> str:
    """Say how groups of one dimension differ."""
    pair = compared(rows)
    if pair is None:
        return "Geen verschil tussen deze groepen is groter dan de marges: het kan toeval zijn."
    low, high = pair
    told = (
        f"Van de groep ‘{low['group']}’ staat {percent(low['visible'])} in een toplijst, van de groep "
        f"‘{high['group']}’ {percent(high['visible'])}. De marges overlappen niet."
    )
    if low["suitable"] < high["suitable"]:
        return told + (
            f" Van de eerste groep is ook een kleiner deel geschikt voor een vacature in de regio: "
            f"{percent(low['suitable'])} tegen {percent(high['suitable'])}."
        )
    return told + (
        f" Dat komt niet doordat minder van hen geschikt zijn: {percent(low['suitable'])} tegen "
        f"{percent(high['suitable'])}."
    )


def _skills(table: list[Row], about: Row) -> str:
    if not table:
        return "In de toplijsten ontbreekt geen gevraagde vaardigheid."
    first = table[0]
    told = (
        f"‘{first['skill']}’ ontbreekt het vaakst: waar deze vaardigheid gevraagd wordt, heeft "
        f"{percent(first['share'])} van de kandidaten in de top {about['top']} haar niet, en ook geen "
        "verwante."
    )
    lifted = [row for row in table if row["jobseekers"]]
    if lifted:
        most = max(lifted, key=lambda row: row["jobseekers"])
        told += (
            f" ‘{most['skill']}’ is de kleinste stap voor de meeste mensen: {number(most['jobseekers'])} "
            "werkzoekenden zouden er alleen al mee geschikt worden voor een vacature."
        )
    return told


def _occupations(table: list[Row]) -> str:
    if not table:
        return "Geen beroepsgroep is groot genoeg om te tonen."
    tight, wide = table[0], table[-1]
    return (
        f"De krapste beroepsgroep is ‘{tight['group']}’: {number(100 * tight['tension'])} vacatures op 100 "
        f"werkzoekenden. De ruimste is ‘{wide['group']}’: {number(100 * wide['tension'])} op 100."
    )


def _quality(quality: Row) -> str:
    koppel, *others = quality["methods"]
    best = max(others, key=lambda row: row["ndcg"])
    told = (
        f"De rangorde van Koppel scoort {number(koppel['ndcg'], 2)} (marge {margin(koppel, 'ndcg', 2)}) "
        f"op een schaal van 0 tot 1. De beste eenvoudige methode, {METHODS[best['method']]}, scoort "
        f"{number(best['ndcg'], 2)} ({margin(best, 'ndcg', 2)}). "
    )
    ahead = [row for row in others if row["ndcg_high"] < koppel["ndcg_low"]]
    if len(ahead) == len(others):
        return told + "Geen marge van een andere methode overlapt met die van Koppel."
    behind = [METHODS[row["method"]] for row in others if row["ndcg_low"] > koppel["ndcg_high"]]
    if behind:
        return told + f"Beter dan Koppel, buiten de marges: {', '.join(behind)}."
    level = [METHODS[row["method"]] for row in others if row not in ahead]
    return told + f"De marge overlapt met die van: {', '.join(level)}. Dat verschil kan toeval zijn."


def _ablation(table: list[Row]) -> str:
    most = max(table, key=lambda row: row["lost"])
    unsure = [GROUPS[row["group"]] for row in table if row["lost_low"] <= 0 <= row["lost_high"]]
    told = f"Zonder {GROUPS[most['group']]} verliest de rangorde het meest: {number(most['lost'], 3)} punt."
    if unsure:
        told += f" Van {' en '.join(unsure)} is niet aangetoond dat het weglaten iets uitmaakt."
    harmful = [GROUPS[row["group"]] for row in table if row["lost_high"] < 0]
    if harmful:
        told += f" Zonder {' en '.join(harmful)} wordt de rangorde beter."
    return told
