"""A pilot as files."""

from datetime import date
from pathlib import Path
from typing import Literal

from data.dataset import write
from data.errors import OutputError
from data.pilot.blocks import AS_OF
from data.pilot.profiles import generate_profiles
from data.pilot.region import Region
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(folder), "can't be made a folder", remedy="Choose another place.") from error
    paths = folder / f"profiles{suffix}", folder / f"vacancies{suffix}"
    write(generate_profiles(profiles, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of), paths[0])
    write(generate_vacancies(vacancies, seed=seed, region=region, taxonomy=taxonomy, as_of=as_of), paths[1])
    return paths
