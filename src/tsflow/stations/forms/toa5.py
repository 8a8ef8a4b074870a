"""What data loggers of Campbell Scientific write: four lines of headers, the second with names and the third with units."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tsflow.errors import SourceFormatError
from tsflow.stations.forms.csv import CsvForm, Sheet
from tsflow.stations.forms.registry import register
from tsflow.stations.raw import RawFile
from tsflow.stations.units import converts, is_another_unit

if TYPE_CHECKING:
    from tsflow.stations.station import Station

_UNITS_LINE = 3


@register("toa5")
class Toa5Form(CsvForm):
    """Station, names, units, kinds of averages; then rows, with `NAN` for no value. A unit must be that of the station file.

    Source: https://help.campbellsci.com/crbasic/cr1000x (TOA5: "Table Oriented ASCII, 5 header fields").
    """

    endings: ClassVar[tuple[str, ...]] = (".dat", ".csv", ".txt")

    kind: str = "toa5"
    header_line: int | tuple[int, ...] = 2
    first_line: int | None = 5
    missing_texts: tuple[str, ...] = ("NAN", "INF", "-INF")

    def sheet(self, file: RawFile, station: Station) -> Sheet:
        """As `CsvForm.sheet`; raise `SourceFormatError` as well if the line of units contradicts the station file."""
        sheet = super().sheet(file, station)
        if len(sheet.before) >= _UNITS_LINE:
            units = dict(zip(sheet.headers, self.cells_of(sheet.before[_UNITS_LINE - 1]), strict=False))
            for variable in station.measured.values():
                said, within = units.get(str(variable.column), "").strip(), variable.column_unit or variable.unit
                if is_another_unit(said, within):
                    _refuse(file, str(variable.column), said, within, variable.unit)
        return sheet


def _refuse(file: RawFile, column: str, said: str, within: str, stored: str) -> None:
    if converts(said, stored):
        remedy = f"write `column_unit: {said}` to have it converted"
    else:
        remedy = "name another column, or write `form: {header_line: 2, first_line: 5, missing_texts: [NAN]}` if that line is wrong"
    msg = f"{file.name}: the line of units says {said} for column {column!r}, the station file {within}; {remedy}"
    raise SourceFormatError(msg)
