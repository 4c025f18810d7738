"""`koppel weights`: group weights from judgements, to be used where somebody chooses to."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import options
from api.commands.console import heading, note, row, show, show_json, table, warn, working
from api.commands.inputs import day_of, encode_files, refuse_overwriting

if TYPE_CHECKING:
    from engine.conditions import Direction
    from engine.evaluation import Interval
    from engine.weights import Fitted
    from engine.weights_file import NamedWeights

commands = typer.Typer(help="Group weights from judgements.", no_args_is_help=True)

_NAMES = {"ndcg": "nDCG@10", "map": "MAP", "mrr": "MRR", "recall": "recall@10"}


@commands.callback()
def weights() -> None:
    """Fit group weights to judgements."""


@commands.command(
    epilog="Example: koppel weights fit --judgements judged.csv --profiles profiles.parquet "
    "--vacancies vacancies.parquet --as-of 2026-09-01 -o weights.json"
)
def fit(
    judgements: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A .csv (also .gz or .zst) or .parquet with the columns vacancy, profile (ids) and grade "
            "(0, not suitable, to 10).",
        ),
    ],
    profiles: options.ProfilesFile,
    vacancies: options.VacanciesFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the weights, as JSON.")
    ],
    taxonomy: options.TaxonomyFolder = None,
    as_of: options.AsOf = None,
    folds: Annotated[
        int, typer.Option(min=2, max=100, help="In how many parts vacancies are held out in turn.")
    ] = 5,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, help="Decides which vacancies are held out together."),
    ] = 1,
    on_error: options.OnErrorOption = "stop",
    rejects: options.RejectsFile = None,
    as_json: options.Json = False,
) -> None:
    """Fit the weights of the feature groups to judgements of vacancies and profiles.

    None is negative. What they are worth is measured on vacancies that they were
    not fitted on, beside the suggested weights. Nothing uses them by itself: give
    the file to match, explain or pilot run, with --weights.
    """
    from data.files import atomic
    from engine.judgements import read_judgements
    from engine.weights import fit_weights
    from engine.weights_file import weights_bytes

    files = {"judgements": judgements, "profiles": profiles, "vacancies": vacancies}
    for path in files.values():
        refuse_overwriting(output, path)
    hashes = {name: sha256_of(path) for name, path in files.items()}
    pool = encode_files(profiles, vacancies, taxonomy, day_of(as_of), on_error, rejects)
    with working("Fitting"):
        judged = read_judgements(judgements, pool.vacancies, pool.profiles)
        fitted = fit_weights(
            judged,
            pool.vacancies,
            pool.profiles,
            pool.space,
            folds=folds,
            seed=seed,
            subject=str(judgements),
        )
    counts = {
        "judgements": len(judged.grade),
        "profiles": len(pool.profiles),
        "vacancies": len(pool.vacancies),
    }
    spelt = weights_bytes(
        fitted,
        taxonomy=pool.space.taxonomy,
        as_of=pool.as_of,
        files={name: {"sha256": hashes[name], "records": counts[name]} for name in files},
        seed=seed,
    )
    with atomic(output) as file:
        file.write(spelt)
    if as_json:
        show_json(_json(fitted))
    else:
        _show(fitted)
    if fitted.measures["ndcg"].difference.low <= 0:
        warn("these weights aren't shown to be better than the suggested ones: their interval reaches 0.")
    note(
        f"Vacancies: {fitted.vacancies:,}; judged pairs: {fitted.pairs:,}; left out because they break a "
        f"condition: {fitted.excluded:,}; vacancies with one grade: {fitted.uniform:,}; taxonomy "
        f"{pool.taxonomy}. Written to {output}: used only where --weights names it."
    )


def read_chosen(path: Path | None, weight: list[str] | None) -> tuple[NamedWeights | None, list[str]]:
    """Read the file of --weights, and give it with the options --weight that say the same and those given.

    What is given by --weight goes before what the file says.
    """
    if path is None:
        return None, weight or []
    from engine.weights_file import read_weights

    chosen = read_weights(path)
    return chosen, [*(f"{group}={number}" for group, number in chosen.weights.items()), *(weight or [])]


def name_of(chosen: NamedWeights | None, taxonomy: str, direction: Direction) -> str:
    """Give the name of chosen weights, "" where none are. Raises QuestionError where they don't fit here."""
    if chosen is None:
        return ""
    chosen.check(taxonomy, direction)
    return chosen.name


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file as it stands. Raises FileError where it can't be read twice."""
    from data.errors import FileError
    from data.files import PIECE, open_input

    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileError(
            str(path), "a pipe or a device", "a file: it is read twice", "Save it as a file first."
        )
    digest = hashlib.sha256()
    with open_input(path) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _json(fitted: Fitted) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "weights": dict(fitted.weights),
        "vacancies": fitted.vacancies,
        "pairs": fitted.pairs,
        "measures": {name: asdict(each) for name, each in fitted.measures.items()},
    }


def _show(fitted: Fitted) -> None:
    from engine.conditions import SUGGESTED

    shown = table("group", ">suggested", ">fitted", ">least of the folds", ">most")
    for group, weight in fitted.weights.items():
        found = [each.weights[group] for each in fitted.folds]
        row(shown, group, SUGGESTED[group], weight, min(found), max(found))
    measured = table("measure", "suggested", "fitted", "difference")
    for name, each in fitted.measures.items():
        row(measured, _NAMES[name], *map(_interval, (each.suggested, each.fitted, each.difference)))
    show(heading("Weights"), shown, "", heading("On vacancies held out, with 95 % intervals"), measured)


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} ({interval.low:.3f} to {interval.high:.3f})"
