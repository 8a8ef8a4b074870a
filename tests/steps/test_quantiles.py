"""Quantiles from a training to what a consumer reads: stored, pooled, published, served, drawn."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from tsflow import steps
from tsflow.bundle.intervals import Intervals
from tsflow.bundle.reading import read_champion
from tsflow.champion import actions
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.evaluation.boards import board_of
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.storage.codecs import from_parquet
from tsflow.training.export import check_parity
from tsflow.windows.dataset import Dataset
from workflow import candidate, forecasts, ingest, publish, rank, retrain

NAMES = ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
ENTRANTS = ["lightgbm", "mean_of_best", "naive", "ridge"]


def published(records: Records) -> Dataset:
    """Train two members, of which one has quantiles, publish their mean, and return what it learnt from."""
    ingest(records, history_days=200)
    built = retrain(records, profile="quick", architectures=ENTRANTS)
    rank(records)
    version = publish(records).version
    history = History(records, "demo", "main")
    if history.standing().pointer is None:
        actions.promote(history, version, actor="a test", reason="to have a champion")
    return Dataset.load(records, built.fingerprint)


def test_an_ensemble_serves_the_intervals_that_were_judged(records: Records):
    dataset = published(records)
    board = board_of(records, "r1")
    champion = load_champion("demo", records.objects)
    assert champion.manifest.architecture in {"mean_of_best", "lightgbm"}
    table = forecasts(records, candidate(records, "r1", champion.manifest.architecture))
    assert (np.diff(table[NAMES].to_numpy(), axis=1) >= 0).all()
    assert "quantile_0.1" not in forecasts(records, candidate(records, "r1", "ridge"))

    line = board.entrant(champion.manifest.architecture)
    assert sum(line.pit) == pytest.approx(1, abs=1e-4)
    assert all(band.wide > 1.05 * band.narrow for band in line.intervals)
    assert all(band.wide == pytest.approx(band.narrow) for band in board.entrant("ridge").intervals)  # 40 days: hours are pooled

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


def test_the_candidates_graph_has_the_quantiles_that_were_stored(records: Records):
    dataset = published(records)
    stored = candidate(records, "r1", "lightgbm")
    table = from_parquet(records.opened(stored.files["predictions.parquet"]), "p")
    rows = table[table["part"] == "test"]
    expected = {"forecast": rows[["forecast"]].to_numpy(), "quantiles": rows[NAMES].to_numpy()}
    check_parity(records.opened(stored.files["model.onnx"]), dataset.contexts(dataset.starts("test")), expected)
    assert len(stored.found.quantiles) == 2
