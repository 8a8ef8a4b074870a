"""DAG files parse quickly, without errors and without heavy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
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
    "labels": {{f"{{dag.dag_id}}.{{task.task_id}}": task.map_index_template for dag in bag.dags.values() for task in dag.tasks}},
}}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What Airflow finds in dags/, in a process of its own with a private database."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "TSFLOW_HOME": str(REPOSITORY),
        "PYTHONPATH": str(REPOSITORY / "dags"),
    }
    subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    done = subprocess.run([sys.executable, "-c", PARSE], env=environment, capture_output=True, text=True, check=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT")).removeprefix("RESULT"))


def test_no_import_error(parsed: dict):
    assert parsed["errors"] == {}
    assert set(parsed["tasks"]) == {"backtest", "ingest_weather", "retrain"}


def test_parsing_loads_nothing_heavy(parsed: dict):
    assert parsed["heavy"] == []


def test_the_steps_are_wired(parsed: dict):
    assert parsed["tasks"]["ingest_weather"] == ["ingest.announce", "ingest.fetch", "ingest.store", "ingest.validate", "stations"]
    retrain = ["build_dataset", "combine", "ensembles", "leaderboard", "plan_refit", "publish", "refit", "train"]
    assert parsed["tasks"]["retrain"] == retrain
    assert parsed["tasks"]["backtest"] == ["build", "summary", "train"]


def test_neither_a_failed_nor_a_skipped_entrant_keeps_the_leaderboard_from_running(parsed: dict):
    assert parsed["rules"]["retrain.leaderboard"] == "all_done"


def test_the_form_offers_what_a_run_asks_for(parsed: dict):
    trainings = {"architectures", "as_of", "profile", "seed", "station"}
    assert set(parsed["params"]["retrain"]) == trainings | {"split"}
    assert set(parsed["params"]["backtest"]) == trainings | {"folds", "step_days", "test_days", "train_days", "validation_days"}


def test_the_forms_defaults_are_those_of_the_requests(parsed: dict):
    from tsflow.steps import BacktestRequest

    fields = BacktestRequest.model_fields
    given = {name: value for name, value in parsed["defaults"]["backtest"].items() if name not in {"station", "profile"}}
    assert given == {name: fields[name].default for name in given}


def test_a_training_of_a_backtest_is_named_by_fold_and_architecture(parsed: dict):
    assert "'fold'" in parsed["labels"]["backtest.train"]
    assert "'architecture'" in parsed["labels"]["backtest.train"]
    assert parsed["rules"]["backtest.summary"] == parsed["rules"]["retrain.leaderboard"] == "all_done"


def test_training_has_a_pool_and_a_queue_of_its_own(parsed: dict):
    assert parsed["pools"]["retrain.train"] == parsed["pools"]["backtest.train"] == ["training", "training"]
    assert all(retries > 0 for retries in parsed["retries"].values())


@pytest.mark.parametrize("path", sorted((REPOSITORY / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_only_wires(path: Path):
    assert len(path.read_text().splitlines()) <= 130
