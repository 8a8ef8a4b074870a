"""The store of forecasts: one Parquet file each, by day, and `latest.json`, the only object of them that changes."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from tsflow.errors import PointerConflict
from tsflow.records.forecast import FORECAST_ROWS, Forecast, LatestForecast
from tsflow.records.store import Records
from tsflow.storage.codecs import from_parquet, to_parquet
from tsflow.storage.objects import ObjectMissing

_CLOCKS_DIFFER = timedelta(minutes=5)
_COLUMNS = ["origin", "target_time", "lead_hours", "forecast", "naive", "architecture", "version", "sequence", "made_at"]


def keep(records: Records, station: str, task: str, made: Forecast) -> None:
    """Store a forecast, a row for each lead; one of the same origin and version that is there stays."""
    shared = made.model_dump(include={"origin", "naive", "architecture", "version", "sequence"})
    shared["made_at"] = made.made_at.replace(tzinfo=None)
    horizon = round((made.target_time - made.origin) / timedelta(hours=1))
    rows = [
        {**shared, "target_time": made.origin + timedelta(hours=lead), "lead_hours": lead, "forecast": value}
        for lead, value in {**made.leads, horizon: made.value}.items()
    ]
    table = pd.DataFrame(rows)[_COLUMNS]
    for interval in made.intervals:
        last = table["lead_hours"] == horizon
        table[f"low_{interval.level:g}"] = pd.Series(interval.low, index=table.index).where(last)
        table[f"high_{interval.level:g}"] = pd.Series(interval.high, index=table.index).where(last)
        table[f"stretch_{interval.level:g}"] = pd.Series(interval.stretch, index=table.index).where(last)
    place = {"station": station, "task": task, "day": f"{made.origin:%Y-%m-%d}"}
    records.page(
        FORECAST_ROWS,
        to_parquet(table),
        "application/vnd.apache.parquet",
        **place,
        origin=f"{made.origin:%Y%m%dT%H%M%S}",
        version=made.version,
    )


def publish_latest(records: Records, latest: LatestForecast) -> LatestForecast:
    """Make it what `latest.json` says, unless a forecast from later rows stands there; return what stands there then.

    Where none could be made, the last one that could stays in it, with the reason why there is no newer one.
    """
    key = latest.key()
    while True:
        try:
            body, etag = records.objects.get_tagged(key)
            known = LatestForecast.read(body, key)
        except ObjectMissing:
            known, etag = None, None
        if known is not None:
            ahead = known.made_at > datetime.now(UTC) + _CLOCKS_DIFFER  # by a clock that was wrong
            if (known.made_at > latest.made_at and not ahead) or _is_later(known.forecast, latest.forecast):
                return known
            if latest.forecast is None:
                latest = latest.changed(forecast=known.forecast)
        try:
            records.objects.swap(key, latest.body(), etag)
        except PointerConflict:
            continue
        return latest


def _is_later(known: Forecast | None, other: Forecast | None) -> bool:
    return known is not None and other is not None and known.origin > other.origin


def forecasts_made(records: Records, station: str, task: str, *, since: datetime, until: datetime) -> pd.DataFrame:
    """Return the rows of forecasts whose origin's day lies in a span, in order of their origins; empty if there are none."""
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range(since.date(), until.date(), freq="D")]
    tables = []
    for day in days:
        for place in records.places(FORECAST_ROWS, station=station, task=task, day=day):
            key = FORECAST_ROWS.key(**place)
            tables.append(from_parquet(records.objects.get(key), key))
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    # Of two versions that forecast from one origin, the one that reigned later counts.
    rows = pd.concat(tables, ignore_index=True).sort_values(["origin", "lead_hours", "sequence"])
    return rows.drop_duplicates(["origin", "lead_hours"], keep="last").reset_index(drop=True)
