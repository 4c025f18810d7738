"""The conditions: what is met, broken or unknown, and what settings may say of them."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import plain_engine
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import AS_OF, BROKEN, MET, UNKNOWN, Json, frame_of, random_record

from data.errors import QuestionError
from engine.blocks import take_facts
from engine.columns import Columns, day_number, read_columns, sort_by_key
from engine.conditions import CONDITIONS, REQUIRED, SUGGESTED, Settings, bits, can_wish, names
from engine.kernels import check_pairs

YESTERDAY, TODAY, TOMORROW, NEXT_WEEK = "2026-05-31", "2026-06-01", "2026-06-02", "2026-06-08"


def columns_of(vacancies: Sequence[Json], profiles: Sequence[Json]) -> tuple[Columns, Columns]:
    vacancy_frame, profile_frame = frame_of(vacancies, "vacature"), frame_of(profiles, "werkzoekende")
    return (
        read_columns(sort_by_key(vacancy_frame, "vacature"), "vacature").columns,
        read_columns(sort_by_key(profile_frame, "werkzoekende"), "werkzoekende").columns,
    )


def verdicts(
    vacancies: Sequence[Json], profiles: Sequence[Json], as_of: date = AS_OF
) -> list[dict[str, str]]:
    """What the kernel says of every pair, vacancies first; both collections in the order of their ids."""
    pairs = np.array([(v, p) for v in range(len(vacancies)) for p in range(len(profiles))], np.int32)
    broken, unknown = np.zeros((2, len(pairs)), np.uint16)
    of_vacancies, of_profiles = columns_of(vacancies, profiles)
    v, p = pairs.reshape(-1, 2).T.copy()
    check_pairs(take_facts(of_vacancies), take_facts(of_profiles), v, p, day_number(as_of), broken, unknown)
    assert not (broken & unknown).any()
    return [
        dict.fromkeys(CONDITIONS, MET) | dict.fromkeys(names(b), BROKEN) | dict.fromkeys(names(u), UNKNOWN)
        for b, u in zip(broken.tolist(), unknown.tolist(), strict=True)
    ]


# -- the parts of records that conditions look at


def located(postcode: str | None, limit: int | None = None) -> Json:
    mobility = {"bemiddelingspostcode": postcode, "maximaleReisafstand": limit}
    return {"mobiliteit": {name: value for name, value in mobility.items() if value is not None}}


def at(postcode: str) -> Json:
    return {"adres": {"postcode": postcode}}


def hours(least: int | None = None, most: int | None = None) -> Json:
    return {"werktijden": {"aantalWerkurenPerWeekMinimaal": least, "aantalWerkurenPerWeekMaximaal": most}}


def contracts(*types: str) -> Json:
    return {"contractvorm": [{"codeTypeArbeidscontract": code} for code in types]}


def irregular(code: int) -> Json:
    return {"flexibiliteit": {"indicatieOnregelmatigWerkOfPloegendienst": code}}


def office(code: int) -> Json:
    return {"werktijden": {"indicatieKantoortijden": code}}


def work(start: str | None = None, end: str | None = None) -> Json:
    return {"arbeidsVoorwaarden": {"datumAanvangWerkzaamheden": start, "datumEindeWerkzaamheden": end}}


def available(start: str | None = None, end: str | None = None) -> Json:
    dates = {"datumAanvangBeschikbaarVoorWerk": start, "datumEindeBeschikbaarVoorWerk": end}
    return {"flexibiliteit": dates}


def closing(day: str) -> Json:
    return {"sluitingsdatumVacature": day}


def qualified(**lists: Any) -> Json:
    return {"arbeidsmarktkwalificatie": lists}


def licences(*codes: str) -> dict[str, Any]:
    return {"rijbewijs": [{"codeSoortRijbewijs": code} for code in codes]}


def languages(*spoken: tuple[str, Mapping[str, int]]) -> dict[str, Any]:
    return {
        "taalbeheersing": [
            {"codeTaal": code}
            | {f"codeNiveauTaalbeheersing{skill}": level for skill, level in levels.items()}
            for code, levels in spoken
        ]
    }


def language(code: str, **levels: int) -> dict[str, Any]:
    return languages((code, levels))


def educations(*codes: int, **more: int) -> dict[str, Any]:
    return {"opleiding": [{"codeNiveauOpleiding": code, **more} for code in codes]}


def level(code: int) -> Json:
    return qualified(codeWerkEnDenkniveauWerkzoekende=code)


def asks_level(code: int) -> Json:
    return {"codeWerkEnDenkniveauMinimaal": str(code)}


NIJMEGEN, NIJMEGEN_TOO, ARNHEM, NOWHERE = "6511AB", "6511zz", "6811AA", "0000AA"
"""Arnhem lies 15.3 km from the first two."""

NOTHING: Final[Json] = {}
_LEVEL: Final = [{"codeNiveauTaalbeheersingMondeling": 4}]
A_LEVEL: Final[Json] = {"taalbeheersing": _LEVEL}

TABLE: Final[Sequence[tuple[str, Json, Json, str]]] = (
    # Area: the profile's own travel limit, of whole kilometres; a place that is not known is in no area.
    ("area", at(NIJMEGEN), located(NIJMEGEN), MET),
    ("area", at(NIJMEGEN), located(NIJMEGEN_TOO, 0), MET),
    ("area", at(ARNHEM), located(NIJMEGEN, 16), MET),
    ("area", at(ARNHEM), located(NIJMEGEN, 15), BROKEN),
    ("area", at(ARNHEM), located(NIJMEGEN, 0), BROKEN),
    ("area", at("9999ZZ"), located("4301AA", 999), MET),
    ("area", at(NOWHERE), located(NIJMEGEN), MET),
    ("area", at(NOWHERE), located(NIJMEGEN, 999), BROKEN),
    ("area", NOTHING, located(NIJMEGEN, 999), BROKEN),
    ("area", at(NIJMEGEN), located(NOWHERE, 999), BROKEN),
    ("area", at(NIJMEGEN), located(NOWHERE), MET),
    ("area", at(NIJMEGEN), NOTHING, MET),
    # Hours: the ranges overlap; each bound is compared with the opposite one.
    ("hours", hours(24, 32), hours(32, 40), MET),
    ("hours", hours(24, 32), hours(16, 24), MET),
    ("hours", hours(24, 32), hours(33, 40), BROKEN),
    ("hours", hours(24, 32), hours(16, 23), BROKEN),
    ("hours", hours(24, None), hours(None, 23), BROKEN),
    ("hours", hours(None, 32), hours(33, None), BROKEN),
    ("hours", hours(None, 0), hours(0, None), MET),
    ("hours", hours(24, 32), hours(None, 24), UNKNOWN),
    ("hours", hours(24, 32), hours(33, None), BROKEN),
    ("hours", hours(24, 32), NOTHING, UNKNOWN),
    ("hours", NOTHING, hours(24, 32), UNKNOWN),
    ("hours", hours(24, None), hours(32, None), UNKNOWN),
    # Contract: one type in common.
    ("contract", contracts("O"), contracts("O"), MET),
    ("contract", contracts("O", "B"), contracts("B"), MET),
    ("contract", contracts("O"), contracts("B"), BROKEN),
    ("contract", contracts("O"), NOTHING, UNKNOWN),
    ("contract", NOTHING, contracts("B"), UNKNOWN),
    ("contract", contracts(), contracts(), MET),
    ("contract", contracts(), contracts("B"), UNKNOWN),
    # Irregular hours: 1 yes, 2 no, 0 not known. Who would do them can do without.
    ("irregular", irregular(1), irregular(1), MET),
    ("irregular", irregular(1), irregular(2), BROKEN),
    ("irregular", irregular(1), irregular(0), UNKNOWN),
    ("irregular", irregular(1), NOTHING, UNKNOWN),
    ("irregular", irregular(2), irregular(1), MET),
    ("irregular", irregular(2), irregular(2), MET),
    ("irregular", irregular(2), NOTHING, MET),
    ("irregular", irregular(0), irregular(2), UNKNOWN),
    ("irregular", NOTHING, irregular(2), UNKNOWN),
    ("irregular", NOTHING, irregular(1), MET),
    ("irregular", irregular(0), irregular(0), MET),
    # Office hours: who wants them gets them.
    ("office_hours", office(1), office(1), MET),
    ("office_hours", office(2), office(1), BROKEN),
    ("office_hours", office(2), office(2), MET),
    ("office_hours", office(1), office(2), MET),
    ("office_hours", office(0), office(1), UNKNOWN),
    ("office_hours", NOTHING, office(1), UNKNOWN),
    ("office_hours", office(2), office(0), UNKNOWN),
    ("office_hours", office(2), NOTHING, UNKNOWN),
    ("office_hours", office(1), NOTHING, MET),
    ("office_hours", NOTHING, office(2), MET),
    # Dates: available on the first day of the work, or today where that is past; nothing has ended by then.
    ("dates", work(TOMORROW), available(TOMORROW), MET),
    ("dates", work(TOMORROW), available(NEXT_WEEK), BROKEN),
    ("dates", work(YESTERDAY), available(TODAY), MET),
    ("dates", work(YESTERDAY), available(TOMORROW), BROKEN),
    ("dates", work(TOMORROW), available(YESTERDAY, TOMORROW), MET),
    ("dates", work(NEXT_WEEK), available(YESTERDAY, TOMORROW), BROKEN),
    ("dates", work(NEXT_WEEK), available(None, TOMORROW), BROKEN),
    ("dates", NOTHING, available(None, TODAY), MET),
    ("dates", NOTHING, available(None, YESTERDAY), BROKEN),
    ("dates", work(None, TODAY), NOTHING, MET),
    ("dates", work(None, YESTERDAY), NOTHING, BROKEN),
    ("dates", work(NEXT_WEEK, TOMORROW), available(TODAY), BROKEN),
    ("dates", work(TOMORROW), NOTHING, UNKNOWN),
    ("dates", work(YESTERDAY), NOTHING, UNKNOWN),
    ("dates", NOTHING, available(TOMORROW), UNKNOWN),
    ("dates", NOTHING, available(TODAY), MET),
    # Open: up to and including the closing date; without one a vacancy is open.
    ("open", closing(TODAY), NOTHING, MET),
    ("open", closing(TOMORROW), NOTHING, MET),
    ("open", closing(YESTERDAY), NOTHING, BROKEN),
    ("open", NOTHING, NOTHING, MET),
    # Licences: every one that is asked; none implies another.
    ("licence", licences("B"), qualified(**licences("A", "B")), MET),
    ("licence", licences("B"), qualified(**licences("BE")), BROKEN),
    ("licence", licences("B"), qualified(**licences("B+")), BROKEN),
    ("licence", licences("C1"), qualified(**licences("C")), BROKEN),
    ("licence", licences("AM"), qualified(**licences("A", "B", "T")), BROKEN),
    ("licence", licences("B", "CE"), qualified(**licences("B")), BROKEN),
    ("licence", licences("T"), qualified(**licences("T")), MET),
    ("licence", licences("B"), qualified(**licences()), UNKNOWN),
    ("licence", licences("B"), NOTHING, UNKNOWN),
    ("licence", NOTHING, NOTHING, MET),
    ("licence", licences(), qualified(**licences("B")), MET),
    # Languages: levels compare as numbers, so that 8 meets every level; 0 says nothing, and asks nothing.
    ("language", language("nld"), qualified(**language("nld")), MET),
    ("language", language("nld"), qualified(**language("eng")), BROKEN),
    ("language", language("nld"), NOTHING, UNKNOWN),
    ("language", NOTHING, NOTHING, MET),
    # A level of a language that isn't named asks nothing and has nothing.
    ("language", language("nld"), qualified(**A_LEVEL), UNKNOWN),
    ("language", A_LEVEL, qualified(**language("nld")), MET),
    ("language", A_LEVEL, qualified(**A_LEVEL), MET),
    ("language", A_LEVEL, NOTHING, MET),
    ("language", language("nld"), qualified(taalbeheersing=[*_LEVEL, {"codeTaal": "eng"}]), BROKEN),
    ("language", language("nld"), qualified(taalbeheersing=[*_LEVEL, {"codeTaal": "nld"}]), MET),
    ("language", {"taalbeheersing": [*_LEVEL, {"codeTaal": "nld"}]}, qualified(**language("eng")), BROKEN),
    ("language", language("nld", Mondeling=3), qualified(**language("nld", Mondeling=3)), MET),
    ("language", language("nld", Mondeling=3), qualified(**language("nld", Mondeling=4)), MET),
    ("language", language("nld", Mondeling=3), qualified(**language("nld", Mondeling=2)), BROKEN),
    ("language", language("nld", Mondeling=2), qualified(**language("nld", Mondeling=1)), BROKEN),
    ("language", language("nld", Mondeling=4), qualified(**language("nld", Mondeling=8)), MET),
    ("language", language("nld", Mondeling=4), qualified(**language("nld", Mondeling=0)), UNKNOWN),
    ("language", language("nld", Mondeling=4), qualified(**language("nld", Lezen=4)), UNKNOWN),
    ("language", language("nld", Mondeling=0), qualified(**language("nld")), MET),
    ("language", language("nld", Mondeling=1), qualified(**language("nld")), MET),
    ("language", language("nld", Mondeling=8), qualified(**language("nld")), MET),
    ("language", language("nld", Luisteren=3), qualified(**language("nld", Luisteren=2)), BROKEN),
    (
        "language",
        language("nld", Mondeling=3, Lezen=3),
        qualified(**language("nld", Mondeling=2)),
        BROKEN,
    ),
    (
        "language",
        languages(("nld", {}), ("eng", {"Lezen": 2})),
        qualified(**languages(("eng", {"Lezen": 2}), ("nld", {}))),
        MET,
    ),
    ("language", languages(("nld", {}), ("eng", {})), qualified(**language("nld")), BROKEN),
    (
        "language",
        language("nld", Lezen=3),
        qualified(**languages(("nld", {"Lezen": 2}), ("nld", {"Lezen": 4}))),
        MET,
    ),
    (
        "language",
        languages(("nld", {"Lezen": 3}), ("eng", {})),
        qualified(**language("nld")),
        BROKEN,
    ),
    # Education: a level at least as high, stated or of an education that was finished.
    ("education_level", asks_level(4), level(4), MET),
    ("education_level", asks_level(4), level(6), MET),
    ("education_level", asks_level(4), level(3), BROKEN),
    ("education_level", asks_level(4), level(7), UNKNOWN),
    ("education_level", asks_level(4), level(0), UNKNOWN),
    ("education_level", asks_level(4), NOTHING, UNKNOWN),
    ("education_level", asks_level(0), level(1), MET),
    ("education_level", asks_level(7), NOTHING, MET),
    ("education_level", asks_level(1), level(1), MET),
    ("education_level", asks_level(5), qualified(**educations(5)), MET),
    ("education_level", asks_level(5), qualified(**educations(5, codeStatusOpleiding=2)), UNKNOWN),
    ("education_level", asks_level(5), qualified(**educations(5, codeStatusOpleiding=3)), UNKNOWN),
    ("education_level", asks_level(5), qualified(**educations(5, indicatieDiploma=2)), UNKNOWN),
    ("education_level", asks_level(5), qualified(**educations(2, 4)), BROKEN),
    ("education_level", asks_level(5), qualified(**educations(9)), UNKNOWN),
    ("education_level", educations(4, 6), qualified(**educations(3)), MET),
    ("education_level", educations(5, 6), qualified(**educations(4)), BROKEN),
    ("education_level", {**asks_level(6), **educations(4)}, level(5), BROKEN),
)


@pytest.mark.parametrize(
    ("condition", "vacancy", "profile", "verdict"),
    TABLE,
    ids=[f"{case[0]}-{number}-{case[3]}" for number, case in enumerate(TABLE)],
)
def test_a_pair_meets_breaks_or_leaves_open_a_condition(
    condition: str, vacancy: Json, profile: Json, verdict: str
) -> None:
    vacancies, profiles = [{"idVacature": "v", **vacancy}], [{"idWerkzoekende": "p", **profile}]
    (found,) = verdicts(vacancies, profiles)
    assert found[condition] == verdict
    assert plain_engine.check(vacancies[0], profiles[0], AS_OF)[condition] == verdict


@pytest.mark.parametrize(("metres", "met"), [(16_000, True), (16_001, False)])
def test_a_travel_limit_is_kept_to_the_metre_and_included(metres: int, met: bool) -> None:
    vacancies, profiles = columns_of(
        [{"idVacature": "v"}], [{"idWerkzoekende": "p", **located(NIJMEGEN, 16)}]
    )
    there = vacancies._replace(x=profiles.x + np.int32(metres), y=profiles.y)
    broken, unknown = np.zeros((2, 1), np.uint16)
    row = np.zeros(1, np.int32)
    check_pairs(take_facts(there), take_facts(profiles), row, row, day_number(AS_OF), broken, unknown)
    assert (names(int(broken[0])) == []) is met


def test_every_condition_is_in_the_table_met_and_broken() -> None:
    assert {case[::3] for case in TABLE} >= {
        (name, verdict) for name in CONDITIONS for verdict in (MET, BROKEN)
    }


def test_two_empty_records_meet_every_condition() -> None:
    assert verdicts([{"idVacature": "v"}], [{"idWerkzoekende": "p"}]) == [dict.fromkeys(CONDITIONS, MET)]


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_every_condition_of_random_pairs_equals_the_plain_one(seed: int) -> None:
    chance = random.Random(seed)
    vacancies = [random_record(chance, "vacature", f"v{number}") for number in range(6)]
    profiles = [random_record(chance, "werkzoekende", f"p{number}") for number in range(9)]
    expected = [plain_engine.check(vacancy, profile, AS_OF) for vacancy in vacancies for profile in profiles]
    assert verdicts(vacancies, profiles) == expected


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_a_record_can_wish_for_what_the_plain_rule_says(seed: int) -> None:
    chance = random.Random(seed)
    for side in ("vacature", "werkzoekende"):
        records = [random_record(chance, side, str(number)) for number in range(9)]
        read = read_columns(frame_of(records, side), side)
        for condition in CONDITIONS:
            expected = [plain_engine.can_wish(record, side, condition) for record in records]
            assert can_wish(read, condition).tolist() == expected


# -- settings


def test_conditions_and_their_bits_are_in_one_order() -> None:
    assert tuple(CONDITIONS) == plain_engine.CONDITIONS
    assert [bits([name]) for name in CONDITIONS] == [1 << number for number in range(len(CONDITIONS))]
    assert names(bits(["open", "area"])) == ["area", "open"]
    assert names(bits(CONDITIONS)) == list(CONDITIONS)


def test_education_weighs_and_the_rest_excludes_unless_the_user_says_otherwise() -> None:
    assert set(CONDITIONS) - REQUIRED == {"education_level"}
    assert Settings(AS_OF).applied == {"occupation": 4, "skill": 1, "education": 1, "sector": 0.5}


def test_what_the_user_prefers_goes_before_what_is_suggested_for_groups_and_wishes() -> None:
    settings = Settings(AS_OF, preferred={"skill": 0, "hours": 2.5, "licence": 9}).with_wishes(
        "hours", "area"
    )
    assert settings.required == REQUIRED - {"hours", "area"}
    assert settings.applied == {
        "occupation": SUGGESTED["occupation"],
        "skill": 0,
        "education": SUGGESTED["education"],
        "sector": SUGGESTED["sector"],
        "area": SUGGESTED["area"],
        "hours": 2.5,
    }


@pytest.mark.parametrize(
    ("wrong", "subject"),
    [
        (lambda: Settings(AS_OF, required=frozenset({"salary"})), "condition"),
        (lambda: Settings(AS_OF).with_wishes("salary"), "condition"),
        (lambda: Settings(AS_OF, preferred={"skills": 1}), "group"),
        (lambda: Settings(AS_OF, preferred={"skill": -0.5}), "weight of skill"),
        (lambda: Settings(AS_OF, preferred={"skill": 1000.5}), "weight of skill"),
        (lambda: Settings(AS_OF, preferred={"skill": float("nan")}), "weight of skill"),
        (lambda: Settings(AS_OF, wished=frozenset({"hours"})), "condition hours"),
        (lambda: Settings(AS_OF, radius_km=-1), "radius"),
        (lambda: Settings(AS_OF, radius_km=1000), "radius"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(wrong: Callable[[], Settings], subject: str) -> None:
    with pytest.raises(QuestionError) as error:
        wrong()
    assert error.value.subject == subject
