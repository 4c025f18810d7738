"""What a selection question means, spelt out record by record on plain JSON: the oracle of `engine.select`.

Written from the contract, without the parser, the columns and numpy, so that it shares no mistake with them.
The question is taken to be valid.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from data.reference import postcodes

Json = Mapping[str, Any]

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, operand: bool(value == operand),
    "$gte": lambda value, operand: bool(value >= operand),
    "$lte": lambda value, operand: bool(value <= operand),
    "$lt": lambda value, operand: bool(value < operand),
}

# Path in the question -> path in the record, operator. Dates and levels compare as the texts that they are.
SCALARS = {
    "werkzoekende": {
        "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": (
            "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst",
            "$eq",
        ),
        "datumAanvangBeschikbaarVoorWerk": ("flexibiliteit.datumAanvangBeschikbaarVoorWerk", "$lte"),
        "werktijden.indicatieKantoortijden": ("werktijden.indicatieKantoortijden", "$eq"),
        "werktijden.aantalWerkurenPerWeekMaximaal": ("werktijden.aantalWerkurenPerWeekMaximaal", "$gte"),
        "werktijden.aantalWerkurenPerWeekMinimaal": ("werktijden.aantalWerkurenPerWeekMinimaal", "$lte"),
    },
    "vacature": {
        "beroep.codeBeroepsnaam": ("beroep.codeBeroepsnaam", "$eq"),
        "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": (
            "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst",
            "$eq",
        ),
        "datumAanvangWerkzaamheden": ("arbeidsVoorwaarden.datumAanvangWerkzaamheden", "$gte"),
        "werktijden.aantalWerkurenPerWeekMaximaal": ("werktijden.aantalWerkurenPerWeekMaximaal", "$gte"),
        "werktijden.aantalWerkurenPerWeekMinimaal": ("werktijden.aantalWerkurenPerWeekMinimaal", "$lte"),
    },
}

OCCUPATION = {
    "codeBeroepsnaam": ("codeBeroepsnaam", "$eq"),
    "beroep.codeBeroepsnaam": ("codeBeroepsnaam", "$eq"),
}
CONTRACT = {"codeTypeArbeidscontract": ("codeTypeArbeidscontract", "$eq")}
LICENCE = {"codeSoortRijbewijs": ("codeSoortRijbewijs", "$eq")}
LANGUAGE = {
    "codeTaal": ("codeTaal", "$eq"),
    "codeNiveauTaalbeheersingMondeling": ("codeNiveauTaalbeheersingMondeling", "$gte"),
    "codeNiveauTaalbeheersingSchriftelijk": ("codeNiveauTaalbeheersingSchriftelijk", "$gte"),
}

POSTCODE = {"werkzoekende": "mobiliteit.bemiddelingspostcode", "vacature": "adres.postcode"}
ID = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}
QUALIFICATION = {"werkzoekende": "arbeidsmarktkwalificatie.", "vacature": ""}


def plain_select(question: Json, side: str, records: Iterable[Json], as_of: date) -> list[tuple[int, str]]:
    """Squared metres and id of every record that satisfies a bare vraagObject, nearest first, then by id."""
    area = question["selectiegebied"]
    answers = []
    for record in records:
        squared = squared_metres(area["postcode"], look(record, POSTCODE[side]))
        limit = look(record, "mobiliteit.maximaleReisafstand") if side == "werkzoekende" else None
        reach = area["afstand"] if limit is None else min(area["afstand"], limit)
        if (
            squared is not None
            and squared <= (1000 * reach) ** 2
            and is_open(record, as_of)
            and satisfies(question, side, record)
        ):
            answers.append((squared, record[ID[side]]))
    return sorted(answers)


def squared_metres(one: str, other: str | None) -> int | None:
    if other is None or one[:4] not in places() or other[:4] not in places():
        return None
    (x, y), (other_x, other_y) = places()[one[:4]], places()[other[:4]]
    return int((x - other_x) ** 2 + (y - other_y) ** 2)


@cache
def places() -> Mapping[str, tuple[int, int]]:
    rows = postcodes().table.select("pc4", "x", "y").iter_rows()
    return {f"{pc4:04d}": (x, y) for pc4, x, y in rows}


def is_open(record: Json, as_of: date) -> bool:
    closing = look(record, "sluitingsdatumVacature")
    return closing is None or date.fromisoformat(closing) >= as_of


def satisfies(question: Json, side: str, record: Json) -> bool:
    """Whether a record satisfies every criterion of a question but the area."""
    level = question.get("codeWerkEnDenkniveauMinimaal") if side == "vacature" else None
    prefix = QUALIFICATION[side]
    return (
        holds(conditions(question, SCALARS[side]), record)
        and (side == "vacature" or one_alternative(question, "bemiddelingsberoep", OCCUPATION, record))
        and (side == "vacature" or one_alternative(question, "contractvorm", CONTRACT, record))
        and every_element(question, prefix + "rijbewijs", LICENCE, record)
        and every_element(question, prefix + "taalbeheersing", LANGUAGE, record)
        and (level is None or level_holds(level, look(record, "codeWerkEnDenkniveauMinimaal")))
    )


def look(record: Any, path: str) -> Any:
    """The value at a path, None where it is absent or empty."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return None if record in ("", [], {}) else record


def conditions(criteria: Json, known: Mapping[str, tuple[str, str]]) -> list[tuple[str, str, Any]]:
    """Path in the record, operator and operand of whatever in the criteria has an effect."""
    return [
        (*known[path], criterion[known[path][1]])
        for path, criterion in criteria.items()
        if path in known and known[path][1] in criterion
    ]


def holds(wanted: Sequence[tuple[str, str, Any]], record: Json) -> bool:
    found = [(look(record, path), operator, operand) for path, operator, operand in wanted]
    return all(value is not None and COMPARE[operator](value, operand) for value, operator, operand in found)


def one_alternative(question: Json, path: str, known: Mapping[str, tuple[str, str]], record: Json) -> bool:
    alternatives = question.get(path, {}).get("$elemMatch", {}).get("$or", [])
    wanted = [found for found in (conditions(alternative, known) for alternative in alternatives) if found]
    elements = look(record, path) or []
    return not wanted or any(holds(alternative, element) for alternative in wanted for element in elements)


def every_element(question: Json, path: str, known: Mapping[str, tuple[str, str]], record: Json) -> bool:
    asked = [element.get("$elemMatch", {}) for element in question.get(path, {}).get("$all", [])]
    elements = look(record, path) or []
    wanted = [found for found in (conditions(criteria, known) for criteria in asked) if found]
    return all(any(holds(element, mine) for mine in elements) for element in wanted)


def level_holds(criterion: Json, level: str | None) -> bool:
    if "$lt" in criterion:
        return level is not None and criterion.get("$gte", "0") <= level < criterion["$lt"]
    return "$eq" not in criterion or level == criterion["$eq"]
