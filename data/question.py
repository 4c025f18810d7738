"""The selection question (vraagObject) of the VUM contracts 3.0.0, read into plain criteria.

A question is a conjunction of criteria in MongoDB's spelling over dotted paths of the record. What the
contract allows but gives no meaning (an unknown path, another operator than that of a path) has no effect; it
is listed, because a slip of the pen silently widens the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, Field, ValidationError

from data.errors import FileError, QuestionError
from data.files import decoded, read_pieces
from data.standard import MPVacature, MPWerkzoekende, Side
from data.standard.faults import faults
from data.standard.fields import URI, Omittable
from data.standard.questions import (
    All,
    BeroepCriterium,
    ElemMatch,
    Eq,
    Gte,
    Lte,
    NiveauOnbekend,
    NiveauVanaf,
    Or,
    RijbewijsCriterium,
    TaalCriterium,
)

__all__ = ["LanguageCriterion", "Question", "load_questions", "parse_question", "vraag_object"]

T = TypeVar("T")


@dataclass(frozen=True)
class LanguageCriterion:
    """One language that is asked for; a single element of `taalbeheersing` must satisfy all of it.

    Attributes
    ----------
    code : ISO 639-3, three letters a-z; None where the question names no language, so that any one will do.
    oral, written : lowest codeNiveauTaalbeheersingMondeling and -Schriftelijk, 2..4, compared as plain
        numbers; None where the level does not matter.
    """

    code: str | None
    oral: int | None = None
    written: int | None = None


@dataclass(frozen=True)
class Question:
    """The criteria of a selection question. None, or an empty collection, stands for what is not asked.

    Attributes
    ----------
    side : which records are asked for.
    postcode : centre of the area, as it was spelt: four digits and two letters of either case.
    afstand : radius of the area, 0..999 km.
    occupations : exact codes, of which a record must have one; an empty set lets no record through.
    contract_types : "O" and "B", of which a record must have one (profiles).
    irregular, office_hours : 1 yes, 2 no; office_hours for profiles.
    licences : codeSoortRijbewijs, all of which a record must have.
    languages : criteria, all of which a record must satisfy, by the same element or by several.
    start : profiles are available on or before this day, the work of vacancies begins on or after it.
    hours_max_at_least, hours_min_at_most : hours a week, 1..99.
    level_at_least : 0..6, a codeWerkEnDenkniveauMinimaal from here up and below 7 (vacancies).
    level_equal : 7 (vacancies).
    ignored : dotted paths of everything in the question that has no effect, sorted. A path ends with the
        operator where that is what is unknown; `[n]` is the element n, from 0, of a list.
    """

    side: Side
    postcode: str
    afstand: int
    occupations: frozenset[str] | None = None
    contract_types: frozenset[str] | None = None
    irregular: int | None = None
    office_hours: int | None = None
    licences: frozenset[str] = frozenset()
    languages: tuple[LanguageCriterion, ...] = ()
    start: date | None = None
    hours_max_at_least: int | None = None
    hours_min_at_most: int | None = None
    level_at_least: int | None = None
    level_equal: int | None = None
    ignored: tuple[str, ...] = ()


class _Beroep(BeroepCriterium):
    """An alternative that may also name the occupation by the path of the records: both are in use."""

    as_in_records: Omittable[Eq[URI]] = Field(default=None, alias="codeBeroepsnaam")


class _MPWerkzoekende(MPWerkzoekende):
    bemiddelingsberoep: Omittable[ElemMatch[Or[list[_Beroep]]]] = None  # type: ignore[assignment]


def load_questions(path: Path, side: Side) -> list[Question]:
    """Read a JSON file (UTF-8; packed where its name ends in .gz or .zst) of one question or a list of them.

    Returns
    -------
    A Question for each, in the order of the file.

    Raises
    ------
    FileError : the file is missing, empty, not UTF-8 or not JSON, or an object in it names a property twice.
    QuestionError : one of the questions breaks the contract.
    """
    document = _read_json(path)
    if isinstance(document, list):
        return [
            parse_question(item, side, subject=f"{path}, question {number}")
            for number, item in enumerate(document, start=1)
        ]
    return [parse_question(document, side, subject=str(path))]


def parse_question(document: object, side: Side, *, subject: str = "question") -> Question:
    """Check a question against the contract and give its criteria.

    Parameters
    ----------
    document : parsed JSON: `{"vraagObject": {...}}` or the vraagObject alone.
    side : which records it asks for; the criteria of profiles and of vacancies differ.
    subject : what an error calls the question.

    Raises
    ------
    QuestionError : with `missing` where a required property is absent (contract code 400.02), without where
        the structure or an operand is wrong (400.01). Its subject ends with the JSON path of the fault.
    """
    model = _MPWerkzoekende if side == "werkzoekende" else MPVacature
    root, vraag_object, beside = _unwrapped(document, side, model, subject)
    try:
        asked = model.model_validate(vraag_object)
    except ValidationError as error:
        fault = faults(error)[0]
        raise QuestionError(
            f"{subject}, {root}{fault.path.removeprefix('$')}",
            fault.found,
            fault.allowed,
            "Add it." if fault.missing else "Mend it.",
            fault.missing,
        ) from None
    question = Question(
        side=side,
        postcode=asked.selectiegebied.postcode,
        afstand=asked.selectiegebied.afstand,
        irregular=_eq(asked.indicatieOnregelmatigWerkOfPloegendienst),
        licences=_licences(asked.rijbewijs),
        languages=_languages(asked.taalbeheersing),
        hours_max_at_least=_gte(asked.aantalWerkurenPerWeekMaximaal),
        hours_min_at_most=_lte(asked.aantalWerkurenPerWeekMinimaal),
        ignored=tuple(sorted([*beside, *_without_effect(asked, "")])),
    )
    if isinstance(asked, MPVacature):
        level_at_least, level_equal = _level(asked.codeWerkEnDenkniveauMinimaal)
        return replace(
            question,
            occupations=_one_of([{_eq(asked.codeBeroepsnaam)}]),
            start=_day(_gte(asked.datumAanvangWerkzaamheden)),
            level_at_least=level_at_least,
            level_equal=level_equal,
        )
    return replace(
        question,
        occupations=_one_of(
            [
                {_eq(alternative.codeBeroepsnaam), _eq(alternative.as_in_records)}
                for alternative in _alternatives(asked.bemiddelingsberoep)
            ]
        ),
        contract_types=_one_of(
            [{_eq(alternative.codeTypeArbeidscontract)} for alternative in _alternatives(asked.contractvorm)]
        ),
        office_hours=_eq(asked.indicatieKantoortijden),
        start=_day(_lte(asked.datumAanvangBeschikbaarVoorWerk)),
    )


def vraag_object(question: Question) -> dict[str, Any]:
    """Spell a question as the contract does, without what has no effect: `parse_question` gives it again.

    Occupations that let no record through come back as an occupation without a code, which no record has.
    """
    profiles = question.side == "werkzoekende"
    qualification = "arbeidsmarktkwalificatie." if profiles else ""
    start = "datumAanvangBeschikbaarVoorWerk" if profiles else "datumAanvangWerkzaamheden"
    asked: dict[str, Any] = {
        "selectiegebied": {"postcode": question.postcode, "afstand": question.afstand},
        "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": _operator("$eq", question.irregular),
        "werktijden.indicatieKantoortijden": _operator("$eq", question.office_hours),
        "werktijden.aantalWerkurenPerWeekMaximaal": _operator("$gte", question.hours_max_at_least),
        "werktijden.aantalWerkurenPerWeekMinimaal": _operator("$lte", question.hours_min_at_most),
        start: _operator("$lte" if profiles else "$gte", question.start and question.start.isoformat()),
    }
    if question.licences:
        codes = sorted(question.licences)
        asked[f"{qualification}rijbewijs"] = _all([{"codeSoortRijbewijs": {"$eq": code}} for code in codes])
    if question.languages:
        asked[f"{qualification}taalbeheersing"] = _all([_spelt(each) for each in question.languages])
    if question.contract_types is not None:
        codes = sorted(question.contract_types)
        asked["contractvorm"] = _any([{"codeTypeArbeidscontract": {"$eq": code}} for code in codes])
    if question.occupations is not None:
        codes = sorted(question.occupations) or [""]
        asked |= (
            {"bemiddelingsberoep": _any([{"beroep.codeBeroepsnaam": {"$eq": code}} for code in codes])}
            if profiles
            else {"beroep.codeBeroepsnaam": {"$eq": codes[0]}}
        )
    if question.level_at_least is not None:
        least = {"$gte": str(question.level_at_least)} if question.level_at_least else {}
        asked["codeWerkEnDenkniveauMinimaal"] = {**least, "$lt": "7"}
    if question.level_equal is not None:
        asked["codeWerkEnDenkniveauMinimaal"] = {"$eq": str(question.level_equal)}
    return {path: criterion for path, criterion in asked.items() if criterion is not None}


def _operator(name: str, operand: object) -> dict[str, Any] | None:
    return None if operand is None else {name: operand}


def _any(alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$elemMatch": {"$or": alternatives}}


def _all(matches: list[dict[str, Any]]) -> dict[str, Any]:
    return {"$all": [{"$elemMatch": match} for match in matches]}


def _spelt(language: LanguageCriterion) -> dict[str, Any]:
    spelt = {
        "codeTaal": _operator("$eq", language.code) or {},
        "codeNiveauTaalbeheersingMondeling": _operator("$gte", language.oral),
        "codeNiveauTaalbeheersingSchriftelijk": _operator("$gte", language.written),
    }
    return {name: criterion for name, criterion in spelt.items() if criterion is not None}


def _unwrapped(
    document: object, side: Side, model: type[BaseModel], subject: str
) -> tuple[str, object, list[str]]:
    """Give the JSON path of the vraagObject, the vraagObject, and the names of what stands beside it."""
    if not isinstance(document, dict):
        raise QuestionError(f"{subject}, $", "no JSON object", "an object with vraagObject", "Mend it.")
    if "vraagObject" in document:
        beside = [_shown(name) for name in document if name != "vraagObject"]
        if beside and side == "werkzoekende":
            raise QuestionError(
                f"{subject}, $.{beside[0]}", "stands beside vraagObject", "vraagObject alone", "Remove it."
            )
        return "$.vraagObject", document["vraagObject"], beside
    if not document.keys() & {field.alias or name for name, field in model.model_fields.items()}:
        raise QuestionError(
            f"{subject}, $.vraagObject", "absent", "a value, which is required", "Add it.", missing=True
        )
    return "$", document, []


def _without_effect(part: object, path: str) -> Iterator[str]:
    """Yield the paths of what the contract does not know, and of objects and lists that hold nothing."""
    if isinstance(part, list):
        inner = {f"{path}[{number}]": element for number, element in enumerate(part)}
        unknown = []
    elif isinstance(part, BaseModel):
        known = {field.alias or name: getattr(part, name) for name, field in type(part).model_fields.items()}
        inner = {_join(path, name): value for name, value in known.items() if value is not None}
        unknown = [_join(path, name) for name in part.model_extra or ()]
    else:
        return
    yield from unknown
    if not inner and not unknown:
        yield path
    for place, value in inner.items():
        yield from _without_effect(value, place)


def _join(path: str, name: str) -> str:
    return f"{path}.{_shown(name)}" if path else _shown(name)


def _shown(name: str) -> str:
    """Give a name from outside such that it can't break a line, a terminal or a header."""
    return name if name.isascii() and name.isprintable() else ascii(name)[1:-1]


def _eq(criterion: Eq[T] | None) -> T | None:
    return None if criterion is None else criterion.eq


def _gte(criterion: Gte[T] | None) -> T | None:
    return None if criterion is None else criterion.gte


def _lte(criterion: Lte[T] | None) -> T | None:
    return None if criterion is None else criterion.lte


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _alternatives(criterion: ElemMatch[Or[list[T]]] | None) -> list[T]:
    match = None if criterion is None else criterion.elem_match
    return [] if match is None or match.any_of is None else match.any_of


def _one_of(alternatives: list[set[str | None]]) -> frozenset[str] | None:
    """Give the values that one of the alternatives lets through, None where none of them has an effect.

    An alternative of several values lets none through, since all of it must hold; one without a value is as
    if it were not written.
    """
    written = [{value for value in values if value is not None} for values in alternatives]
    allowed = [value for values in written if len(values) == 1 for value in values]
    return frozenset(allowed) if any(written) else None


def _matches(criterion: All[ElemMatch[T]] | None) -> list[T]:
    elements = [] if criterion is None or criterion.all_of is None else criterion.all_of
    return [element.elem_match for element in elements if element.elem_match is not None]


def _licences(criterion: All[ElemMatch[RijbewijsCriterium]] | None) -> frozenset[str]:
    codes = [_eq(match.codeSoortRijbewijs) for match in _matches(criterion)]
    return frozenset(code for code in codes if code is not None)


def _languages(criterion: All[ElemMatch[TaalCriterium]] | None) -> tuple[LanguageCriterion, ...]:
    languages = [
        LanguageCriterion(
            match.codeTaal.eq,
            _gte(match.codeNiveauTaalbeheersingMondeling),
            _gte(match.codeNiveauTaalbeheersingSchriftelijk),
        )
        for match in _matches(criterion)
    ]
    return tuple(language for language in languages if language != LanguageCriterion(None))


def _level(criterion: NiveauVanaf | NiveauOnbekend | None) -> tuple[int | None, int | None]:
    """Give the lowest level below 7, and the level that is asked exactly."""
    if isinstance(criterion, NiveauVanaf):
        return int(criterion.gte or 0), None
    equal = _eq(criterion)
    return None, None if equal is None else int(equal)


def _read_json(path: Path) -> object:
    text = decoded(b"".join(read_pieces(path)), path)
    if not text.strip():
        raise FileError(str(path), "empty", "a question, or a list of questions, as JSON", "Fill it in.")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        place = f"{path}, line {problem.lineno}, column {problem.colno}"
        raise FileError(place, f"not JSON: {problem.msg}", remedy="Mend the file.") from None
    except RecursionError:
        raise FileError(str(path), "nested too deep", remedy="Mend the file.") from None
    except ValueError as problem:
        raise FileError(str(path), f"not JSON: {problem}", remedy="Mend the file.") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object, where a property that stands twice would otherwise silently count once."""
    properties = dict(pairs)
    if len(properties) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"property {_shown(twice)} stands twice in one object")
    return properties


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")
