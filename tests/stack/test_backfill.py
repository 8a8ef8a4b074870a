"""Airflow's own Backfill of `replay`, carried to its end by a real scheduler: the days are those of `tsflow replay`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shell import Shell, ended, wait_until
from tsflow.errors import StackError
from tsflow.records.names import run_key
from tsflow.stack import Airflow, DagRun, StackStatus

pytestmark = pytest.mark.stack

ENTRANTS = ("naive", "climatology")
DAYS = [f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (5, 4, 3)]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("backfill"), ENTRANTS)
    yield shell
    shell("down")


@pytest.fixture(scope="module")
def airflow(shell: Shell) -> Airflow:
    done = shell("up", "--json")
    assert done.returncode == 0, done.stderr
    return Airflow.of_stack(StackStatus.model_validate_json(done.stdout))


def test_a_backfill_of_three_past_days_ends_with_the_boards_of_the_command(shell: Shell, airflow: Airflow):
    ended(airflow, "ingest_weather", {"station": "demo"})
    span = {"from_date": f"{DAYS[0]}T00:00:00Z", "to_date": f"{DAYS[-1]}T00:00:00Z"}
    conf = {"station": "demo", "profile": "smoke"}
    asked = {"dag_id": "replay", **span, "dag_run_conf": conf, "max_active_runs": 1, "run_on_latest_version": True}
    wait_until(lambda: accepted(airflow, asked), seconds=100)
    wait_until(lambda: len(runs := replays(airflow)) == len(DAYS) and all(run.ended for run in runs), seconds=400)
    assert {run.state for run in replays(airflow)} == {"success"}
    by_airflow = {}
    for run in replays(airflow):
        board = json.loads(shell("leaderboard", "--run", run_key(run.dag_run_id), "--json").stdout)
        by_airflow[board["as_of"][:10]] = said(board)
    assert sorted(by_airflow) == DAYS
    done = shell("replay", "--station", "demo", "--profile", "smoke", "--from", DAYS[0], "--to", DAYS[-1], "--json")
    assert done.returncode == 0, done.stderr
    assert {board["as_of"][:10]: said(board) for board in json.loads(done.stdout)["days"]} == by_airflow
    assert shell("champion", "show").returncode != 0, "a replay publishes nothing"


def accepted(airflow: Airflow, asked: dict[str, Any]) -> bool:
    """Ask as Airflow's form does. On SQLite it refuses a backfill whenever another of its parts writes in between: ask again."""
    try:
        airflow._ask("POST", "/backfills", json=asked)
    except StackError as refusal:
        if "503: Database is locked" not in str(refusal):
            raise
        return False
    return True


def replays(airflow: Airflow) -> list[DagRun]:
    """The runs of Backfill; beside them Airflow makes one of the schedule, which does nothing."""
    return [run for run in airflow.dag_runs("replay") if run.dag_run_id.startswith("backfill")]


def said(board: dict) -> tuple[str, dict[str, tuple[float, float]]]:
    """What a board says of its day: which data it saw, and the errors of its entrants."""
    return board["fingerprint"], {each["architecture"]: (each["val_mae"], each["test_mae"]) for each in board["entrants"]}
