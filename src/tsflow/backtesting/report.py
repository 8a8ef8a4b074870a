"""A backtest's summary as a page that needs nothing else: one HTML file, its drawings in SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tsflow.backtesting.grouped import SEASONS, Errors
from tsflow.backtesting.summary import Backtest, Entrant
from tsflow.evaluation.page import render
from tsflow.windows.split import PARTS

_WIDTH, _HEIGHT = 320, 52  # of a curve by hour, in pixels
_DEEPEST = 45  # percent of colour in the cell that differs most from naive
_DEEPEST_SKILL = 0.25  # and in all that differ more: one bad fold does not make all others pale


@dataclass(frozen=True)
class _Table:
    """MAE of each entrant, one column a group."""

    title: str
    text: str
    by: str  # a field of `Errors`
    groups: Sequence[Any]


def html(summary: Backtest, links: dict[str, str] | None = None) -> bytes:
    """Return the report page; `links` are shown at its end, by their text."""
    shown = [entrant for entrant in summary.entrants if entrant.errors is not None]
    deepest = min(_DEEPEST_SKILL, max((abs(skill) for entrant in shown for skill in _skills(entrant)), default=0) or 1)
    every = [errors for entrant in shown for errors in (entrant.errors, entrant.naive) if errors is not None]
    low, high = (edge(mae for errors in every for mae in errors.by_hour.values()) for edge in (min, max))
    leads = sorted({hour for errors in every for hour in errors.by_lead})
    tables = [
        _Table("By fold", "A fold is named by the day on which its test part begins.", "by_fold", list(summary.folds)),
        _Table("By season of the target", "December to February, March to May, and so on.", "by_season", SEASONS),
    ]
    if len(leads) > 1:
        tables.append(_Table("By lead time", "Hours from the origin; only the horizon is ranked.", "by_lead", leads))
    return render(
        "backtesting",
        "backtest.html.j2",
        summary=summary,
        folds=_timeline(summary),
        heat=[{"table": table, **_heat(summary, table, deepest)} for table in tables],
        hours=[
            {"entrant": entrant, "own": _curve(entrant.errors, low, high), "naive": _curve(entrant.naive, low, high)}
            for entrant in shown
        ],
        low=low,
        high=high,
        width=_WIDTH,
        height=_HEIGHT,
        links=links or {},
    )


def _timeline(summary: Backtest) -> list[dict[str, Any]]:
    """Return where each part of each fold lies, in percent of the time from the first row to the last."""
    moments = [pd.Timestamp(part[edge]) for fold in summary.folds.values() for part in fold.values() for edge in ("first", "last")]
    first, span = min(moments), max(moments) - min(moments)
    lines = []
    for name, fold in summary.folds.items():
        parts = []
        for part in PARTS:
            facts = fold[part]
            start, end = (100 * (pd.Timestamp(facts[edge]) - first) / span for edge in ("first", "last"))
            parts.append({"part": part, "left": start, "width": end - start, **facts})
        lines.append({"name": name, "parts": parts, "naive": summary.naive.by_fold[name]})
    return lines


def _heat(summary: Backtest, table: _Table, deepest: float) -> dict[str, Any]:
    """Return a table's cells; the colour of one is the skill over naive on the same origins."""
    lines = []
    for entrant in summary.entrants:
        own: Mapping[Any, float] = getattr(entrant.errors, table.by, {})
        naive: Mapping[Any, float] = getattr(entrant.naive, table.by, {})
        cells: list[dict[str, Any]] = []
        for group in table.groups:
            if group not in own:
                cells.append({"mae": None, "failed": table.by == "by_fold" and group in entrant.failures})
                continue
            skill = _skill(own[group], naive[group])
            depth = _DEEPEST * min(1.0, abs(skill) / deepest)
            cells.append({"mae": own[group], "skill": skill, "depth": depth, "colour": "better" if skill > 0 else "worse"})
        lines.append({"entrant": entrant, "cells": cells})
    return {"lines": lines, "naive": [getattr(summary.naive, table.by).get(group) for group in table.groups]}


def _skills(entrant: Entrant) -> list[float]:
    """Return the skills by fold and by season, which the colours are scaled to."""
    return [
        _skill(own[group], getattr(entrant.naive, by)[group])
        for by in ("by_fold", "by_season")
        for own in [getattr(entrant.errors, by)]
        for group in own
    ]


def _skill(error: float, naive_error: float) -> float:
    return 1 - error / naive_error if naive_error > 0 else 0.0


def _curve(errors: Errors | None, low: float, high: float) -> str:
    """Return MAE by hour as the points of a polyline; all curves share one scale."""
    if errors is None:
        return ""
    by_hour = sorted(errors.by_hour.items())
    points = [(hour * _WIDTH / 23, _HEIGHT - (mae - low) / ((high - low) or 1) * _HEIGHT) for hour, mae in by_hour]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
