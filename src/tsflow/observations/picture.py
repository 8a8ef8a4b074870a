"""A picture of what the store holds, as SVG: a row a variable, from the lowest to the highest value of each day; months below."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from tsflow.observations.coverage import Coverage, Look

_WIDE, _LEFT = 1000.0, 90.0  # of the drawing, and where its first day stands
_LANE, _PAD = 56.0, 6.0  # the height of a variable's row, and what of it stays free above and below
_TOP, _BARS = 30.0, 60.0  # where the first row begins, and the height of the bars of the months
_DAY = timedelta(days=1)
_MOST_TICKS = 12


@dataclass(frozen=True)
class _Box:
    """A part of the picture, in its own units."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class _Lane:
    """A variable's row: its name, bounds, days as one path, days without a value, days with values set aside."""

    name: str
    unit: str
    y: float
    low: str
    high: str
    path: str
    gaps: list[_Box]
    aside: list[float]


class _Axis:
    """Where days stand."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.days = pd.date_range(pd.Timestamp(first).normalize(), pd.Timestamp(last).normalize(), freq="D")
        self._begin = self.days[0].to_pydatetime()
        self.day = (_WIDE - _LEFT - 10) / len(self.days)  # the width of one

    def x(self, moment: datetime) -> float:
        """Return where a moment stands."""
        since: timedelta = pd.Timestamp(moment).to_pydatetime() - self._begin
        return round(_LEFT + since / _DAY * self.day, 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Return where days are written below the picture, and how: years of a long record, months, days."""
        for rule, form in (("D", "%Y-%m-%d"), ("MS", "%Y-%m"), ("QS", "%Y-%m"), ("YS", "%Y"), ("5YS", "%Y"), ("20YS", "%Y")):
            marks = pd.date_range(self.days[0], self.days[-1], freq=rule)
            if 0 < len(marks) <= _MOST_TICKS:
                return [(self.x(mark), mark.strftime(form)) for mark in marks]
        return [(self.x(self.days[0]), self.days[0].strftime("%Y-%m-%d"))]


def picture(seen: Look) -> str:
    """Return a look at a station as an SVG image that loads nothing."""
    coverage = seen.coverage
    axis = _Axis(coverage.first, coverage.last)
    lanes = [
        _lane(axis, variable.variable, variable.unit, seen.days[variable.variable], _TOP + number * _LANE)
        for number, variable in enumerate(coverage.variables)
    ]
    bottom = _TOP + len(lanes) * _LANE
    template = Environment(
        loader=PackageLoader("tsflow.observations", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("picture.svg.j2")
    return template.render(
        coverage=coverage,
        lanes=lanes,
        bars=list(_bars(coverage, axis, bottom)),
        ticks=axis.ticks(),
        day=round(axis.day, 2),
        wide=_WIDE,
        left=_LEFT,
        lane=_LANE,
        bottom=bottom,
        bars_high=_BARS,
        high=bottom + _BARS + 34,
    )


def _lane(axis: _Axis, name: str, unit: str, days: pd.DataFrame, y: float) -> _Lane:
    known = days.dropna(subset=["low", "high"])
    low, high = (float(known["low"].min()), float(known["high"].max())) if len(known) else (0.0, 0.0)
    scale = (_LANE - 2 * _PAD) / ((high - low) or 1)
    strokes = [
        f"M{axis.x(day) + axis.day / 2:.1f} {y + _PAD + (high - top) * scale:.1f}v{max((top - bottom) * scale, 1):.1f}"
        for day, bottom, top in zip(known.index, known["low"], known["high"], strict=True)
    ]
    return _Lane(
        name=name,
        unit=unit,
        y=y,
        low=f"{low:.4g}" if len(known) else "never stored",
        high=f"{high:.4g}" if len(known) else "",
        path="".join(strokes),
        gaps=list(_gaps(axis, known.index, y)),
        aside=[axis.x(day) for day in days.index[days["aside"] > 0]],
    )


def _gaps(axis: _Axis, known: pd.Index, y: float) -> Iterator[_Box]:
    """Yield the stretches of days without a value."""
    for there, days in groupby(zip(axis.days, axis.days.isin(known), strict=True), key=lambda one: bool(one[1])):
        if not there:
            stretch = [day for day, _ in days]
            yield _Box(axis.x(stretch[0]), y, round(len(stretch) * axis.day, 2), _LANE)


def _bars(coverage: Coverage, axis: _Axis, bottom: float) -> Iterator[tuple[_Box, str]]:
    """Yield a bar a month, and what it says."""
    for month in coverage.months:
        span = pd.Period(month.month, freq="M")
        begin, end = max(span.start_time, axis.days[0]), min((span + 1).start_time, axis.days[-1] + _DAY)
        share = min(month.rows / month.expected, 1) if month.expected else 1
        tall = round(share * _BARS, 2)
        x = axis.x(begin)
        width = max(round(axis.x(end) - x - 1, 2), 0.5)
        yield _Box(x, round(bottom + 8 + _BARS - tall, 2), width, tall), f"{month.month}: {month.rows:,} of {month.expected:,} rows"
