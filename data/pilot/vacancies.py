"""Vacancies, a block at a time."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from data.pilot import words
from data.pilot.blocks import AS_OF, BLOCK, VACANCIES, Scene, blocks, scene_of
from data.pilot.columns import dates, either, integers, keep_where, lists, objects, records, text_lists, texts
from data.pilot.draws import Draws, Integers, expand
from data.pilot.market import LICENCES, LOWEST_LEVEL, SCHOOLING, Market
from data.pilot.region import Region
from data.taxonomy import Taxonomy

N = BLOCK

_FULL_TIME = np.array([(32, 40), (36, 40), (40, 40), (38, 38), (32, 36), (24, 40)])
_PART_TIME = np.array([(24, 32), (16, 24), (20, 28), (8, 16), (24, 36), (16, 32), (4, 12)])

_PAY = np.array([2300, 2400, 2650, 3300, 4100])
"""Euros a month by level, where a scale begins at the least."""

_SCALES = 8
"""Scales a level, each 100 euros above the one before."""

_SALARIES = pl.Series(
    [
        f"{pay} - {pay + 500} euro bruto per maand"
        for low in _PAY
        for pay in range(low, low + 100 * _SCALES, 100)
    ]
)


def generate_vacancies(
    n: int,
    *,
    seed: int,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
) -> Iterator[pl.DataFrame]:
    """Generate n invented vacancies in a region, as frames of at most 10,000 rows.

    Parameters
    ----------
    n : how many, 0 or more. 0 gives one frame without rows.
    seed : 0 or more. The same seed gives the same bytes, and the first vacancies of a longer run are those of
        a shorter one. Profiles of the same seed name the same employers.
    region : where the work is, as `read_region` gives one or several; by default Rijk van Nijmegen.
    taxonomy : what is asked for; by default the bundled one.
    as_of : the day that they are seen at. Most are open on it, a few have closed shortly before.

    Returns
    -------
    Frames with exactly the columns and types of `data.dataset.schema("vacature")`. Each is made when it is
    asked for, so memory is bounded whatever n is.

    Raises
    ------
    ValueError : n or seed is below 0, or the taxonomy is empty.
    """
    scene = scene_of(seed, region, taxonomy, as_of)
    return blocks(n, lambda block: _vacancies(Draws(seed, VACANCIES, block), scene, block))


def openings(draws: Draws, scene: Scene) -> tuple[pl.Series, Integers, Integers]:
    """Draw the ids of a block's vacancies, String (`BLOCK`,), and occupation and level of the work, int64:
    a block begins so.
    """
    identity = draws.identities(N)
    occupation = draws.choice(scene.market.demand, N)
    level = np.maximum(scene.market.level(draws, occupation) - draws.chance(0.3, N), LOWEST_LEVEL)
    return identity, occupation, level


def _vacancies(draws: Draws, scene: Scene, block: int) -> pl.DataFrame:
    market, employers, today = scene.market, scene.employers, scene.today
    identity, occupation, level = openings(draws, scene)
    sector = market.sector(draws, occupation)
    employer = employers.draw(draws, sector)
    hours = _hours(draws, market, occupation)
    number = np.arange(block * N, (block + 1) * N)
    numbered = "V" + pl.Series(number).cast(pl.String).str.zfill(7)
    return records(
        "vacature",
        {
            "idVacature": identity,
            "nummerVacature": keep_where(numbered, draws.chance(0.7, N)),
            "naamVacature": keep_where(_names(draws, market, occupation), draws.chance(0.96, N)),
            "omschrijvingVacature": _description(draws, scene, occupation, employer, hours),
            "beroep": objects(
                codeBeroepsnaam=texts(pl.Series(market.taxonomy.occupations.codes), occupation)
            ),
            "codeWerkEnDenkniveauMinimaal": _level(draws, level),
            "competentiebeheersing": _skills(draws, market, occupation),
            "opleiding": _schooling(draws, market, occupation, level),
            "cursus": _courses(draws, market, occupation),
            "werkervaring": _experience(draws),
            "rijbewijs": _licences(draws, market, occupation),
            "taalbeheersing": _languages(draws, level),
            "werktijden": objects(
                aantalWerkurenPerWeekMaximaal=integers(hours[:, 1], draws.chance(0.93, N)),
                aantalWerkurenPerWeekMinimaal=integers(hours[:, 0], draws.chance(0.88, N)),
                indicatieKantoortijden=integers(
                    np.where(draws.chance(market.irregular[market.row[occupation]], N), 2, 1),
                    draws.chance(0.5, N),
                ),
            ),
            "contractvorm": _contracts(draws),
            "flexibiliteit": _shifts(draws, market, occupation),
            "vervoermiddel": _vehicles(draws, market, occupation),
            "arbeidsVoorwaarden": _terms(draws, level, today),
            "sluitingsdatumVacature": dates(
                today + np.where(draws.chance(0.05, N), -1 - draws.low(20, N), draws.below(90, N)),
                draws.chance(0.92, N),
            ),
            "sector": objects(codeSbi=integers(market.sbi[sector], draws.chance(0.75, N))),
            "adres": objects(
                postcode=employers.postcode.gather(employer),
                straatnaam=employers.street.gather(employer),
                huisnummer=pl.Series(employers.house[employer]),
                huisnummertoevoeging=employers.addition.gather(employer),
            ),
            "werkgever": _employer(draws, scene, employer, sector),
            "sollicitatiewijze": _application(draws, identity),
        },
    )


# -- what is offered


def _names(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    """Most vacancies are called by the preferred label, some by another one; some say (m/v/x)."""
    name = either(draws.chance(0.7, N), market.labels.gather(occupation), market.title(draws, occupation))
    return either(draws.chance(0.25, N), name.str.slice(0, 110) + " (m/v/x)", name)


def _description(
    draws: Draws, scene: Scene, occupation: Integers, employer: Integers, hours: Integers
) -> pl.Series:
    label = scene.market.labels.str.to_lowercase().gather(occupation)
    text = (
        "Verzonnen vacature. "
        + scene.employers.name.gather(employer)
        + " in "
        + scene.employers.place.gather(employer)
        + " zoekt voor "
        + pl.Series(hours[:, 0]).cast(pl.String)
        + " tot "
        + pl.Series(hours[:, 1]).cast(pl.String)
        + " uur per week: "
        + label
        + ". "
        + draws.text(words.OFFERS, N)
        + " "
        + draws.text(words.OFFERS, N)
    )
    return keep_where(text, draws.chance(0.8, N))


def _hours(draws: Draws, market: Market, occupation: Integers) -> Integers:
    """Draw the least and the most hours a week, int64 (n, 2)."""
    part_time = draws.chance(market.parttime[market.row[occupation]], N)
    return np.where(
        part_time[:, None],
        _PART_TIME[draws.choice((28, 20, 14, 8, 18, 9, 3), N)],
        _FULL_TIME[draws.choice((34, 26, 16, 6, 10, 8), N)],
    )


def _contracts(draws: Draws) -> pl.Series:
    kept = draws.chance((0.45, 0.55), N, 2) & draws.chance(0.85, N)[:, None]
    vacancy, kind = np.nonzero(kept)
    m = len(vacancy)
    agreement = draws.choice((92, 5, 1, 2), m)
    return lists(
        vacancy,
        N,
        codeTypeArbeidscontract=texts(pl.Series(["O", "B"]), kind),
        codeTypeOvereenkomst=texts(
            pl.Series(["01", "02", "03", "04"]), np.where(kind == 0, 0, agreement), draws.chance(0.8, m)
        ),
    )


def _shifts(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    irregular = draws.chance(market.irregular[market.row[occupation]], N)
    return objects(
        indicatieOnregelmatigWerkOfPloegendienst=integers(
            np.where(draws.chance(0.05, N), 0, np.where(irregular, 1, 2)), draws.chance(0.65, N)
        )
    )


def _terms(draws: Draws, level: Integers, today: int) -> pl.Series:
    begin = today + draws.below(120, N)
    salary = (level - LOWEST_LEVEL) * _SCALES + draws.low(_SCALES, N)
    return objects(
        datumAanvangWerkzaamheden=dates(begin, draws.chance(0.6, N)),
        datumEindeWerkzaamheden=dates(begin + 180 + draws.below(360, N), draws.chance(0.06, N)),
        omschrijvingArbeidsvoorwaarden=keep_where(draws.text(words.CONDITIONS, N), draws.chance(0.35, N)),
        salarisIndicatie=texts(_SALARIES, salary, draws.chance(0.6, N)),
    )


# -- what is asked


def _level(draws: Draws, level: Integers) -> pl.Series:
    """Give codeWerkEnDenkniveauMinimaal, for a few as not known yet (7)."""
    return integers(np.where(draws.chance(0.02, N), 7, level), draws.chance(0.78, N)).cast(pl.String)


def _skills(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    """Some employers ask for nearly all that is essential, some for little; few for what is optional."""
    taxonomy = market.taxonomy
    vacancy, element = expand(taxonomy.occupation_skill_indptr, occupation)
    asked = 0.3 + 0.6 * draws.uniform(N)
    share = np.where(taxonomy.occupation_skill_essential[element], 1.0, 0.25) * asked[vacancy]
    kept = draws.chance(share, len(element)) & draws.chance(0.9, N)[vacancy]
    codes = pl.Series(taxonomy.skills.codes)
    skill = taxonomy.occupation_skill_indices[element[kept]]
    return lists(vacancy[kept], N, codeCompetentie=texts(codes, skill))


def _schooling(draws: Draws, market: Market, occupation: Integers, level: Integers) -> pl.Series:
    vacancy = np.nonzero(draws.chance(0.6, N))[0]
    m = len(vacancy)
    kind = SCHOOLING[level[vacancy] - LOWEST_LEVEL]
    return lists(
        vacancy,
        N,
        codeOpleidingsnaam=keep_where(
            market.schooling_codes(occupation[vacancy], kind), draws.chance(0.45, m) & (kind > 1)
        ),
        codeNiveauOpleiding=integers(kind, draws.chance(0.97, m)),
        indicatieDiploma=integers(draws.choice((5, 75, 20), m), draws.chance(0.7, m)),
        toelichtingOpleiding=keep_where(
            market.schooling_names(occupation[vacancy], kind), draws.chance(0.35, m)
        ),
    )


def _courses(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    vacancy = np.nonzero(draws.chance((0.16, 0.04), N, 2))[0]
    m = len(vacancy)
    return lists(
        vacancy,
        N,
        indicatieCertificaat=integers(draws.choice((10, 75, 15), m), draws.chance(0.8, m)),
        naamCursus=texts(pl.Series(market.course_names), market.course(draws, occupation[vacancy])),
    )


def _experience(draws: Draws) -> pl.Series:
    vacancy = np.nonzero(draws.chance(0.45, N))[0]
    years = draws.choice((12, 28, 26, 14, 4, 12, 2, 1, 1), len(vacancy))
    return lists(vacancy, N, aantalJarenWerkzaamInBeroep=pl.Series(years))


def _licences(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    """What the work can't do without is asked for nearly always, a car licence now and then elsewhere."""
    row = market.row[occupation]
    kept = market.required[row] & draws.chance(0.9, N)[:, None]
    car = LICENCES.index("B")
    driven = market.required[row][:, car + 1 :].any(axis=1) | (market.licences[row, car] > 0.95)
    often = np.where(driven, 0.9, 0.5 * np.maximum(market.licences[row, car] - 0.5, 0.1))
    kept[:, car] = draws.chance(often, N)
    vacancy, kind = np.nonzero(kept)
    return lists(vacancy, N, codeSoortRijbewijs=texts(pl.Series(LICENCES), kind))


def _languages(draws: Draws, level: Integers) -> pl.Series:
    """Dutch with half of them, English the more the higher the level, German over the border."""
    step = level - LOWEST_LEVEL
    kept = draws.chance((0.55, 0.0, 0.06), N, 3)
    kept[:, 1] = draws.chance(np.array([0.03, 0.05, 0.12, 0.3, 0.5])[step], N)
    vacancy, language = np.nonzero(kept)
    m = len(vacancy)
    spoken = np.where(
        level[vacancy] <= 3, draws.choice((0, 0, 70, 30), m), draws.choice((0, 0, 20, 65, 15), m)
    )
    written = np.maximum(spoken - draws.chance(0.3, m), 2)
    return lists(
        vacancy,
        N,
        codeNiveauTaalbeheersingLezen=integers(spoken, draws.chance(0.25, m)),
        codeNiveauTaalbeheersingLuisteren=integers(spoken, draws.chance(0.2, m)),
        codeNiveauTaalbeheersingMondeling=integers(spoken, draws.chance(0.95, m)),
        codeNiveauTaalbeheersingSchriftelijk=integers(written, draws.chance(0.7, m)),
        codeTaal=texts(words.LANGUAGES, language),
    )


def _vehicles(draws: Draws, market: Market, occupation: Integers) -> pl.Series:
    """A car of one's own, asked for now and then where most people drive."""
    driving = market.licences[market.row[occupation], LICENCES.index("B")]
    vacancy = np.nonzero(draws.chance(np.where(driving > 0.8, 0.12, 0.03), N))[0]
    m = len(vacancy)
    return lists(
        vacancy,
        N,
        codeVervoermiddel=pl.Series(np.ones(m, dtype=np.int64)),
        indicatieBeschikbaarVoorUitvoeringWerk=integers(draws.choice((5, 60, 35), m), draws.chance(0.8, m)),
        indicatieBeschikbaarVoorWoonWerkverkeer=integers(draws.choice((5, 80, 15), m), draws.chance(0.6, m)),
    )


# -- who asks


def _employer(draws: Draws, scene: Scene, employer: Integers, sector: Integers) -> pl.Series:
    own = np.nonzero(draws.chance(0.6, N))[0]
    web = np.nonzero(draws.chance(0.4, N))[0]
    contact = np.nonzero(draws.chance(0.35, N))[0]
    m = len(contact)
    number = pl.Series(employer + 1).cast(pl.String)
    email = "werving." + number.gather(contact) + "@example.nl"
    reached = draws.chance(0.85, m)
    called = draws.chance(0.7, m)
    return objects(
        contactpersoon=lists(
            contact,
            N,
            naamContactpersoonAfdeling=pl.Series(["Afdeling werving"]).gather(np.zeros(m, dtype=np.int64)),
            emailadres=text_lists(np.nonzero(reached)[0], m, email.filter(pl.Series(reached))),
            telefoonnummer=text_lists(np.nonzero(called)[0], m, words.telephones(draws, int(called.sum()))),
        ),
        handelsnaamOrganisatie=texts(scene.employers.name, employer, draws.chance(0.9, N)),
        sector=lists(own, N, codeSbi=pl.Series(scene.market.sbi[sector[own]])),
        webadres=lists(
            web,
            N,
            codeWebadres=pl.Series(np.full(len(web), 3)),
            url="https://www.example.nl/werkgever/" + number.gather(web),
        ),
    )


def _application(draws: Draws, identity: pl.Series) -> pl.Series:
    """By post (1), telephone (2), e-mail (3) or form (4), the last with its address."""
    vacancy, way = np.nonzero(draws.chance((0.02, 0.12, 0.4, 0.45), N, 4))
    form = way == 3
    m = len(vacancy)
    return lists(
        vacancy,
        N,
        codeSollicitatiewijze=texts(pl.Series(["1", "2", "3", "4"]), way),
        webadres=objects(
            codeWebadres=integers(np.full(m, 4), form),
            url=keep_where("https://www.example.nl/solliciteren/" + identity.gather(vacancy), form),
        ),
    )
