"""Gradient-boosted trees (LightGBM) on a table of columns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tsflow.architectures.exported_table import ExportedTable
from tsflow.architectures.graphs import OPSET, chain, weighted_sum
from tsflow.architectures.quantile_trees import QuantileTrees
from tsflow.architectures.quantiles import MEDIAN, Levels
from tsflow.architectures.recency import HalfLife, recency
from tsflow.architectures.registry import register
from tsflow.architectures.seeds import member_seeds
from tsflow.architectures.tabular import Tabular, apply
from tsflow.architectures.tree_graphs import mean_of_trees
from tsflow.records.found import Found, Rounds
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras
    import lightgbm

_SOME = 2048  # windows by which a column's size is told

Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Boosted:
    """Trees that read a table and give the change of the target from now; of several seeds the mean."""

    table: ExportedTable
    boosters: tuple[lightgbm.Booster, ...]
    target_index: int
    found: Rounds

    @property
    def shape(self) -> tuple[int, int]:
        """Context and columns of the observations."""
        return self.table.shape

    def of(self, booster: lightgbm.Booster) -> Boosted:
        """Return the same with another booster."""
        return replace(self, boosters=(booster,))

    @property
    def parameters(self) -> int:
        """Values of all leaves."""
        return sum(tree["num_leaves"] for booster in self.boosters for tree in booster.dump_model()["tree_info"])

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        return self.on_columns(self.table(contexts), contexts)

    def on_columns(self, columns: NDArray[np.float32], contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n], from a table that was made already."""
        change = np.mean([np.asarray(booster.predict(columns), dtype=np.float64) for booster in self.boosters], axis=0)
        forecast: NDArray[np.float64] = contexts[:, -1, self.target_index] + change
        return forecast

    def to_onnx(self) -> bytes:
        """Chain the table's graph with the trees' and add the value at the origin."""
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        entry = [("columns", FloatTensorType([None, self.table.width]))]
        trees = [convert_lightgbm(each, initial_types=entry, target_opset=OPSET, zipmap=False) for each in self.boosters]
        change = chain(self.table.onnx, mean_of_trees(trees))
        return weighted_sum([change], [1.0], self.shape, (1.0, self.target_index))


def _rounded(table: keras.Model, dataset: Dataset) -> keras.Model:
    """Round columns, most to 1/1024: a tree splits between neighbours, and 0.3 must not be two neighbours, 0.29999998 and 0.3."""
    import keras

    starts = dataset.starts("train")
    some = np.asarray(table(dataset.contexts(starts[:: max(1, len(starts) // _SOME)])), dtype=np.float64)
    steps = _steps(some).astype(np.float32)
    return keras.Model(table.input, keras.ops.round(table.output / steps) * steps, name="table")


def _steps(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return to which power of two each of some columns [n, n_columns] is rounded.

    1/1024, or less where a column hardly moves, such as pressure in bar; but never to less than eight of the steps that 32 bits
    have at its largest value, as those of pressure in Pa.
    """
    deviation, largest = columns.std(axis=0), np.abs(columns).max(axis=0)
    finest = np.floor(np.log2(np.where(largest > 0, largest, 1.0))) - 20
    wanted = np.minimum(-10.0, np.floor(np.log2(np.where(deviation > 0, deviation, 1.0))) - 6)
    steps: NDArray[np.float64] = 2.0 ** np.maximum(wanted, finest)
    return steps


@register("boosting")
class Boosting(Tabular):
    """LightGBM; rounds end where validation no longer gets better, for each seed by itself.

    References
    ----------
    Ke et al. (2017), LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS 30; Geurts, Ernst and Wehenkel (2006),
    Extremely randomized trees, Machine Learning 63.
    """

    objective: Literal["regression_l1", "regression", "huber"] = "regression_l1"
    rounds: Annotated[int, Field(ge=1)] = 600  # at most
    patience: Annotated[int, Field(ge=1)] | None = 40  # rounds without a better validation MAE; None: all rounds
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.04
    leaves: Annotated[int, Field(ge=2)] = 16
    extra_trees: bool = False  # each split at one threshold drawn for each column, not at the best: trees differ more
    seeds: Annotated[int, Field(ge=1, le=20)] = 1  # the forecast is the mean of so many; each quantile is grown once
    min_leaf_windows: Annotated[int, Field(ge=1)] = 200  # neighbouring windows are nearly the same window
    column_share: Share = 0.2  # drawn for each tree
    window_share: Share = 0.6
    half_life_days: HalfLife = None
    lambda_l2: Annotated[float, Field(ge=0)] = 10.0
    bins: Annotated[int, Field(ge=2)] = 127
    quantiles: Levels = []  # levels beside the forecast, which is the median's, each grown for itself; empty: none
    quantile_rounds: list[
        Annotated[int, Field(ge=1)]
    ] = []  # of each but the median; empty: `rounds`, and validation says when to stop

    @model_validator(mode="after")
    def _rounds_of_each_quantile(self) -> Self:
        others = [level for level in self.quantiles if level != MEDIAN]
        if self.quantile_rounds and len(self.quantile_rounds) != len(others):
            msg = f"quantile_rounds has {len(self.quantile_rounds)} numbers; give one for each of {others}, or none"
            raise ValueError(msg)
        return self

    def settled(self, found: Found, growth: float = 1.0) -> Self:
        """Return the recipe with its number of rounds fixed, which grows with the windows."""
        if not isinstance(found, Rounds):
            return self
        further = [round(rounds * growth) for rounds in found.quantiles]
        return self.changed(rounds=round(found.rounds * growth), patience=None, quantile_rounds=further)

    def fit(self, dataset: Dataset, *, seed: int) -> Boosted | QuantileTrees:
        """Grow trees on the training part; the validation part says when to stop."""
        import lightgbm

        table = ExportedTable.of(_rounded(self.columns(dataset), dataset))
        weights = recency(dataset, self.half_life_days)
        training = lightgbm.Dataset(apply(table, dataset, "train"), dataset.changes("train"), weight=weights)
        judged: list[lightgbm.Dataset] = []
        if self.patience is not None and len(dataset.starts("validation")):
            judged = [training.create_valid(apply(table, dataset, "validation"), dataset.changes("validation"))]
        boosters = tuple(self._grown(training, judged, each, self.rounds) for each in member_seeds(seed, self.seeds))
        rounds = round(statistics.median(booster.best_iteration or self.rounds for booster in boosters))
        point = Boosted(table, boosters, dataset.target_index, Rounds(rounds=rounds))
        if not self.quantiles:
            return point
        others = {}
        for place, level in enumerate(level for level in self.quantiles if level != MEDIAN):
            most = self.quantile_rounds[place] if self.quantile_rounds else self.rounds
            pinball = {"objective": "quantile", "metric": "quantile", "alpha": level}
            others[level] = self._grown(training, judged, seed, most, **pinball)
        return QuantileTrees(point, others)

    def _grown(
        self, training: lightgbm.Dataset, judged: list[lightgbm.Dataset], seed: int, rounds: int, **further: object
    ) -> lightgbm.Booster:
        import lightgbm

        settings = {
            "objective": self.objective,
            "metric": "l1",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "extra_trees": self.extra_trees,
            "min_data_in_leaf": self.min_leaf_windows,
            "feature_fraction": self.column_share,
            "bagging_fraction": self.window_share,
            "bagging_freq": 1,
            "lambda_l2": self.lambda_l2,
            "max_bin": self.bins,
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,  # trainings run side by side; more threads than free cores make it ten times slower
            "verbosity": -1,
            **further,
        }
        callbacks: list[Callable[..., Any]] = (
            [lightgbm.early_stopping(self.patience, verbose=False)] if judged and self.patience else []
        )
        return lightgbm.train(settings, training, rounds, valid_sets=judged, callbacks=callbacks)
