"""Intervals that count in a model's own spread, as a consumer meets them; bundles without them read on as before."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bundles import files, frame, manifest, model, point
from tsflow.architectures.graphs import sorted_quantiles
from tsflow.bundle.intervals import Intervals, Spread
from tsflow.bundle.manifest import FORMAT, Pointer, Target
from tsflow.bundle.reading import read_champion
from tsflow.champion.bundle import write_bundle
from tsflow.client import load_champion
from tsflow.errors import IntegrityError
from tsflow.storage.codecs import to_json
from tsflow.storage.objects import ObjectStore

SCALED = Intervals(2, (0.8,), ((-0.5,),) * 24, ((0.25,),) * 24, (100,) * 24, Spread(0.1, 0.9, least=2.0))
QUANTILES = [0.1, 0.5, 0.9]


def publish(objects: ObjectStore, *, levels: list[float], onnx: bytes | None = None, intervals: Intervals = SCALED) -> None:
    """A model whose quantiles are T, p and the hour: 6.38, 1003.5 and 23."""
    spread = onnx or sorted_quantiles(model(0), [model(1), model(2)], (120, 4))
    held = {**files(0), "model.onnx": spread, "scaled_intervals.json": to_json(intervals.to_dict())}
    key, sha256 = write_bundle(objects, manifest(target=Target("T", "degC", quantiles=levels)), held)
    point(objects, Pointer(FORMAT, "small", "v1", key, sha256, "2021-02-01T00:00:00+00:00", 1))


def test_an_interval_is_as_wide_as_the_model_is_unsure(objects: ObjectStore):
    publish(objects, levels=QUANTILES)
    champion = load_champion("small", objects)
    rows = frame()
    spread = float(rows["p"][-1] - rows["T"][-1])
    assert champion.forecast(rows) == pytest.approx(6.38, abs=1e-4)
    assert champion.intervals(rows)[0.8] == pytest.approx((6.38 - 0.5 * spread, 6.38 + 0.25 * spread), abs=1e-2)
    sure = frame(p=np.full(120, 950.0), T=np.full(120, 22.9))
    lower, upper = champion.intervals(sure)[0.8]
    assert upper - lower == pytest.approx(0.75 * (950 - 22.9), abs=1e-2)


def test_a_model_that_is_surer_than_it_may_be_keeps_the_least_spread(objects: ObjectStore):
    publish(objects, levels=QUANTILES, onnx=sorted_quantiles(model(0), [model(0), model(0)], (120, 4)))
    assert load_champion("small", objects).intervals(frame())[0.8] == pytest.approx((6.38 - 1.0, 6.38 + 0.5), abs=1e-4)


def test_what_an_older_client_reads_lies_beside_it(objects: ObjectStore):
    publish(objects, levels=QUANTILES)
    held = read_champion(objects, "small", wanted={"model.onnx", "intervals.json"})  # what tsflow 0.1 asks for
    older = Intervals.from_dict(json.loads(held.files["intervals.json"]))
    assert older.around([6.38], np.array(["2021-03-06T23:00"], dtype="datetime64[s]")).tolist() == [[[5.38, 7.38]]]


@pytest.mark.parametrize(
    ("levels", "onnx"),
    [([], None), ([0.2, 0.5, 0.8], None), (QUANTILES, model(0))],
    ids=["none named", "others named", "none in the model"],
)
def test_intervals_of_quantiles_that_the_model_lacks_are_refused_before_a_forecast(
    objects: ObjectStore, levels: list[float], onnx: bytes | None
):
    publish(objects, levels=levels, onnx=onnx)
    with pytest.raises(IntegrityError, match=r"counts in quantiles that model\.onnx does not forecast; publish it again"):
        load_champion("small", objects)


def test_scaled_intervals_that_were_damaged_are_refused_by_their_name(objects: ObjectStore):
    publish(objects, levels=QUANTILES, intervals=replace(SCALED, spread=Spread(0.9, 0.1, least=2.0)))
    with pytest.raises(IntegrityError, match=r"v1/scaled_intervals\.json: expected a spread between two rising quantiles"):
        load_champion("small", objects)
