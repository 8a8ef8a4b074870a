"""Numbers in cells of text, by the decimal sign that the form names."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    import pandas as pd

_OTHER = {",": ".", ".": ","}


def numbers_in(cells: pd.Series, decimal: str, missing: Collection[str], file: RawFile) -> pd.Series:
    """Return a column's cells with a point in each number; blanks and `missing` are none, and other words stay what they are.

    Raises
    ------
    SourceFormatError
        Naming the first number with the other sign: it would be taken for another one, a thousand times as large or as small.
    """
    texts = cells.astype(str).str.strip(" \t")
    none = cells.isna() | (texts == "") | texts.isin(set(missing))
    if decimal == ".":
        return texts.mask(none)
    wrong = ~none & texts.str.fullmatch(rf"[+-]?\d*{re.escape(_OTHER[decimal])}\d+(?:[eE][+-]?\d+)?")
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        msg = (
            f"{file.name}: row {cells.index[row]}, column {cells.name!r}: {texts.iloc[row]!r} has a point, "
            f"where `form.decimal` says a comma ({int(wrong.sum())} such cells); "
            f"correct `form.decimal` in the station file, or the cell"
        )
        raise SourceFormatError(msg)
    return texts.str.replace(decimal, ".", regex=False).mask(none)
