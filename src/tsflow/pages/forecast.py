"""The page *Forecast*: what the champion says of tomorrow, what it said before, and what was observed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from tsflow.bundle.manifest import Manifest
from tsflow.champion.history import History
from tsflow.errors import DataError, DataValidationError
from tsflow.monitoring.forecasts import forecasts_made
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore, Period
from tsflow.pages.figures import Figure, Trace, axis, band, line
from tsflow.pages.place import Place
from tsflow.records.forecast import Forecast, LatestForecast, Report
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.settings import HourlySettings, Settings
from tsflow.stations.clock import station_now

_AT_ONCE = 8  # tasks that are looked up
DAYS = (3, 7, 14, 30, 90)


@dataclass(frozen=True)
class ForecastView:
    """What the page shows; None where there is nothing yet."""

    place: Place
    days: int
    latest: LatestForecast | None
    age_hours: float | None  # of the newest observation, now
    stale: bool  # it is older than a forecast may be made from
    report: Report | None
    champion: Manifest | None
    pinned: bool
    figure: Figure | None


def forecast_view(records: Records, settings: Settings, place: Place, days: int) -> ForecastView:
    """Read what is known of a task's forecasts; `days`: how far back the drawing goes."""
    latest = records.find(LatestForecast, station=place.name, task=place.task_name)
    history = History(records, place.name, place.task_name)
    standing = history.as_it_lies()
    last = ObservationStore(records, place.name).last_time()
    age = (station_now(place.station) - last) / timedelta(hours=1) if last else None
    return ForecastView(
        place=place,
        days=days,
        latest=latest,
        age_hours=age,
        stale=age is not None and age > settings.forecast.stale_after_hours,
        report=records.newest(Report, station=place.name, task=place.task_name),
        champion=history.manifest(standing.pointer) if standing.pointer else None,
        pinned=standing.state.pinned is not None,
        figure=_figure(records, settings.hourly, place, days, latest=latest, last_row=last),
    )


def _figure(
    records: Records, hours: HourlySettings, place: Place, days: int, *, latest: LatestForecast | None, last_row: datetime | None
) -> Figure | None:
    """Draw what was observed, and what was forecast for those hours and the next ones."""
    if last_row is None:
        return None
    until = min(last_row, station_now(place.station))
    since = until - timedelta(days=days)
    observed = _observed(records, hours, place, since, until)
    horizon = timedelta(hours=place.task.horizon_hours)
    made = forecasts_made(records, place.name, place.task_name, since=since - horizon, until=until)
    last = made[made["lead_hours"] == place.task.horizon_hours].sort_values("target_time")
    last = last[last["target_time"] >= since]
    if len(last) == 1:  # no line yet: the newest one is a point of its own
        last = last.iloc[:0]
    unit, target = place.unit, place.task.target
    traces: list[Trace] = []
    for level, colour in (("0.95", "--soft"), ("0.8", "--soft")):
        if f"low_{level}" in last and last[f"low_{level}"].notna().any():
            name = f"{100 * float(level):g} % interval"
            traces += band(list(last["target_time"]), list(last[f"low_{level}"]), list(last[f"high_{level}"]), name, colour)
    traces.append(line(list(observed.index), list(observed), "observed", "--ink"))
    if len(last):
        hover = f"%{{x}}<br>forecast %{{y:.1f}} {unit}<extra></extra>"
        times, values = list(last["target_time"]), list(last["forecast"])
        traces.append(line(times, values, f"forecast, {place.task.horizon_hours} h ahead", "--accent", hovertemplate=hover))
    if latest and latest.forecast:
        traces.append(_newest(latest.forecast))
    made_before = f"and the forecasts for the same hours, made {place.task.horizon_hours} hours before, with their intervals"
    said = made_before if len(last) else "and no earlier forecasts"
    return Figure(
        "forecast",
        f"{target} observed and forecast, the last {days} days",
        f"The line of {target} as observed in the last {days} days, in {unit}, {said}.",
        traces,
        {"xaxis": axis("time by the station's clock"), "yaxis": axis(f"{target} ({unit})"), "hovermode": "x unified"},
        height=380,
    )


def _newest(made: Forecast) -> Trace:
    """Return the newest forecast as a point with its narrowest interval."""
    bounds = made.intervals[0] if made.intervals else None
    spread = {"type": "data", "symmetric": False, "color": "--accent", "thickness": 1.5}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "the newest forecast" + (f", with its {100 * bounds.level:g} % interval" if bounds else ""),
        "x": [made.target_time.isoformat()],
        "y": [round(made.value, 3)],
        "marker": {"color": "--accent", "size": 10, "symbol": "diamond"},
        "hovertemplate": f"%{{x}}<br>newest forecast %{{y:.1f}} {made.unit}<extra></extra>",
        **({"error_y": {**spread, "array": [bounds.high - made.value], "arrayminus": [made.value - bounds.low]}} if bounds else {}),
    }


def _observed(records: Records, hours: HourlySettings, place: Place, since: datetime, until: datetime) -> "pd.Series[float]":
    """Return the target of each hour as models learn it, by its time, with a hole where it was not measured."""
    rows = ObservationStore(records, place.name).read(Period(start=since, end=until))
    if place.task.target not in rows:
        msg = f"station {place.name} has no values of {place.task.target} in the store"
        raise DataError(msg)
    try:
        hourly = hourly_frame(rows, place.station, hours, target=place.task.target)
    except DataValidationError:  # such as of a sensor that is dead: the rest of the page is wanted then
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    measured = hourly.measured[place.task.target].to_numpy()
    by_time = hourly.frame.set_index("time")[place.task.target].where(measured)
    ends = hourly.frame.groupby("segment")["time"].last().iloc[:-1] + timedelta(minutes=1)
    drawn: pd.Series[float] = pd.concat([by_time, pd.Series(float("nan"), index=pd.DatetimeIndex(ends))])
    return drawn.sort_index()


def overview(records: Records, places: list[Place]) -> list[tuple[Place, LatestForecast | None, Report | None]]:
    """Return for each task of each station its newest forecast and what the monitor saw last."""

    def of_task(place: Place) -> tuple[Place, LatestForecast | None, Report | None]:
        where: dict[str, Value] = {"station": place.name, "task": place.task_name}
        return place, records.find(LatestForecast, **where), records.newest(Report, **where)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(of_task, places))
