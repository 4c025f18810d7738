"""An exchange with real hosted sources, and records that they rank."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from exchange_world import GEMEENTE, Json, Time, World, profile, supplied, vacancy

from api.exchange.hosted import HostedSources
from api.exchange.wanted import Wanted
from api.store import Store
from data.dataset import ID_FIELDS
from data.standard import Side
from data.taxonomy import bundled_taxonomy

OCCUPATIONS = [f"urn:koppel:beroep:{name}" for name in ("cafetariamedewerker", "keukenhulp", "kok")]
SKILL = {"codeCompetentie": "urn:koppel:vaardigheid:afwassen"}


def cook(record_id: str, postcode: str = "6511AB", occupation: int = 0, **more: Any) -> Json:
    """A profile for the vacancies of these tests, with everything that a match doesn't show."""
    return profile(
        record_id,
        mobiliteit={"bemiddelingspostcode": postcode},
        bemiddelingsberoep=[{"codeBeroepsnaam": OCCUPATIONS[occupation]}],
        contactpersoon=[{"naamContactpersoonAfdeling": "Contact"}],
        eisAanWerk={"indicatieBegeleiding": 1},
        **more,
    )


KITCHEN: Json = vacancy(
    "kitchen",
    adres={"postcode": "6511AB"},
    beroep={"codeBeroepsnaam": OCCUPATIONS[0]},
    competentiebeheersing=[SKILL],
    sluitingsdatumVacature="2027-12-31",
)


def build_empty_index(database: Path, root: Path) -> None:
    """Build the index of a store without records, for `RankingWorld`."""
    with closing(Store(f"sqlite:///{database}")) as store:
        HostedSources(store, root, Time(), bundled_taxonomy()).rebuild()


class RankingWorld(World):
    """A world whose hosted sources are the real ones; an index that was built before saves time."""

    hosted: HostedSources

    def __init__(self, store: Store, folder: Path, empty_index: Path | None = None, **options: Any) -> None:
        def hosted(clock: Time) -> HostedSources:
            self.hosted = HostedSources(store, folder / "index", clock, bundled_taxonomy())
            return self.hosted

        if empty_index is not None:
            shutil.copytree(empty_index, folder / "index")
        super().__init__(store, folder, hosted=hosted, **options)
        if empty_index is None:
            self.hosted.rebuild()

    def put(self, source_id: str, side: Side, *records: Json) -> None:
        for record in records:
            self.hosted.put(source_id, side, record[ID_FIELDS[side]], supplied(record), record)

    def rank(self, wanted: Wanted, controller: str = GEMEENTE) -> Json:
        async def run() -> Any:
            return await self.exchange.rank(await self.caller(controller), wanted)

        answer = asyncio.run(run())
        self.completeness, self.ignored = answer.completeness, answer.ignored
        return dict(json.loads(answer.body), bytes=answer.body)

    def explain(self, wanted: Wanted, candidate: str | Mapping[str, Any], controller: str = GEMEENTE) -> Json:
        async def run() -> bytes:
            return await self.exchange.explain(await self.caller(controller), wanted, candidate)

        return dict(json.loads(asyncio.run(run())))
