from dataclasses import replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.autoregression import Autoregression
from tsflow.architectures.magnitude import degree
from tsflow.bundle.calendar import calendar
from tsflow.errors import SettingsError
from tsflow.features.climate import harmonics
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frame = hourly_rows(17800, features=2).assign(segment=0)
    return Dataset(
        "small", Task(target="T"), {"f1": "", "T": "degC"}, frame, FractionSplit(), "book", HourlySettings(), HourlyReport()
    )


def recipe(strategy: str, **settings: object) -> Autoregression:
    content = {"architecture": "ar", "title": "AR", "builder": "autoregression", "strategy": strategy, "lags": 30, **settings}
    return Autoregression.model_validate(content)


def test_the_recursive_strategy_is_one_step_fed_with_its_own_forecasts(dataset: Dataset):
    recursive = recipe("recursive")
    fitted = recursive.fit(dataset, seed=1)
    step = recursive._least_squares(recursive.inputs(dataset), recursive._truth(dataset, [1]), degree(dataset.changes("train")))[
        :, 0
    ]
    starts = dataset.starts("test")[[0, 77]]
    contexts = dataset.contexts(starts)
    for found, leads, origin in zip(fitted.predict(contexts), fitted.predict_leads(contexts), starts + 119, strict=True):
        lags = dataset.values[origin - 29 : origin + 1, 1].tolist()
        for ahead in range(24):  # a slow loop that knows the clock of each hour
            clock = calendar(dataset.times[[origin]] + np.timedelta64(ahead, "h"))
            terms = [float(term[0]) for term in harmonics(clock[:, 0], clock[:, 1], recursive.calendar).values()]
            lags.append(float(np.dot(step, [*lags[-30:], *terms, 1.0])))
        assert found == pytest.approx(lags[-1], abs=1e-3)
        np.testing.assert_allclose(leads, lags[30:-1], atol=1e-3)


def test_the_path_ends_where_the_direct_model_goes(dataset: Dataset):
    contexts = dataset.contexts(dataset.starts("test"))
    path, direct = (recipe(strategy).fit(dataset, seed=1) for strategy in ("path", "direct"))
    assert path.lead_hours == tuple(range(1, 24))
    assert direct.lead_hours == ()
    np.testing.assert_allclose(path.predict(contexts), direct.predict(contexts), atol=1e-3)
    assert (direct.parameters, path.parameters, recipe("recursive").fit(dataset, seed=1).parameters) == (37, 24 * 37, 37)


def test_less_than_a_year_teaches_nothing_of_the_year(dataset: Dataset):
    half = replace(dataset, frame=dataset.frame[:8760])
    in_winter, in_summer = (half.contexts(half.starts("test")[:1]) for _ in range(2))
    in_summer[:, :, -1] += 182
    fitted = recipe("recursive").fit(half, seed=1)
    assert fitted.parameters == 35
    assert fitted.predict(in_summer) == pytest.approx(fitted.predict(in_winter), abs=1e-4)


def test_more_lags_than_the_context_are_refused(dataset: Dataset):
    with pytest.raises(SettingsError, match=r"lags 121 are more than the context's 120 hours"):
        recipe("direct", lags=121).fit(dataset, seed=1)
