"""Scores of past forecasts, day by day, once the truth is in."""

import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from tsflow.champion.clock import utc_now
from tsflow.evaluation.metrics import bias, mae, rmse
from tsflow.limits import ForecastSettings
from tsflow.records.forecast import DayScore
from tsflow.records.store import Records
from tsflow.uncertainty.adaptive import reach, stretches


def scores(forecasts: pd.DataFrame, truth: pd.Series, *, station: str, task: str, horizon_hours: int) -> list[DayScore]:
    """Return the score of each day of target times that has a truth.

    Parameters
    ----------
    forecasts
        Rows as `forecasts_made` gives them.
    truth
        The target by its time.
    """
    if forecasts.empty:
        return []
    rows = forecasts.assign(truth=truth.reindex(forecasts["target_time"]).to_numpy()).dropna(subset=["truth"])
    rows = rows.assign(day=rows["target_time"].dt.strftime("%Y-%m-%d"))
    return [
        _of_day(str(day), group, station, task, horizon_hours)
        for day, group in rows.groupby("day")
        if (group["lead_hours"] == horizon_hours).any()
    ]


def _of_day(day: str, rows: pd.DataFrame, station: str, task: str, horizon_hours: int) -> DayScore:
    last = rows[rows["lead_hours"] == horizon_hours]
    truth, made, naive = (last[name].to_numpy(dtype=np.float64) for name in ("truth", "forecast", "naive"))
    bounds = [name for name in map(str, last.columns) if name.startswith("low_") and last[name].notna().any()]
    levels = [name.removeprefix("low_") for name in bounds]
    given = {level: last[last[f"low_{level}"].notna()] for level in levels}  # a champion may have no intervals
    inside = {level: some["truth"].between(some[f"low_{level}"], some[f"high_{level}"]) for level, some in given.items()}
    ways = (rows["forecast"] - rows["truth"]).abs()
    error = (last["forecast"] - last["truth"]).abs()
    return DayScore(
        station=station,
        task=task,
        day=day,
        created_at=utc_now(),
        forecasts=len(last),
        mae=mae(truth, made),
        rmse=rmse(truth, made),
        bias=bias(truth, made),
        naive_mae=mae(truth, naive),
        by_hour={int(str(hour)): float(part.mean()) for hour, part in error.groupby(last["target_time"].dt.hour)},
        by_lead={int(str(lead)): float(part.mean()) for lead, part in ways.groupby(rows["lead_hours"])},
        coverage={level: float(found.mean()) for level, found in inside.items()},
        reach={level: found for level in levels if (found := _reaches(last, level))},
        versions={str(version): int(count) for version, count in last["version"].value_counts().items()},
    )


def _reaches(rows: pd.DataFrame, level: str) -> list[float]:
    """Return the reach of each truth; rows of a tsflow that stretched nothing have no stretch."""
    bounds = rows[[f"low_{level}", f"high_{level}", "truth"]].to_numpy(dtype=np.float64)
    name = f"stretch_{level}"
    widened = rows[name].fillna(1.0).to_numpy(dtype=np.float64) if name in rows else np.ones(len(rows))
    found = [reach(low, high, truth, by) for (low, high, truth), by in zip(bounds.tolist(), widened.tolist(), strict=True)]
    return [round(each, 3) for each in found if each is not None]


def adapted(records: Records, station: str, task: str, limits: ForecastSettings, *, before: datetime) -> dict[float, float]:
    """Return by what the widths of the next intervals are multiplied, by level; none where the published ones do.

    `before`: the station's clock; days that were not over then are not known, so that a day can be played again.
    """
    if not limits.adaptive:
        return {}
    last, first = f"{before:%Y-%m-%d}", f"{before - timedelta(days=limits.adaptive_days):%Y-%m-%d}"
    places = records.listed(DayScore, station=station, task=task)
    known = {str(place["day"]): place for place in places if first <= str(place["day"]) < last}
    days = [records.read(DayScore, **known[day]).reach for day in sorted(known)]
    return stretches(days, step=limits.adaptive_step, deviations=limits.adaptive_after, most=limits.adaptive_most)


def pooled(days: list[DayScore]) -> tuple[float, float, dict[str, float]]:
    """Return MAE, MAE of naive and coverage by level over several days, each forecast counting alike."""
    weights = [score.forecasts for score in days]
    total = sum(weights)
    if not total:
        return math.nan, math.nan, {}
    error = sum(score.mae * weight for score, weight in zip(days, weights, strict=True)) / total
    naive = sum(score.naive_mae * weight for score, weight in zip(days, weights, strict=True)) / total
    levels = sorted({level for score in days for level in score.coverage})
    return error, naive, {level: _covered(days, level) for level in levels}


def _covered(days: list[DayScore], level: str) -> float:
    """Return the share of truths inside the intervals of a level, over the forecasts that had one."""
    counted = [
        (score.coverage[level], len(score.reach.get(level, ())) or score.forecasts) for score in days if level in score.coverage
    ]
    return sum(share * weight for share, weight in counted) / sum(weight for _, weight in counted)


def days_scored(records: Records, station: str, task: str, *, last: int | None = None) -> list[DayScore]:
    """Return the newest score of each day, in order; `last`: of so many days, the newest ones."""
    newest = {place["day"]: place for place in records.listed(DayScore, station=station, task=task)}
    wanted = list(newest.values())
    return [records.read(DayScore, **place) for place in (wanted if last is None else wanted[-last:])]
