"""Exponential smoothing, also called Holt-Winters: level, trend and daily season, each corrected by every new value."""

import warnings
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tsflow.architectures.affine import AffineForecast, affine_map, last_unbroken
from tsflow.architectures.registry import Estimator, register
from tsflow.errors import SettingsError, TrainingError
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


@register("exponential_smoothing")
class ExponentialSmoothing(Estimator):
    """ETS with additive errors and season, from statsmodels.

    ::

        e_t = y_t - (l_{t-1} + phi b_{t-1} + s_{t-24})
        l_t = l_{t-1} + phi b_{t-1} + alpha e_t      b_t = phi b_{t-1} + beta e_t      s_t = s_{t-24} + gamma e_t

    The smoothing parameters are fitted by maximum likelihood on the last `fit_hours` of the training rows. For a
    forecast the library starts level and season from the context itself (its `heuristic` initialisation) and runs
    through it: with fixed parameters that is affine in the context, and kept as such.

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), sections 2.3 and 2.6;
    statsmodels.tsa.exponential_smoothing.ets.ETSModel.
    """

    season_hours: Annotated[int, Field(ge=2)] = 24
    damped_trend: bool = False
    fit_hours: Annotated[int, Field(ge=1)] = 8760
    max_iterations: Annotated[int, Field(ge=1)] = 1000

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context holds the two seasons and ten hours that the start asks for."""
        super().require_task(task)
        needed = 2 * self.season_hours + 10
        if (found := self.hours_read(task)) < needed:
            msg = (
                f"include/architectures/{self.architecture}.yaml: a season of {self.season_hours} h needs a context of {needed} h, "
                f"found {found} h; lengthen the context or shorten the season"
            )
            raise SettingsError(msg)

    def _model(self, values: NDArray[np.float64]) -> Any:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        return ETSModel(
            values,
            error="add",
            trend="add" if self.damped_trend else None,
            damped_trend=self.damped_trend,
            seasonal="add",
            seasonal_periods=self.season_hours,
            initialization_method="heuristic",
        )

    def library_forecast(self, parameters: NDArray[np.float64], context: NDArray[np.float64], horizon_hours: int) -> float:
        """Return what statsmodels forecasts from one context, shape [hours], with these parameters."""
        return float(self._model(context).smooth(parameters).forecast(horizon_hours)[-1])

    def parameters_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fit alpha, with a trend beta, gamma, and with a trend phi, in the library's order.

        Raises
        ------
        TrainingError
            If the likelihood's maximum was not found.
        """
        from statsmodels.tools.sm_exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # said below, with what to do
            result = self._model(values).fit(maxiter=self.max_iterations, disp=False)
        found = result.mle_retvals
        if not found["converged"]:
            msg = (
                f"{self.architecture}: the likelihood's maximum was not found in {found['iterations']} of at most "
                f"{self.max_iterations} iterations on {len(values)} h; raise max_iterations, change fit_hours or "
                f"set damped_trend to {str(not self.damped_trend).lower()}"
            )
            raise TrainingError(msg)
        return np.asarray(result.params, dtype=np.float64)[: 4 if self.damped_trend else 2]

    def fit(self, dataset: Dataset, *, seed: int) -> AffineForecast:
        """Fit the smoothing parameters, then take the map from the library; `seed` is not used."""
        self.require_task(dataset.task)
        hours, horizon = self.hours_read(dataset.task), dataset.task.horizon_hours
        values = last_unbroken(dataset, self.fit_hours, at_least=max(hours, 4 * self.season_hours))
        parameters = self.parameters_of(values)
        weights, constant = affine_map(
            lambda context: self.library_forecast(parameters, context, horizon), around=values[-hours:], check=values[:hours]
        )
        return AffineForecast.of(dataset, weights, constant, parameters=len(parameters))
