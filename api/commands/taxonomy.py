"""`koppel taxonomy`: import the official ones, link titles to codes, look inside, count frequencies."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import options
from api.commands.console import heading, note, row, score, show, show_json, table, warn, working
from api.commands.inputs import day_of, encode_files, taxonomy_of
from data.errors import FileError
from data.files import atomic, bare_suffix, decoded, read_pieces

if TYPE_CHECKING:
    from data.taxonomy import Candidate, Taxonomy

commands = typer.Typer(
    help="Occupations and skills: import the official lists, link titles to them, look inside.",
    no_args_is_help=True,
)

_BATCH: Final = 256
"""Titles linked between two signs of progress."""


@commands.command(
    "import",
    epilog="Example: koppel taxonomy import --esco ESCO --competentnl occupations.csv "
    "--competentnl capabilities.csv --boc boc.csv -o taxonomy",
)
def import_(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the taxonomy goes.")],
    esco: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of ESCO's CSV files, plain or .gz.")
    ] = None,
    competentnl: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="List of labels of CompetentNL. Repeatable.")
    ] = None,
    boc: Annotated[Path | None, typer.Option(metavar="FILE", help="The job titles of BO&C (UWV).")] = None,
    name: Annotated[
        str | None, typer.Option(help="What to call it; by default the names of its sources.")
    ] = None,
) -> None:
    """Make a taxonomy of the official files; concepts that are called the same become one."""
    from data.taxonomy import build, read_boc, read_competentnl, read_esco

    sources = []
    with working("Reading the sources"):
        if esco:
            sources.append(read_esco(esco))
        if competentnl:
            sources.append(read_competentnl(competentnl))
        if boc:
            sources.append(read_boc(boc))
    if not sources:
        raise typer.BadParameter("give at least one.", param_hint="--esco, --competentnl or --boc")
    for source in sources:
        for each in source.notes:
            warn(each)
    with working("Building"):
        taxonomy = build(*sources, name=name)
        taxonomy.save(output)
    _show(taxonomy)


@commands.command(epilog='Example: koppel taxonomy link "heftruckchauffeur (m/v)" --top 3')
def link(
    title: Annotated[str | None, typer.Argument(metavar="TITLE", help="A job title, as it is spelt.")] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Text with a title on each line.")] = None,
    taxonomy: options.TaxonomyFolder = None,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to give.")] = 5,
    as_json: options.Json = False,
) -> None:
    """Find the occupations that a title may mean, best first, each with a score of 0 to 1.

    With --json a line for each title:
    {"title", "candidates": [{"code", "label", "score"}]}.
    """
    from data.taxonomy import Linker

    if title is not None and file is None:
        titles = [title]
    elif file is not None and title is None:
        titles = _lines(file)
    else:
        raise typer.BadParameter("give one of the two.", param_hint="TITLE or --file")
    loaded = taxonomy_of(taxonomy)
    with working("Preparing"):
        linker = Linker(loaded)
    with working("Linking", printing=True) as told:
        for start in range(0, len(titles), _BATCH):
            batch = titles[start : start + _BATCH]
            for each, candidates in zip(batch, linker.link(batch, top), strict=True):
                _print(each, candidates, as_json=as_json)
            told(start + len(batch), len(titles))


@commands.command(epilog="Example: koppel taxonomy info taxonomy")
def info(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of a taxonomy; by default the bundled one.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Tell what a taxonomy holds."""
    taxonomy = taxonomy_of(folder)
    if as_json:
        show_json({"name": taxonomy.name, "version": taxonomy.version} | _counts(taxonomy))
    else:
        _show(taxonomy)


@commands.command(
    epilog="Example: koppel taxonomy count --profiles profiles.ndjson --vacancies vacancies.ndjson -o counted"
)
def count(
    profiles: options.ProfilesFile,
    vacancies: options.VacanciesFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE.csv",
            help="Where the same taxonomy goes with the new table, or the table alone.",
        ),
    ],
    taxonomy: options.TaxonomyFolder = None,
    as_of: options.AsOf = None,
    on_error: options.OnErrorOption = "stop",
    rejects: options.RejectsFile = None,
) -> None:
    """Make a new reference table: in how many of these records each occupation, skill, level and sector is.

    What is rare among the records of reference weighs more in a ranking.
    The table is part of the taxonomy, which so gets a new version.
    """
    from data.taxonomy.storage import version_of
    from engine import count_frequencies

    day = day_of(as_of)
    collections = encode_files(profiles, vacancies, taxonomy, day, on_error, rejects)
    old = collections.space.taxonomy
    frequencies = count_frequencies([collections.vacancies, collections.profiles], collections.space)
    counted = (
        f"{len(collections.vacancies):,} vacancies and {len(collections.profiles):,} profiles as of {day}"
    )
    if bare_suffix(output) == ".csv":
        with atomic(output) as file:
            file.write(frequencies.write_csv().encode())
        note(f"{frequencies.height:,} features counted in {counted}.")
        return
    new = replace(old, frequencies=frequencies)
    new = replace(new, version=version_of(new.name, new))
    new.save(output)
    note(f"{frequencies.height:,} features counted in {counted}: {new.version}, which was {old.version}.")


def _lines(path: Path) -> list[str]:
    """Read the lines of a text (UTF-8), blank ones too, so that line n of the answer is about line n."""
    text = decoded(b"".join(read_pieces(path)), path)
    if not text:
        raise FileError(str(path), "empty", "a title on each line", "Fill it in.")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _print(title: str, candidates: list[Candidate], *, as_json: bool) -> None:
    if as_json:
        show_json({"title": title, "candidates": [asdict(candidate) for candidate in candidates]})
        return
    shown = table(">score", "occupation", "code")
    for candidate in candidates:
        row(shown, score(candidate.score), candidate.label, candidate.code)
    show(heading(title), shown, "")


def _show(taxonomy: Taxonomy) -> None:
    shown = table("of", ">how many")
    for name, number in _counts(taxonomy).items():
        row(shown, name.replace("_", " "), f"{number:,}")
    show(heading(taxonomy.version), shown)


def _counts(taxonomy: Taxonomy) -> dict[str, int]:
    return {
        "occupations": len(taxonomy.occupations),
        "occupation_labels": len(taxonomy.occupations.label_texts),
        "skills": len(taxonomy.skills),
        "skill_labels": len(taxonomy.skills.label_texts),
        "occupation_skills": len(taxonomy.occupation_skill_indices),
        "broader_skills": len(taxonomy.skill_broader_indices),
        "frequencies": taxonomy.frequencies.height,
    }
