"""DAG files parse quickly, without errors and without heavy imports."""

import re
from pathlib import Path

import pytest

from conftest import REPOSITORY, result_of

HEAVY = ("tensorflow", "keras", "great_expectations", "pandas", "boto3", "numpy")
PARSE = f"""
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder")
print("RESULT" + json.dumps({{
    "errors": bag.import_errors,
    "seconds": {{stats.file: stats.duration.total_seconds() for stats in bag.dagbag_stats}},
    "heavy": [name for name in {HEAVY!r} if name in set(sys.modules) - before],
    "tasks": {{dag_id: sorted(dag.task_ids) for dag_id, dag in bag.dags.items()}},
    "params": {{dag_id: sorted(dag.params) for dag_id, dag in bag.dags.items()}},
    "defaults": {{dag_id: dag.params.dump() for dag_id, dag in bag.dags.items()}},
    "pools": {{f"{{dag.dag_id}}.{{task.task_id}}": [task.pool, task.queue] for dag in bag.dags.values() for task in dag.tasks}},
    "retries": {{f"{{dag.dag_id}}.{{task.task_id}}": task.retries for dag in bag.dags.values() for task in dag.tasks}},
    "rules": {{f"{{dag.dag_id}}.{{task.task_id}}": task.trigger_rule for dag in bag.dags.values() for task in dag.tasks}},
    "owners": {{f"{{dag.dag_id}}.{{task.task_id}}": task.owner for dag in bag.dags.values() for task in dag.tasks}},
    "dag_owners": {{dag_id: dag.owner for dag_id, dag in bag.dags.items()}},
    "pages": {{dag_id: dag.doc_md for dag_id, dag in bag.dags.items()}},
    "labels": {{f"{{dag.dag_id}}.{{task.task_id}}": task.map_index_template for dag in bag.dags.values() for task in dag.tasks}},
}}))
"""


@pytest.fixture(scope="module")
def parsed(airflow_environment: dict[str, str]) -> dict:
    """What Airflow finds in dags/, in a process of its own."""
    return result_of(PARSE, airflow_environment)


def test_no_import_error(parsed: dict):
    assert parsed["errors"] == {}
    known = {"backtest", "daily", "forecast", "ingest_weather", "monitor", "replay", "retention", "retrain", "tune"}
    assert set(parsed["tasks"]) == known


def test_parsing_loads_nothing_heavy(parsed: dict):
    assert parsed["heavy"] == []


def test_the_steps_are_wired(parsed: dict):
    assert parsed["tasks"]["ingest_weather"] == ["ingest.announce", "ingest.fetch", "ingest.store", "ingest.validate", "stations"]
    train = ["build_dataset", "combine", "ensembles", "leaderboard", "train"]
    promote = ["approve", "decide", "forecast", "plan_refit", "publish", "question", "refit"]
    assert parsed["tasks"]["retrain"] == sorted([*train, *promote])
    assert parsed["tasks"]["replay"] == sorted([*train, "result"])
    assert parsed["tasks"]["forecast"] == ["make", "stations"]
    assert parsed["tasks"]["monitor"] == ["alert", "alerts", "ask_for_retraining", "every_station_was_scored", "score", "stations"]
    assert parsed["tasks"]["daily"] == ["ask"]
    assert parsed["tasks"]["retention"] == ["collect"]
    assert parsed["tasks"]["backtest"] == ["build", "result", "summary", "train"]
    assert parsed["tasks"]["tune"] == ["finish", "start", "work"]


def test_neither_a_failed_nor_a_skipped_entrant_keeps_the_leaderboard_from_running(parsed: dict):
    assert parsed["rules"]["retrain.leaderboard"] == "all_done"


def test_a_training_of_a_backtest_is_named_by_fold_and_architecture(parsed: dict):
    assert "'fold'" in parsed["labels"]["backtest.train"]
    assert "'architecture'" in parsed["labels"]["backtest.train"]
    assert parsed["rules"]["backtest.summary"] == parsed["rules"]["retrain.leaderboard"] == "all_done"


def test_training_has_a_pool_and_a_queue_of_its_own(parsed: dict):
    assert (
        parsed["pools"]["retrain.train"]
        == parsed["pools"]["backtest.train"]
        == parsed["pools"]["tune.work"]
        == ["training", "training"]
    )


def test_every_task_and_so_every_dag_is_owned_by_tsflow(parsed: dict):
    assert set(parsed["owners"].values()) == {"tsflow"}
    assert set(parsed["dag_owners"].values()) == {"tsflow"}


def test_the_page_of_a_dag_draws_its_tasks_and_says_what_to_do(parsed: dict):
    for dag_id, page in parsed["pages"].items():
        assert page.startswith("# "), dag_id
        assert "## When a task fails" in page
        assert "## Where the result is" in page
        (picture,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)  # without a language Airflow folds the lines of a block
        assert max(map(len, picture.splitlines())) <= 50, "Airflow's dialog is so wide"
        names = {task.rpartition(".")[2] for task in parsed["tasks"][dag_id]}
        assert [name for name in names if name not in picture] == [], dag_id


def test_a_task_tries_again_for_ten_minutes_while_the_store_is_away(parsed: dict):
    assert all(sum(10 * 2**number for number in range(retries)) >= 600 for retries in parsed["retries"].values())


@pytest.mark.parametrize(
    ("error", "action"),
    [
        ("tsflow.errors.StorageUnavailable('away')", "default"),
        ("tsflow.errors.SettingsError('wrong')", "fail"),
        ("KeyError('x')", "fail"),
        ("UnicodeDecodeError('utf-8', b'', 0, 1, 'x')", "fail"),
        ("OSError(28, 'no space')", "default"),
        ("MemoryError()", "default"),
    ],
)
def test_what_may_pass_is_tried_again_and_a_mistake_is_not(airflow_environment: dict[str, str], error: str, action: str):
    decide = f"""
import json, tsflow.errors, wiring
decision = wiring.RETRIES["retry_policy"].evaluate({error}, 1, 7)
print("RESULT" + json.dumps({{"action": decision.action.value}}))
"""
    assert result_of(decide, airflow_environment) == {"action": action}


@pytest.mark.parametrize("path", sorted((REPOSITORY / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_only_wires(path: Path):
    assert len(path.read_text().splitlines()) <= (120 if path.name == "wiring.py" else 100)


@pytest.mark.parametrize("dag", ["ingest_weather", "daily", "monitor", "replay"])
def test_a_parse_right_after_its_time_does_not_lose_a_first_scheduled_run(airflow_environment: dict[str, str], dag: str):
    """Airflow asks anew at each parse while there was no scheduled run; a minute late it must still name the time that has come."""
    asked = f"""
import json
from datetime import timedelta
import airflow.timetables.trigger as trigger
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
dag = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder").dags[{dag!r}]
timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
free = TimeRestriction(earliest=None, latest=None, catchup=False)
now = trigger.utcnow()
found = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=free).run_after
due = found if found > now else timetable._get_next(pendulum.instance(now))
told = []
for seconds in (3, 60):
    trigger.utcnow = lambda: due + timedelta(seconds=seconds)
    told.append(timetable.next_dagrun_info(last_automated_data_interval=None, restriction=free).run_after == due)
print("RESULT" + json.dumps({{"told": told}}))
"""
    assert result_of(asked, airflow_environment) == {"told": [True, True]}


def test_a_first_start_does_not_run_a_schedule_of_hours_ago(airflow_environment: dict[str, str]):
    """Airflow's own default runs what was due in the last tenth of the interval: a replay at one in the morning."""
    asked = f"""
import json
import airflow.timetables.trigger as trigger
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
bag, real = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder"), trigger.utcnow()
told = {{}}
for name in ("daily", "monitor", "replay"):
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[name])).timetable
    trigger.utcnow = lambda: real.replace(hour=1, minute=0)
    found = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=TimeRestriction(None, None, False))
    told[name] = found.run_after > real.replace(hour=1, minute=0)
print("RESULT" + json.dumps(told))
"""
    assert result_of(asked, airflow_environment) == {"daily": True, "monitor": True, "replay": True}


def test_the_daily_retraining_lets_losers_rest_and_one_after_an_alarm_does_not():
    from partitions import of_daily, partition

    assert of_daily(None) == {}
    assert of_daily(partition("demo", "main", "2026-10-01")) == {"station": "demo", "task": "main", "rest": True}
    assert of_daily(partition("demo", "main", "2026-10-01 skill"))["rest"] is False
