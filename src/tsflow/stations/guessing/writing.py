"""A draft as the text of a station file, each guess with its reason beside it."""

from __future__ import annotations

import json

from tsflow.stations.forms import default
from tsflow.stations.guessing.columns import Column
from tsflow.stations.guessing.draft import Draft


def as_yaml(draft: Draft) -> str:
    """Return the file."""
    times, place = draft.times, draft.location
    seconds = int(times.cadence.total_seconds())
    minutes = seconds // 60
    lines = [
        "# Drafted by `tsflow station init`: what it understood of the files. Look through the comments, they say what is a guess;",
        f"# then `tsflow station check --station {draft.station}` says what a run would do.",
        f"station: {_text(draft.station)}",  # YAML takes 2024 and no for something else
        f"title: {_text(draft.station)}",
        f"location: {{latitude: {place.latitude:g}, longitude: {place.longitude:g}, altitude_m: {place.altitude_m:g}}}",
        f"cadence: PT{seconds}S" if seconds % 60 else f"cadence: {minutes}min",
        f"timestamp:                      # utc_offset_hours: {draft.offset_note}",
        f"  column: {_text(times.columns[0]) if len(times.columns) == 1 else '[' + ', '.join(map(_text, times.columns)) + ']'}",
        f"  format: {_text(times.format)}",
        "  marks: end                    # of a row's averaging; write start if rows are stamped with its beginning",
        f"  utc_offset_hours: {draft.utc_offset_hours:g}",
        *(
            [f"  minute: {times.minute(draft.utc_offset_hours)}                     # at which an hour's row is taken"]
            if minutes < 60
            else []
        ),
        f"encoding: {draft.encoding}",
        *_form(draft),
        *(
            [f"missing: [{', '.join(f'{value:g}' for value in draft.missing)}]          # stand for no value"]
            if draft.missing
            else []
        ),
        f"target: {draft.target}                       # what is forecast",
        "variables:                      # the order is the order of features",
        *(line for column in draft.columns if _known(draft, column) for line in _variable(column)),
        *(f"  # {line.strip()}" for column in draft.columns if not _known(draft, column) for line in _variable(column)),
        "sources:",
        f"  files: {{kind: files, paths: [{', '.join(map(_text, draft.paths))}]}}",
    ]
    return "\n".join(lines) + "\n"


def _known(draft: Draft, column: Column) -> bool:
    """Say whether a column becomes a variable; what nobody knows the meaning of is offered as a comment."""
    return column.quantity is not None or column.name == draft.target


def _form(draft: Draft) -> list[str]:
    """Return the line that says the form, with what is unlike its defaults; none for comma-separated values as they mostly are."""
    said = [f"{key}: {_text(value)}" for key, value in draft.form.model_dump(mode="json", exclude_defaults=True).items()]
    kind = draft.form.kind
    if kind != default().kind:
        return [f"form: {{{', '.join([f'kind: {kind}', *said])}}}" if said else f"form: {kind}"]
    return [f"form: {{{', '.join(said)}}}"] if said else []


def _variable(column: Column) -> list[str]:
    parts = [f"column: {_text(column.header)}"]
    if column.quantity is not None:
        parts.append(f"quantity: {_text(column.quantity.name)}")
    parts.append(f"unit: {_text(column.unit)}")
    if column.column_unit is not None:
        parts.append(f"column_unit: {_text(column.column_unit)}")
    parts.append(f"range: [{column.range[0]:g}, {column.range[1]:g}]")
    return [*(f"  # {note}" for note in column.notes), f"  {column.name}: {{{', '.join(parts)}}}"]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's texts are YAML's, too
