"""Whole runs of the DAGs in a real Airflow, without a scheduler: what becomes red, and what is skipped."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from conftest import REPOSITORY, result_of
from tsflow.client import load_champion
from tsflow.evaluation.boards import board_of, newest_board
from tsflow.records.forecast import LatestForecast, Report
from tsflow.records.names import run_key
from tsflow.records.retention import Collection
from tsflow.records.store import Records
from tsflow.settings import settings
from workflow import ingest

RUN = f"""
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag, ended = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder"), []
for dag_id, conf in json.loads(sys.argv[1]):
    run = bag.dags[dag_id].test(run_conf=conf)
    tasks = [(task.task_id, task.map_index, str(task.state)) for task in run.get_task_instances()]
    ended.append({{"run": run.run_id, "state": str(run.state), "tasks": tasks}})
print("RESULT" + json.dumps(ended))
"""


def ends(environment: dict[str, str], *runs: tuple[str, dict]) -> list[dict]:
    """Run DAGs with their forms, one after the other in one process of Airflow, as each start of one takes seconds."""
    return result_of(RUN, environment, json.dumps(runs), fork=True)


@pytest.fixture
def environment(airflow_environment: dict[str, str], of_a_run: dict[str, str]) -> dict[str, str]:
    """Airflow with a home and a bucket of the test's own."""
    return airflow_environment | of_a_run


def test_a_run_without_data_shows_one_red_task_and_fails(environment: dict[str, str]):
    asked = {"station": "demo", "profile": "smoke"}
    runs = ("retrain", asked), ("backtest", asked), ("tune", {**asked, "architecture": "dense"})
    for first, ended in zip(("build_dataset", "build", "start"), ends(environment, *runs), strict=True):
        assert [name for name, _, state in ended["tasks"] if state == "failed"] == [first]
        assert {state for name, _, state in ended["tasks"] if name != first} <= {"skipped", "upstream_failed"}
        assert ended["state"] == "failed", "an operator looks at the run's own colour first"


def test_a_station_without_temperature_is_trained_by_the_dag_with_the_lacking_entrants_skipped(
    environment: dict[str, str], records: Records, home: Path
):
    content = yaml.safe_load((home / "include" / "stations" / "demo.yaml").read_text())
    variables = {name: content["variables"][name] for name in ("p", "rh", "wv")}
    (home / "include" / "stations" / "mast.yaml").write_text(
        yaml.safe_dump(content | {"station": "mast", "target": "wv", "variables": variables}, sort_keys=False)
    )
    quick = {"history_days": 60, "max_epochs": 1, "architectures": ["naive", "climatology", "ridge"]}
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"profiles": {"quick": quick}}))
    settings.cache_clear()
    ingest(records, station="mast", history_days=60)
    (ended,) = ends(environment, ("retrain", {"station": "mast", "as_of": "2026-10-01"}))
    assert ended["state"] == "success"
    board = board_of(records, run_key(ended["run"]))
    assert {entrant.architecture: entrant.status for entrant in board.entrants} == {
        "naive": "ok",
        "climatology": "ok",
        "ridge": "skipped",
    }
    assert "needs T, " in str(board.entrant("ridge").reason)
    assert newest_board(records, "mast", None).run == board.run


def test_an_entrant_that_hangs_fails_in_time_and_the_others_are_ranked(environment: dict[str, str], records: Records, home: Path):
    quick = {"history_days": 60, "max_epochs": 500, "architectures": ["naive", "climatology", "lstm"]}
    limit = {"time_limit": "PT15S"}  # less than 500 epochs, and more than the others take
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"profiles": {"quick": quick}, "training": limit}))
    endless = {**yaml.safe_load((home / "include" / "architectures" / "lstm.yaml").read_text())}
    endless["fit"] = {**endless["fit"], "epochs": 500, "patience": None}
    (home / "include" / "architectures" / "lstm.yaml").write_text(yaml.safe_dump(endless, sort_keys=False))
    settings.cache_clear()
    ingest(records, station="demo", as_of=None, history_days=60)
    (ended,) = ends(environment, ("retrain", {"station": "demo"}))
    assert [state for name, _, state in ended["tasks"] if name == "train"].count("failed") == 1
    board = board_of(records, run_key(ended["run"]))
    assert {entrant.architecture: entrant.status for entrant in board.entrants} == {
        "naive": "ok",
        "climatology": "ok",
        "lstm": "failed",
    }
    assert "still training after 0:00:15" in str(board.entrant("lstm").reason)
    assert not board.entrant("lstm").unfinished, "it would hang again: the board is not left incomplete for it"


def test_a_champion_forecasts_at_once_and_the_monitor_scores_it(environment: dict[str, str], records: Records, home: Path):
    quick = {"history_days": 150, "max_epochs": 1, "architectures": ["naive", "climatology"]}
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"profiles": {"quick": quick}, "gate": {"probability": 0.6}}))
    settings.cache_clear()
    ingest(records, station="demo", as_of=None, history_days=160)
    demo = {"station": "demo"}
    ended, again, watched, daily = ends(environment, ("retrain", demo), ("forecast", demo), ("monitor", demo), ("daily", {}))
    states = {name: state for name, _, state in ended["tasks"]}
    assert ended["state"] == "success", ended
    assert states["publish"] == states["forecast"] == "success"
    assert states["approve"] == "skipped", "nobody is asked where the station does not want it"
    latest = LatestForecast.read(records.objects.get("forecasts/demo/main/latest.json"), "forecasts/demo/main/latest.json")
    assert latest.status == "ok"
    assert latest.forecast.version == load_champion("demo", records.objects).manifest.version
    assert again["state"] == "success"
    assert watched["state"] == "success"
    assert records.newest(Report, station="demo", task="main").data_age_hours < 6
    assert daily["tasks"] == [["ask", -1, "skipped"]], "nothing new since the retraining"


def test_one_station_that_fails_holds_back_no_other(environment: dict[str, str], records: Records, home: Path):
    stations = home / "include" / "stations"
    content = yaml.safe_load((stations / "demo.yaml").read_text())
    (home / "torn.csv").write_text("this is no table")
    files = {"files": {"kind": "files", "paths": ["torn.csv"]}}
    (stations / "torn.yaml").write_text(yaml.safe_dump(content | {"station": "torn", "sources": files}, sort_keys=False))
    (stations / "unread.yaml").write_text("station: [")
    content["sources"]["simulator"]["history_days"] = 10
    (stations / "demo.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    names = ["torn", "unread", "demo"]
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"schedule": {"stations": names}}))
    settings.cache_clear()
    ended, asked, watched = ends(environment, ("ingest_weather", {}), ("daily", {}), ("monitor", {}))
    states = {(name, names[index]): state for name, index, state in ended["tasks"] if index >= 0}
    assert ended["state"] == "failed", "an operator sees that something is wrong"
    assert {station: states["ingest.fetch", station] for station in names} == {
        "torn": "failed",
        "unread": "failed",
        "demo": "success",
    }
    assert {station: states["ingest.announce", station] for station in names} == {
        "torn": "upstream_failed",
        "unread": "upstream_failed",
        "demo": "success",
    }
    assert asked["tasks"] == [["ask", -1, "success"]]
    assert watched["state"] == "failed", "an operator sees that one was not scored"
    assert [state for name, _, state in watched["tasks"] if name == "score"].count("success") >= 1
    found = {name: state for name, index, state in watched["tasks"] if index < 0}
    assert found["alerts"] == "success"
    assert found["ask_for_retraining"] in {"success", "skipped"}
    assert found["every_station_was_scored"] == "upstream_failed"


def test_an_alert_is_sent_through_the_notifiers_of_the_settings(environment: dict[str, str], records: Records, home: Path):
    told: list[dict] = []

    class Room(BaseHTTPRequestHandler):
        """A chat room that takes messages."""

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hooks/1"
    where = environment | {"PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(REPOSITORY / "plugins")])}

    def watched(notifier: str) -> str:
        chosen = {"notifier": notifier, "arguments": {"url": url, "text": "tsflow: {{ alert }}"}}
        (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"monitor": {"notifiers": [chosen]}}))
        return str(ends(where, ("monitor", {"station": "demo"}))[0]["state"])

    ingest(records, station="demo", as_of="2026-10-01", history_days=10)
    try:
        assert watched("tsflow_webhook.WebhukNotifier") == "failed"
        assert told == []
        assert watched("tsflow_webhook.WebhookNotifier") == "success", "what got lost is told at the next look"
        assert watched("tsflow_webhook.WebhookNotifier") == "success", "and nobody is told twice"
    finally:
        server.shutdown()
        server.server_close()
    assert [message["text"][:60] for message in told] == ["tsflow: demo, task main: nothing came in for days; look at th"[:60]]


BACKFILL = f"""
import json, sys
from datetime import datetime, timezone
from airflow.dag_processing.dagbag import DagBag
from airflow.models.backfill import _create_backfill, ReprocessBehavior
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import sync_bag_to_db
from sqlalchemy import select
dag_id, first, last, conf = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
bag = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder")
DagBundlesManager().sync_bundles_to_db()
sync_bag_to_db(bag, "dags-folder", None)
day = lambda text: datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
backfill = _create_backfill(
    dag_id=dag_id, from_date=day(first), to_date=day(last), max_active_runs=1, reverse=False, dag_run_conf=conf,
    triggering_user_name="a test", reprocess_behavior=ReprocessBehavior.NONE,
)
with create_session() as session:
    runs = session.scalars(select(DagRun).where(DagRun.backfill_id == backfill.id).order_by(DagRun.logical_date)).all()
    print("RESULT" + json.dumps([[str(run.run_type), run.logical_date.isoformat(), run.conf] for run in runs]))
"""


def test_airflows_backfill_makes_a_run_of_each_past_day(environment: dict[str, str]):
    for dag_id, conf in (("replay", {"station": "demo", "profile": "smoke"}), ("ingest_weather", {"station": "demo"})):
        made = result_of(
            BACKFILL,
            environment,
            dag_id,
            "2026-09-28T00:00:00",
            "2026-09-28T23:59:00" if dag_id != "replay" else "2026-09-30T00:00:00",
            json.dumps(conf),
        )
        assert {kind for kind, _, _ in made} == {"backfill"}
        assert len(made) == (3 if dag_id == "replay" else 24)
        assert all(given == conf for _, _, given in made)


def test_retention_removes_what_is_due_and_the_logs_of_its_own_dags(environment: dict[str, str], records: Records, tmp_path: Path):
    logs = tmp_path / "logs"
    old = logs / "dag_id=monitor" / "run_id=a" / "x.log"
    old.parent.mkdir(parents=True)
    old.write_text("long ago\n")
    os.utime(old, (0, 0))
    environment = environment | {"AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs)}
    (ended,) = ends(environment, ("retention", {}))
    assert (ended["state"], ended["tasks"]) == ("success", [["collect", -1, "success"]])
    assert not old.exists()
    (found,) = records.all(Collection)
    assert (found.removed, found.objects) == (True, 0)
