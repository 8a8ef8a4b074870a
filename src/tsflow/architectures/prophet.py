"""Prophet without a trend: Fourier series of the year and of the day, fitted with priors. An extra: `prophet`."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from tsflow.architectures.climatology import CalendarForecast, Cycle
from tsflow.architectures.registry import Estimator, register
from tsflow.errors import EntrantSkipped
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import prophet

log = logging.getLogger(__name__)

JULIAN_YEAR = 365.25  # days; Prophet's year
# Prophet counts its years from 1970, so that its 1 January wanders by a quarter of a day over four years; a model that
# sees no year takes the middle: 0, -1/4, -1/2 and +1/4 day.
YEAR_SHIFT_DAYS = -0.125


@register("prophet")
class Prophet(Estimator):
    """Meta's Prophet with `growth="flat"` and additive seasons of the year and the day.

    Its forecast knows nothing of the context but the calendar: it is a climatology, in which the daily cycle is the
    same all year. Its coefficients are read out, and forecast without Prophet. Unless the year is covered by training
    rows the season of the year is left out.

    Source: Taylor and Letham, Forecasting at Scale, The American Statistician 72 (2018).
    """

    year_harmonics: Annotated[int, Field(ge=1, le=20)] = 10
    day_harmonics: Annotated[int, Field(ge=1, le=11)] = 4
    prior_scale: Annotated[float, Field(gt=0)] = 10.0  # of both seasons; smaller: smoother

    def require_libraries(self) -> None:
        """Raise `EntrantSkipped` if Prophet is not installed."""
        if importlib.util.find_spec("prophet") is None:
            raise EntrantSkipped("prophet is not installed; run `make install PROPHET=1` in the clone")

    def fit(self, dataset: Dataset, *, seed: int) -> CalendarForecast:
        """Fit Prophet to the target of the training rows."""
        return self.read_out(self.fitted(dataset, seed=seed), dataset)

    def fitted(self, dataset: Dataset, *, seed: int) -> prophet.Prophet:
        """Return Prophet itself, fitted."""
        import prophet

        whole = dataset.covers_a_year
        if not whole:
            log.warning("%s: training rows do not cover a year; only the season of the day is fitted", self.architecture)
        model = prophet.Prophet(
            growth="flat",
            yearly_seasonality=self.year_harmonics if whole else False,
            weekly_seasonality=False,
            daily_seasonality=self.day_harmonics,
            seasonality_prior_scale=self.prior_scale,
            uncertainty_samples=0,
        )
        a = dataset.bounds.a
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning)  # Prophet 1.5 on pandas 3
            model.fit(pd.DataFrame({"ds": dataset.times[:a], "y": dataset.values[:a, dataset.target_index]}), seed=seed)
        return model

    def read_out(self, model: Any, dataset: Dataset) -> CalendarForecast:
        """Return Prophet's forecast as what it is: a constant and two sums of harmonics, in degC."""
        scale = float(model.y_scale)
        beta = scale * np.nanmean(model.params["beta"], axis=0)
        belongs = model.train_component_cols.to_dict("series")  # of each season: 1 at its own coefficients
        orders = {name: int(season["fourier_order"]) for name, season in model.seasonalities.items()}
        year = Cycle(orders.get("yearly", 0), JULIAN_YEAR)
        day = Cycle(orders["daily"], 24.0)
        coefficients = np.zeros((2 * year.order + 1, 2 * day.order + 1))
        coefficients[0, 0] = scale * float(np.nanmean(model.params["m"]))
        if year.order:
            coefficients[1:, 0] = _cosines_first(beta[belongs["yearly"].to_numpy() == 1])
        coefficients[0, 1:] = _cosines_first(beta[belongs["daily"].to_numpy() == 1])
        return CalendarForecast(
            year=year,
            day=day,
            coefficients=coefficients,
            parameters=1 + 2 * (year.order + day.order),
            context_hours=dataset.task.context_hours,
            horizon_hours=dataset.task.horizon_hours,
            columns=tuple(dataset.columns),
            year_shift_days=YEAR_SHIFT_DAYS,
        )


def _cosines_first(beta: NDArray[np.float64]) -> NDArray[np.float64]:
    """From Prophet's sin 1, cos 1, sin 2, cos 2, ... to the order of `Cycle`."""
    return np.concatenate([beta[1::2], beta[0::2]])
