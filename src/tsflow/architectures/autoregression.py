"""Linear autoregression of the target on its own lags, by the three strategies for several steps ahead.

::

    direct       y_{t-L+1} .. y_t  ->                         y_{t+24}     one model, for the horizon
    path         y_{t-L+1} .. y_t  ->  y_{t+1}, y_{t+2}, .. , y_{t+24}     one model with an output for each lead
    recursive    y_{t-L+1} .. y_t  ->  y_{t+1}
                 y_{t-L+2} .. y_t, y_{t+1}  ->  y_{t+2}  .. y_{t+24}       one step, fed with its own forecasts

All three read the harmonics of the clock too, and come out as one matrix: a linear step repeated is linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import block_diag, solve

from tsflow.architectures.exporting import export
from tsflow.architectures.magnitude import degree
from tsflow.architectures.registry import Estimator, register
from tsflow.bundle.calendar import DAYS_PER_YEAR
from tsflow.features.climate import Harmonics, harmonics
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

Values = NDArray[np.float64]


@dataclass(frozen=True)
class GraphForecast:
    """A fitted model that is a Keras graph from raw observations to degC: forecast [n, 1], or that and leads by name."""

    model: keras.Model
    parameters: int
    lead_hours: tuple[int, ...]

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        found = self.model(contexts)
        return np.asarray((found["forecast"] if self.lead_hours else found)[:, 0], dtype=np.float64)

    def predict_leads(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast the leads in degC, shape [n, n_leads]."""
        return np.asarray(self.model(contexts)["leads"], dtype=np.float64)

    def to_onnx(self) -> bytes:
        """Return the graph as ONNX."""
        return export(self.model)


@register("autoregression")
class Autoregression(Estimator):
    """Least squares with a small penalty; `strategy` says how the horizon is reached.

    References
    ----------
    Ben Taieb et al. (2012), A review and comparison of strategies for multi-step ahead forecasting, Expert Syst. Appl. 39.
    """

    strategy: Literal["direct", "path", "recursive"]
    lags: Annotated[int, Field(ge=1)] = 72  # hours of the target, the origin's among them
    calendar: Harmonics = Harmonics(year=1, day=2)
    alpha: Annotated[float, Field(gt=0)] = 1.0  # neighbouring hours are nearly one another

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context holds all lags."""
        super().require_task(task)
        if self.lags > (hours := self.hours_read(task)):
            self.refuse(f"lags {self.lags} are more than the context's {hours} hours; take fewer")

    def fit(self, dataset: Dataset, *, seed: int) -> GraphForecast:
        """Fit on the windows of the training part; `seed` is not used."""
        self.require_task(dataset.task)
        if (calendar := self.calendar.within(dataset)) != self.calendar:
            return self.changed(calendar=calendar).fit(dataset, seed=seed)
        horizon = dataset.task.horizon_hours
        inputs, unit = self.inputs(dataset), degree(dataset.changes("train"))
        if self.strategy == "recursive":
            step = self._least_squares(inputs, self._truth(dataset, [1]), unit)
            weights = self.repeated(step[:, 0], horizon)
            fitted = step.size
        else:
            leads = [horizon] if self.strategy == "direct" else list(range(1, horizon + 1))
            weights = self._least_squares(inputs, self._truth(dataset, leads), unit)
            fitted = weights.size
        return self._graph(weights, dataset, fitted)

    def inputs(self, dataset: Dataset) -> Values:
        """Return the lags, the harmonics at the origin and 1 for each training window, shape [n, lags + n_harmonics + 1]."""
        origins = dataset.origins("train")
        lags = dataset.values[origins[:, None] + np.arange(1 - self.lags, 1), dataset.target_index]
        clock = dataset.rows[origins, -2:].astype(np.float64)
        terms = harmonics(clock[:, 0], clock[:, 1], self.calendar).values()
        return np.column_stack([lags, *terms, np.ones(len(origins))])

    @staticmethod
    def _truth(dataset: Dataset, leads: list[int]) -> Values:
        rows = dataset.origins("train")[:, None] + np.array(leads)
        truth: Values = dataset.values[rows, dataset.target_index]
        return truth

    def _least_squares(self, inputs: Values, truth: Values, unit: float) -> Values:
        """Return weights [n_inputs, n_outputs]; the constant is not penalised.

        `unit`: what a degree is to the target. Weights of lags have no unit: in any of the target's the penalty is the same.
        """
        penalty = self.alpha * np.eye(inputs.shape[1])
        penalty[: self.lags, : self.lags] *= unit**2
        penalty[-1, -1] = 0
        weights: Values = solve(inputs.T @ inputs + penalty, inputs.T @ truth, assume_a="pos")
        return weights

    def repeated(self, step: Values, horizon: int) -> Values:
        """Return the weights of each hour to the horizon, [n_inputs, horizon], of one step [n_inputs] fed with its own forecasts.

        An hour moves the lags up by one, the forecast at their end, and turns each harmonic by its angle.
        """
        lags = self.lags
        forward = np.zeros((len(step), len(step)))  # the inputs an hour later from the inputs now
        forward[np.arange(lags - 1), np.arange(1, lags)] = 1
        forward[lags - 1] = step
        forward[lags:, lags:] = block_diag(*self._turns(), [[1.0]])
        state, found = np.eye(len(step)), []
        for _ in range(horizon):
            state = forward @ state
            found.append(state[lags - 1])
        return np.stack(found, axis=-1)

    def _turns(self) -> list[Values]:
        """Return the rotation of each pair of sine and cosine by one hour, in the order of `harmonics`."""
        angles = [2 * np.pi * k / (24 * DAYS_PER_YEAR) for k in range(1, self.calendar.year + 1)]
        angles += [2 * np.pi * k / 24 for k in range(1, self.calendar.day + 1)]
        return [np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) for a in angles]

    def _graph(self, weights: Values, dataset: Dataset, parameters: int) -> GraphForecast:
        import keras

        observations = keras.Input((dataset.task.context_hours, len(dataset.columns)), name="observations")
        now = observations[:, -1, :]
        terms = harmonics(now[:, -2:-1], now[:, -1:], self.calendar).values()
        x = keras.layers.Concatenate()([observations[:, -self.lags :, dataset.target_index], *terms])
        leads = weights.shape[1] - 1
        heads = {"forecast": keras.layers.Dense(1, name="forecast")}
        if leads:
            heads["leads"] = keras.layers.Dense(leads, name="leads")
        outputs = {name: head(x) for name, head in heads.items()}
        for name, columns in (("forecast", weights[:, -1:]), ("leads", weights[:, :-1])):
            if name in heads:
                heads[name].set_weights([columns[:-1], columns[-1]])
        model = keras.Model(observations, outputs if leads else outputs["forecast"])
        return GraphForecast(model, parameters, tuple(range(1, leads + 1)))
