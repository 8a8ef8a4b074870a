"""Drawings by Plotly, as its reference describes traces and layout (https://plotly.com/javascript/reference/).

Colours are the names of the style sheet's, such as `--accent`: the page puts in what they are in its light or dark theme.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

Trace = Mapping[str, object]
Layout = Mapping[str, object]


@dataclass(frozen=True)
class Figure:
    """A drawing with its title, and what it shows in words for those who do not see it."""

    name: str
    title: str
    words: str
    traces: Sequence[Trace]
    layout: Layout = field(default_factory=dict)
    height: int = 320


def line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str, **further: object) -> Trace:
    """Return a line; missing values break it."""
    style = {"color": colour, "width": 2}
    return {"type": "scatter", "mode": "lines", "x": plain(x), "y": plain(y), "name": name, "line": style, **further}


def band(x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], name: str, colour: str, *, opacity: float = 0.2) -> list[Trace]:
    """Return the area between two lines."""
    edge = {"type": "scatter", "mode": "lines", "x": plain(x), "line": {"width": 0, "color": colour}, "hoverinfo": "skip"}
    return [
        {**edge, "y": plain(low), "showlegend": False},
        {**edge, "y": plain(high), "fill": "tonexty", "fillcolor": colour, "opacity": opacity, "name": name},
    ]


def axis(title: str, **further: object) -> Layout:
    """Return an axis with a title."""
    return {"title": {"text": title}, **further}


def plain(values: Iterable[Any]) -> list[Any]:
    """Return values as JSON has them: moments as ISO 8601, what is missing as null, numbers to six digits."""
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[m]"))
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
