"""Quantiles from a training to what a consumer reads: stored, pooled, published, served, drawn."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from tsflow import steps
from tsflow.architectures.graphs import outputs
from tsflow.bundle.intervals import Intervals
from tsflow.bundle.reading import read_champion
from tsflow.champion import actions
from tsflow.champion.history import History
from tsflow.champion.refit import outgoing
from tsflow.client import load_champion
from tsflow.evaluation.boards import board_of
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.training.export import check_parity
from tsflow.windows.dataset import Dataset
from workflow import candidate, forecasts, ingest, publish, rank, refit, retrain

NAMES = ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
ENTRANTS = ["climatology", "lightgbm", "mean_of_best", "naive"]


def published(records: Records) -> Dataset:
    """Train members of which one has quantiles and is the best, publish it, and return what it learnt from."""
    ingest(records, history_days=200)
    built = retrain(records, profile="quick", architectures=ENTRANTS)
    rank(records)
    version = publish(records).version
    history = History(records, "demo", "main")
    if history.standing().pointer is None:
        actions.promote(history, version, actor="a test", reason="to have a champion")
    return Dataset.load(records, built.fingerprint)


def test_a_champion_serves_the_intervals_that_were_judged(records: Records):
    dataset = published(records)
    board = board_of(records, "r1")
    champion = load_champion("demo", records.objects)
    assert champion.manifest.architecture == "lightgbm"
    table = forecasts(records, candidate(records, "r1", champion.manifest.architecture))
    assert (np.diff(table[NAMES].to_numpy(), axis=1) >= 0).all()
    assert "quantile_0.1" not in forecasts(records, candidate(records, "r1", "climatology"))

    line = board.entrant(champion.manifest.architecture)
    assert sum(line.pit) == pytest.approx(1, abs=1e-4)
    assert all(band.wide > 1.05 * band.narrow for band in line.intervals)
    assert all(
        band.wide == pytest.approx(band.narrow) for band in board.entrant("climatology").intervals
    )  # 40 days: hours are pooled

    # What is served is the formula, applied to what the published graph says.
    bundle = read_champion(records.objects, "demo")
    assert champion.manifest.target.quantiles == [0.1, 0.5, 0.9]
    intervals = Intervals.from_dict(json.loads(bundle.files["scaled_intervals.json"]))
    assert Intervals.from_dict(json.loads(bundle.files["intervals.json"])).spread is None
    assert intervals.spread is not None
    session = champion.model._session
    for start in dataset.starts("test")[::97]:
        rows = slice(start, start + dataset.task.context_hours)
        frame = dataset.frame.iloc[rows]
        forecast, quantiles = session.run(["forecast", "quantiles"], {"observations": dataset.rows[rows][None]})
        width = max(float(quantiles[0, 2] - quantiles[0, 0]), intervals.spread.least)
        hour = (frame["time"].iloc[-1] + pd.Timedelta(hours=24)).hour
        for place, (level, (low, high)) in enumerate(champion.intervals(frame).items()):
            assert level == intervals.levels[place]
            assert low == pytest.approx(float(forecast[0, 0]) + width * intervals.lower[hour][place], abs=1e-4)
            assert high == pytest.approx(float(forecast[0, 0]) + width * intervals.upper[hour][place], abs=1e-4)

    made = steps.make_forecast(records, settings(), "demo", "main", now=_now(dataset))
    assert made.forecast is not None
    widths = [interval.high - interval.low for interval in made.forecast.intervals]
    assert 0 < widths[0] < widths[1]


def _now(dataset: Dataset) -> datetime:
    return pd.Timestamp(dataset.times[-1], tz="UTC").to_pydatetime()


def test_graphs_have_the_quantiles_that_were_stored_of_trees_of_their_mean_and_of_its_refit(records: Records):
    dataset = published(records)
    for name in ("lightgbm", "mean_of_best"):
        stored = candidate(records, "r1", name)
        rows = forecasts(records, stored, "test")
        expected = {"forecast": rows[["forecast"]].to_numpy(), "quantiles": rows[NAMES].to_numpy()}
        assert (np.diff(expected["quantiles"], axis=1) >= 0).all()
        check_parity(records.opened(stored.files["model.onnx"]), dataset.contexts(dataset.starts("test")), expected, at_most=3e-3)
    assert len(candidate(records, "r1", "lightgbm").found.quantiles) == 2

    mean = candidate(records, "r1", "mean_of_best")
    assert len(mean.found.weights) == 3
    refits = {name: refit(records, "r1", name) for name in mean.found.weights}
    goes_out = outgoing(records, mean, refits, dataset)  # checks the graph against the members itself
    assert outputs(goes_out.files["model.onnx"]) == ["forecast", "quantiles"]
