"""What a match means, spelt out pair by pair on plain JSON: the oracle of `engine`, and a small world for it.

Made of dictionaries, fractions and whole sorts, without the columns, the vectors and the kernels, so that it
shares no mistake with them. A feature is a (group, code) pair here, a degree is of 128.
"""

import hashlib
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from data.dataset import schema
from data.reference import postcodes
from data.standard import Side
from data.taxonomy import Source, SourceConcept, Taxonomy, build, normalise
from engine.conditions import Settings

Json = Mapping[str, Any]
Feature = tuple[str, str]

SUGGESTED: Mapping[str, float] = {"occupation": 4, "skill": 1, "education": 1, "sector": 0.5}
CONDITIONS = (
    "area",
    "hours",
    "contract",
    "irregular",
    "office_hours",
    "dates",
    "open",
    "licence",
    "language",
    "education_level",
)
SKILLS_OF_A_LANGUAGE = ("Mondeling", "Schriftelijk", "Lezen", "Luisteren")
ID = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}
QUALIFICATION = {"werkzoekende": "arbeidsmarktkwalificatie.", "vacature": ""}


def look(record: Any, path: str) -> Any:
    """The value at a path, None where it is absent or empty."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return None if record in ("", [], {}) else record


def each(record: Json, path: str, inner: str) -> list[Any]:
    """What the objects of a list say at a path, where they say anything."""
    found = [look(item, inner) for item in look(record, path) or []]
    return [value for value in found if value is not None]


# -- features


class PlainTaxonomy:
    """What a taxonomy says about features, looked up by code."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.primary: dict[Feature, str] = {}
        self.labels: dict[str, Feature] = {}
        for group, concepts in (("skill", taxonomy.skills), ("occupation", taxonomy.occupations)):
            codes = concepts.codes
            self.primary |= {(group, code): codes[concept] for code, concept in concepts.index().items()}
            # Occupations come last, so that they win a label that both have.
            self.labels |= {
                label: (group, codes[concept]) for label, concept in concepts.label_index().items()
            }
        self.counts = {(group, code): count for group, code, count, _ in taxonomy.frequencies.iter_rows()}
        self.totals = {group: total for group, _, _, total in taxonomy.frequencies.iter_rows()}

        self.reaches: dict[Feature, dict[Feature, int]] = {}
        occupations = taxonomy.occupations.codes
        for code, others, degrees in zip(
            occupations, taxonomy.neighbours.tolist(), taxonomy.neighbour_degrees.tolist(), strict=True
        ):
            self.reaches["occupation", code] = {
                ("occupation", occupations[other]): degree
                for other, degree in zip(others[:5], degrees[:5], strict=True)
                if other >= 0
            }
        skills, indptr = taxonomy.skills.codes, taxonomy.skill_broader_indptr.tolist()
        indices = taxonomy.skill_broader_indices.tolist()
        broader = {
            code: {skills[other] for other in indices[indptr[row] : indptr[row + 1]]}
            for row, code in enumerate(skills)
        }
        for code in skills:
            second = {above for other in broader[code] for above in broader[other]}
            degrees_of = dict.fromkeys(second, 32) | dict.fromkeys(broader[code], 64)
            self.reaches["skill", code] = {
                ("skill", other): degree for other, degree in degrees_of.items() if other != code
            }
        for level in range(2, 7):
            lower = {level_feature(other): 128 for other in range(2, level)}
            above = {level_feature(level + 1): 64} if level < 6 else {}
            self.reaches[level_feature(level)] = lower | above

    def feature(self, group: str, code: Any) -> Feature:
        return group, self.primary.get((group, str(code)), str(code))

    def labelled(self, labels: Iterable[str]) -> list[Feature]:
        return [self.labels[normalise(label)] for label in labels if normalise(label) in self.labels]

    def idf(self, feature: Feature) -> int:
        """In 1/1024ths, from the reference table and nothing else."""
        total = self.totals.get(feature[0], 0)
        if not total:
            return 1024
        share = math.log(1 + total / (1 + self.counts.get(feature, 0))) / math.log(1 + total)
        return max(1, round(1024 * share))

    def covers(self, has: Mapping[Feature, int]) -> dict[Feature, int]:
        """To what degree each feature is covered by the best of what is had; degrees are of 128."""
        best: dict[Feature, int] = {}
        for own, degree in has.items():
            for other, reached in [(own, degree)] + [
                (other, (degree * far + 64) // 128) for other, far in self.reaches.get(own, {}).items()
            ]:
                best[other] = max(best.get(other, 0), reached)
        return {feature: degree for feature, degree in best.items() if degree}


def level_feature(level: int) -> Feature:
    return "education", f"niveau:{level}"


def level_of_education(education: Json) -> int | None:
    """basis, vmbo, havo/vwo and mbo, hbo, wo on the scale of codeWerkEnDenkniveau; "anders" has none."""
    return {1: 2, 2: 3, 3: 4, 4: 4, 5: 5, 6: 6}.get(education.get("codeNiveauOpleiding", 9))


def is_unfinished(education: Json) -> bool:
    return education.get("codeStatusOpleiding") in (2, 3) or education.get("indicatieDiploma") == 2


def vacancy_level(vacancy: Json) -> int | None:
    """What a vacancy asks at least: the level that it states, else the lowest of its educations."""
    stated = look(vacancy, "codeWerkEnDenkniveauMinimaal")
    if stated in ("1", "2", "3", "4", "5", "6"):
        return int(stated)
    levels = [level_of_education(education) for education in look(vacancy, "opleiding") or []]
    return min((level for level in levels if level), default=None)


def profile_level(profile: Json) -> int | None:
    """The highest of what a profile states and of the educations that it finished."""
    stated = look(profile, "arbeidsmarktkwalificatie.codeWerkEnDenkniveauWerkzoekende")
    levels = [stated] if stated in range(1, 7) else []
    for education in look(profile, "arbeidsmarktkwalificatie.opleiding") or []:
        if not is_unfinished(education):
            levels.append(level_of_education(education))
    return max((level for level in levels if level), default=None)


def experience(job: Json, as_of: date) -> int:
    """A day counts half, three years whole; after two years that fades, over ten, to half of it."""
    start, end = look(job, "datumAanvangWerkzaamheden"), look(job, "datumEindeWerkzaamheden")
    if start is None and end is None:
        return 96 * 96 // 128
    last = as_of if end is None else min(date.fromisoformat(end), as_of)
    length = 96
    if start is not None:
        length = 64 + 64 * min(max((last - date.fromisoformat(start)).days, 0), 1095) // 1095
    recency = 128 - 64 * min(max((as_of - last).days - 730, 0), 3650) // 3650
    return length * recency // 128


def asks(record: Json, side: Side, taxonomy: PlainTaxonomy) -> set[Feature]:
    """What a vacancy asks for, or what a jobseeker wants."""
    if side == "werkzoekende":
        occupations = each(record, "bemiddelingsberoep", "codeBeroepsnaam")
        interests = each(record, "arbeidsmarktkwalificatie.interesse", "naamInteresse")
        return {
            *(taxonomy.feature("occupation", code) for code in occupations),
            *taxonomy.labelled(interests),
            *(taxonomy.feature("sector", code) for code in each(record, "sector", "codeSbi")),
        }
    level = vacancy_level(record)
    names = each(record, "opleiding", "codeOpleidingsnaam")
    return {
        *has(record, side, taxonomy, date.min),
        *(taxonomy.feature("education", name) for name in names),
        *([level_feature(level)] if level and level > 1 else []),
    }


def has(record: Json, side: Side, taxonomy: PlainTaxonomy, as_of: date) -> dict[Feature, int]:
    """What a profile has, or what a vacancy offers, each to the highest degree that it is told to."""
    prefix = QUALIFICATION[side]
    told: list[tuple[Feature, int]] = []
    skills = each(record, prefix + "competentiebeheersing", "codeCompetentie")
    told += [(taxonomy.feature("skill", code), 128) for code in skills]
    courses = each(record, prefix + "cursus", "naamCursus")
    told += [(feature, 128) for feature in taxonomy.labelled(courses)]
    if side == "vacature":
        occupation = look(record, "beroep.codeBeroepsnaam")
        sectors = [*each(record, "werkgever.sector", "codeSbi"), look(record, "sector.codeSbi")]
        told += [(taxonomy.feature("occupation", occupation), 128)] if occupation else []
        told += [(taxonomy.feature("sector", code), 128) for code in sectors if code is not None]
        return highest(told)

    interests = each(record, prefix + "interesse", "naamInteresse")
    told += [(feature, 64) for feature in taxonomy.labelled(interests)]
    told += [(taxonomy.feature("sector", code), 128) for code in each(record, "sector", "codeSbi")]
    wanted = each(record, "bemiddelingsberoep", "codeBeroepsnaam")
    told += [(taxonomy.feature("occupation", code), 128) for code in wanted]
    for job in look(record, prefix + "werkervaring") or []:
        if code := look(job, "beroep.codeBeroepsnaam"):
            told.append((taxonomy.feature("occupation", code), experience(job, as_of)))
    stated = look(record, prefix + "codeWerkEnDenkniveauWerkzoekende")
    told += [(level_feature(stated), 128)] if stated in range(2, 7) else []
    for education in look(record, prefix + "opleiding") or []:
        degree = 64 if is_unfinished(education) else 128
        level, name = level_of_education(education), look(education, "codeOpleidingsnaam")
        told += [(level_feature(level), degree)] if level else []
        told += [(taxonomy.feature("education", name), degree)] if name else []
    return highest(told)


def highest(told: Iterable[tuple[Feature, int]]) -> dict[Feature, int]:
    best: dict[Feature, int] = {}
    for feature, degree in told:
        best[feature] = max(best.get(feature, 0), degree)
    return best


# -- weights


def share_out(claims: Mapping[Any, int], order: Callable[[Any], int]) -> dict[Any, int]:
    """2**15 in whole numbers, in proportion to the claims, by largest remainder, ties to the lower order."""
    total = sum(claims.values())
    if total == 0:
        return dict.fromkeys(claims, 0)
    exact = {claimant: Fraction(claim * 2**15, total) for claimant, claim in claims.items()}
    whole = {claimant: math.floor(share) for claimant, share in exact.items()}
    line = sorted(claims, key=lambda claimant: (whole[claimant] - exact[claimant], order(claimant)))
    for claimant in line[: 2**15 - sum(whole.values())]:
        whole[claimant] += 1
    return whole


def weights(
    record: Json, side: Side, taxonomy: PlainTaxonomy, preferred: Mapping[str, float], wished: Iterable[str]
) -> dict[Feature, int]:
    """Weight of every asked feature, and of every wish as ("condition", name)."""

    def thousandths(name: str) -> int:
        return round(preferred.get(name, SUGGESTED.get(name, 1)) * 1000)

    claims = {
        feature: taxonomy.idf(feature) * thousandths(feature[0]) for feature in asks(record, side, taxonomy)
    }
    wishes = {name: 512 * thousandths(name) for name in wished if can_wish(record, side, name)}
    claims |= {("condition", name): claim for name, claim in wishes.items()}
    return share_out(claims, lambda feature: stable_hash(*feature))


def can_wish(record: Json, side: Side, condition: str) -> bool:
    """Whether a condition can tell candidates apart: the record says something, or the candidates decide."""
    decided_by_candidates = {
        "vacature": ("area",),
        "werkzoekende": ("open", "licence", "language", "education_level"),
    }
    if condition in decided_by_candidates[side]:
        return True
    hours, work, free = "werktijden.aantalWerkurenPerWeek", "arbeidsVoorwaarden.datum", "flexibiliteit.datum"
    available = f"{free}AanvangBeschikbaarVoorWerk", f"{free}EindeBeschikbaarVoorWerk"
    paths: dict[str, tuple[str, ...]] = {
        "area": ("mobiliteit.maximaleReisafstand",),
        "hours": (f"{hours}Minimaal", f"{hours}Maximaal"),
        "dates": (f"{work}AanvangWerkzaamheden", f"{work}EindeWerkzaamheden")
        if side == "vacature"
        else available,
        "open": ("sluitingsdatumVacature",),
    }
    if condition in paths:
        return any(look(record, path) is not None for path in paths[condition])
    indications = {
        "irregular": "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst",
        "office_hours": "werktijden.indicatieKantoortijden",
    }
    if condition in indications:
        return look(record, indications[condition]) in (1, 2)
    lists = {
        "contract": ("contractvorm", "codeTypeArbeidscontract"),
        "licence": ("rijbewijs", "codeSoortRijbewijs"),
        "language": ("taalbeheersing", "codeTaal"),
    }
    if condition in lists:
        return bool(each(record, *lists[condition]))
    return vacancy_level(record) is not None


def stable_hash(*parts: str) -> int:
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "little")


def mixed(a: int, b: int) -> int:
    """SplitMix64: state a times the golden gamma plus b, through its finaliser."""
    z = (a * 0x9E3779B97F4A7C15 + b) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


# -- conditions

MET, BROKEN, UNKNOWN = "met", "broken", "unknown"


def check(vacancy: Json, profile: Json, as_of: date) -> dict[str, str]:
    """What becomes of every condition: met, broken, or unknown because a record doesn't say enough."""
    today = as_of.isoformat()
    verdicts = dict.fromkeys(CONDITIONS, MET)

    limit, squared = look(profile, "mobiliteit.maximaleReisafstand"), squared_metres(vacancy, profile)
    if limit is not None and (squared is None or squared > (1000 * limit) ** 2):
        verdicts["area"] = BROKEN

    hours = "werktijden.aantalWerkurenPerWeek"
    verdicts["hours"] = worst(
        at_least(look(profile, hours + "Maximaal"), look(vacancy, hours + "Minimaal")),
        at_least(look(vacancy, hours + "Maximaal"), look(profile, hours + "Minimaal")),
    )

    mine, theirs = (
        set(each(record, "contractvorm", "codeTypeArbeidscontract")) for record in (vacancy, profile)
    )
    if mine and theirs:
        verdicts["contract"] = MET if mine & theirs else BROKEN
    elif mine or theirs:
        verdicts["contract"] = UNKNOWN

    # 1 yes, 2 no, 0 or absent unknown
    irregular = "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"
    verdicts["irregular"] = unless(look(vacancy, irregular), 1, look(profile, irregular), 2)
    office = "werktijden.indicatieKantoortijden"
    verdicts["office_hours"] = unless(look(vacancy, office), 2, look(profile, office), 1)

    begins, ends = (
        look(vacancy, f"arbeidsVoorwaarden.datum{which}Werkzaamheden") for which in ("Aanvang", "Einde")
    )
    free_from, free_until = (
        look(profile, f"flexibiliteit.datum{which}BeschikbaarVoorWerk") for which in ("Aanvang", "Einde")
    )
    first_day = max(today, begins or today)
    if (ends and ends < first_day) or (free_until and free_until < first_day):
        verdicts["dates"] = BROKEN
    elif begins and free_from:
        verdicts["dates"] = BROKEN if free_from > first_day else MET
    elif begins or (free_from and free_from > today):
        verdicts["dates"] = UNKNOWN

    closing = look(vacancy, "sluitingsdatumVacature")
    if closing and closing < today:
        verdicts["open"] = BROKEN

    asked = set(each(vacancy, "rijbewijs", "codeSoortRijbewijs"))
    held = set(each(profile, "arbeidsmarktkwalificatie.rijbewijs", "codeSoortRijbewijs"))
    if asked - held:
        verdicts["licence"] = BROKEN if held else UNKNOWN

    spoken = [
        language
        for language in look(profile, "arbeidsmarktkwalificatie.taalbeheersing") or []
        if look(language, "codeTaal")
    ]
    verdicts["language"] = worst(
        *(
            speaks(spoken, language)
            for language in look(vacancy, "taalbeheersing") or []
            if look(language, "codeTaal")
        )
    )
    verdicts["education_level"] = (
        at_least(profile_level(profile), vacancy_level(vacancy)) if vacancy_level(vacancy) else MET
    )
    return verdicts


def worst(*verdicts: str) -> str:
    return next((verdict for verdict in (BROKEN, UNKNOWN) if verdict in verdicts), MET)


def at_least(value: int | None, bound: int | None) -> str:
    if value is None or bound is None:
        return MET if value is bound else UNKNOWN
    return MET if value >= bound else BROKEN


def unless(vacancy: int | None, unwelcome: int, profile: int | None, unwilling: int) -> str:
    """Broken where both say what can't go together, unknown where one does and the other says nothing."""
    says = (vacancy == unwelcome, profile == unwilling)
    if all(says):
        return BROKEN
    return UNKNOWN if (says[0] and not profile) or (says[1] and not vacancy) else MET


def speaks(spoken: Sequence[Json], asked: Json) -> str:
    """Whether one entry of a profile's languages meets what is asked: levels 2, 3, 4 ask, 8 meets all."""
    if not spoken:
        return UNKNOWN
    verdicts = {BROKEN}
    for language in spoken:
        if language["codeTaal"] == asked["codeTaal"]:
            levels = [f"codeNiveauTaalbeheersing{skill}" for skill in SKILLS_OF_A_LANGUAGE]
            wanted = [level for level in levels if asked.get(level) in (2, 3, 4)]
            verdicts.add(worst(*(at_least(language.get(level) or None, asked[level]) for level in wanted)))
    return next(verdict for verdict in (MET, UNKNOWN, BROKEN) if verdict in verdicts)


def squared_metres(vacancy: Json, profile: Json) -> int | None:
    where = [look(vacancy, "adres.postcode"), look(profile, "mobiliteit.bemiddelingspostcode")]
    found = [places().get(postcode[:4]) for postcode in where if postcode]
    if len(found) < 2 or found[0] is None or found[1] is None:
        return None
    (x, y), (other_x, other_y) = found[0], found[1]
    return (x - other_x) ** 2 + (y - other_y) ** 2


@cache
def places() -> Mapping[str, tuple[int, int]]:
    rows = postcodes().table.select("pc4", "x", "y").iter_rows()
    return {f"{pc4:04d}": (x, y) for pc4, x, y in rows}


# -- ranking


class Row(NamedTuple):
    """One ranked pair; distance in km to the metre, None where there is none."""

    vacancy_id: str
    profile_id: str
    rank: int
    score_vacancy: int
    score_profile: int
    score_mutual: int
    distance_km: float | None
    unknown: list[str]


def score(weights: Mapping[Feature, int], covered: Mapping[Feature, int]) -> int:
    return sum(weight * covered.get(feature, 0) for feature, weight in weights.items())


def plain_rank(
    vacancies: Sequence[Json],
    profiles: Sequence[Json],
    taxonomy: PlainTaxonomy,
    settings: Settings,
    k: int,
    *,
    allowed: Callable[[str], bool] = lambda candidate: True,
    sources: tuple[str, str] = ("", ""),
) -> list[Row]:
    """The best k candidates of every asking record, these by id; `allowed` judges candidates by their id."""
    sides: tuple[Side, Side] = ("vacature", "werkzoekende")
    vacancies_ask = settings.direction != "profile"
    asked = [(settings.preferred, settings.wished), ({}, frozenset[str]())][:: 1 if vacancies_ask else -1]
    weights_of, covers_of = (
        [
            {record[ID[side]]: weights(record, side, taxonomy, preferred, wished) for record in records}
            for side, records, (preferred, wished) in zip(sides, (vacancies, profiles), asked, strict=True)
        ],
        [
            {
                record[ID[side]]: taxonomy.covers(has(record, side, taxonomy, settings.as_of))
                for record in records
            }
            for side, records in zip(sides, (vacancies, profiles), strict=True)
        ],
    )
    salts = [
        {record[ID[side]]: stable_hash(source, record[ID[side]]) for record in records}
        for side, source, records in zip(sides, sources, (vacancies, profiles), strict=True)
    ]
    names = [name for name in CONDITIONS if name in settings.required | settings.wished]
    found: dict[str, list[tuple[Any, ...]]] = {}
    for vacancy in vacancies:
        for profile in profiles:
            v, p = vacancy["idVacature"], profile["idWerkzoekende"]
            asking, candidate = (v, p) if vacancies_ask else (p, v)
            verdicts = check(vacancy, profile, settings.as_of)
            squared = squared_metres(vacancy, profile)
            wishes = {("condition", name): 128 for name, verdict in verdicts.items() if verdict == MET}
            one = score(weights_of[0][v], covers_of[1][p] | wishes)
            other = score(weights_of[1][p], covers_of[0][v] | wishes)
            mutual = math.floor(Fraction(2 * one * other, one + other)) if one + other else 0
            value = {"vacancy": one, "profile": other, "mutual": mutual}[settings.direction]
            excluding = (BROKEN, UNKNOWN) if settings.strict else (BROKEN,)
            if (
                value == 0
                or not allowed(candidate)
                or any(verdicts[name] in excluding for name in settings.required)
                or (
                    settings.radius_km is not None
                    and (squared is None or squared > (1000 * settings.radius_km) ** 2)
                )
            ):
                continue
            tie = mixed(salts[not vacancies_ask][asking], salts[vacancies_ask][candidate])
            distance = None if squared is None else round(math.sqrt(squared)) / 1000
            unknown = [name for name in names if verdicts[name] == UNKNOWN]
            pair = (v, p, one, other, mutual, distance, unknown)
            order = (-value, math.inf if squared is None else squared, tie, candidate)
            found.setdefault(asking, []).append((order, pair))
    return [
        Row(v, p, rank, one, other, mutual, distance, unknown)
        for asking in sorted(found)
        for rank, (_, (v, p, one, other, mutual, distance, unknown)) in enumerate(
            sorted(found[asking], key=lambda each: each[0])[:k], start=1
        )
    ]


# -- a small world, with few codes, so that ties abound

AS_OF = date(2026, 6, 1)

POSTCODES = ("6511AB", "6511zz", "6541AA", "5211AA", "1011AB", "0000AA")
"""Two of one place in Nijmegen, one near, two far away, one that does not exist."""

OCCUPATIONS = ("o:kok", "o:kok-alias", "o:bakker", "o:lasser", "o:smid", "o:onbekend", "")
SKILLS = ("s:koken", "s:bakken", "s:lassen", "s:lassen-alias", "s:metaal", "s:techniek", "s:onbekend", "")
LABELS = ("Koken", "KOK", "lasser (m/v)", "Metaal", "tuinieren", "")
SECTORS = (47, 56, 1)
DAYS = tuple((AS_OF + timedelta(days)).isoformat() for days in (-6000, -1500, -400, -1, 0, 1, 90))


@cache
def small_taxonomy() -> Taxonomy:
    """Four occupations, seven skills (two of them each other's broader), and a table of frequencies."""
    return build(
        Source(
            name="small",
            occupations=(
                SourceConcept("o:kok", "Kok", aliases=("o:kok-alias",), isco="5120"),
                SourceConcept("o:bakker", "Bakker", isco="7512"),
                SourceConcept("o:lasser", "Lasser", isco="7212"),
                SourceConcept("o:smid", "Smid", isco="7221"),
            ),
            skills=(
                SourceConcept("s:koken", "Koken"),
                SourceConcept("s:bakken", "Bakken"),
                SourceConcept("s:lassen", "Lassen", aliases=("s:lassen-alias",)),
                SourceConcept("s:metaal", "Metaal"),
                SourceConcept("s:techniek", "Techniek"),
                SourceConcept("s:alles", "Alles"),
                SourceConcept("s:proeven", "Proeven"),
            ),
            broader=(
                ("s:lassen", "s:metaal"),
                ("s:metaal", "s:techniek"),
                ("s:techniek", "s:alles"),
                ("s:koken", "s:proeven"),
                ("s:proeven", "s:koken"),
                ("s:bakken", "s:koken"),
            ),
            essential=(
                ("o:kok", "s:koken"),
                ("o:bakker", "s:bakken"),
                ("o:bakker", "s:koken"),
                ("o:lasser", "s:lassen"),
                ("o:lasser", "s:metaal"),
                ("o:smid", "s:metaal"),
            ),
            optional=(("o:kok", "s:bakken"), ("o:smid", "s:lassen")),
            frequencies=(
                ("skill", "s:koken", 30, 90),
                ("skill", "s:techniek", 0, 90),
                ("sector", "47", 12, 40),
                ("education", "niveau:4", 25, 40),
                ("education", "12345", 3, 40),
            ),
        )
    )


def frame_of(records: Sequence[Json], side: Side) -> pl.DataFrame:
    return pl.DataFrame(records, schema=dict(schema(side)))


def random_record(chance: random.Random, side: Side, name: str) -> dict[str, Any]:
    """A record that says much or little, also empty lists and codes, in the few codes above."""

    def one(values: Sequence[Any]) -> Callable[[], Any]:
        return lambda: chance.choice(values)

    def some(draw: Callable[[], Any], most: int = 3) -> Callable[[], list[Any]]:
        return lambda: [draw() for _ in range(chance.randint(0, most))]

    def thing(often: float = 0.7, /, **draws: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
        return lambda: {name: draw() for name, draw in draws.items() if chance.random() < often}

    occupation = thing(0.95, codeBeroepsnaam=one(OCCUPATIONS))
    level = {f"codeNiveauTaalbeheersing{skill}": one((0, 1, 2, 3, 4, 8)) for skill in SKILLS_OF_A_LANGUAGE}
    education = thing(
        0.6,
        codeOpleidingsnaam=one(("12345", "67")),
        codeNiveauOpleiding=one((1, 2, 3, 4, 5, 6, 9)),
        indicatieDiploma=one((0, 1, 2, 8)),
    )
    common: dict[str, Callable[[], Any]] = {
        "contractvorm": some(thing(codeTypeArbeidscontract=one("OB"), codeTypeOvereenkomst=one(("01",))), 2),
        "werktijden": thing(
            aantalWerkurenPerWeekMinimaal=one((0, 16, 24, 32)),
            aantalWerkurenPerWeekMaximaal=one((16, 24, 32, 40)),
            indicatieKantoortijden=one((0, 1, 2)),
        ),
    }
    qualification: dict[str, Callable[[], Any]] = {
        "competentiebeheersing": some(thing(0.95, codeCompetentie=one(SKILLS))),
        "cursus": some(thing(naamCursus=one(LABELS)), 1),
        "rijbewijs": some(thing(0.9, codeSoortRijbewijs=one(("A", "B", "BE"))), 2),
        "taalbeheersing": some(lambda: thing(0.8, codeTaal=one(("nld", "eng")))() | thing(0.4, **level)(), 2),
    }
    if side == "vacature":
        return {"idVacature": name} | thing(
            adres=thing(1, postcode=one(POSTCODES)),
            beroep=occupation,
            codeWerkEnDenkniveauMinimaal=one("01234567"),
            opleiding=some(education, 2),
            sector=thing(codeSbi=one(SECTORS)),
            werkgever=thing(sector=some(thing(codeSbi=one(SECTORS)), 1)),
            sluitingsdatumVacature=one(DAYS[2:]),
            flexibiliteit=thing(
                datumEindeBeschikbaarVoorWerk=one(DAYS),
                indicatieOnregelmatigWerkOfPloegendienst=one((0, 1, 2)),
            ),
            arbeidsVoorwaarden=thing(
                0.5, datumAanvangWerkzaamheden=one(DAYS[2:]), datumEindeWerkzaamheden=one(DAYS[3:])
            ),
            **common,
            **qualification,
        )()
    schooling = lambda: education() | thing(0.4, codeStatusOpleiding=one((0, 1, 2, 3)))()  # noqa: E731
    job = thing(
        0.6, beroep=occupation, datumAanvangWerkzaamheden=one(DAYS), datumEindeWerkzaamheden=one(DAYS)
    )
    return {"idWerkzoekende": name} | thing(
        mobiliteit=lambda: (
            {"bemiddelingspostcode": chance.choice(POSTCODES)}
            | thing(0.5, maximaleReisafstand=one((0, 5, 50, 999)))()
        ),
        bemiddelingsberoep=some(occupation, 2),
        sector=some(thing(codeSbi=one(SECTORS)), 2),
        arbeidsmarktkwalificatie=thing(
            codeWerkEnDenkniveauWerkzoekende=one(range(8)),
            opleiding=some(schooling, 2),
            interesse=some(thing(naamInteresse=one(LABELS)), 2),
            werkervaring=some(job),
            **qualification,
        ),
        flexibiliteit=thing(
            0.5,
            datumAanvangBeschikbaarVoorWerk=one(DAYS[2:]),
            datumEindeBeschikbaarVoorWerk=one(DAYS[3:]),
            indicatieOnregelmatigWerkOfPloegendienst=one((0, 1, 2)),
        ),
        **common,
    )()


def random_settings(chance: random.Random) -> Settings:
    """Settings of any direction; in half of them most conditions exclude, in half few, some are wishes."""
    fates = chance.choice(
        (("required", "required", "ignored", "wished"), ("ignored",) * 7 + ("required", "wished"))
    )
    fate = {name: chance.choice(fates) for name in CONDITIONS}
    required, wished = (
        frozenset(name for name in CONDITIONS if fate[name] == what) for what in ("required", "wished")
    )
    groups = [*SUGGESTED, *sorted(wished)]
    return Settings(
        AS_OF,
        direction=chance.choice(("vacancy", "profile", "mutual")),
        preferred={
            name: chance.choice((0, 0.001, 0.5, 2.25, 1000)) for name in groups if chance.random() < 0.4
        },
        required=required,
        wished=wished,
        strict=chance.random() < 0.2,
        radius_km=chance.choice((None, None, None, 0, 20)),
    )
