"""Checks of records as plain dicts, in two thirds of the time that instances of the models take."""

from functools import cache
from typing import Any

from pydantic_core import SchemaValidator, core_schema

from data.standard import Side, model_of


@cache
def validator(side: Side) -> SchemaValidator:
    """Give what checks the value of a record, parsed from JSON: it accepts what the model of the side does.

    It is the definition of that model, with a dict in the place of each instance.
    """
    return SchemaValidator(_of_dicts(model_of(side).__pydantic_core_schema__))


def _of_dicts(schema: Any) -> Any:
    match schema:
        case {"type": "model", "schema": {"fields": fields}, "config": config}:
            return core_schema.typed_dict_schema(
                {name: _field(field["schema"]) for name, field in fields.items()}, config=config
            )
        case {"type": "list", "items_schema": items}:
            return {**schema, "items_schema": _of_dicts(items)}
    return schema


def _field(schema: Any) -> core_schema.TypedDictField:
    if schema["type"] == "default":
        return core_schema.typed_dict_field(_of_dicts(schema["schema"]), required=False)
    return core_schema.typed_dict_field(_of_dicts(schema), required=True)
