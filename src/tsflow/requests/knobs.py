"""The fields of a request as a form, a command line and a table need them: one `Knob` each, read off the model."""

from collections.abc import Callable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from tsflow.errors import SettingsError
from tsflow.requests.models import Request
from tsflow.requests.moments import MOMENT
from tsflow.requests.names import Names
from tsflow.requests.sections import Section

Kind = Literal["string", "integer", "number", "boolean", "date-time", "list"]
_KINDS: dict[str, Kind] = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "datetime": "date-time"}


@dataclass(frozen=True)
class Knob:
    """One field: what it is called, what it says, what it takes."""

    name: str
    title: str
    sentence: str
    kind: Kind
    required: bool
    optional: bool  # whether it may stay empty
    default: object  # None: empty, or required
    choices: list[str] | None = None
    minimum: float | None = None
    above: float | None = None  # an excluded minimum
    maximum: float | None = None
    pattern: str | None = None
    section: str | None = None  # of a form; None: among those that are asked first
    shown: Callable[[str], str] = str  # a choice, as a form shows it

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")


def knobs(request: type[Request], *, settings_may_be_wrong: bool = False) -> list[Knob]:
    """Return the fields of a request; names and defaults that settings decide are those of now.

    Parameters
    ----------
    settings_may_be_wrong
        Leave such a default empty if the settings cannot be read: the stack must be stopped also then.

    Raises
    ------
    SettingsError
        If the settings cannot be read.
    """
    found = []
    for name, field in _in_order(request):
        try:
            default = None if field.is_required() else field.get_default(call_default_factory=True)
        except SettingsError:
            if not settings_may_be_wrong:
                raise
            default = None
        found.append(_knob(name, field, default))
    sections = list(dict.fromkeys([None, *(knob.section for knob in found)]))
    return sorted(found, key=lambda knob: sections.index(knob.section))


def _in_order(request: type[Request]) -> list[tuple[str, FieldInfo]]:
    """Return what a request asks itself after what it shares with others, the as-of after the station."""
    fields = dict(request.model_fields)
    first = [name for name in ("architecture", "station", "task", "as_of", "start", "end", "late_rows") if name in fields]
    return [(name, fields[name]) for name in [*first, *(name for name in fields if name not in first)]]


def _knob(name: str, field: FieldInfo, default: object) -> Knob:
    plain, metadata, optional = _plain(field.annotation, list(field.metadata))
    is_list = get_origin(plain) is list
    if is_list:
        plain, metadata, _ = _plain(get_args(plain)[0], metadata)
    names = next((each for each in metadata if isinstance(each, Names)), None)
    kind: Kind = "list" if is_list else _KINDS[getattr(plain, "__name__", str(plain))]
    said = next((str(found) for each in metadata if (found := getattr(each, "pattern", None))), None)
    return Knob(
        name=name,
        title=field.title or name,
        sentence=field.description or "",
        kind=kind,
        required=field.is_required(),
        optional=optional or is_list,
        default=default,
        choices=names.now() if names else None,
        minimum=_limit(metadata, annotated_types.Ge, "ge"),
        above=_limit(metadata, annotated_types.Gt, "gt"),
        maximum=_limit(metadata, annotated_types.Le, "le", _below(metadata)),
        pattern=MOMENT if kind == "date-time" else said,
        section=next((each.title for each in metadata if isinstance(each, Section)), None),
        shown=names.shown if names else str,
    )


def _plain(annotation: object, metadata: list[object]) -> tuple[object, list[object], bool]:
    """Return a field's type without None and without metadata, all its metadata, and whether it may be None."""
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = [*metadata, *(each for one in more for each in (one.metadata if isinstance(one, FieldInfo) else [one]))]
        elif get_origin(annotation) in (Union, UnionType):
            optional = True
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            return annotation, metadata, optional


def _limit(metadata: list[object], kind: type, name: str, otherwise: float | None = None) -> float | None:
    return next((getattr(each, name) for each in metadata if isinstance(each, kind)), otherwise)


def _below(metadata: list[object]) -> float | None:
    """Return the greatest whole number below an excluded maximum."""
    limit = _limit(metadata, annotated_types.Lt, "lt")
    return None if limit is None else limit - 1
