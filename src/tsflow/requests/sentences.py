"""What is wrong with a request, in the words that Airflow's form uses for the same thing, whichever face it came by."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tsflow.texts import without_passwords

_LONGEST = 80  # characters of what was found
_SENTENCES: dict[str, Callable[[str, Mapping[str, Any]], str]] = {  # by pydantic's error type; its context is untyped
    "greater_than_equal": lambda found, limits: f"{found} is less than the minimum of {limits['ge']}",
    "greater_than": lambda found, limits: f"{found} is less than or equal to the minimum of {limits['gt']:g}",
    "less_than_equal": lambda found, limits: f"{found} is greater than the maximum of {limits['le']:g}",
    "less_than": lambda found, limits: f"{found} is greater than or equal to the maximum of {limits['lt']}",
    "int_parsing": lambda found, _: f"{found} is not of type 'integer'",
    "int_type": lambda found, _: f"{found} is not of type 'integer'",
    "int_from_float": lambda found, _: f"{found} is not of type 'integer'",
    "float_parsing": lambda found, _: f"{found} is not of type 'number'",
    "float_type": lambda found, _: f"{found} is not of type 'number'",
    "string_type": lambda found, _: f"{found} is not of type 'string'",
    "list_type": lambda found, _: f"{found} is not of type 'array'",
    "bool_parsing": lambda found, _: f"{found} is not of type 'boolean'",
    "bool_type": lambda found, _: f"{found} is not of type 'boolean'",
    "missing": lambda _, __: "missing; give it a value",
    "extra_forbidden": lambda _, __: "unknown key; remove it or check its spelling",
}


def sentences(error: ValidationError, request: str) -> str:
    """Return one line for each field that is wrong."""
    lines = []
    for problem in error.errors():
        place = ": ".join(filter(None, [request, ".".join(str(part) for part in problem["loc"])]))
        found = without_passwords(repr(problem["input"]))
        shown = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}..."
        say = _SENTENCES.get(problem["type"])
        said = say(shown, problem.get("ctx", {})) if say else problem["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {said}")
    return "\n".join(lines)
