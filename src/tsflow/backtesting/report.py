"""A backtest's summary as a page that needs nothing else: one HTML file, its drawings in SVG."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tsflow.backtesting.grouped import SEASONS
from tsflow.evaluation.page import fraction_from_top, render
from tsflow.records.backtest import Backtest, BacktestEntrant, Errors
from tsflow.records.dataset import PARTS

_WIDTH, _HEIGHT = 320, 52  # of a curve by hour, in pixels
_DEEPEST = 45  # percent of colour in the cell that differs most from naive
_DEEPEST_SKILL = 0.25  # and in all that differ more: one bad fold does not make all others pale


@dataclass(frozen=True)
class Group:
    """By what the MAE of each entrant is taken apart, one column a group."""

    title: str
    text: str
    by: str  # a field of `Errors`
    groups: Sequence[Hashable]


@dataclass(frozen=True)
class Cell:
    """MAE of one entrant in one group, coloured by its skill over naive on the same origins."""

    mae: float | None = None  # None: it has no origin there
    failed: bool = False
    skill: float = 0.0
    depth: float = 0.0  # percent of colour

    @property
    def colour(self) -> str:
        """The class of the cell in the page's style."""
        return "better" if self.skill > 0 else "worse"


@dataclass(frozen=True)
class Heat:
    """A table of cells, a line an entrant; naive's own below."""

    table: Group
    lines: list[tuple[BacktestEntrant, list[Cell]]]
    naive: list[float | None]


@dataclass(frozen=True)
class Bar:
    """A part of a fold in the timeline, in percent of the time from the first row to the last."""

    part: str
    left: float
    width: float
    windows: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class FoldLine:
    """A fold with its parts and naive's MAE on its test part."""

    name: str
    parts: list[Bar]
    naive: float


@dataclass(frozen=True)
class HourLine:
    """MAE by hour of the target, of an entrant and of naive on the same origins, as SVG writes points."""

    entrant: BacktestEntrant
    own: str
    naive: str


def html(summary: Backtest, links: dict[str, str] | None = None) -> bytes:
    """Return the report page; `links` are shown at its end, by their text."""
    shown = [entrant for entrant in summary.entrants if entrant.errors is not None]
    deepest = min(_DEEPEST_SKILL, max((abs(skill) for entrant in shown for skill in _skills(entrant)), default=0) or 1)
    every = [errors for entrant in shown for errors in (entrant.errors, entrant.naive) if errors is not None]
    low, high = (edge(mae for errors in every for mae in errors.by_hour.values()) for edge in (min, max))
    leads = sorted({hour for errors in every for hour in errors.by_lead})
    tables = [
        Group("By fold", "A fold is named by the day on which its test part begins.", "by_fold", list(summary.folds)),
        Group("By season of the target", "December to February, March to May, and so on.", "by_season", SEASONS),
    ]
    if len(leads) > 1:
        tables.append(Group("By lead time", "Hours from the origin; only the horizon is ranked.", "by_lead", leads))
    return render(
        "backtesting",
        "backtest.html.j2",
        summary=summary,
        folds=_timeline(summary),
        heat=[_heat(summary, table, deepest) for table in tables],
        hours=[HourLine(entrant, _curve(entrant.errors, low, high), _curve(entrant.naive, low, high)) for entrant in shown],
        low=low,
        high=high,
        width=_WIDTH,
        height=_HEIGHT,
        links=links or {},
    )


def _timeline(summary: Backtest) -> list[FoldLine]:
    """Return where each part of each fold lies, in percent of the time from the first row to the last."""
    shown = [fold.of(part) for fold in summary.folds.values() for part in PARTS]
    moments = [moment for facts in shown for moment in (facts.first, facts.last) if moment is not None]
    first, span = min(moments), max(moments) - min(moments)
    lines = []
    for name, fold in summary.folds.items():
        parts = []
        for part in PARTS:
            facts = fold.of(part)
            start, end = (100 * ((edge or first) - first) / span for edge in (facts.first, facts.last))
            parts.append(Bar(part, start, end - start, facts.windows, facts.first, facts.last))
        lines.append(FoldLine(name, parts, summary.naive.by_fold[name]))
    return lines


def _heat(summary: Backtest, table: Group, deepest: float) -> Heat:
    """Return a table's cells; the colour of one is the skill over naive on the same origins."""
    lines = []
    for entrant in summary.entrants:
        own: Mapping[Hashable, float] = getattr(entrant.errors, table.by, {})
        naive: Mapping[Hashable, float] = getattr(entrant.naive, table.by, {})
        cells = []
        for group in table.groups:
            if group not in own:
                cells.append(Cell(failed=table.by == "by_fold" and group in entrant.failures))
                continue
            skill = _skill(own[group], naive[group])
            cells.append(Cell(own[group], skill=skill, depth=_DEEPEST * min(1.0, abs(skill) / deepest)))
        lines.append((entrant, cells))
    return Heat(table, lines, [getattr(summary.naive, table.by).get(group) for group in table.groups])


def _skills(entrant: BacktestEntrant) -> list[float]:
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
    points = [(hour * _WIDTH / 23, _HEIGHT * fraction_from_top(mae, low, high)) for hour, mae in by_hour]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
