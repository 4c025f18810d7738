"""An exchange whose hosted sources are ranked at night."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from exchange_world import EXCHANGE, NOW, OTHER_OWNER, OWNER, Time, vacancy
from ranking_world import OCCUPATIONS, SKILL, RankingWorld, cook
from stores import copied_store

from api.clock import DAY
from api.exchange.audit import Audit
from api.exchange.checkpoints import Checkpoints, read_signing_key
from api.exchange.keys import Keys
from api.exchange.nightly.night import Night
from api.exchange.nightly.nights import Nights
from api.exchange.nightly.run import NightlyRun, Wishes
from api.store import Store
from data.taxonomy import bundled_taxonomy
from engine.nightly import Seat, in_threads

Json = dict[str, Any]


def kitchen(record_id: str, postcode: str = "6511AB", occupation: int = 0, **more: Any) -> Json:
    """A vacancy for the cooks of these tests."""
    return vacancy(
        record_id,
        adres={"postcode": postcode},
        beroep={"codeBeroepsnaam": OCCUPATIONS[occupation]},
        competentiebeheersing=[SKILL],
        sluitingsdatumVacature="2027-12-31",
        **more,
    )


class Nightly:
    """What runs nights, and reads them; made of what stands in a folder."""

    runner: NightlyRun
    keys: Keys
    nights: Nights
    audit: Audit
    clock: Time

    def open(self, store: Store, folder: Path, audit: Audit, clock: Time) -> None:
        self.audit, self.clock = audit, clock
        self.keys = Keys(folder / "keys.json")
        self.nights = Nights(folder / "nights")
        self.runner = NightlyRun(
            store=store,
            audit=audit,
            keys=self.keys,
            nights=self.nights,
            own_oin=EXCHANGE,
            clock=clock,
            question_days=7,
            taxonomy=bundled_taxonomy(),
        )

    def run(self, seat: Seat | None = None, *, keep: int = 3, **wishes: Any) -> Night:
        return self.runner.run(Wishes(**({"top": 5, "block": 3} | wishes)), seat or in_threads(1), keep=keep)

    def frame(
        self, recipient: str, side: str, kind: str = "matches", night: str | None = None
    ) -> pl.DataFrame:
        """The lists of a recipient as it reads them."""
        paths = sorted((self.nights.folder(night) / recipient / kind / side).glob("*.parquet"))
        return pl.concat([pl.read_parquet(path) for path in paths])

    def parties(self) -> list[str]:
        return sorted(each.name for each in self.nights.folder().iterdir() if each.is_dir())


class NightlyWorld(RankingWorld, Nightly):
    """A world whose records are ranked at night."""

    def __init__(self, store: Store, folder: Path, empty_index: Path | None = None, **options: Any) -> None:
        super().__init__(store, folder, empty_index, **options)
        self.folder = folder
        self.open(store, folder, self.audit, self.clock)

    def fill(self) -> None:
        """Register two sources with a few records of both sides each."""
        for source_id, oin in (("one", OWNER), ("two", OTHER_OWNER)):
            self.source(source_id, oin=oin)
            cooks = [cook(f"{source_id}-p{n}", occupation=n % 3) for n in range(6)]
            self.put(source_id, "werkzoekende", *cooks)
            self.put(
                source_id, "vacature", *(kitchen(f"{source_id}-v{n}", occupation=n % 3) for n in range(4))
            )


@contextmanager
def filled(folder: Path, migrated_file: Path) -> Iterator[NightlyWorld]:
    """Open a world with records in a new folder that has all of it, so that copies can be opened again."""
    folder.mkdir()
    with closing(copied_store(migrated_file, folder)) as store:
        world = NightlyWorld(store, folder)
        world.fill()
        yield world


def copied(template: Path, folder: Path) -> NightlyWorld:
    """Open a copy of a world that was `filled`, in a new folder."""
    shutil.copytree(template, folder, symlinks=True)
    return NightlyWorld(Store(f"sqlite:///{folder / 'koppel.db'}"), folder)


def during(
    world: NightlyWorld, monkeypatch: pytest.MonkeyPatch, step: str, change: Callable[[], object]
) -> None:
    """Have something change right behind a step of the next run."""
    original = getattr(world.runner, step)

    def step_and_change(*arguments: Any) -> Any:
        done = original(*arguments)
        change()
        return done

    monkeypatch.setattr(world.runner, step, step_and_change)


class Reopened(Nightly):
    """The same in another process, or of a copy: with `koppel.db` in the folder."""

    def __init__(self, folder: Path) -> None:
        clock = Time(NOW + DAY // 24)
        self.store = Store(f"sqlite:///{folder / 'koppel.db'}")
        checkpoints = Checkpoints(folder / "checkpoints.jsonl", read_signing_key(folder / "signing.pem"))
        self.open(self.store, folder, Audit(self.store, clock, checkpoints), clock)


def published(world: Nightly) -> dict[str, dict[str, str]]:
    """Every file that a reader can find, by the names of the nights."""
    return {name: tree(world.nights.folder(name)) for name in world.nights.names()}


def tree(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(folder: Path) -> Json:
    return dict(json.loads((folder / "manifest.json").read_bytes()))


def tomorrow(world: NightlyWorld, days: int = 1) -> None:
    world.clock.at += days * DAY
