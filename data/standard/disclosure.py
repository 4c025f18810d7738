"""What is shown when: the match level follows from the full models, by leaving out what they mark.

A property that only the detail of a record shows is marked once, in the full model:

    contactpersoon: Annotated[Omittable[list[ContactpersoonAfdeling]], DETAIL_ONLY] = None

The models of a match (`match_model`) and what is taken out of a record (`without_detail`) both come from that
marking, at any depth.
"""

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel, create_model

from data.standard.fields import DETAIL_ONLY, Object

Marked: TypeAlias = Mapping[str, "Marked | None"]
"""Property -> None where it is marked, or what is marked inside it. Other properties are not in it."""


@cache
def marked(model: type[BaseModel]) -> Marked:
    """Give what a model marks as shown in the detail only, at any depth."""
    found: dict[str, Marked | None] = {}
    for name, field in model.model_fields.items():
        if DETAIL_ONLY in field.metadata:
            found[name] = None
        elif (inner := _object_in(field.annotation)) and marked(inner):
            found[name] = marked(inner)
    return MappingProxyType(found)


def without_detail(value: Any, marks: Marked) -> Any:
    """Give a JSON value without what is marked, in each element of a list; what is unmarked is shared."""
    if isinstance(value, list):
        return [without_detail(each, marks) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_detail(each, inner) if (inner := marks.get(name)) else each
        for name, each in value.items()
        if name not in marks or marks[name] is not None
    }


def match_model(
    name: str, full: type[BaseModel], *, known_by: tuple[str, Any], required: str
) -> type[BaseModel]:
    """Make the model of a match from the model of the full record.

    Parameters
    ----------
    name : name of the new model.
    full : model of the full record. Where an object inside it marks something, a match has an object named
        "MP" and its name in its place.
    known_by : name and type of the property that a match is known by: the vumID, or the source's own id.
    required : name of the property that a match must have although a detail may lack it.
    """
    fields = _shown(full)
    fields[required] = (_at_match_level(_object_in(full.model_fields[required].annotation)), ...)
    fields[known_by[0]] = (known_by[1], ...)
    return create_model(name, __base__=Object, __doc__=f"What a match shows of a {full.__name__}.", **fields)


def _shown(model: type[BaseModel]) -> dict[str, Any]:
    """Give the fields of a model that a match shows, as `create_model` takes them."""
    return {
        name: (
            reduce(_annotated, field.metadata, _at_match_level(field.annotation)),
            ... if field.is_required() else field.default,
        )
        for name, field in model.model_fields.items()
        if DETAIL_ONLY not in field.metadata
    }


def _annotated(annotation: Any, metadata: Any) -> Any:
    return Annotated[annotation, metadata]


def _at_match_level(annotation: Any) -> Any:
    """Give a type with each object in it that marks something replaced by the object that a match has."""
    inner = _object_in(annotation)
    if inner is None or not marked(inner):
        return annotation
    if annotation is inner:
        name = f"MP{inner.__name__}"
        return create_model(
            name, __base__=Object, __doc__=f"What a match shows of a {inner.__name__}.", **_shown(inner)
        )
    parts = [_at_match_level(part) for part in get_args(annotation)]
    return list.__class_getitem__(*parts) if get_origin(annotation) is list else reduce(or_, parts)


def _object_in(annotation: Any) -> type[BaseModel] | None:
    """Give the object that a type holds, in a list or not, absent or not; None where it holds none."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_object_in, get_args(annotation))), None)
