"""The leaderboard as a page that needs nothing else: one HTML file, its drawings in SVG."""

import math
from typing import Any

from tsflow.evaluation.leaderboard import Entrant, Leaderboard
from tsflow.evaluation.page import render

_WIDTH, _HEIGHT = 105, 40


def learning_curve(entrant: Entrant) -> list[dict[str, str]]:
    """Return the polylines of training and validation MAE by epoch, scaled to one box."""
    if not entrant.curve:
        return []
    errors = [[epoch[name] or 0.0 for epoch in entrant.curve] for name in ("mae", "val_mae")]
    low, high = min(map(min, errors)), max(map(max, errors))
    across = _WIDTH / max(len(entrant.curve) - 1, 1)
    lines = []
    for kind, values in zip(("train", "validation"), errors, strict=True):
        points = [(i * across, _HEIGHT - (value - low) / ((high - low) or 1) * _HEIGHT) for i, value in enumerate(values)]
        lines.append({"kind": kind, "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points)})
    return lines


def memory_line(entrant: Entrant) -> str:
    """Return the polyline of the gradient by lag, the origin at the right, its logarithm over three decades in one box."""
    if not entrant.memory:
        return ""
    most, last = max(entrant.memory) or 1.0, max(len(entrant.memory) - 1, 1)
    points = []
    for lag, value in enumerate(entrant.memory):
        decades = min(3.0, -math.log10(max(value / most, 1e-9)))
        points.append(f"{_WIDTH * (1 - lag / last):.1f},{_HEIGHT * decades / 3:.1f}")
    return " ".join(points)


def by_lead(board: Leaderboard) -> list[dict[str, Any]]:
    """Return hours, naive MAE and each entrant's MAE for every lead that any entrant forecasts, on the part that is judged."""
    part = "test" if board.parts["test"]["windows"] else "validation"
    found: dict[int, dict[str, Any]] = {}
    for entrant in board.entrants:
        for line in entrant.lead_errors:
            row = found.setdefault(line["hours"], {"hours": line["hours"], "naive": line[f"naive_{part}"], "mae": {}})
            row["mae"][entrant.architecture] = line[part]
    return [found[hours] for hours in sorted(found)]


def html(board: Leaderboard, links: dict[str, str] | None = None) -> bytes:
    """Return the report page; `links` are shown at its end, by their text."""
    worst = max(entrant.val_mae or 0 for entrant in board.entrants)
    rows: list[dict[str, Any]] = [
        {
            "entrant": entrant,
            "bar": 100 * (entrant.val_mae or 0) / worst,
            "lines": learning_curve(entrant),
            "memory": memory_line(entrant),
            "champion": entrant.architecture == board.champion,
        }
        for entrant in board.entrants
    ]
    content = {"board": board, "rows": rows, "leads": by_lead(board), "width": _WIDTH, "height": _HEIGHT, "links": links or {}}
    return render("evaluation", "report.html.j2", **content)
