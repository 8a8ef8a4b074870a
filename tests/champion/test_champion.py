"""Bundle, pointer and consumer: nothing half-written, nothing tampered with."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from tsflow.architectures.baselines import Persistence
from tsflow.bundle.calendar import CALENDAR
from tsflow.bundle.intervals import Intervals
from tsflow.bundle.manifest import (
    FORMAT,
    Column,
    Hours,
    Manifest,
    Metrics,
    PartFacts,
    Scaler,
    Split,
    Target,
    dump,
    read_manifest,
    read_pointer,
)
from tsflow.bundle.reading import read_champion
from tsflow.champion.bundle import write_bundle
from tsflow.champion.pointer import current, promote
from tsflow.client import DataError, IntegrityError, NoChampion, load_champion
from tsflow.errors import SettingsError
from tsflow.storage.codecs import digest, to_json
from tsflow.storage.objects import ObjectStore

NOW = datetime(2021, 1, 1, tzinfo=UTC)


CALENDAR_FEATURES = [Column(name, unit) for name, unit in CALENDAR.items()]


def manifest(version: str = "v1", station: str = "small", task: str = "main") -> Manifest:
    part = PartFacts(10, 5, "2021-01-01", "2021-02-01")
    errors = {f"{short}_{metric}": 1.0 for short in ("train", "val", "test") for metric in ("mae", "rmse")}
    return Manifest(
        format=FORMAT,
        station=station,
        version=version,
        run="r",
        architecture="naive",
        title="Naive",
        settings={},
        features=[Column("T", "degC"), Column("f1", "m/s"), *CALENDAR_FEATURES],
        target=Target("T", "degC", task),
        context_hours=120,
        horizon_hours=24,
        hourly=Hours("subsample", "PT1H"),
        scaler=Scaler([0, 0], [1, 1]),
        split=Split("book", dict.fromkeys(("train", "validation", "test"), part)),
        fingerprint="abc",
        as_of="2021-02-01",
        created_at="2021-02-01",
        seed=1,
        metrics=Metrics(**errors, naive={"train": 1.0, "validation": 1.0, "test": 1.0}),
        libraries={},
        git_commit=None,
        files={},
    )


def publish(objects: ObjectStore, version: str = "v1") -> None:
    files = {"model.onnx": Persistence(120, 4, 0).to_onnx()}
    described = manifest(version)
    promote(objects, described, *write_bundle(objects, described, files), now=NOW)


def test_a_consumer_reads_what_was_published_and_forecasts_in_degrees(objects: ObjectStore):
    publish(objects)
    champion = load_champion("small", objects)
    frame = hourly_rows(200, features=2)
    assert champion.forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)
    assert champion.forecast({name: frame[name].tolist() for name in ("f1", "time", "T")}) == pytest.approx(
        frame["T"].iloc[-1], abs=1e-5
    )
    many = np.zeros((3, 120, 4))
    many[:, -1, 0] = [1, 2, 3]
    assert champion.forecast_many(many).tolist() == [1, 2, 3]


def test_bad_frames_are_refused_with_what_is_wrong(objects: ObjectStore):
    publish(objects)
    champion = load_champion("small", objects)
    frame = hourly_rows(200, features=2)
    with pytest.raises(DataError, match="lacks f1; found time, T"):
        champion.forecast(frame[["time", "T"]])
    with pytest.raises(DataError, match="has 100 rows, the model reads 120"):
        champion.forecast(frame.head(100))
    with pytest.raises(DataError, match="missing values in the last 120 rows of T"):
        champion.forecast(frame.assign(T=frame["T"].where(frame.index != 190)))
    with pytest.raises(DataError, match="expected one row an hour without gaps"):
        champion.forecast(frame.drop(index=[150, 151]))
    with pytest.raises(DataError, match=r"expected an array of shape \[n, 120, 4\]"):
        champion.forecast_many(np.zeros((1, 3, 2)))


def test_a_station_without_champion_says_how_to_get_one(objects: ObjectStore):
    with pytest.raises(NoChampion, match="publish one with `tsflow run --station small`"):
        load_champion("small", objects)


def test_a_forecast_has_intervals_by_the_hour_of_its_target(objects: ObjectStore):
    intervals = Intervals(1, (0.8, 0.95), tuple((-hour, -2.0 * hour - 1) for hour in range(24)), ((1.0, 2.0),) * 24, (100,) * 24)
    files = {"model.onnx": Persistence(120, 4, 0).to_onnx(), "intervals.json": to_json(intervals.to_dict())}
    promote(objects, manifest(), *write_bundle(objects, manifest(), files), now=NOW)
    frame = hourly_rows(130, features=2)
    last, hour = frame["T"].iloc[-1], frame["time"].iloc[-1].hour
    found = load_champion("small", objects).intervals(frame)
    assert found[0.8] == pytest.approx((last - hour, last + 1), abs=1e-5)
    assert found[0.95] == pytest.approx((last - 2 * hour - 1, last + 2), abs=1e-5)
    with pytest.raises(DataError, match="lacks time"):
        load_champion("small", objects).intervals(frame[["T", "f1"]])


@pytest.mark.parametrize("name", ["model.onnx", "card.md", "manifest.json"])
def test_a_changed_byte_anywhere_is_found(objects: ObjectStore, name: str):
    publish(objects)
    key = f"champions/small/v1/{name}"
    body, etag = objects.get_tagged(key)
    objects.swap(key, body[:-1] + bytes([body[-1] ^ 1]), etag)
    with pytest.raises(IntegrityError, match="was changed or damaged"):
        read_champion(objects, "small")


def test_a_missing_file_is_found(objects: ObjectStore):
    publish(objects)
    objects._s3.delete_object(Bucket=objects.bucket, Key="champions/small/v1/model.onnx")
    with pytest.raises(IntegrityError, match=r"model\.onnx: no such object"):
        load_champion("small", objects)


def test_a_pointer_of_a_newer_format_is_refused(objects: ObjectStore):
    objects.swap("champions/small/champion.json", b'{"format": 99}', None)
    with pytest.raises(IntegrityError, match="format 99, this tsflow reads 1"):
        load_champion("small", objects)
    with pytest.raises(IntegrityError, match="not a file of tsflow's"):
        read_manifest(b"[]", "k")


def test_publishing_again_changes_nothing_and_other_bytes_under_a_version_are_refused(objects: ObjectStore):
    publish(objects)
    before = current(objects, "small")
    publish(objects)
    assert current(objects, "small") == before
    with pytest.raises(IntegrityError, match="objects never change"):
        write_bundle(objects, replace(manifest(), seed=2), {"model.onnx": b"other"})


def test_promotions_at_once_all_count_and_the_pointer_is_always_whole(objects: ObjectStore):
    for version in "abcd":
        write_bundle(objects, manifest(version), {"model.onnx": Persistence(120, 4, 0).to_onnx()})

    def promote_one(version: str) -> None:
        publish(objects, version)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(promote_one, "abcd"))
    found = current(objects, "small")
    assert found is not None
    assert found[0].sequence == 4
    assert load_champion("small", objects).manifest.version == found[0].version


def test_a_crash_before_the_swap_leaves_the_old_champion(objects: ObjectStore):
    publish(objects)
    write_bundle(objects, manifest("v2"), {"model.onnx": b"half of it"})
    assert load_champion("small", objects).manifest.version == "v1"


def test_a_frames_time_may_be_a_column_of_timestamps(objects: ObjectStore):
    publish(objects)
    frame = hourly_rows(130, features=2)
    assert isinstance(frame, pd.DataFrame)
    assert load_champion("small", objects).forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)


def test_a_task_has_a_champion_of_its_own(objects: ObjectStore):
    publish(objects)
    files = {"model.onnx": Persistence(120, 4, 1).to_onnx()}
    half_day = manifest("v1", task="half_day")
    promote(objects, half_day, *write_bundle(objects, half_day, files), now=NOW)
    frame = hourly_rows(130, features=2)
    assert load_champion("small", objects).forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)
    assert load_champion("small", objects, task="half_day").forecast(frame) == pytest.approx(frame["f1"].iloc[-1], abs=1e-5)
    with pytest.raises(NoChampion, match="station small, task wind, has no champion"):
        load_champion("small", objects, task="wind")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"station": "other"}, "station is 'other', expected 'small'"),
        ({"version": "v9"}, "manifest_key is 'champions/small/v1/manifest.json', expected 'champions/small/v9/manifest.json'"),
        ({"manifest_key": "champions/other/v1/manifest.json"}, "it was copied there or forged"),
    ],
)
def test_a_pointer_of_another_station_or_version_is_refused(objects: ObjectStore, change: dict[str, str], says: str):
    publish(objects)
    key = "champions/small/champion.json"
    body, etag = objects.get_tagged(key)
    objects.swap(key, dump(replace(read_pointer(body, key), **change)), etag)
    with pytest.raises(IntegrityError, match=says):
        load_champion("small", objects)


def test_a_manifest_of_another_task_is_refused(objects: ObjectStore):
    wind = manifest(task="wind")
    body = dump(wind)
    objects.put_new("champions/small/v1/manifest.json", body)
    promote(objects, manifest(), "champions/small/v1/manifest.json", digest(body), now=NOW)
    with pytest.raises(IntegrityError, match=r"target\.task is 'wind', expected 'main'"):
        load_champion("small", objects)


def test_a_reader_ignores_what_a_newer_tsflow_adds_and_refuses_what_is_missing_or_wrong():
    content = json.loads(dump(manifest()))
    more = {**content, "colour": "red", "target": {**content["target"], "height_m": 2}}
    assert read_manifest(json.dumps(more).encode(), "k") == manifest()
    for wrong in ({**content, "features": "T"}, {name: content[name] for name in content if name != "target"}):
        with pytest.raises(IntegrityError, match="k: not a bundle's manifest"):
            read_manifest(json.dumps(wrong).encode(), "k")


def test_without_an_object_store_named_none_of_the_wide_world_is_asked():
    with pytest.raises(SettingsError, match="no object store is named: set TSFLOW_OBJECT_STORE__ENDPOINT_URL"):
        load_champion("small")
