"""A store in which two stations have lived: runs, a failed entrant, refusals, forecasts, scores, a backtest, a tuning."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import uvicorn
import yaml
from fastapi import HTTPException, Request

import workflow
from conftest import allowed_to, emptied
from mast import AS_OF as MAST_AS_OF
from mast import MAST, mast_csv, simulated
from tsflow.errors import DataError
from tsflow.monitoring.scoring import scores
from tsflow.pages.app import create_app
from tsflow.pages.guards import Guards, Person
from tsflow.records.candidate import Failure
from tsflow.records.forecast import Forecast, Interval, LatestForecast, Report
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings
from tsflow.stack.identities import READER, WRITER
from tsflow.stack.secrets import load_secrets, opened_with

HOSTILE = "<img src=x onerror=alert(1)>"
NOW = datetime(2026, 10, 1)
CHEAP = ["naive", "seasonal_naive"]


@pytest.fixture(scope="session")
def opened(store_settings: ObjectStoreSettings) -> Iterator[tuple[Records, Records]]:
    """The records of a bucket for the pages' tests, by keys that write and by keys that read."""
    mine = store_settings.model_copy(update={"bucket": "pages"})
    owner = mine.open()
    owner.ensure_bucket()
    allowed_to(owner, {WRITER: "s3:*", READER: ["s3:GetObject", "s3:ListBucket"]})
    secrets, url = load_secrets(), mine.endpoint_url or ""
    yield Records(opened_with(secrets.writer, mine, url).open()), Records(opened_with(secrets.reader, mine, url).open())
    emptied(owner)


@pytest.fixture(scope="session")
def life(opened: tuple[Records, Records], tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What two stations have left: `demo`, and a mast that is described elsewhere and bears a hostile title."""
    records, _ = opened
    _demo(records, tmp_path_factory.mktemp("demo"))
    _mast(records, tmp_path_factory.mktemp("mast"))
    return records


def _demo(records: Records, folder: Path) -> None:
    workflow.ingest(records)
    run = workflow.build(records, architectures=["naive", "dense", "conv1d"])
    for name in ("naive", "dense"):
        workflow.train(records, run.run, name)
    records.first(
        Failure(status="failed", reason=f"ValueError: {HOSTILE}", traceback="Traceback: here"),
        folder="runs/r1",
        architecture="conv1d",
        at="20261001T000000",
    )
    workflow.rank(records)
    workflow.force(records)
    workflow.retrain(records, "r2", architectures=CHEAP, seed=2)
    workflow.rank(records, "r2")
    workflow.force(records, "r2")
    workflow.build(records, "under-way", architectures=["naive", "dense", "conv1d"])
    workflow.train(records, "under-way", "naive")
    _operation(records)
    plan = workflow.plan_backtest(
        records,
        station="demo",
        as_of=workflow.AS_OF,
        profile="smoke",
        architectures=CHEAP,
        folds=2,
        test_days=7,
        validation_days=7,
        step_days=7,
    )
    for fold in plan.folds:
        for name in plan.entrants:
            workflow.backtest_entrant(records, "b1", fold, name)
    workflow.summarise(records)
    workflow.start_tuning(records, "t1", trials=2, minutes=1)
    workflow.tune(records, "t1")
    workflow.finish(records, "t1")
    bad = folder / "bad.csv"
    bad.write_text("Date Time,p (mbar)\n01.10.2026 00:10:00,1000\n")
    with pytest.raises(DataError):
        workflow.ingest(records, "refused-demo", files=[bad])


def _operation(records: Records) -> None:
    """Three days of forecasts, scored, with an alert."""
    from tsflow.monitoring.forecasts import forecasts_made, keep, publish_latest

    random, times = np.random.default_rng(0), pd.date_range(NOW - timedelta(days=3), NOW, freq="h")
    for place, origin in enumerate(times):
        made = _forecast(origin.to_pydatetime(), 10 + float(random.normal()), place)
        keep(records, "demo", "main", made)
    publish_latest(
        records,
        LatestForecast(
            station="demo",
            status="ok",
            made_at=pd.Timestamp(NOW, tz="UTC").to_pydatetime(),
            observed=NOW,
            data_age_hours=0.5,
            model_age_days=1.0,
            expected_mae=2.5,
            forecast=made,
        ),
    )
    rows = forecasts_made(records, "demo", "main", since=NOW - timedelta(days=4), until=NOW)
    truth = pd.Series(10.0, index=pd.date_range(NOW - timedelta(days=3), NOW, freq="h"))
    for score in scores(rows, truth, station="demo", task="main", horizon_hours=24):
        records.append(score)
    alerts = [{"kind": "skill", "text": "over 3 days the forecasts are worse than naive"}]
    records.append(
        Report.model_validate(
            {
                "station": "demo",
                "day": "2026-10-01",
                "created_at": "2026-10-01T01:20:00Z",
                "days": 3,
                "mae": 1.0,
                "naive_mae": 0.9,
                "skill": -0.1,
                "drift": {"T": {"level": 0.3, "spread": 0.9}},
                "alerts": alerts,
            }
        )
    )


def _forecast(origin: datetime, value: float, place: int) -> Forecast:
    return Forecast(
        origin=origin,
        target_time=origin + timedelta(hours=24),
        target="T",
        unit="degC",
        value=value,
        intervals=[Interval(level=level, low=value - width, high=value + width) for level, width in ((0.8, 2), (0.95, 4))],
        naive=value + 1,
        architecture="dense",
        version="v1",
        sequence=place + 1,
        made_at=pd.Timestamp(origin, tz="UTC").to_pydatetime(),
    )


def _mast(records: Records, folder: Path) -> None:
    (folder / "mast.csv").write_bytes(mast_csv(simulated(60)))
    station = folder / "mast.yaml"
    station.write_text(yaml.safe_dump({**MAST, "title": HOSTILE}, sort_keys=False))
    workflow.ingest(records, "m1", files=[folder / "mast.csv"], station=str(station), as_of=MAST_AS_OF, history_days=None)
    for run, seed in (("rm", 1), ("rm2", 2)):
        workflow.retrain(records, run, station=str(station), as_of=MAST_AS_OF, late_rows=True, architectures=CHEAP, seed=seed)
        workflow.rank(records, run)
        workflow.force(records, run)


def person(request: Request) -> Person:
    """What stands for Airflow's users: a header says who asks. The real ones ask in tests/stack/test_pages.py."""
    who = request.headers.get("x-who") or request.cookies.get("who")
    if who is None:
        raise HTTPException(401)
    if who == "stranger":
        raise HTTPException(403)
    return Person(who, may_change=who == "admin")


def changer(request: Request) -> Person:
    found = person(request)
    if not found.may_change:
        raise HTTPException(403)
    return found


@pytest.fixture(scope="session")
def pages(life: Records, opened: tuple[Records, Records]) -> Iterator[str]:
    """The address of the pages, served as Airflow's API server does."""
    guards = Guards(reader=person, changer=changer, reading=lambda: opened[1], writing=lambda: opened[0], secret=b"of these tests")
    yield from served(guards)


def served(guards: Guards) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(create_app(guards), host="127.0.0.1", port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
