"""One variable of a station: its column, what it measures, in which unit, and what it cannot be."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from tsflow.model import Strict
from tsflow.stations.cadence import cadence_of
from tsflow.stations.quantities import quantity
from tsflow.stations.units import SAME, Conversion, conversion, other_unit_in


class Variable(Strict):
    """One measured or derived quantity; `column` is its header in the files."""

    column: str | None = None
    derived: str | None = None  # the name of a formula, for a variable that the files lack
    quantity: str | None = None  # what it measures, as `stations/quantities.py` lists it; T, p, rh and their like say it themselves
    unit: str  # in which it is stored, trained on and forecast
    column_unit: str | None = None  # in which the files have it, if that is another
    range: tuple[FiniteFloat, FiniteFloat]  # outside it a value is an error of the instrument or of the file
    missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05  # of a batch; above it the batch fails
    stuck_for: Annotated[timedelta, BeforeValidator(cadence_of)] | None = None  # a value that is the same for longer is set aside
    step_at_most: Annotated[FiniteFloat, Field(gt=0)] | None = None  # from row to row; a spike goes further and is set aside

    @model_validator(mode="after")
    def _from_file_or_formula(self) -> Self:
        if (self.column is None) == (self.derived is None):
            msg = "give exactly one of column and derived"
            raise ValueError(msg)
        if self.range[0] >= self.range[1]:
            msg = f"range: the lower bound {self.range[0]:g} is not below the upper bound {self.range[1]:g}"
            raise ValueError(msg)
        if self.step_at_most is not None and self.unit == "deg":
            msg = "step_at_most: a direction may turn by any angle from row to row; leave it out"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _units_fit(self) -> Self:
        if self.quantity is not None:
            meant = quantity(self.quantity)
            conversion(self.unit, meant.unit)
        if self.column_unit is not None:
            conversion(self.column_unit, self.unit)
        within = self.column_unit or self.unit
        if self.column and (other := other_unit_in(self.column, within)):
            msg = f"column {self.column!r} names the unit {other}, not {within}; write `column_unit: {other}` to have it converted"
            raise ValueError(msg)
        return self

    @property
    def conversion(self) -> Conversion:
        """How the files' values become stored ones."""
        return conversion(self.column_unit, self.unit) if self.column_unit else SAME
