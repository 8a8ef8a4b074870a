"""A request as JSON Schema, which Airflow's forms are made of."""

from collections.abc import Mapping

from tsflow.requests.knobs import Knob, knobs
from tsflow.requests.models import Request

Schema = Mapping[str, object]
_NOTHING = "(empty)"  # what a form shows where no choice was made
_TYPES = {"date-time": "string", "list": "array"}


def form(request: type[Request]) -> dict[str, tuple[object, Schema]]:
    """Return the default and the schema of each field, by name; a required field has no default (None)."""
    return {knob.name: (knob.default, schema(knob)) for knob in knobs(request)}


def schema(knob: Knob) -> Schema:
    """Return the JSON Schema of a field; one that may stay empty takes null, so that the form does not demand it."""
    kind = _TYPES.get(knob.kind, knob.kind)
    limits = {"minimum": knob.minimum, "exclusiveMinimum": knob.above, "maximum": knob.maximum, "pattern": knob.pattern}
    found: dict[str, object] = {
        "type": ["null", kind] if knob.optional else kind,
        "title": knob.title,
        "description": knob.sentence,
        **{name: limit for name, limit in limits.items() if limit is not None},
    }
    if knob.kind == "date-time":
        found["format"] = "date-time"
    if knob.kind == "list":
        found |= {"items": {"type": "string", "enum": knob.choices}, "examples": knob.choices}
    elif knob.choices is not None:
        found["enum"] = [None, *knob.choices] if knob.optional else knob.choices
        if knob.optional:
            found["values_display"] = {"null": _NOTHING, **{choice: choice for choice in knob.choices}}
    return found
