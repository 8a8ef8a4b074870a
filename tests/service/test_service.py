"""The service asked by a real HTTP client, over a real store, which goes away."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import uvicorn

import requests
from conftest import REPOSITORY, hourly_rows
from published import described, promote
from tsflow.architectures.baselines import Persistence
from tsflow.champion.bundle import write_bundle
from tsflow.client import load_champion
from tsflow.service.app import _facts, _forecast, create_app
from tsflow.service.schemas import Rows
from tsflow.storage.objects import ObjectStore


def rows_of(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {"time": [time.isoformat() for time in frame["time"]], "T": frame["T"].tolist(), "f1": frame["f1"].tolist()}


def publish(objects: ObjectStore, version: str, column: int = 0) -> None:
    told = described(version)
    promote(objects, told, *write_bundle(objects, told, {"model.onnx": Persistence(120, 4, column).to_onnx()}))


@pytest.fixture
def address(objects: ObjectStore) -> Iterator[str]:
    """A running service over the test's bucket, whose champion says the temperature now."""
    publish(objects, "v1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(create_app(objects, refresh_seconds=0.2), host="127.0.0.1", port=port, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_a_forecast_from_rows_and_the_champions_facts(address: str):
    frame = hourly_rows(130, features=2)
    answer = requests.post(f"{address}/v1/stations/small/forecast", json={"rows": rows_of(frame)}, timeout=10)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["value"] == pytest.approx(frame["T"].iloc[-1], abs=1e-3)
    assert (found["version"], found["unit"]) == ("v1", "degC")
    assert found["target_time"] == (frame["time"].iloc[-1] + pd.Timedelta(hours=24)).isoformat()
    facts = requests.get(f"{address}/v1/stations/small/champion", timeout=10).json()
    assert facts["features"] == {"T": "degC", "f1": "m/s"}
    assert facts["stale"] is True


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda rows: {name: rows[name] for name in ("time", "T")}, 422, "the frame lacks f1"),
        (lambda rows: {**rows, "T": [*rows["T"][:-1], None]}, 422, "missing values in the last 120 rows of T"),
        (lambda rows: {**rows, "T": ["warm"] * len(rows["T"])}, 422, "T: found 'warm' in row 10, expected a number"),
        (lambda rows: {name: values[:50] for name, values in rows.items()}, 422, "the frame has 50 rows"),
        (lambda rows: {**rows, "time": [rows["time"][0]] * len(rows["time"])}, 422, "one row an hour"),
        (lambda rows: {**rows, "T": [300.0] * len(rows["T"])}, 422, "expected -40 to 45 degC (120 such values)"),
        (lambda rows: {**rows, "T": rows["T"] * 700}, 413, "at most 1000000 are taken"),
        (lambda rows: {}, 422, "at least 1 item"),
        (lambda rows: {**rows, "T": [*rows["T"][:-1], 10**400]}, 422, "expected a number"),
        (lambda rows: {**rows, "time": [*rows["time"][:-1], "0001-01-01T00:00:00+05:00"]}, 422, "which UTC has no year for"),
        (lambda rows: {**rows, "time": [*rows["time"][:-1], "9999-12-31T23:00:00-05:00"]}, 422, "which UTC has no year for"),
        (lambda rows: {**rows, "\ud800": rows["T"], "T": ["\ud800"] * len(rows["T"])}, 422, "expected a number"),
    ],
)
def test_a_bad_body_gets_a_clear_answer(address: str, change: Any, code: int, says: str):
    rows = change(rows_of(hourly_rows(130, features=2)))
    answer = requests.post(f"{address}/v1/stations/small/forecast", json={"rows": rows}, timeout=10)
    assert answer.status_code == code, answer.text
    assert says in answer.text


def test_what_is_not_there_is_not_found(address: str):
    for path in ("atlantis/champion", "atlantis/forecast", "small/forecast"):
        assert requests.get(f"{address}/v1/stations/{path}", timeout=10).status_code == 404
    assert requests.get(f"{address}/v1/stations/..%2Fx/champion", timeout=10).status_code in {404, 422}
    assert requests.post(f"{address}/v1/stations/small/forecast", data="{", timeout=10).status_code == 422


def test_it_answers_while_the_store_is_away_and_takes_a_new_champion_when_it_is_back(address: str, objects: ObjectStore):
    frame = hourly_rows(130, features=2)
    url, body = f"{address}/v1/stations/small/forecast", {"rows": rows_of(frame)}
    assert requests.post(url, json=body, timeout=10).status_code == 200
    assert requests.get(f"{address}/readyz", timeout=10).status_code == 200
    working = objects._s3
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    gone = ObjectStore(bucket=objects.bucket, endpoint_url="http://127.0.0.1:9", attempts=1, **keys)
    objects._s3 = gone._s3
    time.sleep(0.3)  # longer than what is held stays fresh
    for _ in range(20):
        assert requests.post(url, json=body, timeout=10).json()["version"] == "v1"
    assert requests.get(f"{address}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{address}/readyz", timeout=10).status_code == 503
    assert "not reachable" in requests.get(f"{address}/v1/stations/small/champion", timeout=10).json()["problem"]
    objects._s3 = working
    publish(objects, "v2", 1)
    time.sleep(0.3)
    requests.post(url, json=body, timeout=10)
    found = requests.post(url, json=body, timeout=10).json()
    assert (found["version"], found["value"]) == ("v2", pytest.approx(frame["f1"].iloc[-1], abs=1e-3))


def test_the_age_of_a_forecast_grows_while_the_store_is_away(address: str, objects: ObjectStore):
    latest = {"station": "small", "task": "main", "status": "none", "made_at": "2026-01-01T00:00:00Z"}
    objects.put_new("forecasts/small/main/latest.json", json.dumps(latest).encode())
    url = f"{address}/v1/stations/small/forecast"
    before = requests.get(url, timeout=10).json()["age_seconds"]
    gone = ObjectStore(
        bucket=objects.bucket, endpoint_url="http://127.0.0.1:9", attempts=1, access_key_id="a", secret_access_key="b"
    )
    objects._s3 = gone._s3
    time.sleep(0.5)
    assert requests.get(url, timeout=10).json()["age_seconds"] >= before + 0.4


def test_an_answer_is_of_one_champion_also_while_another_one_comes(objects: ObjectStore):
    """The champion is renewed, by another request's thread, between any two things that an answer asks of it."""
    publish(objects, "v1")
    frame = hourly_rows(130, features=2)
    body = Rows(rows=rows_of(frame))
    champion = load_champion("small", objects)
    publish(objects, "v2", 1)

    class Renewed(type(champion)):
        @property
        def model(self) -> Any:
            self.looks = getattr(self, "looks", 0) + 1
            if self.looks > 1:
                self.refresh()
            return super().model

    champion.__class__ = Renewed
    found = _forecast(champion, body)
    value = {"v1": frame["T"], "v2": frame["f1"]}[found.version].iloc[-1]
    assert found.value == pytest.approx(value, abs=1e-3)
    facts = _facts(champion)
    assert (facts.version, facts.sequence) in {("v1", 1), ("v2", 2)}


def test_the_benchmark_asks_it_without_a_failure(address: str, objects: ObjectStore):
    latest = {"station": "small", "task": "main", "status": "none", "made_at": "2026-01-01T00:00:00Z"}
    objects.put_new("forecasts/small/main/latest.json", json.dumps(latest).encode())
    program = [sys.executable, REPOSITORY / "benchmarks" / "service.py", address]
    done = subprocess.run([*program, "--station", "small", "--seconds", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a second, 0 failures" in done.stdout


def test_prometheus_reads_how_it_goes(address: str):
    requests.get(f"{address}/v1/stations/small/champion", timeout=10)
    text = requests.get(f"{address}/metrics", timeout=10).text
    assert 'tsflow_champion_sequence{station="small",task="main"} 1.0' in text
    assert 'tsflow_requests_total{code="200",route="/v1/stations/{station}/champion"}' in text


def test_what_the_workflow_forecast_last_is_handed_on(address: str, objects: ObjectStore):
    latest = {"station": "small", "task": "main", "status": "none", "problem": "stale data", "made_at": "2026-01-01T00:00:00Z"}
    objects.put_new("forecasts/small/main/latest.json", json.dumps(latest).encode())
    found = requests.get(f"{address}/v1/stations/small/forecast", timeout=10).json()
    assert (found["status"], found["problem"]) == ("none", "stale data")
    assert found["age_seconds"] > 0


def test_its_openapi_has_examples(address: str, tmp_path: Path):
    api = requests.get(f"{address}/openapi.json", timeout=10).json()
    assert set(api["paths"]) == {
        "/v1/stations/{station}/forecast",
        "/v1/stations/{station}/champion",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert api["components"]["schemas"]["Rows"]["examples"]


def test_it_answers_as_its_openapi_says_whatever_is_asked(address: str, objects: ObjectStore, tmp_path: Path):
    latest = {"station": "small", "task": "main", "status": "none", "made_at": "2026-01-01T00:00:00Z"}
    objects.put_new("forecasts/small/main/latest.json", json.dumps(latest).encode())
    program = [Path(sys.executable).parent / "schemathesis", "run", f"{address}/openapi.json", "--checks", "all", "--seed", "1"]
    asked = [*program, "--max-examples", "30", "--workers", "1"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
