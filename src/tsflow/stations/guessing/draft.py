"""A draft of a station file: what was understood of some files, with what is a guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.location import Location
from tsflow.stations.forms import Form, kinds
from tsflow.stations.guessing.columns import Column, columns_of
from tsflow.stations.guessing.texts import texts_of
from tsflow.stations.guessing.times import Times, times_of
from tsflow.stations.raw import RawFile
from tsflow.stations.unpack import tables

_WARMEST = 14.7  # the sun's hour at which air is warmest on average, by the simulator's and Jena's years


_LEAST_DAYS = 3  # of which a warmest hour can be told


@dataclass(frozen=True)
class Draft:
    """All that a station file says."""

    station: str
    location: Location
    paths: list[str]
    form: Form
    encoding: str
    times: Times
    columns: list[Column]
    missing: list[float]
    target: str
    utc_offset_hours: float
    offset_note: str


def drafted(files: list[RawFile], *, station: str, location: Location, utc_offset_hours: float | None, paths: list[str]) -> Draft:
    """Return what the first file says of all of them.

    Raises
    ------
    SourceFormatError
        If it is no table of rows with a time and numbers.
    """
    endings = dict.fromkeys(ending for form in kinds().values() for ending in form.endings)
    file = next(tables(files[0], [*endings]))
    texts = texts_of(file)
    table = texts.table
    times = times_of(table, file.name)
    columns, missing = columns_of(table.drop(columns=times.columns), texts.decimal, texts.units)
    if not columns:
        msg = f"{file.name}: no column of numbers was found beside the time in {', '.join(map(repr, times.columns))}"
        raise SourceFormatError(msg)
    warm = next((column for column in columns if column.quantity and column.quantity.name == "air_temperature"), None)
    offset, note = utc_offset_hours, "as given"
    if offset is None and times.by_utc:
        offset, note = float(round(location.longitude / 15)), "the hours of the place; the file's own times name their zone"
    if offset is None:
        offset, note = _offset(table, times, warm, texts.decimal, location)
    target = (warm or next((column for column in columns if column.quantity), columns[0])).name
    return Draft(station, location, paths, texts.form, texts.encoding, times, columns, missing, target, offset, note)


def _offset(table: pd.DataFrame, times: Times, warm: Column | None, decimal: str, location: Location) -> tuple[float, str]:
    """Return the offset of a clock by which the air is warmest in the afternoon; 0 where nothing says so."""
    if warm is None:
        return 0.0, "a guess: the file has no temperature to read it off"
    texts = table[warm.header].str.strip()
    values = pd.to_numeric(texts.str.replace(",", ".") if decimal == "," else texts, errors="coerce")
    hours = times.index.dt.hour + times.index.dt.minute / 60
    usual = values.where(values.between(values.quantile(0.01), values.quantile(0.99))).groupby(hours.round(2)).mean()
    if len(times.index) < _LEAST_DAYS * len(usual) or usual.isna().any() or timedelta(hours=24) / times.cadence > len(usual):
        return 0.0, f"a guess: the file has less than {_LEAST_DAYS} days of temperature to read it off"
    angle = usual.index.to_numpy(dtype=np.float64) * 2 * np.pi / 24
    wave = np.sum((usual.to_numpy() - usual.mean()) * np.exp(1j * angle))
    warmest = float(np.angle(wave) % (2 * np.pi)) * 24 / (2 * np.pi)
    offset = (warmest - _WARMEST + location.longitude / 15 + 12) % 24 - 12
    return float(round(offset)), f"a guess: the air is warmest at {warmest:.1f} h by this clock, and by the sun at {_WARMEST} h"
