"""A pilot as files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from data.dataset import write
from data.errors import OutputError
from data.files import atomic
from data.pilot.blocks import AS_OF
from data.pilot.organisations import by_organisation
from data.pilot.profiles import generate_profiles
from data.pilot.region import Region
from data.pilot.truth import generate_truth
from data.pilot.vacancies import generate_vacancies
from data.taxonomy import Taxonomy

Suffix = Literal[".ndjson", ".ndjson.gz", ".ndjson.zst", ".json", ".json.gz", ".json.zst", ".parquet"]


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """What the records of a pilot are generated from: the same records each time.

    Attributes
    ----------
    profiles, vacancies : how many, 0 or more.
    seed, region, taxonomy, as_of : see `generate_profiles` and `generate_vacancies`.
    """

    profiles: int = 2000
    vacancies: int = 300
    seed: int = 1
    region: Region | None = None
    taxonomy: Taxonomy | None = None
    as_of: date = AS_OF

    def generate(self) -> tuple[Iterator[pl.DataFrame], Iterator[pl.DataFrame]]:
        """Generate the profiles and the vacancies, a block at a time.

        Raises ValueError where a number is below 0, or the taxonomy is empty.
        """
        about = self._about
        return generate_profiles(self.profiles, **about), generate_vacancies(self.vacancies, **about)

    def truth(self) -> pl.DataFrame:
        """Grade how well the profiles suit the vacancies; see `generate_truth`."""
        return generate_truth(self.profiles, self.vacancies, **self._about)

    @property
    def _about(self) -> dict[str, Any]:
        return {"seed": self.seed, "region": self.region, "taxonomy": self.taxonomy, "as_of": self.as_of}


def write_pilot(folder: Path, pilot: Pilot, *, suffix: Suffix = ".ndjson") -> tuple[Path, Path]:
    """Write a pilot, the files "profiles" and "vacancies", into a folder, which is made where it is missing.

    suffix : what the names of the files end in, and so their format.

    Returns the paths of the profiles and of the vacancies.

    Raises
    ------
    OutputError : the folder can't be made, or a file can't be written.
    ValueError : as of `Pilot.generate`.
    """
    _make(folder)
    paths = folder / f"profiles{suffix}", folder / f"vacancies{suffix}"
    for blocks, path in zip(pilot.generate(), paths, strict=True):
        write(blocks, path)
    return paths


def write_by_organisation(folder: Path, pilot: Pilot, *, suffix: Suffix = ".ndjson") -> dict[str, list[Path]]:
    """Write the very records of `write_pilot` apart: for each organisation that has any, a folder named after
    its source, with "profiles" and "vacancies", the one that would be empty left out.

    Returns the files by source, in order. Errors are those of `write_pilot`; all records are in memory at
    once.
    """
    people, openings = pilot.generate()
    divided = {
        "profiles": by_organisation(people, "werkzoekende"),
        "vacancies": by_organisation(openings, "vacature"),
    }
    written: dict[str, list[Path]] = {}
    for source in sorted({source for parts in divided.values() for source in parts}):
        _make(folder / source)
        for name, parts in divided.items():
            if source in parts:
                path = folder / source / f"{name}{suffix}"
                write([parts[source]], path)
                written.setdefault(source, []).append(path)
    return written


def write_truth(path: Path, pilot: Pilot) -> None:
    """Write the synthetic grades of a pilot as CSV with the columns vacancy, profile and grade.

    The file appears whole or not at all. Raises OutputError where it can't be written.
    """
    truth = pilot.truth()
    with atomic(path) as file:
        file.write(truth.write_csv().encode())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(folder), "can't be made a folder", remedy="Choose another place.") from error
