"""The cache on disk: what a reader starts with while the store is away, and never anything but verified bytes."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bundles import frame, point, publish, put, remove
from line import line_to
from tsflow.client import IntegrityError, StorageUnavailable, default_cache, load_champion
from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectStore

T, P = pytest.approx(6.38, abs=1e-4), pytest.approx(1003.5, abs=1e-3)
NOTHING_TO_FETCH = ("model.onnx", "intervals.json", "manifest.json")


def kept(folder: Path) -> dict[str, Path]:
    """Every file of the cache: the pointer, and the others by hash."""
    return {path.name: path for path in folder.rglob("*") if path.is_file()}


def test_the_default_folder_is_one_of_the_users_caches_or_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("TSFLOW_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "tsflow"
    monkeypatch.setenv("TSFLOW_CACHE", "/somewhere")
    assert default_cache() == Path("/somewhere")


def test_what_is_in_the_cache_is_not_fetched_again(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    load_champion("small", objects, cache=tmp_path)
    for name in NOTHING_TO_FETCH:
        remove(objects, f"champions/small/v1/{name}")
    champion = load_champion("small", objects, cache=tmp_path)
    assert champion.forecast(frame()) == T
    assert champion.problem is None
    assert len(kept(tmp_path)) == 4
    with pytest.raises(IntegrityError, match="no such object"):
        load_champion("small", objects)


def test_without_a_cache_nothing_is_written(objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TSFLOW_CACHE", str(tmp_path))
    publish(objects)
    load_champion("small", objects)
    assert kept(tmp_path) == {}


def test_with_the_store_away_the_last_good_champion_comes_from_the_cache(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    with line_to(objects) as (line, store):
        load_champion("small", store, cache=tmp_path)
        publish(objects, "v2", 1, sequence=2)
        line.cut()
        champion = load_champion("small", store, cache=str(tmp_path))
        assert champion.forecast(frame()) == T
        assert "version v1 is the last good one, from the cache" in str(champion.problem)
        with pytest.raises(StorageUnavailable, match="start it"):
            load_champion("small", store)
        with pytest.raises(StorageUnavailable, match="start it"):
            load_champion("other", store, cache=tmp_path)
        with pytest.raises(StorageUnavailable):
            load_champion("small", store, cache=tmp_path, task="wind")
        line.mend()
        assert champion.refresh() is True
        assert champion.problem is None
        assert champion.forecast(frame()) == P
        line.cut()
        assert load_champion("small", store, cache=tmp_path).forecast(frame()) == P, "a refresh fills the cache, too"


def test_stores_do_not_share_a_champion(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    load_champion("small", objects, cache=tmp_path)
    url = "http://127.0.0.1:9"
    elsewhere = ObjectStore(bucket=objects.bucket, endpoint_url=url, access_key_id="a", secret_access_key="b", attempts=1)
    with pytest.raises(StorageUnavailable):
        load_champion("small", elsewhere, cache=tmp_path)


@pytest.mark.parametrize(
    "damage",
    [lambda body: body[:-1] + bytes([body[-1] ^ 1]), lambda body: body[:20], lambda body: b""],
    ids=["changed", "cut short", "empty"],
)
def test_a_damaged_file_of_the_cache_is_fetched_again(objects: ObjectStore, tmp_path: Path, damage: Callable[[bytes], bytes]):
    publish(objects)
    load_champion("small", objects, cache=tmp_path)
    before = {name: path.read_bytes() for name, path in kept(tmp_path).items()}
    for path in kept(tmp_path).values():
        path.write_bytes(damage(path.read_bytes()))
    champion = load_champion("small", objects, cache=tmp_path)
    assert champion.problem is None
    assert champion.forecast(frame()) == T
    assert {name: path.read_bytes() for name, path in kept(tmp_path).items()} == before


def test_every_flipped_byte_of_the_kept_pointer_is_seen(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    with line_to(objects) as (line, store):
        load_champion("small", store, cache=tmp_path)
        line.cut()
        path = kept(tmp_path)["pointer"]
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(StorageUnavailable):
                load_champion("small", store, cache=tmp_path)
        path.write_bytes(whole)
        assert load_champion("small", store, cache=tmp_path).forecast(frame()) == T


def test_a_damaged_model_in_the_cache_is_never_used_while_the_store_is_away(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    with line_to(objects) as (line, store):
        load_champion("small", store, cache=tmp_path)
        line.cut()
        largest = max(kept(tmp_path).values(), key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:-1])
        with pytest.raises(StorageUnavailable):
            load_champion("small", store, cache=tmp_path)


def test_an_old_pointer_is_refused_across_starts(objects: ObjectStore, tmp_path: Path):
    old = publish(objects, sequence=6)
    publish(objects, "v2", 1, sequence=7)
    load_champion("small", objects, cache=tmp_path)
    point(objects, old)
    with pytest.raises(IntegrityError, match=f"an old pointer was put back.* or delete {tmp_path}"):
        load_champion("small", objects, cache=tmp_path)
    assert load_champion("small", objects).pointer.sequence == 6, "who keeps nothing cannot know; see at_least"


def test_what_another_program_saw_counts_for_a_refresh(objects: ObjectStore, tmp_path: Path):
    old = publish(objects, sequence=6)
    mine = load_champion("small", objects, cache=tmp_path)
    publish(objects, "v2", 1, sequence=8)
    load_champion("small", objects, cache=tmp_path)
    point(objects, replace(old, sequence=7))
    assert mine.refresh() is False
    assert "8 of v2 was seen before" in str(mine.problem)


def test_demands_hold_for_the_cache_too(objects: ObjectStore, tmp_path: Path):
    publish(objects, sequence=6)
    with line_to(objects) as (line, store):
        load_champion("small", store, cache=tmp_path)
        line.cut()
        with pytest.raises(IntegrityError, match="sequence 6, expected at least 7"):
            load_champion("small", store, cache=tmp_path, at_least=7)


def test_what_fails_its_checks_is_not_kept(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    champion = load_champion("small", objects, cache=tmp_path)
    before = kept(tmp_path)["pointer"].read_bytes()
    wrong = publish(objects, "v2", 1, sequence=2)
    put(objects, "champions/small/v2/model.onnx", b"\x00")
    assert champion.refresh() is False
    assert kept(tmp_path)["pointer"].read_bytes() == before
    assert wrong.manifest_sha256 in kept(tmp_path), "its manifest was whole, though"


def test_eight_readers_share_a_folder(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_champion("small", objects, cache=tmp_path).forecast(frame()), range(32)))
    assert found == [T] * 32
    assert len(kept(tmp_path)) == 4, "no unfinished file stays"


def test_files_of_old_versions_go_after_a_day(objects: ObjectStore, tmp_path: Path):
    publish(objects)
    champion = load_champion("small", objects, cache=tmp_path)
    old = set(kept(tmp_path)) - {"pointer"}
    publish(objects, "v2", 1, sequence=2)
    assert champion.refresh()
    assert old < set(kept(tmp_path)), "another program may be reading it"
    for name in old:
        os.utime(kept(tmp_path)[name], (0, 0))
    publish(objects, "v3", 1, sequence=3)
    assert champion.refresh()
    assert old & set(kept(tmp_path)) == set()


def test_a_folder_that_cannot_be_is_said_at_once(objects: ObjectStore, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="no folder can be made there"):
        load_champion("small", objects, cache=tmp_path / "file")


def test_a_full_disk_costs_the_cache_and_not_the_champion(
    objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    publish(objects)
    monkeypatch.setattr("tsflow.client.cache.NamedTemporaryFile", full)
    with caplog.at_level(logging.WARNING):
        assert load_champion("small", objects, cache=tmp_path).forecast(frame()) == T
    assert "No space left on device" in caplog.text


def test_a_cache_of_a_newer_tsflow_is_left_alone(objects: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    from tsflow.client.cache import Cache, KeptPointer
    from tsflow.client.source import address_of

    publish(objects)
    Cache(tmp_path, address_of(objects, "small", "main")).keep_pointer(KeptPointer(b'{"format": 99}', '"1"'), [])
    assert load_champion("small", objects, cache=tmp_path).problem is None
    assert "format 99, this tsflow reads 1" in caplog.text
