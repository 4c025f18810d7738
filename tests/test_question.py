"""The selection question: what the contract takes, what it refuses and how, and what has no effect."""

import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data.errors import FileError, QuestionError
from data.question import LanguageCriterion, Question, load_questions, parse_question
from data.standard import Side

Json = dict[str, Any]

AREA: Json = {"postcode": "6511AB", "afstand": 25}
SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")
TALEN = "arbeidsmarktkwalificatie.taalbeheersing"
RIJBEWIJS = "arbeidsmarktkwalificatie.rijbewijs"


def parsed(side: Side, **criteria: Any) -> Question:
    return parse_question({"selectiegebied": AREA} | criteria, side)


def ignored(side: Side, **criteria: Any) -> list[str]:
    """What has no effect; a question of which that is everything is an empty one."""
    return list(parsed(side, **criteria).ignored)


def refused(document: object, side: Side) -> QuestionError:
    with pytest.raises(QuestionError) as caught:
        parse_question(document, side, subject="Q")
    return caught.value


def match(**criteria: Any) -> Json:
    return {"$elemMatch": criteria}


def alternatives(*listed: Json) -> Json:
    return {"$elemMatch": {"$or": list(listed)}}


# -- criteria


def test_every_criterion_on_profiles_is_read() -> None:
    question = parsed(
        "werkzoekende",
        **{
            "bemiddelingsberoep": alternatives(
                {"beroep.codeBeroepsnaam": {"$eq": "urn:a"}}, {"codeBeroepsnaam": {"$eq": "urn:b"}}
            ),
            "contractvorm": alternatives({"codeTypeArbeidscontract": {"$eq": "O"}}),
            "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": {"$eq": 1},
            RIJBEWIJS: {"$all": [match(codeSoortRijbewijs={"$eq": code}) for code in ("B", "B+", "B")]},
            TALEN: {
                "$all": [
                    match(codeTaal={"$eq": "nld"}, codeNiveauTaalbeheersingMondeling={"$gte": 4}),
                    match(codeTaal={"$eq": "eng"}, codeNiveauTaalbeheersingSchriftelijk={"$gte": 2}),
                    match(codeTaal={"$eq": "nld"}),
                ]
            },
            "datumAanvangBeschikbaarVoorWerk": {"$lte": "2024-02-29"},
            "werktijden.indicatieKantoortijden": {"$eq": 2},
            "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 1},
            "werktijden.aantalWerkurenPerWeekMinimaal": {"$lte": 99},
        },
    )
    assert question == Question(
        side="werkzoekende",
        postcode="6511AB",
        afstand=25,
        occupations=frozenset({"urn:a", "urn:b"}),
        contract_types=frozenset({"O"}),
        irregular=1,
        office_hours=2,
        licences=frozenset({"B", "B+"}),
        languages=(
            LanguageCriterion("nld", oral=4),
            LanguageCriterion("eng", written=2),
            LanguageCriterion("nld"),
        ),
        start=date(2024, 2, 29),
        hours_max_at_least=1,
        hours_min_at_most=99,
    )


def test_every_criterion_on_vacancies_is_read() -> None:
    question = parsed(
        "vacature",
        **{
            "beroep.codeBeroepsnaam": {"$eq": "urn:a"},
            "codeWerkEnDenkniveauMinimaal": {"$gte": "3", "$lt": "7"},
            "datumAanvangWerkzaamheden": {"$gte": "2026-06-01"},
            "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst": {"$eq": 2},
            "rijbewijs": {"$all": [match(codeSoortRijbewijs={"$eq": "T"})]},
            "taalbeheersing": {"$all": [match(codeTaal={"$eq": "nld"})]},
            "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 32},
            "werktijden.aantalWerkurenPerWeekMinimaal": {"$lte": 24},
        },
    )
    assert question == Question(
        side="vacature",
        postcode="6511AB",
        afstand=25,
        occupations=frozenset({"urn:a"}),
        irregular=2,
        licences=frozenset({"T"}),
        languages=(LanguageCriterion("nld"),),
        start=date(2026, 6, 1),
        hours_max_at_least=32,
        hours_min_at_most=24,
        level_at_least=3,
    )


def test_an_area_alone_is_a_question_and_a_postcode_may_be_lower_case() -> None:
    question = parse_question({"selectiegebied": {"postcode": "6511ab", "afstand": 0}}, "vacature")
    assert question == Question("vacature", "6511ab", 0)


@pytest.mark.parametrize(
    ("criterion", "at_least", "equal", "without_effect"),
    [
        ({"$gte": "1", "$lt": "7"}, 1, None, []),
        ({"$lt": "7"}, 0, None, []),
        ({"$eq": "7"}, None, 7, []),
        ({"$gte": "3"}, None, None, ["codeWerkEnDenkniveauMinimaal.$gte"]),
        ({"$eq": "7", "$gte": "3"}, None, 7, ["codeWerkEnDenkniveauMinimaal.$gte"]),
        ({}, None, None, ["codeWerkEnDenkniveauMinimaal"]),
    ],
)
def test_a_level_is_asked_in_one_of_the_two_forms_of_the_contract(
    criterion: Json, at_least: int | None, equal: int | None, without_effect: list[str]
) -> None:
    question = parsed("vacature", codeWerkEnDenkniveauMinimaal=criterion)
    assert (question.level_at_least, question.level_equal) == (at_least, equal)
    assert list(question.ignored) == without_effect


def test_an_alternative_that_contradicts_itself_lets_nothing_through() -> None:
    both = {"beroep.codeBeroepsnaam": {"$eq": "urn:a"}, "codeBeroepsnaam": {"$eq": "urn:b"}}
    other = {"codeBeroepsnaam": {"$eq": "urn:c"}}
    assert parsed("werkzoekende", bemiddelingsberoep=alternatives(both)).occupations == frozenset()
    assert parsed("werkzoekende", bemiddelingsberoep=alternatives(both, other)).occupations == frozenset(
        {"urn:c"}
    )


# -- what has no effect


@pytest.mark.parametrize(
    ("side", "criteria", "paths"),
    [
        ("vacature", {"x": 1}, ["x"]),
        ("vacature", {"b": {"$eq": 1}, "a.b": None}, ["a.b", "b"]),
        ("vacature", {"contractvorm": {"$elemMatch": 1}}, ["contractvorm"]),
        (
            "vacature",
            {"werktijden.indicatieKantoortijden": {"$eq": 9}},
            ["werktijden.indicatieKantoortijden"],
        ),
        ("werkzoekende", {"rijbewijs": {"$all": 1}}, ["rijbewijs"]),
        (
            "werkzoekende",
            {"werktijden.aantalWerkurenPerWeekMaximaal": {"$lte": "x", "$in": []}},
            [
                "werktijden.aantalWerkurenPerWeekMaximaal.$in",
                "werktijden.aantalWerkurenPerWeekMaximaal.$lte",
            ],
        ),
        ("werkzoekende", {"werktijden.indicatieKantoortijden": {}}, ["werktijden.indicatieKantoortijden"]),
        ("werkzoekende", {"bemiddelingsberoep": {}}, ["bemiddelingsberoep"]),
        ("werkzoekende", {"bemiddelingsberoep": {"$elemMatch": {}}}, ["bemiddelingsberoep.$elemMatch"]),
        ("werkzoekende", {"bemiddelingsberoep": alternatives()}, ["bemiddelingsberoep.$elemMatch.$or"]),
        (
            "werkzoekende",
            {"bemiddelingsberoep": {"$elemMatch": {"$and": []}, "$all": []}},
            ["bemiddelingsberoep.$all", "bemiddelingsberoep.$elemMatch.$and"],
        ),
        (
            "werkzoekende",
            {"bemiddelingsberoep": alternatives({}, {"naam": 1}, {"codeBeroepsnaam": {"$ne": "urn:a"}})},
            [
                "bemiddelingsberoep.$elemMatch.$or[0]",
                "bemiddelingsberoep.$elemMatch.$or[1].naam",
                "bemiddelingsberoep.$elemMatch.$or[2].codeBeroepsnaam.$ne",
            ],
        ),
        (
            "werkzoekende",
            {"contractvorm": alternatives({"codeTypeArbeidscontract": {}})},
            ["contractvorm.$elemMatch.$or[0].codeTypeArbeidscontract"],
        ),
        (
            "vacature",
            {"rijbewijs": {"$all": [{}, {"$eq": "B"}, match(), match(codeSoortRijbewijs={"$in": ["B"]})]}},
            [
                "rijbewijs.$all[0]",
                "rijbewijs.$all[1].$eq",
                "rijbewijs.$all[2].$elemMatch",
                "rijbewijs.$all[3].$elemMatch.codeSoortRijbewijs.$in",
            ],
        ),
        (
            "vacature",
            {"taalbeheersing": {"$all": [{"x": 1}, match(codeTaal={})]}},
            ["taalbeheersing.$all[0].x", "taalbeheersing.$all[1].$elemMatch.codeTaal"],
        ),
    ],
)
def test_what_the_contract_does_not_know_has_no_effect_and_is_listed(
    side: Side, criteria: Json, paths: list[str]
) -> None:
    question = parsed(side, **criteria)
    assert list(question.ignored) == paths
    assert replace(question, ignored=()) == parsed(side)


def test_what_stands_beside_something_unknown_keeps_its_effect() -> None:
    question = parsed(
        "werkzoekende",
        **{
            "werktijden.indicatieKantoortijden": {"$eq": 1, "$ne": 2},
            "bemiddelingsberoep": alternatives(
                {"codeBeroepsnam": {"$eq": "urn:a"}}, {"codeBeroepsnaam": {"$eq": "urn:b"}}
            ),
            RIJBEWIJS: {"$all": [{"$not": 1}, match(codeSoortRijbewijs={"$eq": "B"}, x=1)]},
            TALEN: {"$all": [match(codeTaal={"$in": []}, codeNiveauTaalbeheersingMondeling={"$gte": 2})]},
        },
    )
    assert question.office_hours == 1
    assert question.occupations == frozenset({"urn:b"})
    assert question.licences == {"B"}
    assert question.languages == (LanguageCriterion(None, oral=2),)
    assert list(question.ignored) == [
        f"{RIJBEWIJS}.$all[0].$not",
        f"{RIJBEWIJS}.$all[1].$elemMatch.x",
        f"{TALEN}.$all[0].$elemMatch.codeTaal.$in",
        "bemiddelingsberoep.$elemMatch.$or[0].codeBeroepsnam",
        "werktijden.indicatieKantoortijden.$ne",
    ]


def test_levels_of_reading_and_areas_in_another_measure_are_unknown() -> None:
    levels = match(codeTaal={"$eq": "nld"}, codeNiveauTaalbeheersingLezen={"$gte": 2})
    path = "taalbeheersing.$all[0].$elemMatch.codeNiveauTaalbeheersingLezen"
    assert ignored("vacature", taalbeheersing={"$all": [levels]}) == [path]
    assert ignored("vacature", selectiegebied=AREA | {"reistijd": 30}) == ["selectiegebied.reistijd"]


def test_names_from_outside_can_not_break_a_line_or_a_header() -> None:
    assert ignored("vacature", **{"a\nb\x1bé": 1}) == ["a\\nb\\x1b\\xe9"]
    assert not refused({"selectiegebied": AREA, "\ud800": 1}, "vacature").missing


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()), max_size=4),
    st.sampled_from(SIDES),
)
def test_unknown_paths_never_change_what_is_asked(unknown: Json, side: Side) -> None:
    question = parse_question(unknown | {"selectiegebied": AREA}, side)
    assert replace(question, ignored=()) == Question(side, "6511AB", 25)
    assert len(question.ignored) == len(unknown.keys() - {"selectiegebied"})


# -- what is refused


MISSING: list[tuple[Side, Json, str]] = [
    ("werkzoekende", {}, "$.vraagObject"),
    ("vacature", {"vragObject": {"selectiegebied": AREA}}, "$.vraagObject"),
    ("werkzoekende", {"vraagObject": {}}, "$.vraagObject.selectiegebied"),
    ("vacature", {"vraagObject": {}}, "$.vraagObject.selectiegebied"),
    ("vacature", {"beroep.codeBeroepsnaam": {}}, "$.selectiegebied"),
    ("vacature", {"selectiegebied": {"postcode": "6511AB"}}, "$.selectiegebied.afstand"),
    ("vacature", {"selectiegebied": {"afstand": 1}}, "$.selectiegebied.postcode"),
    (
        "vacature",
        {"selectiegebied": AREA, "taalbeheersing": {"$all": [match()]}},
        "$.taalbeheersing['$all'][0]['$elemMatch'].codeTaal",
    ),
    (
        "werkzoekende",
        {
            "selectiegebied": AREA,
            TALEN: {"$all": [match(codeTaal={}), match(codeNiveauTaalbeheersingMondeling={"$gte": 2})]},
        },
        f"$['{TALEN}']['$all'][1]['$elemMatch'].codeTaal",
    ),
]


@pytest.mark.parametrize(("side", "document", "path"), MISSING)
def test_a_missing_required_property_is_told_apart(side: Side, document: Json, path: str) -> None:
    error = refused(document, side)
    assert error.missing
    assert error.subject == f"Q, {path}"
    assert error.remedy


def operands(operator: str, *values: Any) -> list[tuple[Any, str]]:
    return [({operator: value}, f"['{operator}']") for value in values]


def licence(value: Any) -> Json:
    return {"$all": [match(codeSoortRijbewijs={"$eq": value})]}


def language(**criteria: Any) -> Json:
    return {"$all": [match(**{"codeTaal": {"$eq": "nld"}} | criteria)]}


ELEMENT = "['$all'][0]['$elemMatch']"
SHIFT = "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"
MOST, LEAST = "werktijden.aantalWerkurenPerWeekMaximaal", "werktijden.aantalWerkurenPerWeekMinimaal"
NIVEAU = "codeWerkEnDenkniveauMinimaal"
ORAL = "codeNiveauTaalbeheersingMondeling"

WRONG: dict[tuple[Side, str], list[tuple[Any, str]]] = {
    ("vacature", "selectiegebied"): [
        (None, ""),
        ([], ""),
        ("6511AB", ""),
        *(
            (AREA | {"postcode": value}, ".postcode")
            for value in (None, 6511, "", "6511", "6511 AB", "6511A1", "6511AB\n", "٦٥١١AB")
        ),
        *((AREA | {"afstand": value}, ".afstand") for value in (None, -1, 1000, "25", 25.0, True, 10**30)),
    ],
    ("werkzoekende", "werktijden.indicatieKantoortijden"): [
        (1, ""),
        (None, ""),
        ([{"$eq": 1}], ""),
        *operands("$eq", 0, 3, "1", 1.0, True, None),
    ],
    ("vacature", SHIFT): operands("$eq", 0, 8, [1]),
    ("vacature", MOST): operands("$gte", 0, 100, "40", 36.5),
    ("werkzoekende", LEAST): operands("$lte", 0, 100, False),
    ("werkzoekende", "datumAanvangBeschikbaarVoorWerk"): operands(
        "$lte", "2026-02-30", "2026-6-1", "20260601", "2026-06-01T00:00:00", "2026-W23-1", "", 20260601
    ),
    ("vacature", "datumAanvangWerkzaamheden"): operands("$gte", "2025-02-29"),
    ("vacature", "beroep.codeBeroepsnaam"): operands("$eq", "x" * 201, 7, None),
    ("vacature", NIVEAU): [
        *(({"$gte": value, "$lt": "7"}, "['$gte']") for value in ("0", "7", 3, None)),
        ({"$gte": "3", "$lt": "6"}, "['$lt']"),
        ({"$lt": 7}, "['$lt']"),
        ({"$eq": "3"}, "['$eq']"),
        ({"$eq": "7", "$lt": "7"}, "['$eq']"),
        ({"$lt": "7", "$ne": "3"}, "['$ne']"),
    ],
    ("vacature", "rijbewijs"): [
        ({"$all": []}, "['$all']"),
        ({"$all": {}}, "['$all']"),
        ({"$all": ["B"]}, "['$all'][0]"),
        ({"$all": [{"$elemMatch": []}]}, ELEMENT),
        *((licence(value), f"{ELEMENT}.codeSoortRijbewijs['$eq']") for value in ("b", "E", 1)),
    ],
    ("werkzoekende", TALEN): [
        ({"$all": []}, "['$all']"),
        *(
            (language(codeTaal={"$eq": value}), f"{ELEMENT}.codeTaal['$eq']")
            for value in ("NLD", "nl", "nld ", 3, None)
        ),
        *((language(**{ORAL: {"$gte": value}}), f"{ELEMENT}.{ORAL}['$gte']") for value in (0, 1, 5, 8, "2")),
    ],
    ("werkzoekende", "contractvorm"): [
        (alternatives(), "['$elemMatch']['$or']"),
        (
            alternatives({"codeTypeArbeidscontract": {"$eq": "X"}}),
            "['$elemMatch']['$or'][0].codeTypeArbeidscontract['$eq']",
        ),
    ],
    ("werkzoekende", "bemiddelingsberoep"): [
        ({"$elemMatch": {"$or": {}}}, "['$elemMatch']['$or']"),
        (
            alternatives({}, {"codeBeroepsnaam": {"$eq": 5}}),
            "['$elemMatch']['$or'][1].codeBeroepsnaam['$eq']",
        ),
        (
            alternatives({"beroep.codeBeroepsnaam": {"$eq": 5}}),
            "['$elemMatch']['$or'][0]['beroep.codeBeroepsnaam']['$eq']",
        ),
    ],
}


@pytest.mark.parametrize(
    ("side", "name", "criterion", "rest"),
    [(*place, *case) for place, cases in WRONG.items() for case in cases],
)
def test_a_wrong_operand_or_structure_is_refused_with_its_place(
    side: Side, name: str, criterion: Any, rest: str
) -> None:
    error = refused({"selectiegebied": AREA} | {name: criterion}, side)
    step = f"['{name}']" if "." in name else f".{name}"
    assert not error.missing
    assert error.subject == f"Q, ${step}{rest}"
    assert error.found
    assert error.allowed
    assert error.remedy


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("document", [None, 3, "vraagObject", [], [{"selectiegebied": AREA}], True])
def test_a_question_that_is_no_object_is_refused(side: Side, document: object) -> None:
    assert not refused(document, side).missing
    assert refused({"vraagObject": document}, side).subject == "Q, $.vraagObject"


def test_an_error_shows_neither_the_postcode_nor_free_text() -> None:
    error = refused({"selectiegebied": {"postcode": "Jan Jansen", "afstand": "thuis"}}, "vacature")
    assert "Jan" not in str(error)
    assert "thuis" not in str(error)


# -- the wrapper


@pytest.mark.parametrize("side", SIDES)
def test_a_question_may_come_with_or_without_its_wrapper(side: Side) -> None:
    assert parse_question({"vraagObject": {"selectiegebied": AREA}}, side) == parsed(side)


def test_beside_vraag_object_nothing_may_stand_for_profiles() -> None:
    error = refused({"vraagObject": {"selectiegebied": AREA}, "rijbewijs": {}}, "werkzoekende")
    assert (error.subject, error.missing) == ("Q, $.rijbewijs", False)


def test_what_stands_beside_vraag_object_is_accepted_for_vacancies_and_has_no_effect() -> None:
    beside = {"vraagObject": {"selectiegebied": AREA}, "rijbewijs": 1, "a": 2}
    assert list(parse_question(beside, "vacature").ignored) == ["a", "rijbewijs"]


# -- the published contracts


@pytest.mark.parametrize(
    ("side", "file", "name"),
    [
        ("werkzoekende", "VUM-Bemiddelaar-WerkzoekendeProfielen.yaml", "MPWerkzoekende"),
        ("vacature", "VUM-Bemiddelaar-Vacatures.yaml", "MPVacature"),
    ],
)
def test_every_path_of_the_published_contract_is_known(
    shared: Path, side: Side, file: str, name: str
) -> None:
    contract = yaml.safe_load((shared / "standard" / "contracts" / file).read_text(encoding="utf-8"))
    paths = contract["components"]["schemas"][name]["properties"]
    for path in paths.keys() - {"selectiegebied"}:
        assert ignored(side, **{path: {"$unknown": 1}}) == [f"{path}.$unknown"]


# -- files


def written(folder: Path, content: str | bytes, name: str = "question.json") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", ["q.json", "q.json.gz"])
def test_a_file_holds_one_question_or_a_list_of_them(tmp_path: Path, name: str) -> None:
    def packed(document: object) -> bytes:
        content = json.dumps(document).encode("utf-8-sig")
        return gzip.compress(content) if name.endswith(".gz") else content

    one, other = {"vraagObject": {"selectiegebied": AREA}}, {"selectiegebied": AREA | {"afstand": 3}}
    assert load_questions(written(tmp_path, packed(one), name), "vacature") == [parsed("vacature")]
    both = load_questions(written(tmp_path, packed([one, other]), name), "vacature")
    assert [question.afstand for question in both] == [25, 3]
    assert load_questions(written(tmp_path, packed([]), name), "vacature") == []


def test_an_error_in_a_list_names_the_file_and_the_number_of_the_question(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps([{"selectiegebied": AREA}, {"selectiegebied": {}}]))
    with pytest.raises(QuestionError) as caught:
        load_questions(path, "vacature")
    assert caught.value.subject == f"{path}, question 2, $.selectiegebied.afstand"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("\ufeff", "empty"),
        ("selectiegebied", "not JSON"),
        ('{"selectiegebied": {"postcode": "65', "not JSON"),
        ('{"a": 1}\n{"a": 2}', "not JSON"),
        ('{"selectiegebied": {"afstand": NaN}}', "NaN is no number"),
        ('{"selectiegebied": {"afstand": -Infinity}}', "-Infinity is no number"),
        ('{"selectiegebied": {"afstand": 1, "afstand": 999}}', "afstand stands twice"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"postcode": "caf\u00e9"}'.encode("latin-1"), "is not UTF-8"),
        ('{"selectiegebied": 1}'.encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_the_reason(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(FileError, match=reason) as caught:
        load_questions(path, "werkzoekende")
    assert caught.value.subject.startswith(str(path))


def test_a_missing_file_a_folder_and_a_broken_stream_are_refused(tmp_path: Path) -> None:
    broken = written(tmp_path, gzip.compress(b'{"selectiegebied": {}}')[:-5], "q.json.gz")
    for path in (tmp_path / "nowhere.json", tmp_path, broken):
        with pytest.raises(FileError):
            load_questions(path, "werkzoekende")


@pytest.mark.parametrize("depth", [40, 400])
def test_deep_nesting_under_an_unknown_path_has_no_effect(tmp_path: Path, depth: int) -> None:
    deep = '{"a": [' * depth + "1" + "]}" * depth
    path = written(tmp_path, f'{{"selectiegebied": {json.dumps(AREA)}, "a": {deep}}}')
    (question,) = load_questions(path, "vacature")
    assert list(question.ignored) == ["a"]


def test_deep_nesting_under_a_known_path_is_refused_in_one_line() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = {"$elemMatch": [deep]}
    error = refused({"selectiegebied": AREA, "bemiddelingsberoep": deep}, "werkzoekende")
    assert len(str(error)) < 200
    assert ignored("vacature", bemiddelingsberoep=deep) == ["bemiddelingsberoep"]
