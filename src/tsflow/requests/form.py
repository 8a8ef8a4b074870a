"""A request as JSON Schema, which Airflow's forms are made of."""

from collections.abc import Mapping

from tsflow.requests.knobs import Knob, knobs
from tsflow.requests.models import Request

Schema = Mapping[str, object]
_EMPTY = "Empty: "  # how a sentence begins that says what happens where no choice was made
_TYPES = {"date-time": "string", "list": "array"}


def form(request: type[Request]) -> dict[str, tuple[object, Schema]]:
    """Return the default and the schema of each field, by name; a required field has no default (None)."""
    return {knob.name: (knob.default, schema(knob)) for knob in knobs(request)}


def schema(knob: Knob) -> Schema:
    """Return the JSON Schema of a field.

    Airflow's form marks a field as required unless its type takes null, even one with a default; what is cleared counts as not
    given, and takes its default. A time is text: the form's own calendar would convert it from the browser's time zone to UTC.
    """
    kind = _TYPES.get(knob.kind, knob.kind)
    limits = {"minimum": knob.minimum, "exclusiveMinimum": knob.above, "maximum": knob.maximum, "pattern": knob.pattern}
    found: dict[str, object] = {
        "type": kind if knob.required else ["null", kind],
        "title": knob.title,
        "description": knob.sentence,
        **{name: limit for name, limit in {**limits, "section": knob.section}.items() if limit is not None},
    }
    if knob.kind == "list":
        found |= {"items": {"type": "string", "enum": knob.choices}, "examples": knob.choices}
    elif knob.choices is not None:
        found["enum"] = knob.choices if knob.required else [None, *knob.choices]
        shown = {choice: knob.shown(choice) for choice in knob.choices}
        found["values_display"] = shown if knob.required else {"null": _left_empty(knob), **shown}
    return found


def _left_empty(knob: Knob) -> str:
    """Return what a form shows as the choice of none."""
    return f"(the default: {knob.default})" if knob.default is not None else f"({knob.sentence.partition(_EMPTY)[2].rstrip('.')})"
