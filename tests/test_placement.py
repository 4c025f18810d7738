"""One asking record against an index: the best of some sources, and the parts of their scores."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.dataset import ID_FIELDS, schema, write
from data.pilot import generate_profiles, generate_vacancies
from data.question import parse_question
from data.standard import Side
from data.taxonomy import bundled_taxonomy
from engine import MatchIndex, Settings, build_index, explain, open_index, select
from engine.placement import Placement, pair_of, place

DAY = date(2026, 9, 1)
SOURCES = ("een", "twee", "drie")
SETTINGS = (
    Settings(DAY),
    Settings(DAY, "mutual"),
    Settings(DAY, "profile"),
    Settings(DAY, preferred={"skill": 3.0, "sector": 0.0}).with_wishes("hours", "language", "open"),
    Settings(DAY, strict=True, radius_km=15),
)

Frames = dict[Side, dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def frames() -> Frames:
    """900 profiles and 120 vacancies, by turns of three sources."""
    whole: dict[Side, pl.DataFrame] = {
        "werkzoekende": pl.concat(generate_profiles(900, seed=4)),
        "vacature": pl.concat(generate_vacancies(120, seed=3)),
    }
    return {
        side: {source: frame.gather_every(3, offset) for offset, source in enumerate(SOURCES)}
        for side, frame in whole.items()
    }


@pytest.fixture(scope="module")
def index(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> MatchIndex:
    """An index of the sources; half of the last one was put later, and some were put twice or deleted."""
    folder = tmp_path_factory.mktemp("placement")
    files: dict[Side, dict[str, Path]] = {"werkzoekende": {}, "vacature": {}}
    for side, sources in frames.items():
        for source, frame in sources.items():
            files[side][source] = folder / f"{side}-{source}.parquet"
            kept = frame if source != "drie" else frame.gather_every(2)
            write([kept], files[side][source])
    build_index(
        folder / "index",
        profiles=files["werkzoekende"],
        vacancies=files["vacature"],
        taxonomy=bundled_taxonomy(),
        as_of=DAY,
    )
    made = open_index(folder / "index")
    for side, sources in frames.items():
        made.put(side, sources["drie"].gather_every(2, 1), "drie")
        made.put(side, sources["een"].head(3), "een")
    return made.refresh()


def asking_side(setting: Settings) -> Side:
    return "werkzoekende" if setting.direction == "profile" else "vacature"


def keys(placement: Placement) -> list[tuple[str, str]]:
    return list(zip(placement.sources, placement.ids, strict=True))


def by_row(parts: dict[str, NDArray[np.int64]]) -> list[dict[str, int]]:
    """The points of the groups of each candidate."""
    return pl.DataFrame(parts).to_dicts()


def told(placement: Placement) -> list[tuple[Any, ...]]:
    """All that is told of each candidate."""
    ranking = placement.ranking
    parts, gaps = placement.parts()
    return list(
        zip(
            keys(placement),
            ranking.score_vacancy.tolist(),
            ranking.score_profile.tolist(),
            ranking.score_mutual.tolist(),
            ranking.unknown.tolist(),
            np.nan_to_num(ranking.distance, nan=-1.0).tolist(),
            map(str, by_row(parts)),
            map(str, gaps),
            strict=True,
        )
    )


def placed(
    index: MatchIndex, frames: Frames, setting: Settings, asking: int = 0, **options: Any
) -> Placement:
    side = asking_side(setting)
    frame = pl.concat(frames[side].values()).slice(asking, 1)
    sources = options.pop("sources", SOURCES)
    k = options.pop("k", 20)
    encoded = index.encode(frame, side, "asking")
    return place(index, encoded, setting, sources, k, today=options.pop("today", DAY), **options)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_best_are_those_of_the_ranking_of_the_index(
    index: MatchIndex, frames: Frames, setting: Settings
) -> None:
    side = asking_side(setting)
    other = "profile" if side == "vacature" else "vacancy"
    some = False
    for number in range(20):
        frame = pl.concat(frames[side].values()).slice(number, 1)
        encoded = index.encode(frame, side, "asking")
        for sources in (SOURCES, ("twee",), ("een", "drie"), ()):
            asked = {"vacancies" if side == "vacature" else "profiles": encoded}
            ranking = index.ranker(setting, sources=sources, **asked).rank(20)
            expected = ranking.frame(named=("werkzoekende", "vacature"))
            placement = place(index, encoded, setting, sources, 20, today=DAY)
            assert keys(placement) == expected.select(f"{other}_source", f"{other}_id").rows()
            assert placement.ranking.score_vacancy.tolist() == ranking.score_vacancy.tolist()
            assert placement.ranking.score_mutual.tolist() == ranking.score_mutual.tolist()
            some = some or len(placement) > 5
    assert some


@pytest.mark.parametrize("setting", SETTINGS)
def test_parts_and_gaps_are_those_of_the_explanation_and_add_up_to_the_score(
    index: MatchIndex, frames: Frames, setting: Settings
) -> None:
    some = 0
    for number in range(12):
        placement = placed(index, frames, setting, number)
        parts, gaps = placement.parts()
        own = "profile" if setting.direction == "profile" else "vacancy"
        scores = getattr(placement.ranking, f"score_{own}").tolist()
        for row, score in enumerate(scores):
            coverage = getattr(placement.explain(row), own)
            assert by_row(parts)[row] == coverage.groups
            assert sum(by_row(parts)[row].values()) == score == coverage.score
            costs = {
                (part.group, part.code): part.weight * (128 - part.degree)
                for part in coverage.gaps
                if part.weight
            }
            assert [((gap.group, gap.code), gap.points) for gap in gaps[row]] == list(costs.items())
            assert [gap.points for gap in gaps[row]] == sorted(costs.values(), reverse=True)
            some += len(costs)
    assert some > 20


@pytest.mark.parametrize("setting", SETTINGS[:3])
def test_a_question_leaves_only_those_who_satisfy_it(
    index: MatchIndex, frames: Frames, setting: Settings
) -> None:
    side = asking_side(setting)
    sought: Side = "werkzoekende" if side == "vacature" else "vacature"
    question = parse_question({"selectiegebied": {"postcode": "6511AB", "afstand": 9}}, sought)
    satisfying: set[tuple[str, str]] = set()
    for source, frame in frames[sought].items():
        records = index.encode(frame, sought, source).records
        found = select(question, records, as_of=DAY)
        satisfying |= {(source, record) for record in records.ids_of(found.rows)}
    kept = left_out = 0
    for number in range(10):
        every = placed(index, frames, setting, number, k=1000)
        narrowed = placed(index, frames, setting, number, k=1000, question=question)
        assert told(narrowed) == [each for each in told(every) if each[0] in satisfying]
        kept, left_out = kept + len(narrowed), left_out + len(every) - len(narrowed)
    assert kept
    assert left_out
    assert keys(placed(index, frames, setting, 2, question=question, sources=())) == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_records_from_elsewhere_rank_as_they_would_in_the_index(
    index: MatchIndex, frames: Frames, setting: Settings
) -> None:
    sought: Side = "werkzoekende" if asking_side(setting) == "vacature" else "vacature"
    for number in range(6):
        whole = placed(index, frames, setting, number)
        beside = [index.encode(frames[sought][source], sought, source) for source in ("twee", "drie")]
        parts = placed(index, frames, setting, number, sources=("een",), beside=beside)
        assert told(parts) == told(whole)
        alone = [index.encode(frame, sought, source) for source, frame in frames[sought].items()]
        assert told(placed(index, frames, setting, number, sources=(), beside=alone)) == told(whole)


def test_codes_that_the_index_lacks_meet_in_records_from_elsewhere(index: MatchIndex, frames: Frames) -> None:
    vacancy = {"idVacature": "v", "beroep": {"codeBeroepsnaam": "urn:new"}}
    asking = index.encode(pl.DataFrame([vacancy], schema=dict(schema("vacature"))), "vacature")
    profiles = [
        {"idWerkzoekende": code, "bemiddelingsberoep": [{"codeBeroepsnaam": f"urn:{code}"}]}
        for code in ("other", "new")
    ]
    beside = index.encode(pl.DataFrame(profiles, schema=dict(schema("werkzoekende"))), "werkzoekende", "far")
    placement = place(index, asking, SETTINGS[0], SOURCES, 5, today=DAY, beside=[beside])
    assert keys(placement) == [("far", "new")]
    assert by_row(placement.parts()[0]) == [{"occupation": 2**22}]


def test_vacancies_that_closed_since_the_day_of_the_index_are_left_out(
    index: MatchIndex, frames: Frames
) -> None:
    setting = SETTINGS[2]
    closing = {
        (source, row[ID_FIELDS["vacature"]]): row["sluitingsdatumVacature"]
        for source, frame in frames["vacature"].items()
        for row in frame.to_dicts()
    }
    today, left_out = date(2026, 9, 20), 0
    for number in range(10):
        every = placed(index, frames, setting, number, k=500)
        later = placed(index, frames, setting, number, k=500, today=today)
        open_still = [each for each in told(every) if (closing[each[0]] or "9") >= today.isoformat()]
        assert told(later) == open_still
        left_out += len(every) - len(later)
    assert left_out


@given(st.integers(0, 2**32))
@settings(max_examples=10)
def test_a_pair_is_explained_as_it_is_ranked(index: MatchIndex, frames: Frames, seed: int) -> None:
    chance = random.Random(seed)
    setting = SETTINGS[chance.randrange(3)]
    placement = placed(index, frames, setting, chance.randrange(50), k=5)
    sought: Side = "werkzoekende" if asking_side(setting) == "vacature" else "vacature"
    for row, (source, record_id) in enumerate(keys(placement)):
        frame = frames[sought][source].filter(pl.col(ID_FIELDS[sought]) == record_id)
        other = index.encode(frame, sought, source)
        asking = placement.asking
        pair = (asking, other) if sought == "werkzoekende" else (other, asking)
        assert explain(pair_of(index, *pair, setting), 0, 0) == placement.explain(row)
