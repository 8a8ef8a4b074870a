"""What a column measures, in which unit, and which of its values stand for none: by its header, and by its values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tsflow.stations.quantities import Quantity, quantities
from tsflow.stations.units import SAME, conversion, converts, known_unit, unit_in

_NUMERIC_SHARE = 0.8
_SENTINEL = re.compile(r"^-?(9{2,5}(\.9{1,2})?|6999|7999|32767)(\.0+)?$")
_SENTINEL_LEAST = 99.0
_NOT_MEANS = {"min", "minimum", "mn", "std", "stdev", "sd", "tmn", "tmx", "battery", "batt", "qc", "flag", "quality"}
_OF_THE_LOGGER = ("ptemp", "logger", "panel")
_WHOLE = 50  # of a header that is the short name itself; more than any word has letters
# Where a header names no unit: those that files use, the commonest first; the first in which the values are weather is taken.
_USUAL_UNITS = {
    "degC": ("degC", "K", "degF"),
    "hPa": ("hPa", "Pa", "kPa", "inHg"),
    "%": ("%", "1"),
    "m/s": ("m/s",),
    "deg": ("deg",),
}


@dataclass(frozen=True)
class Column:
    """A column of numbers, and what was made of it."""

    header: str
    name: str
    quantity: Quantity | None
    unit: str
    column_unit: str | None
    range: tuple[float, float]
    missing_share: float
    example: float
    notes: list[str]  # why, where it is a guess


def columns_of(table: pd.DataFrame, decimal: str, units: Mapping[str, str]) -> tuple[list[Column], list[float]]:
    """Return the columns of numbers of a table of texts, and the numbers that stand for no value.

    `units`: by header, what a line of units says.
    """
    numbers = {str(name): _numbers(table[name], decimal) for name in table.columns}
    kept = {name: values for name, values in numbers.items() if values is not None and values.notna().any()}
    sentinels = sorted({value for values in kept.values() for value in _sentinels(values)})
    taken: set[str] = set()
    found = []
    for header, values in kept.items():
        clean = values[~values.isin(sentinels)]
        if clean.notna().any() and not (_quantity(header, taken) is None and _counts(clean)):
            column = _column(header, clean, units.get(header), taken, share=1 - float(clean.notna().sum() / len(values)))
            taken.add(column.name)
            found.append(column)
    return found, sentinels


def _numbers(texts: pd.Series, decimal: str) -> pd.Series | None:
    plain = texts.astype(str).str.strip().str.strip('"')
    values = pd.to_numeric(plain.str.replace(",", ".") if decimal == "," else plain, errors="coerce")
    filled = plain != ""
    return values if filled.any() and values[filled].notna().mean() >= _NUMERIC_SHARE else None


def _counts(values: pd.Series) -> bool:
    """Say whether a column only numbers the rows."""
    return bool(len(values) > 2 and (values.diff().iloc[1:] == 1).all())


def _sentinels(values: pd.Series) -> list[float]:
    """Return numbers of nines and the like that lie far from all others."""
    known = values.dropna()
    found = []
    for value in (known.min(), known.max()):
        others = known[known != value]
        if not _SENTINEL.match(f"{value:g}") or abs(value) < _SENTINEL_LEAST or others.empty:
            continue
        middle, spread = float(others.median()), float((others - others.median()).abs().quantile(0.99)) or 1.0
        if abs(value - middle) > 5 * spread:
            found.append(float(value))
    return found


def _column(header: str, values: pd.Series, line_unit: str | None, taken: Collection[str], *, share: float) -> Column:
    meant, said = _quantity(header, taken), unit_in(header) or line_unit
    low, high = float(values.min()), float(values.max())
    margin = (high - low) / 2 or 1.0
    unknown = Column(
        header=header,
        name=_free(_slug(header), taken),
        quantity=None,
        unit=said or "1",
        column_unit=None,
        range=(_rounded(low - margin), _rounded(high + margin)),
        missing_share=round(share, 4),
        example=float(values.dropna().iloc[0]),
        notes=["range from the data, with a margin; correct it by what the instrument can measure"],
    )
    if meant is None:
        return unknown
    if said is not None and not (converts(said, meant.unit) and known_unit(said)):
        why = f"{said} is no unit of {meant.name}, so it is taken as something else"
        return replace(unknown, notes=[why, *unknown.notes])
    notes = []
    if said is None:
        said = _likely_unit(values, meant)
        notes.append(f"the file names no unit; {said} fits the values ({low:g} to {high:g})")
    how = conversion(said, meant.unit)
    least, most = sorted(how.of(np.array([low, high])))
    if least < meant.range[0] or most > meant.range[1]:
        notes.append(f"the file has values from {least:g} to {most:g}, outside the range; they would count as missing")
    return replace(
        unknown,
        name=_free(meant.short, taken),
        quantity=meant,
        unit=meant.unit,
        column_unit=None if how is SAME else said,
        range=meant.range,
        notes=notes,
    )


def _quantity(header: str, taken: Collection[str]) -> Quantity | None:
    """Return what a header's words mean; words that make another thing of it go first: a direction, a gust, a dew point."""
    plain = re.sub(r"[\[(].*?[\])]", " ", header)
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).lower())
    joined = "".join(words)
    known = {each.short: _score(each, words, joined) for each in quantities()}
    most = {"maximum", "max", "mx"} & {*words}
    if known["wv"] and (known["wd"] or known["max_wv"] or most):
        known["wv"] = 0
        known["wd" if known["wd"] else "max_wv"] += 100
    elif known["max_wv"] < _WHOLE and (
        {*words} & _NOT_MEANS or most or any(word in joined for word in ("ptemp", "logger", "panel"))
    ):
        return None
    for special in ("Tdew", "Tsoil"):
        if known[special]:
            known["T"] = 0
    best = max(quantities(), key=lambda each: known[each.short])
    return best if known[best.short] and best.short not in taken else None


def _score(meant: Quantity, words: list[str], joined: str) -> int:
    """Return how long the longest word is that says so: a whole one, or one of four letters or more within a longer one."""
    if joined == meant.short.lower().replace("_", ""):
        return _WHOLE
    return max((len(word) for word in meant.words if word in words or (len(word) >= 4 and word in joined)), default=0)


def _likely_unit(values: pd.Series, meant: Quantity) -> str:
    sample = values.dropna().to_numpy(dtype=np.float64)
    low, high = np.quantile(sample, [0.02, 0.98])
    for unit in _USUAL_UNITS.get(meant.unit, (meant.unit,)):
        least, most = conversion(unit, meant.unit).of(np.array([low, high]))
        if meant.range[0] <= least and most <= meant.range[1] and not (unit == "%" and most <= 1.05):
            return unit
    return meant.unit


def _slug(header: str) -> str:
    plain = re.sub(r"[\[(].*?[\])]", "", header).strip() or header
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or "column"
    return name if name[0].isalpha() else f"c_{name}"


def _free(name: str, taken: Collection[str]) -> str:
    taken = {*taken, "time", "segment", "hour", "day", "filled"}
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, 1000) if f"{name}_{number}" not in taken)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
