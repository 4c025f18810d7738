"""`koppel select`: answer selection questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import options
from api.commands.console import distance, heading, row, show, show_json, table, warn, working
from api.commands.inputs import day_of, reading

if TYPE_CHECKING:
    from data.question import Question
    from data.standard import Side
    from engine import Records, Selection

EXAMPLE: Final = "Example: koppel select --profiles profiles.ndjson --question question.json --json"


def select(
    question: Annotated[
        Path,
        typer.Option(metavar="FILE", help="JSON of a question (vraagObject), or a list of questions."),
    ],
    profiles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Select among these profiles ...")
    ] = None,
    vacancies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="... or among these vacancies.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many to show of each question, nearest first.")] = 100,
    as_of: options.AsOf = None,
    on_error: options.OnErrorOption = "stop",
    rejects: options.RejectsFile = None,
    as_json: options.Json = False,
) -> None:
    """Select the records that satisfy a question of the standard, nearest first.

    A record without the value that a criterion looks at doesn't satisfy it.
    With --json a line for each question:
    {"total", "without_location", "matches": [{"id", "distance_km"}]}.
    """
    from data.question import load_questions
    from engine import read_columns, sort_by_key
    from engine import select as select_records

    path = profiles or vacancies
    if path is None or (profiles and vacancies):
        raise typer.BadParameter("give one of the two.", param_hint="--profiles or --vacancies")
    side: Side = "werkzoekende" if profiles else "vacature"
    day = day_of(as_of)
    questions = load_questions(question, side)
    if not questions:
        warn(f"{question}: an empty list, so nothing is asked; a question is an object with vraagObject")
    with reading(on_error, rejects) as reader:
        frame = reader.read(path, side).frame
    with working("Reading columns"):
        records = read_columns(sort_by_key(frame, side), side)
    for number, each in enumerate(questions, start=1):
        selection = select_records(each, records, as_of=day)
        _warn(each, selection, f"{question}, question {number}")
        if as_json:
            show_json(_json(selection, records, top))
        else:
            _show(selection, records, top, f"Question {number}, as of {day}")


def _warn(question: Question, selection: Selection, subject: str) -> None:
    if question.ignored:
        warn(f"{subject}: without effect, since the contract doesn't know it: {', '.join(question.ignored)}")
    if not selection.postcode_known:
        warn(f"{subject}: postcode {question.postcode} is not in the table, so nothing is near it")


def _json(selection: Selection, records: Records, top: int) -> dict[str, object]:
    return {
        "total": selection.total,
        "without_location": selection.without_location,
        "matches": [{"id": id_, "distance_km": km} for id_, km in _nearest(selection, records, top)],
    }


def _show(selection: Selection, records: Records, top: int, title: str) -> None:
    shown = table("id", ">km")
    for record_id, km in _nearest(selection, records, top):
        row(shown, record_id, distance(km))
    show(heading(f"{title}: {selection.total:,} of {len(records):,} records"), shown, "")
    left, nowhere = selection.total - min(top, selection.total), selection.without_location
    if left:
        show(f"{left:,} more are further away (--top).")
    if nowhere:
        show(f"{nowhere:,} records have no known postcode, so they are in no area.")


def _nearest(selection: Selection, records: Records, top: int) -> list[tuple[str, float]]:
    ids, distances = records.ids_of(selection.rows[:top]).to_list(), selection.distance_km[:top].tolist()
    return list(zip(ids, distances, strict=True))
