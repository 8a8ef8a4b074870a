"""The consumer's life: inputs refused by name, a cache, refresh, a store that is away, a pointer that was put back, signatures."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from published import current, described, promote
from tsflow.architectures.baselines import Persistence
from tsflow.bundle.manifest import dump, read_pointer
from tsflow.bundle.signature import sign, verify
from tsflow.champion import actions
from tsflow.champion.audit import audit
from tsflow.champion.bundle import write_bundle
from tsflow.champion.history import History
from tsflow.client import DataError, IntegrityError, NoForecast, StorageUnavailable, forecast_latest, load_champion
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectStore

KEY = "champions/small/champion.json"
LATE = pd.Timedelta(minutes=31)


def publish(objects: ObjectStore, version: str, column: int = 0) -> None:
    """Publish a model that says what a column says now: 0 is T, 1 is f1."""
    told = described(version)
    promote(objects, told, *write_bundle(objects, told, {"model.onnx": Persistence(120, 4, column).to_onnx(), "model.keras": b"x"}))


@pytest.fixture
def frame() -> pd.DataFrame:
    return hourly_rows(130, features=2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.assign(f1=rows["f1"].where(rows.index != 100, -9999.0)), "f1 is -9999 at .*stands for a missing value"),
        (lambda rows: rows.assign(T=rows["T"] + 273.15), "T is 28.* at .*the station measures -40 to 45 degC; check the unit"),
        (lambda rows: rows.assign(time=rows["time"].where(rows.index != 99, rows["time"] + LATE)), "one row an hour"),
        (lambda rows: {**rows, "time": rows["time"][:-1]}, "has the shape \\[130\\], time has 129 rows"),
        (lambda rows: {**rows, "T": ["warm"] * len(rows)}, "T holds something that is no number"),
        (lambda rows: {**rows, "T": [[1.0], [1.0, 2.0]]}, "T holds something that is no number"),
        (lambda rows: {**rows, "time": ["soon"] * len(rows)}, "time 'soon' is no date and time"),
        (lambda rows: rows.assign(T=rows["T"].where(rows.index != 128)), "missing values in the last 120 rows of T"),
    ],
)
def test_what_the_model_never_saw_is_refused_by_name(objects: ObjectStore, frame: pd.DataFrame, change, says: str):
    publish(objects, "v1")
    champion = load_champion("small", objects)
    assert champion.forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)
    for call in (champion.forecast, champion.intervals):
        with pytest.raises(DataError, match=says):
            call(change(frame))


def test_many_windows_are_checked_too(objects: ObjectStore):
    publish(objects, "v1")
    champion = load_champion("small", objects)
    windows = np.zeros((3, 120, 4))
    windows[1, 7, 0] = np.nan
    with pytest.raises(DataError, match="T is missing in window 1, hour 7"):
        champion.forecast_many(windows)
    windows[1, 7, 0] = 99
    with pytest.raises(DataError, match="T is 99 in window 1, hour 7; the station measures -40 to 45 degC"):
        champion.forecast_many(windows)
    with pytest.raises(DataError, match="not of one length"):
        champion.forecast_many([[1.0], [1.0, 2.0]])


def test_times_with_a_zone_are_those_of_the_stations_clock(objects: ObjectStore, frame: pd.DataFrame):
    told = described("v1")
    intervals = {"model.onnx": Persistence(120, 4, 2).to_onnx()}  # says the hour of the day
    promote(objects, told, *write_bundle(objects, told, intervals))
    champion = load_champion("small", objects)
    hour = champion.forecast(frame)
    assert hour == frame["time"].iloc[-1].hour
    zoned = frame.assign(time=frame["time"].dt.tz_localize("Etc/GMT-3") + pd.Timedelta(hours=2))  # the same moments, two hours on
    assert champion.forecast(zoned) == hour
    texts = {**frame, "time": [f"{time:%Y-%m-%dT%H:%M:%S}+01:00" for time in frame["time"]]}
    assert champion.forecast(texts) == hour


def test_an_old_bundle_takes_no_zone_whose_offset_it_does_not_know(objects: ObjectStore, frame: pd.DataFrame):
    told = described("v1")
    old = replace(told, hourly=replace(told.hourly, utc_offset_hours=None))
    promote(objects, old, *write_bundle(objects, old, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))
    champion = load_champion("small", objects)
    assert champion.forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)
    for zoned in (frame["time"].dt.tz_localize("UTC"), [f"{time:%Y-%m-%dT%H:%M:%S}+01:00" for time in frame["time"]]):
        with pytest.raises(DataError, match="does not tell the station's clock"):
            champion.forecast({**frame, "time": zoned})


def test_a_day_of_summer_time_is_no_gap(objects: ObjectStore):
    publish(objects, "v1")
    rows = hourly_rows(130, features=2, start="2021-03-25")
    zoned = rows.assign(time=rows["time"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"))
    assert load_champion("small", objects).forecast(zoned) == pytest.approx(rows["T"].iloc[-1], abs=1e-5)


def test_keys_that_are_refused_later_leave_the_last_good_one(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch):
    publish(objects, "v1")
    champion = load_champion("small", objects)
    refused = ObjectStore(bucket=objects.bucket, endpoint_url=objects.endpoint_url, access_key_id="a", secret_access_key="b")
    monkeypatch.setattr(objects, "_s3", refused._s3)
    assert champion.refresh() is False
    assert "StorageDenied" in str(champion.problem)


def test_only_what_is_needed_is_fetched_once_and_a_damaged_cache_is_fetched_again(
    objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(objects, "v1")
    asked: list[str] = []
    get = ObjectStore.get
    monkeypatch.setattr(ObjectStore, "get", lambda self, key: asked.append(key) or get(self, key))
    load_champion("small", objects, cache=tmp_path)
    assert sorted(key.rpartition("/")[2] for key in asked) == ["manifest.json", "model.onnx"]
    asked.clear()
    load_champion("small", objects, cache=tmp_path)
    assert asked == []
    for path in (tmp_path / "files").iterdir():
        path.write_bytes(b"damaged")
    assert load_champion("small", objects, cache=tmp_path).manifest.version == "v1"
    assert len(asked) == 2


def away(objects: ObjectStore) -> ObjectStore:
    """The store as it is while nobody answers: same address for the cache, a dead port."""
    gone = ObjectStore(
        bucket=objects.bucket, endpoint_url="http://127.0.0.1:9", access_key_id="a", secret_access_key="b", attempts=1
    )
    gone.endpoint_url = objects.endpoint_url
    return gone


def test_a_store_that_is_away_at_the_start_or_later_leaves_the_last_good_champion(
    objects: ObjectStore, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(objects, "v1")
    with pytest.raises(StorageUnavailable):
        load_champion("small", away(objects), cache=tmp_path)
    champion = load_champion("small", objects, cache=tmp_path)
    later = load_champion("small", away(objects), cache=tmp_path)
    assert later.manifest.version == "v1"
    assert "StorageUnavailable" in str(later.problem)
    assert later.forecast(frame) == champion.forecast(frame)
    publish(objects, "v2")
    monkeypatch.setattr(objects, "_s3", away(objects)._s3)
    assert champion.refresh() is False
    assert "not reachable" in str(champion.problem)
    with pytest.raises(StorageUnavailable):
        champion.refresh(strict=True)
    monkeypatch.undo()
    assert champion.refresh() is True
    assert (champion.manifest.version, champion.problem) == ("v2", None)
    assert champion.refresh() is False, "nothing new"


def test_a_pointer_that_was_put_back_is_refused(objects: ObjectStore):
    publish(objects, "v1")
    old = objects.get(KEY)
    publish(objects, "v2")
    champion = load_champion("small", objects)
    objects.swap(KEY, old, objects.get_tagged(KEY)[1])
    assert champion.refresh() is False
    assert "number 1, number 2 was seen before" in str(champion.problem)
    with pytest.raises(IntegrityError, match="number 1, at least 2 is demanded"):
        load_champion("small", objects, at_least=2)


def test_how_old_a_model_is_is_said(objects: ObjectStore):
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    told = described("v1", as_of=(now - timedelta(days=5)).isoformat())
    promote(objects, told, *write_bundle(objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))
    champion = load_champion("small", objects)
    assert abs(champion.age - timedelta(days=5)) < timedelta(minutes=1)
    assert champion.stale
    assert not load_champion("small", objects, stale_after=timedelta(days=6)).stale


def test_eight_threads_never_see_a_mixture_while_the_champion_changes_and_the_store_comes_and_goes(
    objects: ObjectStore, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    publish(objects, "v0", 0)
    champion = load_champion("small", objects)
    right = {round(float(frame[name].iloc[-1]), 4) for name in ("T", "f1")}
    stop, wrong, count = threading.Event(), [], [0] * 8

    def consumer(number: int) -> None:
        while not stop.is_set():
            if number == 0:
                champion.refresh()
            if round(champion.forecast(frame), 4) not in right:
                wrong.append(number)
            count[number] += 1

    threads = [threading.Thread(target=consumer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    working, gone = objects._s3, away(objects)._s3
    for number in range(1, 7):
        publish(objects, f"v{number}", number % 2)
        objects._s3 = gone
        champion.refresh()
        objects._s3 = working
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert min(count) > 0
    champion.refresh(strict=True)
    assert champion.manifest.version == "v6"


def test_two_hundred_byte_flips_swaps_and_cuts_are_refused_and_the_last_good_one_stays(objects: ObjectStore, frame: pd.DataFrame):
    publish(objects, "v1", 0)
    champion = load_champion("small", objects, cache=None)
    good = champion.forecast(frame)
    publish(objects, "v2", 0)
    pointer = current(objects, "small")
    keys = [KEY, pointer.manifest_key, "champions/small/v2/model.onnx"]
    random = np.random.default_rng(0)
    kept = {key: objects.get(key) for key in keys}
    harmless = 0
    for number in range(200):
        key = keys[number % 3]
        body = bytearray(kept[key])
        body[int(random.integers(len(body)))] ^= int(random.integers(1, 256))
        objects.swap(key, bytes(body), objects.get_tagged(key)[1])
        try:
            same = key == KEY and read_pointer(bytes(body), KEY).manifest_sha256 == pointer.manifest_sha256
        except IntegrityError:
            same = False
        with_damage = load_champion("small", objects, cache=None) if same and _loads(objects) else None
        if with_damage is not None:
            harmless += 1  # a blank, a time, a number that was counted up: nothing that says which model it is
            assert with_damage.forecast(frame) == good
        else:
            with pytest.raises(IntegrityError, match=r"champions/small/|number"):
                load_champion("small", objects, cache=None)
            assert champion.refresh() is False
            assert champion.problem
            assert champion.forecast(frame) == good
        objects.swap(key, kept[key], objects.get_tagged(key)[1])
    assert harmless < 40
    first, second = "champions/small/v1/model.onnx", "champions/small/v2/manifest.json"
    for key, body in ((keys[2], kept[keys[2]][:-7]), (keys[1], objects.get(first)), (keys[2], kept[second])):
        objects.swap(key, body, objects.get_tagged(key)[1])
        with pytest.raises(IntegrityError, match="was changed or damaged"):
            load_champion("small", objects, cache=None)
        objects.swap(key, kept[key], objects.get_tagged(key)[1])
    assert champion.refresh() is True


def _loads(objects: ObjectStore) -> bool:
    try:
        load_champion("small", objects, cache=None)
    except IntegrityError:
        return False
    return True


def keys_of() -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_reader_that_demands_a_signature_takes_no_other_pointer(objects: ObjectStore, tmp_path: Path):
    (private, public), (_, other) = keys_of(), keys_of()
    publish(objects, "v1")
    with pytest.raises(IntegrityError, match="the pointer is not signed, a signature is demanded"):
        load_champion("small", objects, public_key=public)
    write_bundle(objects, described("v2"), {"model.onnx": Persistence(120, 4, 0).to_onnx()})
    actions.promote(History(Records(objects), "small", private_key=private), "v2", actor="ada", reason="signed")
    path = tmp_path / "signing.pub.pem"
    path.write_bytes(public)
    assert load_champion("small", objects, public_key=path).manifest.version == "v2"
    assert load_champion("small", objects).manifest.version == "v2", "who demands none reads it all the same"
    with pytest.raises(IntegrityError, match="the signature is not of this pointer and key"):
        load_champion("small", objects, public_key=other)
    signed = current(objects, "small")
    verify(signed, public, KEY)
    forged = replace(signed, station="other")
    with pytest.raises(IntegrityError, match="it was forged or changed"):
        verify(forged, public, KEY)
    assert sign(signed, private) == signed.signature


def test_an_audit_finds_orphans_and_damage(objects: ObjectStore):
    publish(objects, "2026v1")
    publish(objects, "2026v2")
    write_bundle(objects, described("2026v3"), {"model.onnx": b"never published"})
    history = History(Records(objects), "small")
    found = audit(history)
    assert (found.whole, found.orphans, found.damage) == (["2026v1", "2026v2"], ["2026v3"], [])
    key = "champions/small/2026v1/model.onnx"
    objects.swap(key, b"?", objects.get_tagged(key)[1])
    assert "version 2026v1" in audit(history).damage[0]
    pointer = read_pointer(objects.get(KEY), KEY)
    objects.swap(KEY, dump(replace(pointer, version="2026v1")), objects.get_tagged(KEY)[1])
    assert any("the pointer says version 2026v1, entry 2 of the history says another one" in one for one in audit(history).damage)


def test_a_station_without_forecast_says_so(objects: ObjectStore):
    with pytest.raises(NoForecast, match="nothing was forecast for station small, task main yet"):
        forecast_latest("small", objects)
    objects.put_new("forecasts/small/main/latest.json", b'{"status": "none", "made_at": "2026-01-01T00:00:00Z"}')
    assert forecast_latest("small", objects)["age_seconds"] > 0
