"""What data loggers of Campbell Scientific write: four lines of headers, of which the second names the columns."""

from typing import ClassVar

from tsflow.stations.forms.csv import CsvForm
from tsflow.stations.forms.registry import register


@register("toa5")
class Toa5Form(CsvForm):
    """Station, names, units, kinds of averages; then rows, with `NAN` for no value.

    Source: https://help.campbellsci.com/crbasic/cr1000x (TOA5: "Table Oriented ASCII, 5 header fields").
    """

    endings: ClassVar[tuple[str, ...]] = (".dat", ".csv", ".txt")

    kind: str = "toa5"
    header_line: int | tuple[int, ...] = 2
    first_line: int | None = 5
    missing_texts: tuple[str, ...] = ("NAN", "INF", "-INF")
