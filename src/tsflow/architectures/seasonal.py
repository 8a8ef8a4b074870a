"""Seasonal naive: the same hour of the last days."""

from typing import Annotated

import numpy as np
from pydantic import Field

from tsflow.architectures.affine import AffineForecast
from tsflow.architectures.registry import Estimator, register
from tsflow.errors import SettingsError
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


@register("seasonal_naive")
class SeasonalNaive(Estimator):
    """The mean of the target at the same point of the last `seasons` seasons that are known at the origin.

    ::

        season 24 h, horizon 6 h     ... t-42 ... t-18 ...... t(origin) . t+6(target)
                                          ^ 2nd    ^ 1st: t+6-24

    With one season and a horizon of one season it is exactly `naive`.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2.
    """

    seasons: Annotated[int, Field(ge=1)] = 5
    season_hours: Annotated[int, Field(ge=1)] = 24

    def ages(self, horizon_hours: int) -> list[int]:
        """Return how many hours before the origin the values lie that are averaged, the youngest first."""
        youngest = -horizon_hours % self.season_hours
        return [youngest + season * self.season_hours for season in range(self.seasons)]

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context reaches back over all its seasons."""
        super().require_task(task)
        needed = self.ages(task.horizon_hours)[-1] + 1
        if (found := self.hours_read(task)) < needed:
            msg = (
                f"include/architectures/{self.architecture}.yaml: {self.seasons} seasons of {self.season_hours} h need a context "
                f"of {needed} h at a horizon of {task.horizon_hours} h, found {found} h; lower seasons or lengthen the context"
            )
            raise SettingsError(msg)

    def fit(self, dataset: Dataset, *, seed: int) -> AffineForecast:
        """Nothing is fitted; `seed` is not used."""
        self.require_task(dataset.task)
        hours = self.hours_read(dataset.task)
        weights = np.zeros(hours)
        weights[[hours - 1 - age for age in self.ages(dataset.task.horizon_hours)]] = 1 / self.seasons
        return AffineForecast.of(dataset, weights, 0.0, parameters=0)
