"""The newest forecast that the workflow made."""

import json
from datetime import UTC, datetime

import pytest

from bundles import put
from tsflow.client import IntegrityError, NoChampion, NoForecast, forecast_latest
from tsflow.storage.objects import ObjectStore

KEY = "forecasts/small/main/latest.json"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsflow.client.latest.utc_now", lambda: datetime(2026, 11, 24, 1, tzinfo=UTC))


@pytest.mark.parametrize("made_at", ["2026-11-24T00:30:00Z", "2026-11-24T00:30:00", "2026-11-24T01:30:00+01:00"])
def test_the_newest_forecast_comes_with_its_age(objects: ObjectStore, made_at: str):
    put(objects, KEY, json.dumps({"made_at": made_at, "forecast": {"value": 6.4}}).encode())
    assert forecast_latest("small", objects) == {"made_at": made_at, "forecast": {"value": 6.4}, "age_seconds": 1800}


def test_each_task_has_its_own(objects: ObjectStore):
    put(objects, "forecasts/small/wind/latest.json", b'{"made_at": "2026-11-24", "status": "none"}')
    assert forecast_latest("small", objects, task="wind")["age_seconds"] == 3600
    with pytest.raises(NoForecast, match=r"station small, task main, has no forecast in s3://.*/forecasts/small/main/latest.json"):
        forecast_latest("small", objects)
    assert issubclass(NoForecast, NoChampion)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"made_at": "soon"}', b'{"made_at": 5}', b'"made_at"', b"\xff"])
def test_what_is_no_forecast_is_refused(objects: ObjectStore, body: bytes):
    put(objects, KEY, body)
    with pytest.raises(IntegrityError, match=r"forecasts/small/main/latest.json: not a forecast with a time"):
        forecast_latest("small", objects)
