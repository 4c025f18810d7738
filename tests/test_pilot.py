"""The pilot: invented records that are valid, hang together, and are the same for the same seed."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import reference
from data.dataset import read, schema
from data.errors import OutputError, QuestionError
from data.pilot import (
    Pilot,
    Region,
    by_organisation,
    generate_profiles,
    generate_truth,
    generate_vacancies,
    organisation_of,
    organisations,
    read_region,
    regions,
    write_by_organisation,
    write_pilot,
    write_truth,
)
from data.pilot.blocks import AS_OF, BLOCK
from data.pilot.draws import Draws, expand
from data.pilot.market import TABLE, read_market
from data.reference import postcodes
from data.standard import Side, model_of
from data.taxonomy import Source, SourceConcept, Taxonomy, build, bundled_taxonomy

SIDES: list[tuple[Side, Callable[..., Iterator[pl.DataFrame]]]] = [
    ("werkzoekende", generate_profiles),
    ("vacature", generate_vacancies),
]
both = pytest.mark.parametrize(("side", "generate"), SIDES, ids=[side for side, _ in SIDES])

MANY = 4_000


@pytest.fixture(scope="module")
def profiles() -> list[dict[str, Any]]:
    return next(generate_profiles(MANY, seed=1)).to_dicts()


@pytest.fixture(scope="module")
def vacancies() -> list[dict[str, Any]]:
    return next(generate_vacancies(MANY, seed=1)).to_dicts()


def lines(folder: Path, pilot: Pilot) -> tuple[bytes, bytes]:
    profiles, vacancies = write_pilot(folder, pilot)
    return profiles.read_bytes(), vacancies.read_bytes()


def digest(folder: Path) -> str:
    content = b"".join(lines(folder, Pilot(profiles=300, vacancies=300, seed=7)))
    truth = generate_truth(300, 50, seed=7).write_csv().encode()
    return hashlib.sha256(content + truth).hexdigest()


def codes(objects: list[dict[str, Any]] | None, name: str) -> set[str]:
    return {each[name] for each in objects or ()}


def essential(taxonomy: Taxonomy) -> dict[str, set[str]]:
    """Give the essential skills of each occupation, by code."""
    found = {}
    for row, code in enumerate(taxonomy.occupations.codes):
        part = slice(*taxonomy.occupation_skill_indptr[row : row + 2])
        skills = taxonomy.occupation_skill_indices[part][taxonomy.occupation_skill_essential[part]]
        found[code] = {taxonomy.skills.codes[skill] for skill in skills.tolist()}
    return found


def alike(taxonomy: Taxonomy) -> dict[str, set[str]]:
    """Give each occupation with its neighbours, by code."""
    names = taxonomy.occupations.codes
    return {
        code: {code} | {names[other] for other in taxonomy.neighbours[row].tolist() if other >= 0}
        for row, code in enumerate(names)
    }


# -- the same seed, the same bytes


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = lines(tmp_path / "a", Pilot(profiles=200, vacancies=200, seed=1))
    assert lines(tmp_path / "b", Pilot(profiles=200, vacancies=200, seed=1)) == first
    other = lines(tmp_path / "c", Pilot(profiles=200, vacancies=200, seed=2))
    assert other[0] != first[0]
    assert other[1] != first[1]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_another_process_gives_the_same_bytes_with_any_hash_seed_and_threads(
    threads: str, tmp_path: Path
) -> None:
    code = f"import tests.test_pilot as t; print(t.digest(t.Path({str(tmp_path / 'other')!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == digest(tmp_path / "own")


@both
def test_the_first_records_of_a_longer_run_are_those_of_a_shorter_one(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    longer = list(generate(2 * BLOCK + 5, seed=3))
    assert [frame.height for frame in longer] == [BLOCK, BLOCK, 5]
    assert next(generate(100, seed=3)).equals(longer[0].head(100))
    shorter = list(generate(BLOCK + 1, seed=3))
    assert pl.concat(shorter).equals(pl.concat(longer).head(BLOCK + 1))
    assert not longer[0].equals(longer[1])


@settings(max_examples=5)
@given(n=st.integers(0, 2 * BLOCK), seed=st.integers(0, 2**64))
def test_any_size_and_seed_gives_that_many_records_of_the_standards_shape(n: int, seed: int) -> None:
    for side, generate in SIDES:
        frames = list(generate(n, seed=seed))
        assert sum(frame.height for frame in frames) == n
        assert all(dict(frame.schema) == dict(schema(side)) for frame in frames)


def test_streams_begin_with_the_same_numbers_on_every_machine() -> None:
    assert Draws(1, 0, 0).uniform(3).tolist() == [0.8815491373372915, 0.894520199168083, 0.20309964218825294]
    assert Draws(1, 0, 1).below(1000, 5).tolist() == [568, 803, 825, 768, 888]
    assert Draws(1, 2).identities(1).to_list() == ["d3b2346daeeab03bee8baa09bb9b090c"]


@pytest.mark.parametrize("n", [0, 1, 100])
@both
def test_small_sizes_give_one_frame(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]], n: int
) -> None:
    (frame,) = generate(n, seed=1)
    assert frame.height == n
    assert dict(frame.schema) == dict(schema(side))


@both
def test_a_size_or_seed_below_zero_is_refused_at_the_call(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        generate(-1, seed=1)
    with pytest.raises(ValueError, match="non-negative"):
        generate(1, seed=-1)


# -- each record


def test_every_record_is_valid(tmp_path: Path) -> None:
    written = lines(tmp_path, Pilot(profiles=1500))
    for side, content in zip(("werkzoekende", "vacature"), written, strict=True):
        model = model_of(side)  # type: ignore[arg-type]
        for line in content.splitlines():
            model.model_validate_json(line)


def test_ids_are_32_hexadecimal_digits_and_all_different() -> None:
    found = [
        frame[column]
        for seed in (1, 2)
        for generate, column in ((generate_profiles, "idWerkzoekende"), (generate_vacancies, "idVacature"))
        for frame in generate(2 * BLOCK, seed=seed)
    ]
    ids = pl.concat([each.rename("id") for each in found])
    assert ids.n_unique() == len(ids)
    assert ids.str.contains("^[0-9a-f]{32}$").all()


@both
def test_records_differ_in_more_than_their_id(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    frame = next(generate(2000, seed=1))
    keys = ["idWerkzoekende", "idVacature", "nummerVacature", "emailadres", "webadres", "sollicitatiewijze"]
    alike = frame.drop(keys, strict=False).to_dicts()
    different = {json.dumps(each, sort_keys=True) for each in alike}
    assert len(different) > 0.99 * frame.height


def test_contacts_lead_nowhere_and_nothing_looks_like_a_citizen_service_number(tmp_path: Path) -> None:
    content = b"".join(lines(tmp_path, Pilot(profiles=2000, vacancies=2000))).decode()
    assert not re.search(r"(?<!\d)\d{9}(?!\d)", content)
    emails = re.findall(r'"([^"]*@[^"]*)"', content)
    assert emails
    assert all(email.endswith("@example.nl") for email in emails)
    addresses = re.findall(r'"(https?:[^"]*)"', content)
    assert addresses
    assert all(address.startswith("https://www.example.nl/") for address in addresses)
    telephones = re.findall(r'"(0[0-9]{9})"', content)
    assert telephones
    assert all(number.startswith("060000") for number in telephones)


def test_the_mark_that_contact_details_are_there_is_true(profiles: list[dict[str, Any]]) -> None:
    for profile in profiles:
        there = bool(profile["emailadres"] or profile["telefoonnummer"] or profile["contactpersoon"])
        assert profile["indicatieBeschikbaarheidContactgegevens"] in (None, 1 if there else 2)


def test_jobs_stand_in_order_and_ended_before_the_day_it_is(profiles: list[dict[str, Any]]) -> None:
    check_jobs(profiles, AS_OF)
    earlier = date(2020, 1, 31)
    check_jobs(next(generate_profiles(500, seed=1, as_of=earlier)).to_dicts(), earlier)


def check_jobs(profiles: list[dict[str, Any]], as_of: date) -> None:
    for profile in profiles:
        jobs = profile["arbeidsmarktkwalificatie"]["werkervaring"] or ()
        assert len(jobs) <= 5
        days = [
            job[name] for job in jobs for name in ("datumAanvangWerkzaamheden", "datumEindeWerkzaamheden")
        ]
        known = [day for day in days if day]
        assert known == sorted(known)
        assert all(day < as_of.isoformat() for day in known)


def test_schooling_ends_after_it_begins_and_diplomas_are_of_the_past(profiles: list[dict[str, Any]]) -> None:
    for profile in profiles:
        for schooling in profile["arbeidsmarktkwalificatie"]["opleiding"] or ():
            begin, end = schooling["datumAanvangVolgenOpleiding"], schooling["datumEindeVolgenOpleiding"]
            assert begin is None or end is None or begin < end
            if schooling["datumDiploma"]:
                assert schooling["datumDiploma"] < AS_OF.isoformat()
                assert schooling["codeStatusOpleiding"] in (None, 0, 1)


@both
def test_the_least_hours_are_not_above_the_most(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    hours = next(generate(MANY, seed=1))["werktijden"].struct.unnest().drop_nulls()
    assert (hours["aantalWerkurenPerWeekMinimaal"] <= hours["aantalWerkurenPerWeekMaximaal"]).all()


def test_a_licence_never_comes_without_the_one_that_it_needs(profiles: list[dict[str, Any]]) -> None:
    for profile in profiles:
        held = codes(profile["arbeidsmarktkwalificatie"]["rijbewijs"], "codeSoortRijbewijs")
        for kind, needed in (("BE", "B"), ("C", "B"), ("CE", "C"), ("D", "B"), ("DE", "D")):
            assert kind not in held or needed in held


# -- how they hang together


def test_profiles_have_essential_skills_of_an_occupation_that_they_want(
    profiles: list[dict[str, Any]],
) -> None:
    needed = essential(bundled_taxonomy())
    told, overlapping = 0, 0
    for profile in profiles:
        skills = codes(profile["arbeidsmarktkwalificatie"]["competentiebeheersing"], "codeCompetentie")
        wanted = codes(profile["bemiddelingsberoep"], "codeBeroepsnaam")
        told += bool(skills and wanted)
        overlapping += any(skills & needed[occupation] for occupation in wanted)
    assert overlapping > 0.95 * told
    assert told < 0.95 * len(profiles)


def test_people_worked_as_what_they_want_or_something_like_it(profiles: list[dict[str, Any]]) -> None:
    near = alike(bundled_taxonomy())
    known, fitting = 0, 0
    for profile in profiles:
        jobs = profile["arbeidsmarktkwalificatie"]["werkervaring"] or ()
        worked = {job["beroep"]["codeBeroepsnaam"] for job in jobs if job["beroep"]}
        wanted = codes(profile["bemiddelingsberoep"], "codeBeroepsnaam")
        known += bool(worked and wanted)
        fitting += any(worked & near[occupation] for occupation in wanted)
    assert fitting > 0.9 * known


def test_vacancies_ask_for_skills_of_their_occupation_only(vacancies: list[dict[str, Any]]) -> None:
    needed = essential(bundled_taxonomy())
    asked, asked_essential = 0, 0
    for vacancy in vacancies:
        skills = codes(vacancy["competentiebeheersing"], "codeCompetentie")
        mine = needed[vacancy["beroep"]["codeBeroepsnaam"]]
        asked += len(skills)
        asked_essential += len(skills & mine)
    assert 0.7 * asked < asked_essential < 0.95 * asked


def test_nearly_every_vacancy_has_candidates(
    profiles: list[dict[str, Any]], vacancies: list[dict[str, Any]]
) -> None:
    near = alike(bundled_taxonomy())
    wanted: set[str] = set()
    for profile in profiles[:2000]:
        wanted |= codes(profile["bemiddelingsberoep"], "codeBeroepsnaam")
    found = [bool(near[vacancy["beroep"]["codeBeroepsnaam"]] & wanted) for vacancy in vacancies[:300]]
    assert sum(found) > 0.98 * len(found)


def test_schooling_follows_the_kind_of_work(profiles: list[dict[str, Any]]) -> None:
    taxonomy = bundled_taxonomy()
    major = {code: isco[:1] for code, isco in zip(taxonomy.occupations.codes, taxonomy.isco, strict=True)}
    levels: dict[str, list[int]] = {}
    for profile in profiles:
        level = profile["arbeidsmarktkwalificatie"]["codeWerkEnDenkniveauWerkzoekende"]
        if level and level < 7 and profile["bemiddelingsberoep"]:
            group = major[profile["bemiddelingsberoep"][0]["codeBeroepsnaam"]]
            levels.setdefault(group, []).append(level)
    means = {group: sum(found) / len(found) for group, found in levels.items()}
    assert means["2"] > 5 > means["3"] > means["5"] > means["9"]


def test_more_is_asked_in_care_and_technology_than_there_is_and_less_in_offices(
    profiles: list[dict[str, Any]], vacancies: list[dict[str, Any]]
) -> None:
    taxonomy = bundled_taxonomy()
    isco = dict(zip(taxonomy.occupations.codes, taxonomy.isco, strict=True))
    supply = [
        isco[p["bemiddelingsberoep"][0]["codeBeroepsnaam"]] for p in profiles if p["bemiddelingsberoep"]
    ]
    demand = [isco[vacancy["beroep"]["codeBeroepsnaam"]] for vacancy in vacancies]
    for groups, low, high in ((("222", "322", "741", "25"), 1.8, 5.0), (("41", "334", "26"), 0.15, 0.7)):
        asked = sum(each.startswith(groups) for each in demand) / len(demand)
        there = sum(each.startswith(groups) for each in supply) / len(supply)
        assert low < asked / there < high


def test_shares_are_those_of_a_dutch_region(profiles: list[dict[str, Any]]) -> None:
    n = len(profiles)
    qualified = [profile["arbeidsmarktkwalificatie"] for profile in profiles]
    licences = [codes(each["rijbewijs"], "codeSoortRijbewijs") for each in qualified]
    assert 0.55 < sum("B" in each for each in licences) / n < 0.75
    assert 0.01 < sum("C" in each for each in licences) / n < 0.08
    distances = [profile["mobiliteit"]["maximaleReisafstand"] for profile in profiles]
    assert 0.08 < distances.count(None) / n < 0.12
    assert {each for each in distances if each} == {5, 10, 15, 20, 25, 30, 40, 50, 75, 100}
    languages = [codes(each["taalbeheersing"], "codeTaal") for each in qualified if each["taalbeheersing"]]
    assert 0.93 < sum("nld" in each for each in languages) / len(languages) < 0.98
    assert (
        0.1 < sum(len(each - {"nld", "eng", "deu", "fra"}) > 0 for each in languages) / len(languages) < 0.35
    )
    jobs = [len(each["werkervaring"] or ()) for each in qualified]
    assert set(jobs) == {0, 1, 2, 3, 4, 5}
    hours = [(profile["werktijden"] or {}).get("aantalWerkurenPerWeekMaximaal") for profile in profiles]
    assert 0.25 < sum(each < 36 for each in hours if each) / sum(bool(each) for each in hours) < 0.65


def test_drivers_of_lorries_have_and_vacancies_for_them_ask_their_licence(
    profiles: list[dict[str, Any]], vacancies: list[dict[str, Any]]
) -> None:
    taxonomy = bundled_taxonomy()
    drivers = {
        code for code, isco in zip(taxonomy.occupations.codes, taxonomy.isco, strict=True) if isco == "8332"
    }
    had = [
        "C" in codes(profile["arbeidsmarktkwalificatie"]["rijbewijs"], "codeSoortRijbewijs")
        for profile in profiles
        if profile["bemiddelingsberoep"] and profile["bemiddelingsberoep"][0]["codeBeroepsnaam"] in drivers
    ]
    asked = [
        "C" in codes(vacancy["rijbewijs"], "codeSoortRijbewijs")
        for vacancy in vacancies
        if vacancy["beroep"]["codeBeroepsnaam"] in drivers
    ]
    assert sum(had) > 0.6 * len(had) > 0
    assert sum(asked) > 0.8 * len(asked) > 0


def test_an_employer_has_one_address(vacancies: list[dict[str, Any]]) -> None:
    addresses: dict[str, set[str]] = {}
    for vacancy in vacancies:
        name = vacancy["werkgever"] and vacancy["werkgever"]["handelsnaamOrganisatie"]
        if name:
            addresses.setdefault(name, set()).add(json.dumps(vacancy["adres"]))
    assert len(addresses) < len(vacancies) / 2
    assert all(len(found) == 1 for found in addresses.values())


def test_most_vacancies_are_open(vacancies: list[dict[str, Any]]) -> None:
    closing = [vacancy["sluitingsdatumVacature"] for vacancy in vacancies]
    closed = sum(day < AS_OF.isoformat() for day in closing if day)
    assert 0.02 < closed / len(closing) < 0.08


# -- regions


def test_profiles_and_vacancies_stand_in_their_region(
    profiles: list[dict[str, Any]], vacancies: list[dict[str, Any]]
) -> None:
    inside = set(read_region().pc4.tolist())
    homes = [int(profile["mobiliteit"]["bemiddelingspostcode"][:4]) for profile in profiles]
    assert set(homes) <= inside
    assert {int(vacancy["adres"]["postcode"][:4]) for vacancy in vacancies} <= inside
    assert homes.count(6663) > 5 * homes.count(6575) > 0


def test_shipped_regions_have_places_that_are_on_the_map(shared: Path) -> None:
    published = json.loads((shared / "reference/arbeidsmarktregio_gemeente.json").read_text(encoding="utf-8"))
    assert set(regions()) <= set(published["gemeenten"].values())
    for name in regions():
        region = read_region(name)
        assert set(region.pc4.tolist()) <= set(postcodes().table["pc4"].to_list())
        assert len(set(region.pc4.tolist())) == len(region.pc4)
        assert region.inhabitants.min() > 0
        assert region.jobs.min() > 0


def test_rijk_van_nijmegen_has_its_seven_municipalities() -> None:
    expected = {"Berg en Dal", "Beuningen", "Druten", "Heumen", "Mook en Middelaar", "Nijmegen", "Wijchen"}
    assert set(read_region("Rijk van Nijmegen").municipality) == expected


def test_a_region_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(QuestionError, match="nearest are Rijk van Nijmegen"):
        read_region("Rijk van Nijmgen")


@pytest.mark.parametrize("name", regions())
def test_any_of_the_35_regions_has_records_in_all_its_municipalities(name: str) -> None:
    region = read_region(name)
    listed = reference.regions().municipalities.filter(pl.col("region") == name)
    assert set(region.municipality) == set(listed["name"])
    homes = next(generate_profiles(400, seed=1, region=region))["mobiliteit"].struct[0]
    assert set(reference.regions().region_of(homes)) == {name}


def test_inhabitants_of_a_municipality_are_spread_evenly_where_nothing_better_is_known() -> None:
    region = read_region("Twente")
    inside = (region.municipality == "Enschede").to_numpy()
    assert set(region.inhabitants[inside]) == {162_000 // inside.sum()}
    assert set(region.jobs[inside]) == {162_000 // inside.sum() // 2}


def test_a_region_is_found_however_it_is_spelt_and_without_a_name_is_rijk_van_nijmegen() -> None:
    assert read_region("rijk  VAN nijmegen").name == read_region().name == "Rijk van Nijmegen"


def test_several_regions_make_one() -> None:
    both = read_region("Drenthe", "Groningen", "drenthe")
    apart = [read_region("Drenthe"), read_region("Groningen")]
    assert both.name == "Drenthe, Groningen"
    assert both.pc4.tolist() == sorted([*apart[0].pc4.tolist(), *apart[1].pc4.tolist()])
    assert both.inhabitants.sum() == sum(each.inhabitants.sum() for each in apart)
    homes = next(generate_profiles(500, seed=1, region=both))["mobiliteit"].struct[0]
    assert set(reference.regions().region_of(homes)) == {"Drenthe", "Groningen"}


def test_another_region_can_be_given() -> None:
    ones = np.ones(2, dtype=np.int64)
    region = Region("Texel", pl.Series(["Texel", "Texel"]), np.array([1791, 1797], np.uint16), ones, ones)
    frame = next(generate_profiles(100, seed=1, region=region))
    homes = frame["mobiliteit"].struct.field("bemiddelingspostcode").str.slice(0, 4)
    assert set(homes) == {"1791", "1797"}
    frame = next(generate_vacancies(100, seed=1, region=region))
    assert set(frame["adres"].struct.field("postcode").str.slice(0, 4)) == {"1791", "1797"}


# -- organisations


def test_a_region_has_its_municipalities_uwv_and_two_intermediaries() -> None:
    there = organisations(read_region())
    assert [each.kind for each in there] == ["gemeente"] * 7 + ["uwv"] + ["privaat"] * 2
    assert {each.region for each in there} == {"Rijk van Nijmegen", ""}
    assert [each.source for each in there[6:]] == [
        "gemeente-wijchen",
        "uwv",
        "werkbrug-rijk-van-nijmegen",
        "uitzenders-rijk-van-nijmegen",
    ]


def test_all_organisations_of_the_country_have_sources_of_their_own_that_can_be_registered() -> None:
    there = organisations(read_region(*regions()))
    assert len(there) == 342 + 1 + 2 * 35
    assert len({each.source for each in there}) == len({each.name for each in there}) == len(there)
    assert all(re.fullmatch("[a-z0-9-]{1,50}", each.source) for each in there)
    named = {each.name: each.source for each in there}
    assert named["Gemeente 's-Gravenhage"] == "gemeente-s-gravenhage"
    assert named["Gemeente Súdwest-Fryslân"] == "gemeente-sudwest-fryslan"


@both
def test_every_record_is_of_an_organisation_of_where_it_stands(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    region = read_region("Drenthe", "Groningen")
    there = {each.source: each for each in organisations(region)}
    frame = next(generate(MANY, seed=1, region=region))
    held = organisation_of(frame, side)
    postcode = frame["mobiliteit"].struct[0] if side == "werkzoekende" else frame["adres"].struct["postcode"]
    towns, areas = reference.regions().municipality_of(postcode), reference.regions().region_of(postcode)
    for source, town, area in zip(held, towns, areas, strict=True):
        holder = there[source]
        assert holder.kind != "gemeente" or holder.name == f"Gemeente {town}"
        assert holder.region in (area, "")
    kinds: list[str] = [there[source].kind for source in held]
    expected = {"werkzoekende": (0.42, 0.46, 0.12), "vacature": (0.25, 0.45, 0.30)}[side]
    for kind, share in zip(("gemeente", "uwv", "privaat"), expected, strict=True):
        assert abs(kinds.count(kind) / MANY - share) < 0.03


@both
def test_a_record_is_of_the_same_organisation_whatever_stands_beside_it(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    frame = next(generate(300, seed=2))
    held = organisation_of(frame, side)
    assert organisation_of(frame.reverse(), side).reverse().equals(held)
    assert organisation_of(frame[7:8], side).item() == held[7]
    assert organisation_of(frame.clear(), side).to_list() == []


@both
def test_records_divided_by_organisation_are_all_there_once_in_their_order(
    side: Side, generate: Callable[..., Iterator[pl.DataFrame]]
) -> None:
    whole = next(generate(500, seed=1))
    parts = by_organisation(generate(500, seed=1), side)
    assert list(parts) == sorted(parts)
    held = organisation_of(whole, side)
    for source, part in parts.items():
        assert part.height > 0
        assert part.equals(whole.filter(held == source))
    assert sum(part.height for part in parts.values()) == whole.height


# -- truth


SMALL = 600


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    return generate_truth(SMALL, 60, seed=1, unsuitable=None)


def test_the_truth_names_each_pair_of_the_records_once_in_their_order(truth: pl.DataFrame) -> None:
    people = next(generate_profiles(SMALL, seed=1))["idWerkzoekende"].to_list()
    work = next(generate_vacancies(60, seed=1))["idVacature"].to_list()
    assert truth.select("vacancy", "profile").rows() == [(v, p) for v in work for p in people]
    assert truth.schema == {"vacancy": pl.String, "profile": pl.String, "grade": pl.UInt8}


def test_grades_are_0_to_3_and_the_higher_the_rarer(truth: pl.DataFrame) -> None:
    counts = [truth.filter(pl.col("grade") == grade).height / truth.height for grade in range(4)]
    assert sum(counts) == pytest.approx(1)
    assert counts[0] > 0.95
    assert counts[1] > counts[2] > counts[3] > 0.0005


def test_the_truth_is_the_same_for_the_same_seed_and_another_for_another(truth: pl.DataFrame) -> None:
    again = generate_truth(SMALL, 60, seed=1, unsuitable=None)
    assert again.equals(truth)
    other = generate_truth(SMALL, 60, seed=2, unsuitable=None)
    assert not other["grade"].equals(truth["grade"])


@settings(max_examples=8)
@given(people=st.integers(0, SMALL), work=st.integers(0, 60), unsuitable=st.integers(0, 2 * SMALL))
def test_a_grade_does_not_depend_on_how_many_are_graded(people: int, work: int, unsuitable: int) -> None:
    whole = generate_truth(SMALL, 60, seed=1, unsuitable=None)
    fewer = generate_truth(people, work, seed=1, unsuitable=unsuitable)
    part = whole.filter(
        pl.col("vacancy").is_in(whole["vacancy"].unique(maintain_order=True)[:work].to_list()),
        pl.col("profile").is_in(whole["profile"].unique(maintain_order=True)[:people].to_list()),
    )
    assert part.filter(pl.col("grade") > 0).equals(fewer.filter(pl.col("grade") > 0))
    assert fewer.join(part, on=["vacancy", "profile", "grade"]).height == fewer.height
    rest = part.filter(pl.col("grade") == 0).group_by("vacancy").len()
    given_rest = fewer.filter(pl.col("grade") == 0).group_by("vacancy").len()
    expected = rest.with_columns(pl.col("len").clip(upper_bound=unsuitable)).filter(pl.col("len") > 0)
    assert given_rest.sort("vacancy").equals(expected.sort("vacancy"))


def test_grades_go_on_past_a_block() -> None:
    longer = generate_truth(BLOCK + 50, 3, seed=1, unsuitable=0)
    shorter = generate_truth(BLOCK, 3, seed=1, unsuitable=0)
    later = longer.join(shorter, on=["vacancy", "profile"], how="anti")
    assert longer.join(later, on=["vacancy", "profile"], how="anti").equals(shorter)
    assert set(later["profile"]) <= set(list(generate_profiles(BLOCK + 50, seed=1))[1]["idWerkzoekende"])


def test_occupation_tells_of_suitability_but_does_not_settle_it(
    profiles: list[dict[str, Any]], vacancies: list[dict[str, Any]], truth: pl.DataFrame
) -> None:
    wanted = {
        each["idWerkzoekende"]: codes(each["bemiddelingsberoep"], "codeBeroepsnaam") for each in profiles
    }
    asked = {each["idVacature"]: each["beroep"]["codeBeroepsnaam"] for each in vacancies}
    grades: dict[bool, list[int]] = {True: [], False: []}
    for vacancy, profile, grade in truth.iter_rows():
        grades[asked[vacancy] in wanted[profile]].append(grade)
    named, other = grades[True], grades[False]
    assert sum(named) / len(named) > 20 * sum(other) / len(other)
    assert min(named.count(grade) / len(named) for grade in range(4)) > 0.05
    assert sum(grade > 0 for grade in other) > 0.2 * sum(grade > 0 for grade in named)


def test_who_lives_far_beyond_what_it_would_travel_is_hardly_ever_suitable() -> None:
    region = read_region("Rijk van Nijmegen", "Zuid-Limburg")
    truth = generate_truth(2000, 60, seed=1, region=region, unsuitable=0)
    people = next(generate_profiles(2000, seed=1, region=region))
    work = next(generate_vacancies(60, seed=1, region=region))
    area = reference.regions().region_of
    homes = dict(zip(people["idWerkzoekende"], area(people["mobiliteit"].struct[0]), strict=True))
    places = dict(zip(work["idVacature"], area(work["adres"].struct["postcode"]), strict=True))
    apart = truth.filter(pl.col("vacancy").replace_strict(places) != pl.col("profile").replace_strict(homes))
    assert apart.height < 0.05 * truth.height


def test_a_truth_of_nothing_is_empty_and_less_is_refused() -> None:
    assert generate_truth(0, 5, seed=1).is_empty()
    assert generate_truth(5, 0, seed=1).is_empty()
    for numbers in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)):
        with pytest.raises(ValueError, match="0 or more"):
            generate_truth(numbers[0], numbers[1], seed=1, unsuitable=numbers[2])


# -- taxonomies


def test_the_smallest_taxonomy_is_enough() -> None:
    one = build(
        Source(
            name="one",
            occupations=(SourceConcept("o", "Alleskunner " * 20),),
            skills=(SourceConcept("s", "Alles"),),
            essential=(("o", "s"),),
        )
    )
    for side, generate in SIDES:
        frame = next(generate(200, seed=1, taxonomy=one))
        model = model_of(side)
        for record in frame.to_dicts():
            model.model_validate(without_absent(record))


def without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_absent(each) for name, each in value.items() if each is not None}
    return [without_absent(each) for each in value] if isinstance(value, list) else value


@both
def test_an_empty_taxonomy_is_refused(side: Side, generate: Callable[..., Iterator[pl.DataFrame]]) -> None:
    with pytest.raises(ValueError, match="occupations and skills"):
        generate(1, seed=1, taxonomy=build(Source(name="none", occupations=())))


def test_the_market_gives_every_occupation_some_supply_and_demand() -> None:
    market = read_market(bundled_taxonomy())
    assert market.supply.min() > 0
    assert market.demand.min() > 0


def test_the_table_of_the_market_is_whole() -> None:
    table = pl.read_csv(TABLE, infer_schema=False)
    assert table["isco"].fill_null("").is_unique().all()
    for row in table.iter_rows(named=True):
        assert sum(map(int, row["levels"].split("|"))) == 100
        assert len(row["levels"].split("|")) == 5
        assert all(0 <= int(code) <= 99_999 for code in row["sectors"].split("|"))
        assert all(len(course) <= 120 for course in row["courses"].split("|"))


# -- files


def test_a_pilot_reads_back_whole_from_every_format(tmp_path: Path) -> None:
    pilot = Pilot(profiles=120, vacancies=80)
    plain = write_pilot(tmp_path / "new" / "plain", pilot)
    packed = write_pilot(tmp_path / "packed", pilot, suffix=".parquet")
    for side, one, other in zip(("werkzoekende", "vacature"), plain, packed, strict=True):
        first, second = read(one, side), read(other, side)  # type: ignore[arg-type]
        assert first.frame.equals(second.frame)
        assert (first.accepted, first.rejected) == (getattr(pilot, one.stem), 0)


def test_files_by_organisation_hold_the_records_of_the_whole(tmp_path: Path) -> None:
    pilot = Pilot(profiles=200, vacancies=40)
    whole = lines(tmp_path / "whole", pilot)
    written = write_by_organisation(tmp_path / "apart", pilot)
    assert list(written) == sorted(each.name for each in (tmp_path / "apart").iterdir())
    for name, content in zip(("profiles.ndjson", "vacancies.ndjson"), whole, strict=True):
        parts = [path for paths in written.values() for path in paths if path.name == name]
        found = [line for path in parts for line in path.read_bytes().splitlines()]
        assert all(path.stat().st_size for path in parts)
        assert sorted(found) == sorted(content.splitlines())


def test_the_truth_as_a_file_has_the_columns_that_judgements_have(tmp_path: Path) -> None:
    write_truth(tmp_path / "judgements.csv", Pilot(profiles=200, vacancies=5, seed=3))
    written = pl.read_csv(tmp_path / "judgements.csv", schema_overrides={"grade": pl.UInt8})
    assert written.equals(generate_truth(200, 5, seed=3))
    assert written.columns == ["vacancy", "profile", "grade"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="folder"):
        write_pilot(tmp_path / "file", Pilot())


# -- draws


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any),
    st.integers(0, 1000),
)
def test_a_choice_never_falls_on_a_weight_of_zero(weights: list[int], seed: int) -> None:
    chosen = Draws(seed).choice(weights, 50)
    assert all(weights[position] > 0 for position in chosen.tolist())
    rows = np.zeros(50, dtype=np.int64)
    chosen = Draws(seed).choice_of_row(np.cumsum([weights], axis=1), rows)
    assert all(weights[position] > 0 for position in chosen.tolist())


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.data())
def test_expanding_rows_equals_joining_their_elements(lengths: list[int], data: st.DataObject) -> None:
    indptr = np.cumsum([0, *lengths])
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6))
    owner, element = expand(indptr, np.array(rows, dtype=np.int64))
    expected = [(place, at) for place, row in enumerate(rows) for at in range(indptr[row], indptr[row + 1])]
    assert list(zip(owner.tolist(), element.tolist(), strict=True)) == expected
