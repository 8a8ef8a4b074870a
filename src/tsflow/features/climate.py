"""What the clock and the place say of the weather: harmonics, climatology, the sun's height."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tsflow.bundle.calendar import DAYS_PER_YEAR
from tsflow.location import Location
from tsflow.model import Strict
from tsflow.windows.dataset import Dataset

Columns = dict[str, Any]  # tensors or NumPy arrays by name; TensorFlow ships no types
Order = Annotated[int, Field(ge=0, le=12)]


class Harmonics(Strict):
    """How many harmonics of the year and of the day; 0: none."""

    year: Order = 0
    day: Order = 0

    def within(self, dataset: Dataset) -> Harmonics:
        """Return those that the training rows can tell: none of the year unless they cover one.

        Fitted on a part of the year, its harmonics go anywhere in the rest of it.
        """
        return self if dataset.covers_a_year else self.changed(year=0)


def harmonic_names(order: Harmonics) -> list[str]:
    """Return the names of the harmonics, in order."""
    return [
        f"{cycle}_{wave}_{k}"
        for cycle, highest in (("year", order.year), ("day", order.day))
        for k in range(1, highest + 1)
        for wave in ("sin", "cos")
    ]


def harmonics(hour: Any, day: Any, order: Harmonics, *, product: bool = False) -> Columns:
    """Return sines and cosines of year and day by name, each of the shape of `hour` and `day`.

    With `product` every harmonic of the year times every one of the day comes too: a day's course that changes with the season.
    """
    of = np if isinstance(hour, np.ndarray) else _tensors()
    found: Columns = {}
    for cycle, clock, period, highest in (("year", day, DAYS_PER_YEAR, order.year), ("day", hour, 24.0, order.day)):
        for k in range(1, highest + 1):
            angle = clock * (2 * np.pi * k / period)
            found |= {f"{cycle}_sin_{k}": of.sin(angle), f"{cycle}_cos_{k}": of.cos(angle)}
    if product:
        years, days = ([name for name in found if name.startswith(cycle)] for cycle in ("year", "day"))
        found |= {f"{a}_{b}": found[a] * found[b] for a in years for b in days}
    return found


def _tensors() -> Any:
    from keras import ops  # loads TensorFlow

    return ops


def fit_climatology(values: NDArray[np.float64], clock: NDArray[np.float64], order: Harmonics) -> NDArray[np.float64]:
    """Fit a mean and the product harmonics by least squares; coefficients [1 + n_terms], the mean first.

    Parameters
    ----------
    values
        A variable, shape [n].
    clock
        Hour of the day and day of the year, shape [n, 2].
    """
    terms = harmonics(clock[:, 0], clock[:, 1], order, product=True)
    design = np.stack([np.ones(len(values)), *terms.values()], axis=-1)
    mean = values.mean()  # first taken off: what no row tells is then 0, whatever the unit's zero is
    coefficients: NDArray[np.float64] = np.linalg.lstsq(design, values - mean, rcond=0.01)[0]  # months without rows count as usual
    coefficients[0] += mean
    return coefficients


def usual(terms: Columns, order: Harmonics, coefficients: NDArray[np.float64]) -> Any:
    """Return what `fit_climatology` found, without the mean, where the harmonics have these values.

    Each wave of the day counts as much as the year's waves say. All are added up one after another: a product of matrices and a sum
    over an axis are added up in an order of the processor's, and a tree splits at the last bit.

    Parameters
    ----------
    terms
        The harmonics, without products, by name.
    coefficients
        The mean, then those of the harmonics and of their products, in the order of `harmonics`; shape [1 + n_terms].
    """
    years, days = harmonic_names(order.changed(day=0)), harmonic_names(order.changed(year=0))
    _, *weights = coefficients.tolist()
    alone, both = weights[: len(years) + len(days)], weights[len(years) + len(days) :]
    found = [terms[year] * weight for year, weight in zip(years, alone[: len(years)], strict=True)]
    for place, (day, weight) in enumerate(zip(days, alone[len(years) :], strict=True)):
        of_day = [terms[year] * both[number * len(days) + place] for number, year in enumerate(years)]
        found.append(terms[day] * (reduce(add, of_day) + weight) if of_day else terms[day] * weight)
    return reduce(add, found)


def sun_table(location: Location, utc_offset_hours: float) -> NDArray[np.float64]:
    """Return for each day of the year a, b, shift: the sine of the sun's height is a + b cos(15 deg (clock + shift - 12)).

    Shape [366, 3]; shift, in hours, is from the station's clock to true solar time. Declination and equation of time are pvlib's
    (Spencer 1971); against its full algorithm the height is within 0.7 degrees.
    """
    from pvlib.solarposition import declination_spencer71, equation_of_time_spencer71

    day = np.arange(1, 367)
    declination, latitude = declination_spencer71(day), np.deg2rad(location.latitude)
    shift = equation_of_time_spencer71(day) / 60 + location.longitude / 15 - utc_offset_hours
    height = (np.sin(latitude) * np.sin(declination), np.cos(latitude) * np.cos(declination))
    return np.stack([*height, shift], axis=-1)
