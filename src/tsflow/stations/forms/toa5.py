"""What data loggers of Campbell Scientific write: four lines of headers, of which the second names the columns."""

from typing import Annotated

from pydantic import Field

from tsflow.stations.forms.csv import CsvForm
from tsflow.stations.forms.registry import register


@register("toa5")
class Toa5Form(CsvForm):
    """Station, names, units, kinds of averages; then rows, with `NAN` for no value.

    Source: https://help.campbellsci.com/crbasic/cr1000x (TOA5: "Table Oriented ASCII, 5 header fields").
    """

    kind: str = "toa5"
    header_line: Annotated[int, Field(ge=1)] = 2
    first_line: Annotated[int, Field(ge=2)] = 5
    missing_texts: tuple[str, ...] = ("NAN", "INF", "-INF")
