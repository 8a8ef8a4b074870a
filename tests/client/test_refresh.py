"""Keeping up with the store: a champion that changes under a reader, and a store that goes and comes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from bundles import HOURLY, POINTER, frame, manifest, point, publish, remove, write
from line import line_to
from tsflow.bundle.manifest import FORMAT, Pointer
from tsflow.bundle.reading import read_bundle, read_champion
from tsflow.champion.bundle import write_bundle
from tsflow.client import IntegrityError, NoChampion, StorageDenied, StorageUnavailable, load_champion
from tsflow.client.champion import Champion
from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectMissing, ObjectStore

T, P = pytest.approx(6.38, abs=1e-4), pytest.approx(1003.5, abs=1e-3)  # what the models of v1 and v2 say of `frame()`


def test_a_pointer_that_is_unchanged_is_not_sent_again(objects: ObjectStore):
    publish(objects)
    body, etag = objects.get_tagged(POINTER)
    assert objects.get_if_changed(POINTER, etag) is None
    assert objects.get_if_changed(POINTER, '"0"') == (body, etag)
    with pytest.raises(ObjectMissing, match="no such object"):
        objects.get_if_changed("nothing", etag)


def test_refresh_takes_over_a_new_champion_and_only_a_new_one(objects: ObjectStore):
    publish(objects)
    champion = load_champion("small", objects)
    held = champion.model
    assert champion.refresh() is False
    assert champion.model is held
    publish(objects, "v2", 1, sequence=2)
    assert champion.forecast(frame()) == T, "nothing changes unasked"
    assert champion.refresh() is True
    assert champion.manifest.version == champion.pointer.version == "v2"
    assert champion.forecast(frame()) == P
    assert champion.intervals(frame()) == {0.8: (pytest.approx(1001.5), pytest.approx(1005.5))}
    assert held.forecast(frame()) == T, "who holds a version keeps it"
    assert champion.problem is None


def test_a_reader_fetches_only_what_a_forecast_needs_and_those_who_verify_everything(objects: ObjectStore):
    publish(objects)
    for name in ("model.keras", "card.md", "scaler.json"):
        remove(objects, f"champions/small/v1/{name}")
    champion = load_champion("small", objects)
    assert sorted(champion.files) == ["intervals.json", "model.onnx"]
    with pytest.raises(IntegrityError, match=r"champions/small/v1/\w+\.\w+: no such object"):
        read_champion(objects, "small")


def test_while_the_store_is_away_the_last_good_champion_answers(objects: ObjectStore):
    publish(objects)
    with line_to(objects) as (line, store):
        champion = load_champion("small", store)
        line.cut()
        assert champion.refresh() is False
        assert "not reachable" in str(champion.problem)
        assert champion.forecast(frame()) == T
        with pytest.raises(StorageUnavailable, match="start it"):
            champion.refresh(strict=True)
        assert champion.problem
        line.mend()
        assert champion.refresh() is False
        assert champion.problem is None


@pytest.mark.parametrize("size", [10, 500, 1_500, 5_000])
def test_a_store_that_dies_in_the_middle_of_an_answer_leaves_the_last_good_champion(objects: ObjectStore, size: int):
    publish(objects)
    with line_to(objects) as (line, store):
        champion = load_champion("small", store)
        publish(objects, "v2", 1, sequence=2)
        line.cut_after(size)
        assert champion.refresh() is False
        assert champion.problem
        assert champion.forecast(frame()) == T
        line.mend()
        assert champion.refresh() is True
        assert champion.forecast(frame()) == P


def test_a_store_that_stops_and_starts_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tsflow.settings import load_settings
    from tsflow.stack.objects import object_store

    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    with object_store(load_settings()) as settings:
        store = settings.open()
        publish(store)
        champion = load_champion("small", store, cache=tmp_path / "cache")
    assert champion.refresh() is False
    assert champion.problem
    assert champion.forecast(frame()) == T
    again = load_champion("small", store, cache=tmp_path / "cache")
    assert again.problem
    assert again.forecast(frame()) == T
    with object_store(load_settings()) as settings:
        publish(settings.open(), "v2", 1, sequence=2)
        if settings.endpoint_url == store.endpoint_url:  # else another program has taken the port meanwhile
            assert champion.refresh() is True
            assert champion.forecast(frame()) == P


def test_eight_threads_forecast_while_the_champion_changes_and_the_store_comes_and_goes(objects: ObjectStore):
    """Each answer is that of one of the two versions, each interval that of the same version as its middle."""
    versions = [write(objects, "v1", 0), write(objects, "v2", 1)]
    point(objects, versions[0])
    done, given = Event(), frame()
    with line_to(objects) as (line, store):
        champion = load_champion("small", store)

        def forecasts(number: int) -> list[tuple[float, float, float]]:
            answers = []
            while not done.is_set():
                if number < 2:
                    champion.refresh()
                low, high = champion.intervals(given)[0.8]
                answers.append((champion.forecast(given), (low + high) / 2, high - low))
            return answers

        with ThreadPoolExecutor(8) as pool:
            threads = [pool.submit(forecasts, number) for number in range(8)]
            try:
                for sequence in range(2, 62):
                    if sequence % 3 == 0:
                        line.cut()
                        champion.refresh()
                        assert champion.problem
                    point(objects, replace(versions[(sequence - 1) % 2], sequence=sequence))
                    line.mend()
                    while champion.pointer.sequence < sequence:
                        champion.refresh()
            finally:
                done.set()
            answers = [answer for thread in threads for answer in thread.result()]
        champion.refresh(strict=True)
    assert champion.problem is None
    assert len(answers) > 100
    rounded = {(round(forecast, 2), round(middle, 2), round(width, 2)) for forecast, middle, width in answers}
    assert {forecast for forecast, _, _ in rounded} == {6.38, 1003.5}
    assert {(middle, width) for _, middle, width in rounded} == {(6.38, 2.0), (1003.5, 4.0)}


def test_an_old_pointer_that_is_put_back_is_refused(objects: ObjectStore):
    old = publish(objects, sequence=6)
    champion = load_champion("small", objects)
    publish(objects, "v2", 1, sequence=7)
    assert champion.refresh()
    point(objects, old)
    assert champion.refresh() is False
    says = "champion.json: sequence 6 of version v1; 7 of v2 was seen before, expected a higher one; an old pointer was put back"
    assert says in str(champion.problem)
    with pytest.raises(IntegrityError, match="an old pointer was put back"):
        champion.refresh(strict=True)
    assert champion.refresh() is False
    assert says in str(champion.problem), "it is so for as long as the old one stands there"
    assert champion.forecast(frame()) == P
    point(objects, replace(old, sequence=7))
    assert champion.refresh() is False, "a number has one version"
    point(objects, replace(old, sequence=8))
    assert champion.refresh() is True, "a champion may return, under a higher number"
    assert champion.forecast(frame()) == T


def test_keys_that_are_refused_leave_the_last_good_one(objects: ObjectStore):
    publish(objects)
    champion = load_champion("small", objects)
    wrong = ObjectStore(bucket=objects.bucket, endpoint_url=objects.endpoint_url, access_key_id="a", secret_access_key="b")
    champion._source = replace(champion._source, objects=wrong)
    assert champion.refresh() is False
    assert "refused" in str(champion.problem)
    with pytest.raises(StorageDenied, match="check the keys"):
        champion.refresh(strict=True)
    assert champion.forecast(frame()) == T


def test_a_reader_may_demand_a_lowest_sequence(objects: ObjectStore):
    publish(objects, sequence=6)
    assert load_champion("small", objects, at_least=6).pointer.sequence == 6
    with pytest.raises(IntegrityError, match=r"champion\.json: sequence 6, expected at least 7"):
        load_champion("small", objects, at_least=7)


def test_a_champion_that_is_taken_away_leaves_the_last_good_one(objects: ObjectStore):
    publish(objects)
    champion = load_champion("small", objects)
    remove(objects, POINTER)
    assert champion.refresh() is False
    assert "station small has no champion" in str(champion.problem)
    with pytest.raises(NoChampion):
        champion.refresh(strict=True)
    assert champion.forecast(frame()) == T


def test_a_new_model_that_cannot_be_loaded_is_refused_for_as_long_as_the_pointer_means_it(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    champion = load_champion("small", objects, cache=tmp_path)
    key, sha256 = write_bundle(objects, manifest("v2"), {"model.onnx": b"no model, though it is what was published"})
    point(objects, Pointer(FORMAT, "small", "v2", key, sha256, "2021-02-01", 2))
    for _ in range(2):
        assert champion.refresh() is False
        assert "champions/small/v2/manifest.json: model.onnx cannot be loaded" in str(champion.problem)
        assert champion.forecast(frame()) == T
    url = "http://127.0.0.1:9"
    away = ObjectStore(bucket=objects.bucket, endpoint_url=url, access_key_id="a", secret_access_key="b", attempts=1)
    assert replace(champion._source, objects=away).first().model.pointer.version == "v1", "nor is it kept for later"
    publish(objects, "v3", 1, sequence=3)
    assert champion.refresh() is True
    assert champion.problem is None


@pytest.mark.parametrize(("offset", "hours"), [(1.0, 25), (0.0, 24), (-5.5, 18.5)])
def test_age_counts_from_the_as_of_by_the_stations_clock(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, offset: float, hours: float
):
    monkeypatch.setattr("tsflow.client.clock.utc_now", lambda: datetime(2021, 2, 2, tzinfo=UTC))
    publish(objects, hourly=replace(HOURLY, utc_offset_hours=offset), as_of="2021-02-01T00:00:00")
    champion = load_champion("small", objects)
    assert champion.age == timedelta(hours=hours)
    assert not champion.stale
    assert load_champion("small", objects, stale_after=timedelta(hours=hours - 1)).stale
    assert not load_champion("small", objects, stale_after=timedelta(hours=hours)).stale


def test_a_champion_of_a_bundle_knows_no_store(objects: ObjectStore):
    champion = Champion(read_bundle(objects, publish(objects), "small"))
    with pytest.raises(SettingsError, match="use load_champion"):
        champion.refresh()
