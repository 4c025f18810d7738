"""A pilot as files."""

from datetime import date
from pathlib import Path
from typing import Literal

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


def write_pilot(
    folder: Path,
    *,
    profiles: int = 2000,
    vacancies: int = 300,
    seed: int = 1,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
    suffix: Suffix = ".ndjson",
) -> tuple[Path, Path]:
    """Write a pilot, the files "profiles" and "vacancies", into a folder, which is made where it is missing.

    Parameters
    ----------
    profiles, vacancies : how many, 0 or more.
    seed, region, taxonomy, as_of : see `generate_profiles` and `generate_vacancies`.
    suffix : what the names of the files end in, and so their format.

    Returns
    -------
    The paths of the profiles and of the vacancies.

    Raises
    ------
    OutputError : the folder can't be made, or a file can't be written.
    ValueError : a number is below 0, or the taxonomy is empty.
    """
    _make(folder)
    paths = folder / f"profiles{suffix}", folder / f"vacancies{suffix}"
    write(generate_profiles(profiles, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of), paths[0])
    write(generate_vacancies(vacancies, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of), paths[1])
    return paths


def write_by_organisation(
    folder: Path,
    *,
    profiles: int = 2000,
    vacancies: int = 300,
    seed: int = 1,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
    suffix: Suffix = ".ndjson",
) -> dict[str, list[Path]]:
    """Write the very records of `write_pilot` apart: for each organisation that has any, a folder named after
    its source, with "profiles" and "vacancies", the one that would be empty left out.

    Returns the files by source, in order. Parameters and errors are those of `write_pilot`; all records are
    in memory at once.
    """
    people = generate_profiles(profiles, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of)
    openings = generate_vacancies(vacancies, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of)
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


def write_truth(
    path: Path,
    *,
    profiles: int = 2000,
    vacancies: int = 300,
    seed: int = 1,
    region: Region | None = None,
    taxonomy: Taxonomy | None = None,
    as_of: date = AS_OF,
) -> None:
    """Write the synthetic grades of `generate_truth` as CSV with the columns vacancy, profile and grade.

    The file appears whole or not at all. Raises OutputError where it can't be written.
    """
    truth = generate_truth(profiles, vacancies, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of)
    with atomic(path) as file:
        file.write(truth.write_csv().encode())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(folder), "can't be made a folder", remedy="Choose another place.") from error
