"""Pages that need nothing else: one HTML file each, from a template that extends `page.html.j2`."""

import json
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape


def render(room: str, template: str, **content: Any) -> bytes:
    """Return a template of a room, such as `tuning`, filled in; a name that it lacks is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(f"tsflow.{room}", "."), PackageLoader("tsflow.evaluation", ".")]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    return environment.get_template(template).render(**content).encode()


def fraction_from_top(value: float, low: float, high: float) -> float:
    """Return where a value lies in a drawing from `low` at its bottom (1) to `high` at its top (0); all equal: the bottom."""
    return 1 - (value - low) / ((high - low) or 1)


def plain(value: Any) -> Any:
    """Return lists and mappings as JSON, everything else as it is."""
    return json.dumps(value) if isinstance(value, list | dict) else value
