"""Seasonal ARIMA: a value from the values and the errors before it, after differencing."""

import warnings
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tsflow.architectures.affine import AffineForecast, affine_map, last_unbroken
from tsflow.architectures.registry import Estimator, register
from tsflow.errors import TrainingError
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

Order = Annotated[int, Field(ge=0, le=48)]


@register("arima")
class Arima(Estimator):
    """ARIMA(p, d, q)(P, D, Q) with a season of `season_hours`, from statsmodels (SARIMAX).

    The parameters are fitted by maximum likelihood on the last `fit_hours` of the training rows. For a forecast the
    library's Kalman filter runs over the context alone, from the same start each time: with fixed parameters that is
    affine in the context, and kept as such.

    Source: Box and Jenkins, Time Series Analysis (1970), chapter 9; Durbin and Koopman, Time Series Analysis by State
    Space Methods, chapter 4; statsmodels.tsa.statespace.sarimax.SARIMAX.
    """

    order: tuple[Order, Order, Order] = (1, 0, 0)
    seasonal_order: tuple[Order, Order, Order] = (0, 1, 1)
    season_hours: Annotated[int, Field(ge=2)] = 24
    constant: bool = False  # a drift, if anything is differenced
    fit_hours: Annotated[int, Field(ge=1)] = 17520
    max_iterations: Annotated[int, Field(ge=1)] = 200

    @model_validator(mode="after")
    def _has_something_to_fit(self) -> Self:
        (p, _, q), (seasonal_p, _, seasonal_q) = self.order, self.seasonal_order
        if not p + q + seasonal_p + seasonal_q + self.constant:
            msg = "order and seasonal_order: nothing to fit; give an autoregressive or a moving-average term"
            raise ValueError(msg)
        return self

    def _model(self, values: NDArray[np.float64]) -> Any:
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        seasonal = (*self.seasonal_order, self.season_hours) if any(self.seasonal_order) else (0, 0, 0, 0)
        return SARIMAX(values, order=self.order, seasonal_order=seasonal, trend="c" if self.constant else None)

    def library_forecast(self, parameters: NDArray[np.float64], context: NDArray[np.float64], horizon_hours: int) -> float:
        """Return what statsmodels forecasts from one context, shape [hours], with these parameters."""
        return float(self._model(context).filter(parameters, cov_type="none").forecast(horizon_hours)[-1])

    def parameters_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fit all coefficients and the errors' variance, in the library's order.

        Raises
        ------
        TrainingError
            If the likelihood's maximum was not found, or the library warns of it.
        """
        from statsmodels.tools.sm_exceptions import ConvergenceWarning, ModelWarning

        with warnings.catch_warnings():
            warnings.simplefilter("error", ModelWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)  # said below, with what to do
            # Where the search begins is the library's affair; it then begins at 0.
            warnings.filterwarnings("ignore", "Non-(stationary|invertible) starting", UserWarning)
            try:
                result = self._model(values).fit(maxiter=self.max_iterations, disp=False, cov_type="none", low_memory=True)
            except (ModelWarning, np.linalg.LinAlgError) as error:
                raise TrainingError(self._advice(f"{type(error).__name__}: {error}", len(values))) from error
        found = result.mle_retvals
        if not found["converged"]:
            reason = f"the likelihood's maximum was not found in {found['iterations']} of at most {self.max_iterations} iterations"
            raise TrainingError(self._advice(reason, len(values)))
        return np.asarray(result.params, dtype=np.float64)

    def _advice(self, reason: str, hours: int) -> str:
        return (
            f"{self.architecture}: ARIMA{self.order}{self.seasonal_order} on {hours} h: {reason}; "
            f"raise max_iterations, change fit_hours or lower an order in include/architectures/{self.architecture}.yaml"
        )

    def _least_hours(self) -> int:
        """Return how many hours the filter takes before its state depends on data alone."""
        (p, d, q), (seasonal_p, seasonal_d, seasonal_q) = self.order, self.seasonal_order
        return d + self.season_hours * seasonal_d + max(p + self.season_hours * seasonal_p, q + self.season_hours * seasonal_q + 1)

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context is as long as the orders reach."""
        super().require_task(task)
        hours, needed = self.hours_read(task), self._least_hours()
        if hours < needed:
            self.refuse(f"its orders reach over {needed} h, the context has {hours} h; lower them or lengthen it")

    def fit(self, dataset: Dataset, *, seed: int) -> AffineForecast:
        """Fit the parameters, then take the map from the library; `seed` is not used.

        Raises
        ------
        NotEnoughData
            If the training rows hold no stretch as long as two contexts.
        """
        self.require_task(dataset.task)
        hours, horizon = self.hours_read(dataset.task), dataset.task.horizon_hours
        values = last_unbroken(dataset, self.fit_hours, at_least=2 * hours)
        parameters = self.parameters_of(values)
        weights, constant = affine_map(
            lambda context: self.library_forecast(parameters, context, horizon), around=values[-hours:], check=values[:hours]
        )
        return AffineForecast.of(dataset, weights, constant, parameters=len(parameters))
