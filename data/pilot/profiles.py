"""Profiles of jobseekers, a block at a time."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.pilot import words
from data.pilot.blocks import AS_OF, BLOCK, PEOPLE, Scene, blocks, scene_of
from data.pilot.columns import (
    dates,
    distinct,
    either,
    empty_where,
    integers,
    keep_where,
    lists,
    objects,
    records,
    text_lists,
    texts,
)
from data.pilot.draws import Draws, Flags, Integers, expand
from data.pilot.market import LICENCES, LOWEST_LEVEL, SCHOOLING, Market
from data.pilot.people import JOBS, YEAR, People, draw_people
from data.pilot.places import draw_postcodes
from data.pilot.region import Region
from data.taxonomy import Taxonomy

N = BLOCK

_LEAVING = np.array([12, 16, 20, 22, 24])
"""The age at which the schooling of a level ends, by level from `LOWEST_LEVEL` on."""

_BEFORE = np.array([0, 1, 2, 3, 3])
"""codeNiveauOpleiding of the schooling before that, 0 for none."""

_BEFORE_LEAVING = np.array([12, 12, 16, 17, 18])

_YEARS_AT_SCHOOL = np.array([0, 8, 4, 5, 3, 4, 5])
"""By codeNiveauOpleiding."""

_DISTANCES = np.array([5, 10, 15, 20, 25, 30, 40, 50, 75, 100])
_DISTANCES_BY_CAR = (4, 10, 14, 20, 14, 18, 10, 6, 2, 2)
_DISTANCES_WITHOUT = (16, 26, 20, 16, 8, 7, 3, 2, 1, 1)

_FULL_TIME = np.array([(32, 40), (36, 40), (40, 40), (32, 36), (24, 40), (38, 40)])
_PART_TIME = np.array([(24, 32), (16, 24), (20, 28), (8, 16), (24, 36), (12, 32), (4, 12)])


def generate_profiles(
    n: int,
    *,
    seed: int,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
) -> Iterator[pl.DataFrame]:
    """Generate n invented profiles of jobseekers in a region, as frames of at most 10,000 rows.

    Parameters
    ----------
    n : how many, 0 or more. 0 gives one frame without rows.
    seed : 0 or more. The same seed gives the same bytes, and the first profiles of a longer run are those of
        a shorter one.
    region : where they live, as `read_region` gives one or several; by default Rijk van Nijmegen.
    taxonomy : what they have worked as and can do; by default the bundled one.
    as_of : the day that they are seen at. All jobs that have ended did so before it.

    Returns
    -------
    Frames with exactly the columns and types of `data.dataset.schema("werkzoekende")`. Each is made when it
    is asked for, so memory is bounded whatever n is.

    Raises
    ------
    ValueError : n or seed is below 0, or the taxonomy is empty.
    """
    scene = scene_of(seed, region, taxonomy, as_of)
    return blocks(n, lambda block: _profiles(Draws(seed, PEOPLE, block), scene))


def jobseekers(draws: Draws, scene: Scene) -> tuple[pl.Series, People]:
    """Draw the ids of a block's profiles, String (`BLOCK`,), and who is behind them: a block begins so."""
    return draws.identities(N), draw_people(draws, N, scene.market, scene.today)


def _profiles(draws: Draws, scene: Scene) -> pl.DataFrame:
    market, today = scene.market, scene.today
    identity, people = jobseekers(draws, scene)
    transport = _transport(draws, people)
    wanted = _wanted(draws, people, market)
    contact = draws.chance(0.62, N)
    emails = _emails(draws, identity, contact)
    telephones = _telephones(draws, contact)
    mediators = _mediators(draws)
    reachable = (emails.is_not_null() | telephones.is_not_null() | mediators.is_not_null()).to_numpy()
    empty = draws.chance(0.1, N)  # some sources send empty lists for what they don't know
    return records(
        "werkzoekende",
        {
            "idWerkzoekende": identity,
            "mobiliteit": _mobility(draws, scene.region, transport[:, 0]),
            "bemiddelingsberoep": _occupations(market, *wanted),
            "arbeidsmarktkwalificatie": objects(
                codeWerkEnDenkniveauWerkzoekende=_level(draws, people),
                cursus=empty_where(_courses(draws, people, market, today), empty),
                competentiebeheersing=_skills(draws, people, market),
                interesse=empty_where(_interests(draws, people, market), empty),
                opleiding=_schooling(draws, people, market, today),
                rijbewijs=empty_where(_licences(draws, people), empty),
                taalbeheersing=empty_where(_languages(draws, people), empty),
                werkervaring=_experience(draws, people, scene),
            ),
            "contractvorm": _contracts(draws, people, today),
            "werktijden": _hours(draws, people, market),
            "flexibiliteit": _availability(draws, people, market, today),
            "vervoermiddel": _vehicles(draws, transport),
            "sector": _sectors(draws, people, market),
            "indicatieBeschikbaarheidContactgegevens": integers(
                np.where(reachable, 1, 2), draws.chance(0.8, N)
            ),
            "emailadres": emails,
            "telefoonnummer": telephones,
            "webadres": _pages(draws, identity),
            "contactpersoon": mediators,
            "persoonlijkePresentatie": _presentation(draws, people, market),
            "eisAanWerk": _needs(draws),
            "indicatieLdrRegistratie": integers(1 + draws.chance(0.86, N), draws.chance(0.45, N)),
        },
    )


# -- work


def _wanted(draws: Draws, people: People, market: Market) -> tuple[Integers, Flags]:
    """Draw up to three occupations that each wants, the main one first; which of the (n, 3) count."""
    first = market.neighbour(draws, people.occupation)
    second = market.neighbour(draws, people.occupation)
    occupations = np.stack([people.occupation, first, second], axis=1)
    kept = draws.chance((0.98, 0.55, 0.3), N, 3)
    kept[:, 1] &= first != people.occupation
    kept[:, 2] &= (second != people.occupation) & (second != first)
    return occupations, kept


def _occupations(market: Market, occupations: Integers, kept: Flags) -> pl.Series:
    codes = pl.Series(market.taxonomy.occupations.codes)
    return lists(np.nonzero(kept)[0], N, codeBeroepsnaam=texts(codes, occupations[kept]))


def _skills(draws: Draws, people: People, market: Market) -> pl.Series:
    """Most essential skills of the occupations worked in, some of the optional, and now and then another."""
    taxonomy = market.taxonomy
    worked = np.concatenate([people.occupation[:, None], people.job_occupation], axis=1)
    counts = np.concatenate([np.ones((N, 1), dtype=np.bool_), people.job_kept], axis=1)
    owner, occupation = distinct(np.nonzero(counts)[0], worked[counts], len(taxonomy.occupations))
    pair, element = expand(taxonomy.occupation_skill_indptr, occupation)
    person = owner[pair]

    told = 0.45 + 0.5 * draws.uniform(N)
    share = np.where(taxonomy.occupation_skill_essential[element], 1.0, 0.3) * told[person]
    share = np.where(occupation[pair] == people.occupation[person], share, 0.6 * share)
    kept = draws.chance(share, len(element))
    others = np.nonzero(draws.chance(0.3, N))[0]
    person, skill = distinct(
        np.concatenate([person[kept], others]),
        np.concatenate(
            [
                taxonomy.occupation_skill_indices[element[kept]],
                draws.below(len(taxonomy.skills), len(others)),
            ]
        ),
        len(taxonomy.skills),
    )
    filled = draws.chance(0.86, N)[person]
    codes = pl.Series(taxonomy.skills.codes)
    return lists(person[filled], N, codeCompetentie=texts(codes, skill[filled]))


def _experience(draws: Draws, people: People, scene: Scene) -> pl.Series:
    """Give the jobs, earliest first; the end of the last is unknown for some, who may still work there."""
    market = scene.market
    kept = people.job_kept & draws.chance(0.93, N)[:, None]
    earliest_first = slice(None, None, -1)
    person, place = np.nonzero(kept[:, earliest_first])
    job = JOBS - 1 - place
    m = len(person)
    occupation = people.job_occupation[person, job]
    employer = scene.employers.draw(draws, market.sector(draws, occupation))
    codes = pl.Series(market.taxonomy.occupations.codes)
    told = "Gewerkt als " + market.labels.str.to_lowercase().gather(occupation) + ". "
    return lists(
        person,
        N,
        beroep=objects(codeBeroepsnaam=texts(codes, occupation, draws.chance(0.95, m))),
        datumAanvangWerkzaamheden=dates(people.job_start[person, job], draws.chance(0.97, m)),
        datumEindeWerkzaamheden=dates(
            people.job_end[person, job], draws.chance(np.where(job == 0, 0.88, 0.97), m)
        ),
        naamOrganisatie=texts(scene.employers.name, employer, draws.chance(0.8, m)),
        toelichtingWerkervaring=keep_where(told + draws.text(words.EXPERIENCES, m), draws.chance(0.25, m)),
    )


def _interests(draws: Draws, people: People, market: Market) -> pl.Series:
    """Up to three interests: an occupation like one's own, or something wider."""
    person = np.nonzero(draws.chance((0.34, 0.16, 0.06), N, 3))[0]
    m = len(person)
    alike = market.labels.gather(market.neighbour(draws, people.occupation[person]))
    wide = draws.text(words.INTERESTS, m)
    return lists(person, N, naamInteresse=either(draws.chance(0.6, m), alike, wide))


def _sectors(draws: Draws, people: People, market: Market) -> pl.Series:
    first, second = market.sector(draws, people.occupation), market.sector(draws, people.occupation)
    sectors = np.stack([first, second], axis=1)
    kept = draws.chance((0.6, 0.5), N, 2)
    kept[:, 1] &= kept[:, 0] & (first != second)
    return lists(np.nonzero(kept)[0], N, codeSbi=pl.Series(market.sbi[sectors[kept]]))


# -- schooling


def _level(draws: Draws, people: People) -> pl.Series:
    """Most are filed at their own level, some one higher or lower, a few as not known yet (7)."""
    filed = np.clip(people.level + draws.choice((4, 92, 4), N) - 1, 1, 6)
    return integers(np.where(draws.chance(0.02, N), 7, filed), draws.chance(0.82, N))


def _schooling(draws: Draws, people: People, market: Market, today: int) -> pl.Series:
    """The schooling that belongs to the level, for some after the one before it."""
    step = people.level - LOWEST_LEVEL
    kind = np.stack([_BEFORE[step], SCHOOLING[step]], axis=1)
    leaving = np.stack([_BEFORE_LEAVING[step], _LEAVING[step] + draws.below(3, N)], axis=1)
    kept = draws.chance((0.32, 0.82), N, 2)
    kept[:, 0] &= kept[:, 1] & (kind[:, 0] > 0)
    person, last = np.nonzero(kept)
    kind, m = kind[kept], len(person)

    end = _july(people.birthday[person] + leaving[kept] * YEAR) + draws.below(20, m)
    start = _july(end - _YEARS_AT_SCHOOL[kind] * YEAR) + 45 + draws.below(20, m)
    going_on = end >= today
    left = ~going_on & (last == 1) & draws.chance(0.08, m)
    passed = ~going_on & ~left
    end = np.where(left, (start + end) // 2, end)
    dated = draws.chance(0.75, m)
    known = draws.chance(0.92, m)
    status = np.where(going_on, 3, np.where(left, 2, 1))
    return lists(
        person,
        N,
        codeOpleidingsnaam=keep_where(
            market.schooling_codes(people.occupation[person], kind), (last == 1) & draws.chance(0.6, m)
        ),
        codeNiveauOpleiding=integers(np.where(draws.chance(0.01, m), 9, kind), draws.chance(0.97, m)),
        indicatieDiploma=integers(np.where(known, np.where(passed, 1, 2), 0), draws.chance(0.9, m)),
        toelichtingOpleiding=keep_where(
            market.schooling_names(people.occupation[person], kind), (last == 1) & draws.chance(0.4, m)
        ),
        codeStatusOpleiding=integers(np.where(known, status, 0), draws.chance(0.85, m)),
        datumAanvangVolgenOpleiding=dates(start, dated & (start < today)),
        datumDiploma=dates(end + 7, passed & (end + 7 < today) & draws.chance(0.7, m)),
        datumEindeVolgenOpleiding=dates(end, dated & ~going_on),
        naamOpleidingsinstituut=texts(words.SCHOOLS, kind, draws.chance(0.7, m)),
    )


def _courses(draws: Draws, people: People, market: Market, today: int) -> pl.Series:
    person = np.nonzero(draws.chance((0.24, 0.1, 0.05), N, 3))[0]
    m = len(person)
    course = market.course(draws, people.occupation[person])
    grown = people.birthday[person] + 18 * YEAR
    end = today - 1 - (draws.uniform(m) * np.maximum(today - 200 - grown, 1)).astype(np.int64)
    passed = draws.chance(0.88, m)
    return lists(
        person,
        N,
        indicatieCertificaat=integers(np.where(passed, 1, 2), draws.chance(0.9, m)),
        naamCursus=texts(pl.Series(market.course_names), course),
        datumAanvangVolgenCursus=dates(end - 1 - draws.low(180, m), draws.chance(0.5, m)),
        datumCertificaat=dates(end, passed & draws.chance(0.6, m)),
        datumEindeVolgenCursus=dates(end, draws.chance(0.6, m)),
        naamOpleidingsinstituut=keep_where(draws.text(words.TRAINERS, m), draws.chance(0.5, m)),
    )


# -- languages, licences, transport


_ENGLISH = np.array([(30, 50, 17, 3), (15, 57, 24, 4), (5, 48, 39, 8), (1, 22, 52, 25), (1, 10, 44, 45)])
"""Weights of language levels 1 to 4, by level from `LOWEST_LEVEL` on."""

_LANGUAGES = np.array([0, 4, 1, 2, 3])
"""Where the languages stand in `words.LANGUAGES`: Dutch, the first mother tongue, English, German, French."""


def _languages(draws: Draws, people: People) -> pl.Series:
    """Dutch, the mother tongue of who came from elsewhere, English, German, French."""
    step = people.level - LOWEST_LEVEL
    kept = draws.chance((0.96, 1.0, 0.0, 0.4, 0.12), N, 5)
    kept[:, 1] = people.elsewhere
    kept[:, 2] = draws.chance(np.array([0.35, 0.5, 0.78, 0.92, 0.97])[step], N)
    kept &= draws.chance(0.74, N)[:, None]
    dutch = np.where(people.elsewhere, draws.choice((12, 40, 33, 15), N), draws.choice((0, 3, 22, 75), N))
    level = 1 + np.stack(
        [
            dutch,
            2 + draws.chance(0.88, N),
            draws.choice_of_row(np.cumsum(_ENGLISH, axis=1), step),
            draws.choice((15, 55, 23, 7), N),
            draws.choice((35, 50, 12, 3), N),
        ],
        axis=1,
    )
    language = np.broadcast_to(_LANGUAGES, (N, 5)).copy()
    language[:, 1] += draws.choice(words.LANGUAGE_WEIGHTS, N)
    return _language_lists(draws, kept, language, level)


def _language_lists(draws: Draws, kept: Flags, language: Integers, level: Integers) -> pl.Series:
    person = np.nonzero(kept)[0]
    spoken, m = level[kept], len(person)
    written = np.maximum(spoken - draws.chance(0.25, m), 1)
    odd = draws.choice((985, 8, 7), m)
    return lists(
        person,
        N,
        codeNiveauTaalbeheersingLezen=integers(spoken, draws.chance(0.4, m)),
        codeNiveauTaalbeheersingLuisteren=integers(spoken, draws.chance(0.35, m)),
        codeNiveauTaalbeheersingMondeling=integers(
            np.where(odd == 0, spoken, np.where(odd == 1, 0, 8)), draws.chance(0.96, m)
        ),
        codeNiveauTaalbeheersingSchriftelijk=integers(written, draws.chance(0.9, m)),
        codeTaal=texts(words.LANGUAGES, language[kept]),
    )


def _licences(draws: Draws, people: People) -> pl.Series:
    kept = people.licences & draws.chance(0.9, N)[:, None]
    person, kind = np.nonzero(kept)
    return lists(person, N, codeSoortRijbewijs=texts(pl.Series(LICENCES), kind))


_VEHICLES = np.array([1, 2, 3, 4, 5])
"""codeVervoermiddel: car, moped, bicycle, motorcycle, public transport."""


def _transport(draws: Draws, people: People) -> Flags:
    """Draw what each person can travel by, bool (n, 5), by `_VEHICLES`."""
    able = draws.chance((0.78, 0.6, 0.72, 0.7, 0.5), N, 5)
    for column, kind in ((0, "B"), (1, "AM"), (3, "A")):
        able[:, column] &= people.licences[:, LICENCES.index(kind)]
    return able


def _vehicles(draws: Draws, transport: Flags) -> pl.Series:
    kept = transport & draws.chance(0.5, N)[:, None]
    person, vehicle = np.nonzero(kept)
    m = len(person)
    for_work = np.where(vehicle == 0, draws.choice((10, 60, 30), m), draws.choice((20, 15, 65), m))
    return lists(
        person,
        N,
        codeVervoermiddel=pl.Series(_VEHICLES[vehicle]),
        indicatieBeschikbaarVoorUitvoeringWerk=integers(for_work, draws.chance(0.6, m)),
        indicatieBeschikbaarVoorWoonWerkverkeer=integers(draws.choice((4, 92, 4), m), draws.chance(0.7, m)),
    )


def _mobility(draws: Draws, region: Region, car: Flags) -> pl.Series:
    """Who has a car looks further from home."""
    distance = _DISTANCES[
        np.where(car, draws.choice(_DISTANCES_BY_CAR, N), draws.choice(_DISTANCES_WITHOUT, N))
    ]
    minutes = np.clip(15 * (1 + distance // np.where(car, 15, 8)), 15, 120)
    return objects(
        bemiddelingspostcode=draw_postcodes(draws, N, region, region.inhabitants)[1],
        maximaleReisafstand=integers(distance, draws.chance(0.9, N)),
        maximaleReistijd=integers(minutes, draws.chance(0.4, N)),
    )


# -- conditions


def _contracts(draws: Draws, people: People, today: int) -> pl.Series:
    """Permanent, temporary or both; the young look for an apprenticeship too."""
    young = today - people.birthday < 24 * YEAR
    kept = draws.chance((0.6, 0.5, 0.04), N, 3)
    kept[:, 2] |= young & draws.chance(0.3, N)
    kept &= draws.chance(0.7, N)[:, None]
    person, kind = np.nonzero(kept)
    m = len(person)
    agreement = np.where(kind < 2, draws.choice((94, 0, 2, 4), m), 1)
    return lists(
        person,
        N,
        codeTypeArbeidscontract=texts(pl.Series(["O", "B", "B"]), kind, (kind < 2) | draws.chance(0.6, m)),
        codeTypeOvereenkomst=texts(
            pl.Series(["01", "02", "03", "04"]), agreement, (kind == 2) | draws.chance(0.75, m)
        ),
    )


def _hours(draws: Draws, people: People, market: Market) -> pl.Series:
    row = market.row[people.occupation]
    part_time = draws.chance(0.25 + 0.6 * market.parttime[row], N)
    hours = np.where(
        part_time[:, None],
        _PART_TIME[draws.choice((30, 20, 16, 6, 18, 7, 3), N)],
        _FULL_TIME[draws.choice((34, 26, 10, 14, 8, 8), N)],
    )
    filled = draws.chance(0.85, N)
    office = np.where(draws.chance(market.irregular[row], N), 2, 1)
    return objects(
        aantalWerkurenPerWeekMaximaal=integers(hours[:, 1], filled & draws.chance(0.95, N)),
        aantalWerkurenPerWeekMinimaal=integers(hours[:, 0], filled & draws.chance(0.85, N)),
        indicatieKantoortijden=integers(np.where(draws.chance(0.1, N), 0, office), draws.chance(0.45, N)),
    )


def _availability(draws: Draws, people: People, market: Market, today: int) -> pl.Series:
    irregular = market.irregular[market.row[people.occupation]]
    shifts = np.where(draws.chance(0.15 + 0.7 * irregular, N), 1, 2)
    begin = today + np.where(draws.chance(0.6, N), -draws.low(240, N), draws.low(150, N))
    return objects(
        datumEindeBeschikbaarVoorWerk=dates(begin + 90 + draws.below(400, N), draws.chance(0.04, N)),
        indicatieOnregelmatigWerkOfPloegendienst=integers(
            np.where(draws.chance(0.1, N), 0, shifts), draws.chance(0.55, N)
        ),
        datumAanvangBeschikbaarVoorWerk=dates(begin, draws.chance(0.62, N)),
    )


def _needs(draws: Draws) -> pl.Series:
    """Adjustments that work must allow for: in question with few, and mostly unknown."""
    asked = draws.chance(0.14, N)
    return objects(
        indicatieAanpassingWerkomgeving=integers(draws.choice((20, 40, 40), N), asked & draws.chance(0.7, N)),
        indicatieBegeleiding=integers(draws.choice((15, 55, 30), N), asked & draws.chance(0.8, N)),
        indicatieWerkvariatie=integers(draws.choice((40, 25, 35), N), asked & draws.chance(0.5, N)),
    )


# -- contact and presentation


def _emails(draws: Draws, identity: pl.Series, contact: Flags) -> pl.Series:
    person = np.nonzero(contact & draws.chance(0.85, N))[0]
    return text_lists(person, N, "werkzoekende." + identity.gather(person).str.slice(0, 12) + "@example.nl")


def _telephones(draws: Draws, contact: Flags) -> pl.Series:
    person = np.nonzero(contact & draws.chance(0.75, N))[0]
    return text_lists(person, N, words.telephones(draws, len(person)))


def _pages(draws: Draws, identity: pl.Series) -> pl.Series:
    person = np.nonzero(draws.chance(0.1, N))[0]
    m = len(person)
    return lists(
        person,
        N,
        codeWebadres=integers(1 + draws.chance(0.6, m), draws.chance(0.9, m)),
        url="https://www.example.nl/cv/" + identity.gather(person),
    )


def _mediators(draws: Draws) -> pl.Series:
    person = np.nonzero(draws.chance(0.5, N))[0]
    m = len(person)
    number = pl.Series(1 + draws.below(80, m)).cast(pl.String)
    return lists(
        person,
        N,
        naamContactpersoonAfdeling="Bemiddelaar " + number,
        emailadres=keep_where("bemiddelaar." + number + "@example.nl", draws.chance(0.9, m)),
        telefoonnummer=keep_where(words.telephones(draws, m), draws.chance(0.8, m)),
    )


def _presentation(draws: Draws, people: People, market: Market) -> pl.Series:
    told = "Verzonnen profiel. Ik zoek werk als " + market.labels.str.to_lowercase().gather(people.occupation)
    text = told + ". " + draws.text(words.PRESENTATIONS, N) + " " + draws.text(words.PRESENTATIONS, N)
    return keep_where(text, draws.chance(0.35, N))


def _july(days: NDArray[Any]) -> Integers:
    """Give the beginning of July of the year that each day (since 1970) lies in."""
    years = days.astype(np.int64).astype("datetime64[D]").astype("datetime64[Y]")
    return years.astype("datetime64[D]").astype(np.int64) + 181
