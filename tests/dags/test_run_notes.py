"""A run's note says what it came to: left by its tasks, written by the listener, in a real Airflow without a scheduler."""

import json
from pathlib import Path

import pytest
import yaml

from conftest import REPOSITORY, result_of
from tsflow.records.store import Records
from tsflow.settings import settings
from workflow import ingest

RUN = f"""
import json, sys
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_note
from airflow.dag_processing.dagbag import DagBag
from airflow.listeners.listener import get_listener_manager
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session

eve = SimpleAuthManagerUser(username="eve", role="admin")

def note(run, written="", end=False):
    with create_session() as session:
        found = session.get(DagRun, run.id)
        if written:
            patch_dag_run_note(dag_run=found, note=written, user=eve)  # as the REST API and so the UI do
        if end:
            get_listener_manager().hook.on_dag_run_success(dag_run=found, msg="again")
    with create_session() as session:
        return session.get(DagRun, run.id).note

def disturbed(run):
    # Another process writes between what the listener reads and what it writes.
    (listener,) = get_listener_manager().pm.get_plugins()
    plugin = type(listener).on_dag_run_success.__globals__  # Airflow loads it for its SDK a second time, under the same name
    sentences = plugin["_sentences"]
    def read(session, dag_run):
        said = sentences(session, dag_run)
        with create_session(scoped=False) as other:
            other.add(Log(event="another process"))
        return said + " Disturbed."
    plugin["_sentences"] = read
    try:
        return note(run, end=True)
    finally:
        plugin["_sentences"] = sentences

bag, found = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder"), []
for dag_id, conf in zip(sys.argv[1::2], map(json.loads, sys.argv[2::2])):
    run = bag.dags[dag_id].test(run_conf=conf)
    first = note(run)
    told = {{"state": str(run.state), "note": first, "again": note(run, end=True)}}
    found.append(told | {{"disturbed": disturbed(run), "of_a_person": note(run, "mine", end=True)}})
print("RESULT" + json.dumps(found))
"""


@pytest.fixture
def environment(airflow_environment: dict[str, str], of_a_run: dict[str, str]) -> dict[str, str]:
    """With the plugins, as the embedded stack has them."""
    return airflow_environment | of_a_run | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins")}


def test_an_ingest_notes_its_rows_and_leaves_a_persons_note_alone(environment: dict[str, str]):
    (told,) = result_of(RUN, environment, "ingest_weather", json.dumps({"station": "demo", "history_days": 3}), fork=True)
    assert told["state"] == "success"
    assert told["note"].startswith("demo: ")
    assert " new rows, up to 20" in told["note"]
    assert told["again"] == told["note"]
    assert told["disturbed"] == f"{told['note']} Disturbed."
    assert told["of_a_person"] == "mine"


def test_an_ingest_that_is_refused_notes_why(environment: dict[str, str], home: Path):
    path = home / "include" / "stations" / "demo.yaml"
    content = yaml.safe_load(path.read_text())
    content["variables"]["T"]["range"] = [-40, -39]
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    (told,) = result_of(RUN, environment, "ingest_weather", json.dumps({"station": "demo", "history_days": 3}), fork=True)
    assert told["state"] == "failed"
    assert told["note"].startswith("demo: nothing was stored, the batch lies in quarantine: ")


def test_what_trains_and_what_forecasts_note_their_results(environment: dict[str, str], records: Records, home: Path):
    quick = {"history_days": 150, "max_epochs": 1, "architectures": ["naive", "climatology"]}
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump({"profiles": {"quick": quick}, "gate": {"probability": 0.6}}))
    settings.cache_clear()
    ingest(records, station="demo", as_of=None, history_days=160)
    wanted: dict[str, dict[str, object]] = {dag: {"station": "demo"} for dag in ("retrain", "forecast", "monitor", "replay")}
    wanted["backtest"] = {"station": "demo", "folds": 1, "test_days": 20, "validation_days": 20}
    wanted["tune"] = {"station": "demo", "architecture": "dense", "profile": "quick", "trials": 1, "workers": 1}
    told = result_of(RUN, environment, *(word for dag, conf in wanted.items() for word in (dag, json.dumps(conf))), fork=True)
    notes = {dag: each["note"] for dag, each in zip(wanted, told, strict=True)}
    assert " leads at " in notes["retrain"]
    assert notes["retrain"].endswith("naive is the first champion.") or "climatology is the first" in notes["retrain"]
    assert notes["forecast"].startswith("demo: T at 20")
    assert notes["monitor"].startswith("demo: no forecast was scored yet; ")
    assert notes["replay"].startswith("demo: as of 20")
    assert notes["backtest"].startswith("demo: ")
    assert " leads over 1 fold at " in notes["backtest"]
    assert "the best of 1 trial errs by " in notes["tune"]


def test_a_run_without_a_sentence_has_no_note(environment: dict[str, str]):
    (told,) = result_of(RUN, environment, "daily", "{}", fork=True)
    assert (told["state"], told["note"], told["of_a_person"]) == ("success", None, "mine")
