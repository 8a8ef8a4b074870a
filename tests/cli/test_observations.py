"""`tsflow observations` as a person and a program meet it."""

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

import forked
from conftest import REPOSITORY, station_of
from tsflow.errors import DataError, SettingsError, StorageUnavailable
from tsflow.observations.coverage import Coverage
from tsflow.observations.store import ObservationStore
from tsflow.records.station import StoredStation
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings
from tsflow.stack.identities import READER, Keys
from tsflow.storage.objects import ObjectStore


@pytest.fixture
def reader(store_settings: ObjectStoreSettings, worker_bucket: ObjectStore, records: Records) -> dict[str, str]:
    """A shell with keys that only read, on a store with two months of a station that has no file."""
    from conftest import allowed_to
    from tsflow.stack.identities import WRITER
    from tsflow.stack.secrets import load_secrets

    allowed_to(worker_bucket, {WRITER: "s3:*", READER: ["s3:GetObject", "s3:ListBucket"]})
    station = station_of({"T": "degC", "wv": "m/s"}).changed(station="mast")
    times = pd.date_range("2026-08-15 01:00", "2026-10-01 00:00", freq="h").astype("datetime64[us]")
    frame = pd.DataFrame({"time": times, "T": 10.0, "wv": 1.0}).drop(index=range(100, 124))
    frame.loc[[700], "T"] = -9000.0
    ObservationStore(records, "mast").upsert(frame, known_at=datetime(2026, 10, 1, 0, 5))
    content = station.model_dump(mode="json", exclude_unset=True)
    records.append(StoredStation(station="mast", created_at=datetime(2026, 10, 1).astimezone(), content=content))
    keys: Keys = load_secrets().reader
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TSFLOW_")}
    return inherited | {
        "TSFLOW_HOME": str(REPOSITORY),
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(store_settings.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": worker_bucket.bucket,
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": keys.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": keys.secret_access_key.get_secret_value(),
        "COLUMNS": "80",
    }


def observations(environment: dict[str, str], *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return forked.tsflow(environment | changes, "observations", *arguments)


def test_keys_that_only_read_show_what_is_stored_and_draw_it(reader: dict[str, str], tmp_path: Path):
    plot, out = tmp_path / "mast.svg", tmp_path / "mast.json"
    done = observations(reader, "--station", "mast", "--plot", str(plot), "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert "rows      1,104 of 1,128 expected (97.87 %), 2026-08-15 01:00:00 to 2026-10-01 00:00:00" in done.stdout
    assert "the newest part came in 2026-10-01 00:05 UTC" in done.stdout
    assert "24 rows between 2026-08-19 04:00:00 and 2026-08-20 05:00:00" in done.stdout
    assert "T: out of range: 1 value, at 2026-09-13 05:00:00 (-9000)" in done.stdout
    assert max(map(len, done.stdout.split("rows of each month")[1].split("gaps")[0].splitlines())) <= 80
    seen = Coverage.model_validate_json(out.read_text())
    assert (seen.rows, seen.gap_count, seen.implausible[0].count) == (1104, 1, 1)
    assert ET.parse(plot).getroot().tag.endswith("svg")


def test_json_alone_goes_to_standard_output(reader: dict[str, str]):
    done = observations(reader, "--station", "mast", "--json")
    assert json.loads(done.stdout)["station"] == "mast", done.stderr


@pytest.mark.parametrize(
    ("arguments", "changes", "code", "says"),
    [
        (("--station", "nowhere"), {}, SettingsError.exit_code, "unknown station 'nowhere'; valid: demo, jena"),
        (("--station", "jena"), {}, DataError.exit_code, "station jena has no observations in the store; run `tsflow ingest"),
        (("--station", "mast", "--plot", "x.png"), {}, SettingsError.exit_code, "name a file that ends in .svg"),
        (("--station", "mast", "--plot", "no/x.svg"), {}, SettingsError.exit_code, "there is no folder no"),
        (
            ("--station", "mast"),
            {"TSFLOW_OBJECT_STORE__ENDPOINT_URL": "http://127.0.0.1:9", "TSFLOW_OBJECT_STORE__ATTEMPTS": "1"},
            StorageUnavailable.exit_code,
            "not reachable",
        ),
        (
            ("--station", "mast"),
            {"TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": "wrong"},
            StorageUnavailable.exit_code,
            "check the keys",
        ),
    ],
    ids=["unknown station", "empty store", "png", "no folder", "store away", "wrong keys"],
)
def test_what_cannot_be_shown_says_why(
    reader: dict[str, str], arguments: tuple[str, ...], changes: dict[str, str], code: int, says: str
):
    done = observations(reader, *arguments, **changes)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
