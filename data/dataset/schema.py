"""The columns of a frame of records, as the models of the standard have the properties."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import polars as pl
from pydantic import BaseModel

from data.errors import FileError
from data.standard import Side, model_of

ID_FIELDS: Final[Mapping[Side, str]] = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}
"""The property that a record of a side is known by, within its source."""

_SIMPLE: Final[Mapping[type, pl.DataType]] = {str: pl.String(), int: pl.Int64(), bool: pl.Boolean()}


def schema(side: Side) -> pl.Schema:
    """Give the columns of a frame of records: name to type, in the order of the model's properties.

    An object is a Struct, a list a List, text a String (dates and codes as they are spelt), a whole number an
    Int64, true or false a Boolean. An absent property is null, an empty list an empty list, an empty object a
    struct of nulls.
    """
    return pl.Schema(_properties(model_of(side)))


def side_of(names: Mapping[str, Any]) -> Side | None:
    """Tell the side of a record or frame with properties of these names, None where its id doesn't tell."""
    sides = [side for side, id_field in ID_FIELDS.items() if id_field in names]
    return sides[0] if len(sides) == 1 else None


def wrong_side(path: Path, told: Side, asked: Side) -> FileError:
    """Give the refusal of a file with records of another side than the one that is asked for."""
    return FileError(str(path), f"records of the side {told}", f"the side {asked}", "Give the other file.")


def _properties(model: type[BaseModel]) -> dict[str, pl.DataType]:
    return {name: _dtype(field.annotation) for name, field in model.model_fields.items()}


def _dtype(annotation: Any) -> pl.DataType:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pl.Struct(_properties(annotation))
    if get_origin(annotation) is list:
        return pl.List(_dtype(get_args(annotation)[0]))
    if inner := get_args(annotation):  # Annotated[X, ...] and X | None
        return _dtype(inner[0])
    return _SIMPLE[annotation]
