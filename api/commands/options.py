"""Options that several commands have, each spelt and explained once."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

OnError = Literal["stop", "skip"]
Direction = Literal["vacancy", "profile", "mutual"]

_CONDITIONS = (
    "area, hours, contract, irregular, office_hours, dates, open, licence, language, education_level"
)
_COLLECTION = "a .json list, .ndjson (both also .gz or .zst) or .parquet."

ProfilesFile = Annotated[
    Path, typer.Option("--profiles", metavar="FILE", help=f"Profiles of jobseekers: {_COLLECTION}")
]
VacanciesFile = Annotated[Path, typer.Option("--vacancies", metavar="FILE", help=f"Vacancies: {_COLLECTION}")]
ProfilesWithoutIndex = Annotated[
    Path | None, typer.Option("--profiles", metavar="FILE", help=f"Profiles of jobseekers: {_COLLECTION}")
]
VacanciesWithoutIndex = Annotated[
    Path | None, typer.Option("--vacancies", metavar="FILE", help=f"Vacancies: {_COLLECTION}")
]
Index = Annotated[
    Path | None,
    typer.Option(
        "--index", metavar="DIR", help="A built index, in the place of both files and the taxonomy."
    ),
]
Sources = Annotated[
    str | None,
    typer.Option(
        "--sources",
        metavar="NAME,NAME",
        help="Only candidates of these sources of the index; by default all.",
    ),
]
TaxonomyFolder = Annotated[
    Path | None,
    typer.Option("--taxonomy", metavar="DIR", help="Folder of a taxonomy; by default the bundled one."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        formats=["%Y-%m-%d"],
        help="The day to look from, YYYY-MM-DD; by default today in the Netherlands.",
    ),
]
OnErrorOption = Annotated[
    OnError,
    typer.Option("--on-error", help="What a bad record does: stop everything, or be left out and counted."),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Where to write the records that are skipped, as NDJSON with why."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs, one object a line.")]

DirectionOption = Annotated[
    Direction,
    typer.Option(
        help="Who asks: each vacancy, each profile, or the vacancies ordered by what suits both (mutual)."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exclude also where a condition can't be checked.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="GROUP=NUMBER",
        help="Weight of a group (occupation, skill, education, sector) or a wish, 0 to 1000. Repeatable.",
    ),
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Weights that `koppel weights fit` wrote, for this taxonomy; --weight goes before them.",
    ),
]
Wishes = Annotated[
    list[str] | None,
    typer.Option(
        "--wish",
        metavar="COND",
        help=f"A condition that weighs instead of excluding: {_CONDITIONS}. Repeatable.",
    ),
]
Requirements = Annotated[
    list[str] | None,
    typer.Option(
        "--require", metavar="COND", help="A condition that excludes; all do but education_level. Repeatable."
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COND", help="A condition that doesn't count. Repeatable."),
]
Radius = Annotated[
    int | None,
    typer.Option("--radius", metavar="KM", help="Largest distance that the asker allows, 0 to 999."),
]
