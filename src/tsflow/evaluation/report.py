"""The leaderboard as a page that needs nothing else: one HTML file, its drawings in SVG."""

import math
from dataclasses import dataclass, field

from tsflow.evaluation.page import fraction_from_top, render
from tsflow.records.leaderboard import Entrant, Leaderboard

_WIDTH, _HEIGHT = 105, 40


@dataclass(frozen=True)
class Polyline:
    """A line in a drawing: `points` as SVG writes them."""

    kind: str
    points: str


@dataclass(frozen=True)
class Row:
    """One entrant with its drawings."""

    entrant: Entrant
    bar: float  # percent of the worst validation MAE
    lines: list[Polyline]
    memory: str
    best: bool


def learning_curve(entrant: Entrant) -> list[Polyline]:
    """Return the polylines of training and validation MAE by epoch, scaled to one box."""
    if not entrant.curve:
        return []
    errors = [[epoch.mae for epoch in entrant.curve], [epoch.val_mae or 0.0 for epoch in entrant.curve]]
    low, high = min(map(min, errors)), max(map(max, errors))
    across = _WIDTH / max(len(entrant.curve) - 1, 1)
    lines = []
    for kind, values in zip(("train", "validation"), errors, strict=True):
        points = [(i * across, _HEIGHT * fraction_from_top(value, low, high)) for i, value in enumerate(values)]
        lines.append(Polyline(kind, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
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


@dataclass
class LeadRow:
    """MAE of naive and of each entrant at one lead."""

    hours: int
    naive: float | None
    mae: dict[str, float] = field(default_factory=dict)


def by_lead(board: Leaderboard) -> list[LeadRow]:
    """Return a row for every lead that any entrant forecasts, rising, on the part that is judged."""
    on_test = board.parts.test.windows > 0
    rows: dict[int, LeadRow] = {}
    for entrant in board.entrants:
        for line in entrant.lead_errors:
            row = rows.setdefault(line.hours, LeadRow(line.hours, line.naive_test if on_test else line.naive_validation))
            error = line.test if on_test else line.validation
            if error is not None:
                row.mae[entrant.architecture] = error
    return [rows[hours] for hours in sorted(rows)]


def html(board: Leaderboard, links: dict[str, str] | None = None) -> bytes:
    """Return the report page; `links` are shown at its end, by their text."""
    worst = max(entrant.val_mae or 0 for entrant in board.entrants)
    rows = [
        Row(
            entrant,
            bar=100 * (entrant.val_mae or 0) / worst,
            lines=learning_curve(entrant),
            memory=memory_line(entrant),
            best=entrant.architecture == board.challenger,
        )
        for entrant in board.entrants
    ]
    content = {"board": board, "rows": rows, "leads": by_lead(board), "width": _WIDTH, "height": _HEIGHT, "links": links or {}}
    return render("evaluation", "report.html.j2", **content)
