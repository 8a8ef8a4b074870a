from dataclasses import replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.boosting import Boosted, Boosting
from tsflow.architectures.recency import recency
from tsflow.architectures.seeds import member_seeds
from tsflow.records.dataset import HourlyReport
from tsflow.records.found import Rounds
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.export import check_parity
from tsflow.windows.dataset import Dataset


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frame = hourly_rows(1500).assign(segment=0)
    cut = (FractionSplit(), "book", HourlySettings(), HourlyReport())
    return Dataset("small", Task(target="T", context_hours=24, horizon_hours=6), {"T": "degC"}, frame, *cut)


def trees(**settings: object) -> Boosting:
    few = {
        "rounds": 20,
        "leaves": 4,
        "min_leaf_windows": 20,
        "column_share": 0.8,
        "table": {"lags": {"T": [1, 2, 6, 12]}, "now": ["T"]},
    }
    return Boosting.model_validate({"architecture": "trees", "title": "Trees", "builder": "boosting", **few, **settings})


def fitted(dataset: Dataset, seed: int = 1, **settings: object) -> Boosted:
    return trees(**settings).fit(dataset, seed=seed)


@pytest.mark.parametrize("extra_trees", [False, True])
def test_several_seeds_forecast_the_mean_of_what_each_forecasts(dataset: Dataset, extra_trees: bool):
    contexts = dataset.contexts(dataset.starts("test"))
    together = fitted(dataset, seeds=3, extra_trees=extra_trees)
    alone = [fitted(dataset, seed, extra_trees=extra_trees) for seed in member_seeds(1, 3)]
    np.testing.assert_allclose(together.predict(contexts), np.mean([one.predict(contexts) for one in alone], axis=0), atol=1e-9)
    assert together.parameters == sum(one.parameters for one in alone)
    assert np.abs(alone[0].predict(contexts) - alone[1].predict(contexts)).max() > 0.01, "the seeds differ"


def test_what_was_long_ago_counts_less(dataset: Dataset):
    weights = recency(dataset, 30)
    assert weights is not None
    newest, older = weights[-1], weights[-1 - 30 * 24]
    assert (older / newest, weights.mean()) == (pytest.approx(0.5), pytest.approx(1))
    assert recency(dataset, None) is None
    contexts = dataset.contexts(dataset.starts("test"))
    changed = fitted(dataset, half_life_days=30).predict(contexts) - fitted(dataset).predict(contexts)
    assert np.abs(changed).max() > 0.01


def test_a_half_life_of_days_is_refused_as_it_forgets_the_seasons():
    with pytest.raises(ValueError, match="half_life_days"):
        trees(half_life_days=3)


def test_one_graph_holds_the_trees_of_all_seeds(dataset: Dataset):
    """On every window of the test part, not only on those that a training looks at."""
    from onnx import load_from_string

    together = fitted(dataset, seeds=3, extra_trees=True)
    contexts = dataset.contexts(dataset.starts("test"))
    model = together.to_onnx()
    check_parity(model, contexts, {"forecast": together.predict(contexts)[:, None]}, at_most=1e-5)
    assert [node.op_type for node in load_from_string(model).graph.node].count("TreeEnsembleRegressor") == 1


def test_extra_trees_split_elsewhere(dataset: Dataset):
    contexts = dataset.contexts(dataset.starts("test"))
    assert np.abs(fitted(dataset).predict(contexts) - fitted(dataset, extra_trees=True).predict(contexts)).max() > 0.01


def test_a_refit_grows_the_median_of_the_seeds_rounds_times_the_windows(dataset: Dataset):
    together = fitted(dataset, seeds=3, rounds=200, patience=3)
    best = [booster.best_iteration for booster in together.boosters]
    assert together.found == Rounds(rounds=sorted(best)[1])
    settled = trees(seeds=3).settled(together.found, growth=1.5)
    assert (settled.rounds, settled.patience, settled.seeds) == (round(1.5 * sorted(best)[1]), None, 3)


def test_a_target_that_does_not_vary_is_forecast(dataset: Dataset):
    still = replace(dataset, frame=dataset.frame.assign(T=7.0))
    contexts = still.contexts(still.starts("test"))
    together = fitted(still, seeds=2, extra_trees=True)
    np.testing.assert_allclose(together.predict(contexts), 7.0)
    check_parity(together.to_onnx(), contexts, {"forecast": together.predict(contexts)[:, None]})
