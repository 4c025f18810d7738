"""Selection: equal to the plain semantics of a question, and each rule of the contract by itself."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_select import ID, plain_select

from data.dataset import schema
from data.question import parse_question
from data.standard import Side, model_of
from engine.columns import Records, read_columns, sort_by_key
from engine.select import Selection, select

Json = dict[str, Any]

AS_OF = date(2026, 6, 1)
SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")


def records_of(side: Side, records: Sequence[Json]) -> Records:
    frame = pl.DataFrame(records, schema=dict(schema(side)))
    return read_columns(sort_by_key(frame, side), side, source="test")


def ids(selection: Selection, records: Records) -> list[str]:
    return [records.ids[row] for row in selection.rows]


# -- random questions and records

POSTCODES = ("6511AB", "6511zz", "6512CD", "6541AA", "6811AA", "5211AA", "1011AB", "9711kl", "0000AA")
"""Four in and near Nijmegen, two at 17 and 45 km, two far away, one that does not exist."""
OCCUPATIONS = ("urn:a", "urn:b", "urn:c", "URN:a")
LANGUAGES = ("nld", "eng", "ara")
LICENCES = ("A", "B", "B+", "BE", "C", "T")
DATES = ("2026-05-31", "2026-06-01", "2026-06-02", "2027-01-01", "0001-01-01", "9999-12-31")
LEVELS = ("0", "1", "2", "3", "4", "5", "6", "7")


def some(chance: random.Random, draw: Callable[[], Any], most: int = 3) -> list[Any]:
    return [draw() for _ in range(chance.randint(0, most))]


def object_of(chance: random.Random, often: float = 0.7, **draws: Callable[[], Any]) -> Json:
    """An object that has each property with this likelihood."""
    return {name: draw() for name, draw in draws.items() if chance.random() < often}


def random_record(chance: random.Random, side: Side, name: str) -> Json:
    def pick(values: Sequence[Any]) -> Callable[[], Any]:
        return lambda: chance.choice(values)

    def occupation() -> Json:
        return object_of(chance, 0.9, codeBeroepsnaam=pick((*OCCUPATIONS, "")))

    def language() -> Json:
        levels = {
            f"codeNiveauTaalbeheersing{skill}": pick((0, 1, 2, 3, 4, 8))
            for skill in ("Mondeling", "Schriftelijk", "Lezen", "Luisteren")
        }
        return object_of(chance, 0.8, codeTaal=pick(LANGUAGES)) | object_of(chance, 0.6, **levels)

    def licences() -> list[Json]:
        return some(chance, lambda: object_of(chance, 0.9, codeSoortRijbewijs=pick(LICENCES)), 5)

    def contracts() -> list[Json]:
        kinds = {"codeTypeArbeidscontract": pick("OB"), "codeTypeOvereenkomst": pick(("01", "02"))}
        return some(chance, lambda: object_of(chance, 0.6, **kinds), 2)

    def languages() -> list[Json]:
        return some(chance, language, 4)

    def hours() -> Json:
        return object_of(
            chance,
            aantalWerkurenPerWeekMinimaal=lambda: chance.randint(0, 40),
            aantalWerkurenPerWeekMaximaal=lambda: chance.randint(0, 40),
            indicatieKantoortijden=pick((0, 1, 2)),
        )

    limit = chance.choice(({}, {"maximaleReisafstand": chance.choice((0, 1, 10, 50, 999))}))
    if side == "werkzoekende":
        return {"idWerkzoekende": name} | object_of(
            chance,
            mobiliteit=lambda: {"bemiddelingspostcode": chance.choice(POSTCODES), **limit},
            bemiddelingsberoep=lambda: some(chance, occupation),
            contractvorm=contracts,
            arbeidsmarktkwalificatie=lambda: object_of(chance, taalbeheersing=languages, rijbewijs=licences),
            flexibiliteit=lambda: object_of(
                chance,
                datumAanvangBeschikbaarVoorWerk=pick(DATES),
                datumEindeBeschikbaarVoorWerk=pick(DATES),
                indicatieOnregelmatigWerkOfPloegendienst=pick((0, 1, 2)),
            ),
            werktijden=hours,
        )
    return {"idVacature": name} | object_of(
        chance,
        adres=lambda: {"postcode": chance.choice(POSTCODES)},
        beroep=occupation,
        codeWerkEnDenkniveauMinimaal=pick(LEVELS),
        taalbeheersing=languages,
        rijbewijs=licences,
        contractvorm=contracts,
        sluitingsdatumVacature=pick(DATES),
        flexibiliteit=lambda: object_of(
            chance,
            datumEindeBeschikbaarVoorWerk=pick(DATES),
            indicatieOnregelmatigWerkOfPloegendienst=pick((0, 1, 2)),
        ),
        arbeidsVoorwaarden=lambda: object_of(
            chance, datumAanvangWerkzaamheden=pick(DATES), datumEindeWerkzaamheden=pick(DATES)
        ),
        werktijden=hours,
    )


def random_question(chance: random.Random, side: Side) -> Json:
    """A valid vraagObject, one part in ten of which the contract does not know."""

    def operator(name: str, values: Sequence[Any]) -> Json:
        known = {name: chance.choice(values)}
        return chance.choice((known,) * 9 + ({"$ne": chance.choice(values)}, known | {"$in": []}, {}))

    def elements(draw: Callable[[], Json]) -> Json:
        listed = [
            chance.choice(({"$elemMatch": draw()},) * 12 + ({}, {"$not": draw()}))
            for _ in range(chance.randint(1, 2))
        ]
        return chance.choice(({"$all": listed},) * 12 + ({"$in": listed}, {}))

    def one_of(draw: Callable[[], Json], least: int) -> Json:
        listed = [draw() for _ in range(chance.randint(least, 3))]
        return chance.choice(
            ({"$elemMatch": {"$or": listed}},) * 12
            + ({"$elemMatch": {}}, {"$elemMatch": {"$and": listed}}, {})
        )

    def occupation() -> Json:
        paths = chance.choice(
            (("beroep.codeBeroepsnaam",),) * 4
            + (("codeBeroepsnaam",),) * 4
            + (("codeBeroepsnaam", "beroep.codeBeroepsnaam"), ("naamBeroep",), ())
        )
        return {path: operator("$eq", (*OCCUPATIONS, "", "urn:elsewhere")) for path in paths}

    def contract() -> Json:
        return object_of(chance, 0.9, codeTypeArbeidscontract=lambda: operator("$eq", "OB"))

    def licence() -> Json:
        return object_of(chance, 0.9, codeSoortRijbewijs=lambda: operator("$eq", LICENCES))

    def language() -> Json:
        return {"codeTaal": operator("$eq", (*LANGUAGES, "zza"))} | object_of(
            chance,
            0.3,
            codeNiveauTaalbeheersingMondeling=lambda: operator("$gte", (2, 3, 4)),
            codeNiveauTaalbeheersingSchriftelijk=lambda: operator("$gte", (2, 3, 4)),
            codeNiveauTaalbeheersingLezen=lambda: operator("$gte", (2, 3, 4)),
        )

    def level() -> Json:
        from_to = {"$gte": chance.choice(LEVELS[1:7]), "$lt": "7"}
        return chance.choice(
            (from_to,) * 4 + ({"$lt": "7"}, {"$eq": "7"}, {"$gte": "3"}, {"$eq": "7", "$gte": "3"}, {})
        )

    hours = tuple(range(1, 41))
    prefix = "arbeidsmarktkwalificatie." if side == "werkzoekende" else ""
    draws: dict[str, Callable[[], Any]] = {
        "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": lambda: operator("$eq", (1, 2)),
        "werktijden.indicatieKantoortijden": lambda: operator("$eq", (1, 2)),
        "werktijden.aantalWerkurenPerWeekMaximaal": lambda: operator("$gte", hours),
        "werktijden.aantalWerkurenPerWeekMinimaal": lambda: operator("$lte", hours),
        prefix + "rijbewijs": lambda: elements(licence),
        prefix + "taalbeheersing": lambda: elements(language),
        "flexibiliteit.datumEindeBeschikbaarVoorWerk": lambda: {"$gte": "2027-01-01"},
    }
    if side == "werkzoekende":
        draws |= {
            "bemiddelingsberoep": lambda: one_of(occupation, 0),
            "contractvorm": lambda: one_of(contract, 1),
            "datumAanvangBeschikbaarVoorWerk": lambda: operator("$lte", DATES),
        }
    else:
        draws |= {
            "beroep.codeBeroepsnaam": lambda: operator("$eq", OCCUPATIONS),
            "codeWerkEnDenkniveauMinimaal": level,
            "datumAanvangWerkzaamheden": lambda: operator("$gte", DATES),
        }
    area = {
        "postcode": chance.choice(POSTCODES[:-1] + POSTCODES),
        "afstand": chance.choice((0, 1, 5, 20, 50, 150, 999)),
    }
    return {"selectiegebied": area} | object_of(chance, chance.choice((0.05, 0.15, 0.3)), **draws)


def random_collection(chance: random.Random, side: Side, size: int) -> list[Json]:
    names = [f"{number:x}" for number in chance.sample(range(16**4), size)]
    return [random_record(chance, side, name) for name in names]


def test_random_records_and_questions_are_valid_and_answers_neither_always_nor_never_empty() -> None:
    for side in SIDES:
        chance = random.Random(1)
        collection = random_collection(chance, side, 200)
        for record in collection:
            model_of(side).model_validate(record)
        questions = [random_question(chance, side) for _ in range(200)]
        answered = sum(bool(plain_select(question, side, collection, AS_OF)) for question in questions)
        assert 40 < answered < 190


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from(SIDES))
def test_selection_equals_the_plain_evaluator(seed: int, side: Side) -> None:
    chance = random.Random(seed)
    for size in (40, chance.randint(0, 20)):
        collection = random_collection(chance, side, size)
        records = records_of(side, collection)
        for _ in range(50):
            question = random_question(chance, side)
            expected = plain_select(question, side, collection, AS_OF)
            selection = select(parse_question(question, side), records, as_of=AS_OF)
            assert ids(selection, records) == [name for _, name in expected], question
            metres = np.sqrt([squared for squared, _ in expected])
            assert selection.distance_km.tolist() == (np.rint(metres) / 1000).tolist()
            assert selection.total == len(expected)


# -- one rule at a time

HERE = {
    "werkzoekende": {"mobiliteit": {"bemiddelingspostcode": "6511AB"}},
    "vacature": {"adres": {"postcode": "6511AB"}},
}


def satisfied(side: Side, criteria: Json, *records: Json, as_of: date = AS_OF) -> list[bool]:
    """Whether each of some records satisfies the criteria; all are in one place unless they say otherwise."""
    collection = [HERE[side] | record | {ID[side]: f"{number:03d}"} for number, record in enumerate(records)]
    prepared = records_of(side, collection)
    question = {"selectiegebied": {"postcode": "6511AB", "afstand": 10}} | criteria
    selection = select(parse_question(question, side), prepared, as_of=as_of)
    return [record[ID[side]] in ids(selection, prepared) for record in collection]


def profile_in(postcode: str, **mobiliteit: int) -> Json:
    return {"mobiliteit": {"bemiddelingspostcode": postcode, **mobiliteit}}


def languages(*elements: Json) -> Json:
    return {"arbeidsmarktkwalificatie": {"taalbeheersing": list(elements)}}


def licences(*codes: str) -> Json:
    return {"arbeidsmarktkwalificatie": {"rijbewijs": [{"codeSoortRijbewijs": code} for code in codes]}}


def all_of(*matches: Json) -> Json:
    return {"$all": [{"$elemMatch": match} for match in matches]}


TALEN = "arbeidsmarktkwalificatie.taalbeheersing"
MONDELING, SCHRIFTELIJK = "codeNiveauTaalbeheersingMondeling", "codeNiveauTaalbeheersingSchriftelijk"

CRITERIA: list[tuple[Side, str, Json]] = [
    (
        "werkzoekende",
        "bemiddelingsberoep",
        {"$elemMatch": {"$or": [{"beroep.codeBeroepsnaam": {"$eq": "urn:a"}}]}},
    ),
    ("werkzoekende", "contractvorm", {"$elemMatch": {"$or": [{"codeTypeArbeidscontract": {"$eq": "O"}}]}}),
    ("werkzoekende", "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst", {"$eq": 2}),
    ("werkzoekende", "arbeidsmarktkwalificatie.rijbewijs", all_of({"codeSoortRijbewijs": {"$eq": "B"}})),
    ("werkzoekende", TALEN, all_of({"codeTaal": {"$eq": "nld"}})),
    ("werkzoekende", "datumAanvangBeschikbaarVoorWerk", {"$lte": "2026-06-01"}),
    ("werkzoekende", "werktijden.indicatieKantoortijden", {"$eq": 1}),
    ("werkzoekende", "werktijden.aantalWerkurenPerWeekMaximaal", {"$gte": 1}),
    ("werkzoekende", "werktijden.aantalWerkurenPerWeekMinimaal", {"$lte": 99}),
    ("vacature", "beroep.codeBeroepsnaam", {"$eq": "urn:a"}),
    ("vacature", "codeWerkEnDenkniveauMinimaal", {"$gte": "1", "$lt": "7"}),
    ("vacature", "codeWerkEnDenkniveauMinimaal", {"$eq": "7"}),
    ("vacature", "datumAanvangWerkzaamheden", {"$gte": "0001-01-01"}),
    ("vacature", "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst", {"$eq": 1}),
    ("vacature", "rijbewijs", all_of({"codeSoortRijbewijs": {"$eq": "B"}})),
    ("vacature", "taalbeheersing", all_of({"codeTaal": {"$eq": "nld"}})),
    ("vacature", "werktijden.aantalWerkurenPerWeekMaximaal", {"$gte": 1}),
    ("vacature", "werktijden.aantalWerkurenPerWeekMinimaal", {"$lte": 99}),
]


@pytest.mark.parametrize(("side", "path", "criterion"), CRITERIA)
def test_a_record_without_the_value_does_not_satisfy_the_criterion(
    side: Side, path: str, criterion: Json
) -> None:
    empty: Json = {"flexibiliteit": {}, "werktijden": {}, "contractvorm": []}
    if side == "werkzoekende":
        empty |= {
            "bemiddelingsberoep": [{}],
            "arbeidsmarktkwalificatie": {"rijbewijs": [], "taalbeheersing": [{}]},
        }
    else:
        empty |= {"beroep": {}, "rijbewijs": [], "taalbeheersing": [{}], "arbeidsVoorwaarden": {}}
    assert satisfied(side, {path: criterion}, {}, empty) == [False, False]


@pytest.mark.parametrize(("side", "path", "criterion"), CRITERIA)
def test_another_operator_and_an_unknown_path_have_no_effect(side: Side, path: str, criterion: Json) -> None:
    assert satisfied(side, {path: {"$exists": True}, f"{path}.x": criterion}, {}) == [True]


def test_one_of_the_occupations_is_enough_and_codes_compare_exactly() -> None:
    wanted = [{"beroep.codeBeroepsnaam": {"$eq": "urn:a"}}, {"codeBeroepsnaam": {"$eq": "urn:b"}}]
    criteria = {"bemiddelingsberoep": {"$elemMatch": {"$or": wanted}}}
    records = [
        {"bemiddelingsberoep": [{"codeBeroepsnaam": code} for code in codes]}
        for codes in (["urn:a"], ["urn:c", "urn:b"], ["urn:c"], ["URN:A", "urn:a ", "urn:"], [""])
    ]
    assert satisfied("werkzoekende", criteria, *records) == [True, True, False, False, False]
    assert satisfied(
        "vacature", {"beroep.codeBeroepsnaam": {"$eq": "urn:b"}}, {"beroep": {"codeBeroepsnaam": "urn:b"}}
    ) == [True]


def test_an_alternative_with_two_paths_must_hold_by_both() -> None:
    record = {"bemiddelingsberoep": [{"codeBeroepsnaam": "urn:a"}, {"codeBeroepsnaam": "urn:b"}]}

    def asks(one: str, other: str) -> Json:
        both = {"beroep.codeBeroepsnaam": {"$eq": one}, "codeBeroepsnaam": {"$eq": other}}
        return {"bemiddelingsberoep": {"$elemMatch": {"$or": [both]}}}

    assert satisfied("werkzoekende", asks("urn:a", "urn:a"), record) == [True]
    assert satisfied("werkzoekende", asks("urn:a", "urn:b"), record) == [False]


def test_one_of_the_contract_types_is_enough() -> None:
    kinds: list[Json] = [{"codeTypeArbeidscontract": "O"}, {"codeTypeArbeidscontract": "B"}]
    records = [{"contractvorm": [kinds[0]]}, {"contractvorm": [kinds[1]]}, {"contractvorm": kinds}]

    def asks(*codes: str) -> Json:
        return {
            "contractvorm": {
                "$elemMatch": {"$or": [{"codeTypeArbeidscontract": {"$eq": code}} for code in codes]}
            }
        }

    assert satisfied("werkzoekende", asks("O"), *records) == [True, False, True]
    assert satisfied("werkzoekende", asks("O", "B"), *records) == [True, True, True]


def test_an_indication_is_compared_and_unknown_is_no_answer() -> None:
    records = [{"werktijden": {"indicatieKantoortijden": value}} for value in (0, 1, 2)]
    assert satisfied("werkzoekende", {"werktijden.indicatieKantoortijden": {"$eq": 2}}, *records) == [
        False,
        False,
        True,
    ]


def test_every_licence_is_needed_and_a_licence_implies_no_other() -> None:
    path = "arbeidsmarktkwalificatie.rijbewijs"
    records = [licences("B"), licences("BE"), licences("B", "C"), licences("CE", "B+", "B", "C")]
    asked = [{"codeSoortRijbewijs": {"$eq": code}} for code in "BC"]
    assert satisfied("werkzoekende", {path: all_of(asked[0])}, *records) == [True, False, True, True]
    assert satisfied("werkzoekende", {path: all_of(*asked)}, *records) == [False, False, True, True]


def test_language_levels_compare_as_plain_numbers() -> None:
    criteria = {TALEN: all_of({"codeTaal": {"$eq": "nld"}, MONDELING: {"$gte": 3}})}
    records = [languages({"codeTaal": "nld", MONDELING: level}) for level in (0, 1, 2, 3, 4, 8)]
    assert satisfied("werkzoekende", criteria, *records) == [False, False, False, True, True, True]


def test_a_language_without_a_level_only_has_to_be_there() -> None:
    criteria = {TALEN: all_of({"codeTaal": {"$eq": "nld"}})}
    records = [
        languages({"codeTaal": "nld", MONDELING: 0}),
        languages({"codeTaal": "nld"}),
        languages({"codeTaal": "eng"}),
    ]
    assert satisfied("werkzoekende", criteria, *records) == [True, True, False]


def test_a_missing_level_does_not_satisfy() -> None:
    criteria = {TALEN: all_of({"codeTaal": {"$eq": "nld"}, SCHRIFTELIJK: {"$gte": 2}})}
    assert satisfied("werkzoekende", criteria, languages({"codeTaal": "nld", MONDELING: 4})) == [False]


def test_a_level_counts_also_where_neither_the_question_nor_the_record_names_the_language() -> None:
    asked = {TALEN: all_of({"codeTaal": {}, MONDELING: {"$gte": 2}})}
    records = [
        languages({MONDELING: 3}),
        languages({MONDELING: 1}),
        languages({}),
        languages({"codeTaal": "nld"}),
    ]
    assert satisfied("werkzoekende", asked, *records) == [True, False, False, False]
    named = {TALEN: all_of({"codeTaal": {"$eq": "nld"}, MONDELING: {"$gte": 2}})}
    assert satisfied("werkzoekende", named, *records) == [False] * 4


def test_one_element_must_satisfy_all_that_is_asked_of_a_language() -> None:
    criteria = {
        TALEN: all_of({"codeTaal": {"$eq": "nld"}, MONDELING: {"$gte": 3}, SCHRIFTELIJK: {"$gte": 3}})
    }
    apart = languages({"codeTaal": "nld", MONDELING: 4}, {"codeTaal": "nld", SCHRIFTELIJK: 4})
    other = languages({"codeTaal": "nld", MONDELING: 4}, {"codeTaal": "eng", MONDELING: 4, SCHRIFTELIJK: 4})
    together = languages({"codeTaal": "nld"}, {"codeTaal": "nld", MONDELING: 3, SCHRIFTELIJK: 3})
    assert satisfied("werkzoekende", criteria, apart, other, together) == [False, False, True]


def test_several_language_criteria_can_be_satisfied_by_several_elements() -> None:
    criteria = {
        TALEN: all_of(
            {"codeTaal": {"$eq": "nld"}, MONDELING: {"$gte": 3}},
            {"codeTaal": {"$eq": "nld"}, SCHRIFTELIJK: {"$gte": 3}},
        )
    }
    apart = languages({"codeTaal": "nld", MONDELING: 4}, {"codeTaal": "nld", SCHRIFTELIJK: 4})
    assert satisfied("werkzoekende", criteria, apart, languages({"codeTaal": "nld", MONDELING: 4})) == [
        True,
        False,
    ]


def test_a_level_without_a_language_asks_it_of_any_language() -> None:
    criteria = {TALEN: all_of({"codeTaal": {"$in": ["nld"]}, MONDELING: {"$gte": 3}})}
    records = [languages({"codeTaal": "ara", MONDELING: 3}), languages({"codeTaal": "ara", MONDELING: 2}), {}]
    assert satisfied("werkzoekende", criteria, *records) == [True, False, False]


def test_start_dates_compare_as_the_criterion_says_on_either_side() -> None:
    dates = ("2026-05-31", "2026-06-01", "2026-06-02")
    profiles = [{"flexibiliteit": {"datumAanvangBeschikbaarVoorWerk": day}} for day in dates]
    vacancies = [{"arbeidsVoorwaarden": {"datumAanvangWerkzaamheden": day}} for day in dates]
    until = {"datumAanvangBeschikbaarVoorWerk": {"$lte": "2026-06-01"}}
    onwards = {"datumAanvangWerkzaamheden": {"$gte": "2026-06-01"}}
    assert satisfied("werkzoekende", until, *profiles) == [True, True, False]
    assert satisfied("vacature", onwards, *vacancies) == [False, True, True]


def test_end_dates_never_restrict() -> None:
    past = "2020-01-01"
    profile = {
        "flexibiliteit": {"datumAanvangBeschikbaarVoorWerk": past, "datumEindeBeschikbaarVoorWerk": past}
    }
    assert satisfied(
        "werkzoekende", {"datumAanvangBeschikbaarVoorWerk": {"$lte": "2026-06-01"}}, profile
    ) == [True]
    work = {"datumAanvangWerkzaamheden": "2026-06-01", "datumEindeWerkzaamheden": past}
    vacancy = {"arbeidsVoorwaarden": work, "flexibiliteit": {"datumEindeBeschikbaarVoorWerk": past}}
    assert satisfied("vacature", {"datumAanvangWerkzaamheden": {"$gte": "2026-06-01"}}, vacancy) == [True]


def test_hours_overlap_where_the_most_reaches_the_least_asked_and_the_least_stays_under_the_most_asked() -> (
    None
):
    criteria = {
        "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 24},
        "werktijden.aantalWerkurenPerWeekMinimaal": {"$lte": 32},
    }
    ranges = ((0, 23), (0, 24), (32, 99), (33, 40), (24, 32))
    for side in SIDES:
        records = [
            {"werktijden": {"aantalWerkurenPerWeekMinimaal": low, "aantalWerkurenPerWeekMaximaal": high}}
            for low, high in ranges
        ]
        assert satisfied(side, criteria, *records) == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("criterion", "levels"),
    [
        ({"$gte": "3", "$lt": "7"}, "3456"),
        ({"$lt": "7"}, "0123456"),
        ({"$eq": "7"}, "7"),
        ({"$gte": "3"}, LEVELS),
        ({"$eq": "7", "$gte": "3"}, "7"),
        ({}, LEVELS),
    ],
)
def test_levels_of_vacancies_compare_within_the_two_forms_of_the_contract(
    criterion: Json, levels: str
) -> None:
    records = [{"codeWerkEnDenkniveauMinimaal": level} for level in LEVELS]
    expected = [level in levels for level in LEVELS]
    assert satisfied("vacature", {"codeWerkEnDenkniveauMinimaal": criterion}, *records) == expected


def test_a_vacancy_is_open_up_to_and_including_its_closing_day() -> None:
    records: list[Json] = [
        {"sluitingsdatumVacature": day} for day in ("2026-05-31", "2026-06-01", "2026-06-02")
    ]
    assert satisfied("vacature", {}, *records, {}, as_of=date(2026, 6, 1)) == [False, True, True, True]
    assert satisfied("vacature", {}, *records, {}, as_of=date(2026, 6, 3)) == [False, False, False, True]


def test_empty_lists_objects_and_strings_of_a_record_count_as_absent() -> None:
    record: Json = {"beroep": {"codeBeroepsnaam": ""}, "rijbewijs": [], "werktijden": {}, "flexibiliteit": {}}
    assert satisfied("vacature", {}, record) == [True]
    assert satisfied("vacature", {"beroep.codeBeroepsnaam": {"$eq": ""}}, record) == [False]


# -- area


def test_a_record_is_inside_the_area_up_to_and_including_its_radius_to_the_metre() -> None:
    placed: list[Json] = [HERE["werkzoekende"] | {"idWerkzoekende": name} for name in "abcd"]
    placed[2:] = [record | profile_in("6511AB", maximaleReisafstand=10) for record in placed[2:]]
    records = records_of("werkzoekende", placed)
    x, y = records.columns.x, records.columns.y
    away = np.array([6000, 6001, 6000, 6001], np.int32)
    records = replace(records, columns=records.columns._replace(x=x + away, y=y - np.int32(8000)))
    for afstand in (10, 11):
        area = {"selectiegebied": {"postcode": "6511AB", "afstand": afstand}}
        selection = select(parse_question(area, "werkzoekende"), records, as_of=AS_OF)
        assert ids(selection, records) == (["a", "c"] if afstand == 10 else ["a", "c", "b"])
        assert selection.distance_km.tolist() == [10.0, 10.0, 10.001][: selection.total]


@pytest.mark.parametrize("side", SIDES)
def test_the_area_is_around_the_postcode_of_the_record(side: Side) -> None:
    elsewhere = {"werkzoekende": profile_in("6811AA"), "vacature": {"adres": {"postcode": "6811AA"}}}[side]
    for afstand, inside in ((10, False), (25, True)):
        area = {"selectiegebied": {"postcode": "6511AB", "afstand": afstand}}
        assert satisfied(side, area, {}, elsewhere) == [True, inside]


def test_a_profile_is_also_within_its_own_travel_limit_where_it_has_one() -> None:
    area = {"selectiegebied": {"postcode": "6511AB", "afstand": 50}}
    records = [profile_in("6811AA", maximaleReisafstand=limit) for limit in (0, 10, 20, 999)]
    assert satisfied("werkzoekende", area, *records, profile_in("6811AA")) == [False, False, True, True, True]
    near = {"selectiegebied": {"postcode": "6511AB", "afstand": 5}}
    assert satisfied("werkzoekende", near, *records) == [False] * 4
    assert satisfied("werkzoekende", near, profile_in("6511ZZ", maximaleReisafstand=0)) == [True]


def test_a_radius_of_zero_is_the_same_place() -> None:
    area = {"selectiegebied": {"postcode": "6511AB", "afstand": 0}}
    assert satisfied("werkzoekende", area, profile_in("6511ZZ"), profile_in("6512AB")) == [True, False]


def test_lower_case_postcodes_are_the_same_places() -> None:
    area = {"selectiegebied": {"postcode": "6511ab", "afstand": 0}}
    assert satisfied("werkzoekende", area, profile_in("6511ab"), profile_in("6511AB")) == [True, True]


def test_records_without_a_known_postcode_are_never_in_an_area_and_are_counted() -> None:
    collection: list[Json] = [
        {"idWerkzoekende": "a", **profile_in("0000AA")},
        {"idWerkzoekende": "b"},
        {"idWerkzoekende": "c", **profile_in("6511AB")},
    ]
    records = records_of("werkzoekende", collection)
    question = {
        "selectiegebied": {"postcode": "6511AB", "afstand": 999},
        "werktijden.indicatieKantoortijden": {"$eq": 1},
    }
    selection = select(parse_question(question, "werkzoekende"), records, as_of=AS_OF)
    assert (selection.total, selection.without_location) == (0, 2)
    del question["werktijden.indicatieKantoortijden"]
    selection = select(parse_question(question, "werkzoekende"), records, as_of=AS_OF)
    assert ids(selection, records) == ["c"]
    assert selection.postcode_known


def test_a_question_from_a_postcode_that_does_not_exist_has_no_answers_and_says_so() -> None:
    records = records_of(
        "werkzoekende", [{"idWerkzoekende": "a", **profile_in("0000AA")}, {"idWerkzoekende": "b"}]
    )
    question = {"selectiegebied": {"postcode": "0000AA", "afstand": 999}}
    selection = select(parse_question(question, "werkzoekende"), records, as_of=AS_OF)
    assert selection.total == 0
    assert not selection.postcode_known


def test_the_nearest_come_first_and_ties_stand_by_id() -> None:
    places = {"d": "6811AA", "c": "6511AB", "a": "6512AA", "b": "6511ZZ", "B": "6811BB"}
    records = records_of(
        "vacature", [{"idVacature": name, "adres": {"postcode": place}} for name, place in places.items()]
    )
    question = parse_question({"selectiegebied": {"postcode": "6511AB", "afstand": 999}}, "vacature")
    selection = select(question, records, as_of=AS_OF)
    assert ids(selection, records) == ["b", "c", "a", "B", "d"]
    assert selection.rows.dtype == np.intp
    assert selection.distance_km.dtype == np.float64
    assert selection.distance_km[:2].tolist() == [0, 0]
    assert (selection.distance_km * 1000 == np.rint(selection.distance_km * 1000)).all()


def test_a_question_for_the_other_side_is_refused() -> None:
    question = parse_question({"selectiegebied": {"postcode": "6511AB", "afstand": 1}}, "vacature")
    with pytest.raises(ValueError, match="vacature"):
        select(question, records_of("werkzoekende", []), as_of=AS_OF)


# -- invariances


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same JSON with every list in another order."""
    if isinstance(value, dict):
        return {name: shuffled(inner, chance) for name, inner in value.items()}
    return (
        chance.sample([shuffled(inner, chance) for inner in value], len(value))
        if isinstance(value, list)
        else value
    )


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from(SIDES))
def test_neither_the_order_of_records_and_lists_nor_the_company_nor_the_names_matter(
    seed: int, side: Side
) -> None:
    chance = random.Random(seed)
    collection = random_collection(chance, side, 30)
    turned = shuffled(collection, chance)
    renamed = [record | {ID[side]: f"x-{record[ID[side]]}"} for record in collection]
    apart = collection[::3]
    variants = [records_of(side, some) for some in (collection, turned, renamed, apart)]
    kept = {record[ID[side]] for record in apart}
    for _ in range(10):
        question = random_question(chance, side)
        plain, other, names, few = (
            ids(select(parse_question(asked, side), records, as_of=AS_OF), records)
            for records, asked in zip(
                variants, (question, shuffled(question, chance), question, question), strict=True
            )
        )
        assert other == plain
        assert names == [f"x-{name}" for name in plain]
        assert few == [name for name in plain if name in kept]


# -- accreditation


@pytest.mark.parametrize(
    ("side", "name", "count"), [("werkzoekende", "werkzoekenden", 20), ("vacature", "vacatures", 30)]
)
def test_every_accreditation_question_has_its_expected_records_among_the_first_100(
    shared: Path, side: Side, name: str, count: int
) -> None:
    folder = shared / "accreditation"
    collection = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    cases = json.loads((folder / f"{name}_cases.json").read_text(encoding="utf-8"))
    assert len(cases) == count
    records = records_of(side, collection)
    for case in cases:
        question = parse_question(case["vraagObject"], side)
        assert question.ignored == ()
        selection = select(question, records, as_of=AS_OF)
        answered = ids(selection, records)
        assert {expected[ID[side]] for expected in case["expectedMatches"]} <= set(answered[:100])
        plain = plain_select(case["vraagObject"], side, collection, AS_OF)
        assert answered == [record for _, record in plain]
