"""Observations that another program puts into an object store."""

from pathlib import Path

import pytest
import yaml

from conftest import write_station
from tests_support import csv_file, row
from tsflow.errors import SettingsError, SourceFormatError, StorageDenied
from tsflow.records.ingest import Batch
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings
from tsflow.stations.station import Station, load_station
from workflow import ingest


@pytest.fixture
def station(
    home: Path, small: Station, records: Records, store_settings: ObjectStoreSettings, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A station whose files lie beside tsflow's own objects in the test's bucket."""
    keys = store_settings.access_key_id, store_settings.secret_access_key
    for name, key in zip(("LOGGER_KEY", "LOGGER_SECRET"), keys, strict=True):
        assert key is not None
        monkeypatch.setenv(name, key.get_secret_value())
    where = {
        "kind": "objects",
        "bucket": records.objects.bucket,
        "prefix": "logger/",
        "endpoint_url": records.objects.endpoint_url,
        "access_key_variable": "LOGGER_KEY",
        "secret_key_variable": "LOGGER_SECRET",
    }
    path = write_station(home / "include" / "stations" / "small.yaml", small)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "sources": {"bucket": where}}, sort_keys=False))
    return path


def hours(first: int, last: int) -> bytes:
    return csv_file(*(row(hour, f"{hour % 24}.5") for hour in range(first, last)))


def taken(records: Records, name: str) -> tuple[int, int]:
    done = ingest(records, name, station="small", as_of="2021-01-05", history_days=None)
    return done.new_rows, records.read(Batch, ingest=name).unchanged


def test_objects_are_read_in_order_and_again_only_if_they_changed(records: Records, station: Path):
    records.objects.put_new("logger/2021-01-01.csv", hours(0, 24))
    records.objects.put_new("logger/2021-01-02.csv", hours(24, 30))
    assert taken(records, "i1") == (30, 0)
    assert taken(records, "i2") == (0, 2)
    etag = records.objects.get_tagged("logger/2021-01-02.csv")[1]
    records.objects.swap("logger/2021-01-02.csv", hours(24, 48), etag)
    records.objects.put_new("logger/2021-01-03.csv", hours(48, 50))
    assert taken(records, "i3") == (20, 1)


def test_an_empty_prefix_a_key_that_is_not_set_and_one_that_is_refused_are_said(
    records: Records, station: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(SourceFormatError, match=r"no object below s3://.*/logger/; correct `bucket` or `prefix`"):
        taken(records, "i1")
    monkeypatch.setenv("LOGGER_SECRET", "wrong")
    with pytest.raises(StorageDenied):
        taken(records, "i2")
    monkeypatch.delenv("LOGGER_SECRET")
    with pytest.raises(SettingsError, match="the environment variable LOGGER_SECRET is not set"):
        taken(records, "i3")
    assert load_station("small").source("bucket").kind == "objects"
