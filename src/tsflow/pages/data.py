"""The page *Data*: what is stored of a station, what is missing, what was set aside, what came in last."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import pandas as pd

from tsflow.errors import DataError, SettingsError
from tsflow.observations.coverage import Coverage, Look, look
from tsflow.observations.ingests import newest_ingests
from tsflow.pages.figures import Figure, Trace, axis, band, plain
from tsflow.pages.place import Place
from tsflow.records.files import OBSERVATIONS
from tsflow.records.forecast import Report
from tsflow.records.index import Listed
from tsflow.records.ingest import Validated
from tsflow.records.store import Records
from tsflow.storage.codecs import digest

INGESTS_SHOWN = 30
_LOOKS_KEPT = 8  # a look reads the whole record


@dataclass(frozen=True)
class Ingest:
    """An ingest, and the key of the Data Docs that judged it."""

    entry: Listed
    docs: str | None


@dataclass(frozen=True)
class DataView:
    """What the page shows."""

    place: Place
    variable: str
    coverage: Coverage | None  # None: nothing is stored
    figures: list[Figure]
    ingests: list[Ingest]
    report: Report | None


class Looks:
    """Looks at stations, kept as long as nothing new came in."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Look] = OrderedDict()
        self._lock = Lock()

    def at(self, records: Records, place: Place) -> Look:
        """Return a look at what is stored of a station now; `DataError` if nothing is."""
        keys = records.objects.keys(OBSERVATIONS.prefix(station=place.name))
        mark = digest(f"{place.station.model_dump_json()}{keys}".encode())
        with self._lock:
            if mark in self._kept:
                self._kept.move_to_end(mark)
                return self._kept[mark]
        seen = look(records, place.station)
        with self._lock:
            self._kept[mark] = seen
            while len(self._kept) > _LOOKS_KEPT:
                self._kept.popitem(last=False)
        return seen


def data_view(records: Records, looks: Looks, place: Place, variable: str | None) -> DataView:
    """Read what is stored of a station; `variable` is drawn, None: the target."""
    name = variable or place.task.target
    if name not in place.station.variables:
        msg = f"station {place.name} has no variable {name[:80]!r}; it has: {', '.join(place.station.variables)}"
        raise SettingsError(msg)
    try:
        seen = looks.at(records, place)
    except DataError:  # nothing is stored; what was refused is shown all the same
        seen = None
    return DataView(
        place=place,
        variable=name,
        coverage=seen.coverage if seen else None,
        figures=[_months(seen.coverage), _days(seen.days[name], name, place.station.variables[name].unit)] if seen else [],
        ingests=[_ingest(records, entry) for entry in newest_ingests(records, place.name, most=INGESTS_SHOWN)],
        report=records.newest(Report, station=place.name, task=place.task_name),
    )


def _ingest(records: Records, entry: Listed) -> Ingest:
    found = records.find(Validated, ingest=entry.id)
    return Ingest(entry, found.docs if found else None)


def _months(coverage: Coverage) -> Figure:
    shares = [100 * min(month.rows / month.expected, 1) if month.expected else 100.0 for month in coverage.months]
    colours = ["--accent" if share >= 99 else "--warn" if share >= 90 else "--bad" for share in shares]
    short = sum(share < 99 for share in shares)
    return Figure(
        "months",
        "Rows by month",
        f"Share of the rows that each of {len(shares)} months should have at the station's cadence; {short} have less than 99 %.",
        [
            {
                "type": "bar",
                "x": [month.month for month in coverage.months],
                "y": [round(share, 2) for share in shares],
                "marker": {"color": colours},
                "customdata": [[month.rows, month.expected] for month in coverage.months],
                "hovertemplate": "%{x}: %{customdata[0]:,} of %{customdata[1]:,} rows<extra></extra>",
            }
        ],
        {"xaxis": axis("month", type="date"), "yaxis": axis("rows there (%)", range=[0, 105]), "showlegend": False},
        height=260,
    )


def _days(days: pd.DataFrame, name: str, unit: str) -> Figure:
    """Draw the lowest and the highest value of each day; days without a value are a hole, days with values set aside are marked."""
    whole = days.asfreq("D") if len(days) else days
    traces: list[Trace] = list(
        band(list(whole.index), list(whole["low"]), list(whole["high"]), "lowest to highest of the day", "--accent", opacity=0.6)
    )
    aside = whole[whole["aside"] > 0]
    if len(aside):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "days with values set aside",
                "x": plain(aside.index),
                "y": plain(aside["high"].fillna(0.0)),
                "customdata": [int(count) for count in aside["aside"]],
                "marker": {"color": "--bad", "symbol": "x", "size": 8},
                "hovertemplate": "%{x}: %{customdata} values set aside<extra></extra>",
            }
        )
    empty = int(whole["low"].isna().sum()) if len(whole) else 0
    return Figure(
        "days",
        f"{name} day by day",
        f"Lowest and highest value of each of {len(whole)} days, in {unit}; {empty} have no value, on {len(aside)} some were "
        f"set aside as implausible.",
        traces,
        {"xaxis": axis("day, by the station's clock"), "yaxis": axis(f"{name} ({unit})")},
    )
