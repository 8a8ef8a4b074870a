"""A part of the running stack is killed, frozen or locked while a run trains: the run ends well, and nothing is damaged or stuck.

Every fault is tried once in `make test` if it is short, and by `make faults` all of them three times; the table that this writes
stands in docs/reliability.md.
"""

import json
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
import pytest

from shell import TSFLOW, Shell, wait_until
from tsflow.errors import StackError
from tsflow.stack import Airflow, StackStatus
from tsflow.stack.marks import ID_VARIABLE, PART_VARIABLE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(2400)]

ENTRANTS = ("naive", "dense", "lstm")
_SEEDS = count(100)  # a seed of its own for each run, so that it trains anew


def parts(shell: Shell) -> dict[psutil.Process, str]:
    """Return every process of the shell's stack, and which part of it that is; SeaweedFS knows no more than the stack's mark."""
    marks = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            marks[process] = process.environ()
    (mine, *_) = {
        mark[ID_VARIABLE] for mark in marks.values() if ID_VARIABLE in mark and mark.get("TSFLOW_STATE") == str(shell.state)
    }
    return {process: mark[PART_VARIABLE] for process, mark in marks.items() if mark.get(ID_VARIABLE) == mine}


def killed(*names: str) -> Callable[[Shell], None]:
    """Kill parts by the names that `tsflow status` shows."""

    def strike(shell: Shell) -> None:
        victims = [process for process, part in parts(shell).items() if part in names]
        leaders = [process for process in victims if process.ppid() not in {other.pid for other in victims}]
        assert leaders, names
        for process in leaders:
            process.kill()

    return strike


def killed_command(pattern: str) -> Callable[[Shell], None]:
    """Kill one process by its command line."""

    def strike(shell: Shell) -> None:
        (victim, *_) = [process for process in shell.processes() if re.search(pattern, " ".join(process.cmdline()).strip())]
        victim.kill()

    return strike


def frozen(name: str, seconds: float) -> Callable[[Shell], None]:
    """Stop a part for some time; it answers nobody, and its connections stay open."""

    def strike(shell: Shell) -> None:
        (victim,) = [process for process, part in parts(shell).items() if part == name]
        victim.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        victim.send_signal(signal.SIGCONT)

    return strike


def locked_database(seconds: float) -> Callable[[Shell], None]:
    """Hold Airflow's database for some time, so that nobody else writes to it."""

    def strike(shell: Shell) -> None:
        with sqlite3.connect(shell.state / "airflow" / "airflow.db", timeout=30, isolation_level=None) as database:
            database.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            database.execute("ROLLBACK")
        database.close()

    return strike


def killed_supervisor_then_up(shell: Shell) -> None:
    killed("supervisor")(shell)
    done = shell("up")
    assert done.returncode == 0, done.stdout + done.stderr


def moved_store(shell: Shell) -> None:
    """Kill the store, and let another program have its port for longer than it is waited for."""
    port = json.loads((shell.state / "run" / "ports-object-store.json").read_text())["s3.port"]["port"]
    killed("object-store", "object-store-keeper")(shell)
    deadline = time.monotonic() + 10
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                other.bind(("127.0.0.1", port))
            except OSError:
                assert time.monotonic() < deadline, "somebody else was faster"
            else:
                break
        other.listen()
        wait_until(lambda: _url_of_store(shell) not in {None, f"http://127.0.0.1:{port}"}, 90)


def _url_of_store(shell: Shell) -> str | None:
    return json.loads((shell.state / "run" / "object-store-keeper.json").read_text()).get("url")


@dataclass(frozen=True)
class Fault:
    """What is done while the network trains, and within how many seconds after it the run has ended."""

    name: str
    strike: Callable[[Shell], None]
    within_seconds: float = 240.0
    short: bool = False  # it is tried by `make test`, too


FAULTS = [
    Fault("scheduler killed", killed("scheduler"), short=True),
    Fault("API server killed", killed("api-server")),
    Fault("DAG processor killed", killed("dag-processor")),
    Fault("triggerer killed", killed("triggerer")),
    Fault("task killed, as for want of memory", killed_command(r"airflow worker -- [0-9a-f-]{36}$"), short=True),
    Fault("worker killed; its task runs on beside the retry", killed_command(r"LocalExecutor: [0-9a-f-]{36}$")),
    Fault("store killed", killed("object-store")),
    Fault("store and keeper killed", killed("object-store", "object-store-keeper")),
    Fault("store killed, its port taken: it comes back at another", moved_store),
    Fault("supervisor killed, nothing done", killed("supervisor")),
    Fault("supervisor killed, then `tsflow up`", killed_supervisor_then_up),
    Fault("store frozen for 20 s", frozen("object-store", 20)),
    Fault("store frozen for 3 min", frozen("object-store", 180), within_seconds=600),
    Fault("database locked for 20 s", locked_database(20)),
]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("faults"), ENTRANTS, TSFLOW_PROFILES__SMOKE__MAX_EPOCHS="8")
    done = shell("run", "--architectures", "naive", "--profile", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    yield shell
    shell("down")


def test_tsflow_run_follows_on_while_api_and_store_are_away_and_ends_with_the_runs_own_result(shell: Shell):
    made_well(shell)
    airflow = airflow_of(shell)
    known = {run.dag_run_id for run in airflow.dag_runs("retrain")}
    command = [TSFLOW, "run", "--profile", "smoke", "--seed", str(next(_SEEDS))]
    with subprocess.Popen(command, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as following:
        wait_until(
            lambda: any(training(airflow, run.dag_run_id) for run in airflow.dag_runs("retrain") if run.dag_run_id not in known)
        )
        killed("api-server")(shell)
        killed("object-store")(shell)
        said, _ = following.communicate(timeout=240)
    assert following.returncode == 0, said
    assert "the run goes on without us, waiting for an answer" in said
    assert "publish: success" in said
    assert "forecast  T at" in said
    ended_well(shell, airflow.dag_runs("retrain")[0].dag_run_id)


def test_up_stay_brings_back_a_killed_supervisor_whose_run_goes_on_and_stops_all_at_its_end(shell: Shell):
    def killed_and_back(shell: Shell) -> None:
        killed("supervisor")(shell)
        wait_until(lambda: shell("status").returncode != 0, 60, every=2)
        wait_until(lambda: shell("status").returncode == 0, 180, every=3)

    assert shell("down").returncode == 0
    with subprocess.Popen([TSFLOW, "up", "--stay"], env=shell.environment) as staying:
        wait_until(lambda: shell("status").returncode == 0, 180, every=3)
        outlived(Fault("supervisor killed under `up --stay`", killed_and_back), shell)
        refused = shell("down")
        assert refused.returncode != 0
        assert f"(process {staying.pid}) keeps the stack up" in refused.stderr
        assert shell("status").returncode == 0
        staying.terminate()
        assert staying.wait(timeout=90) == 0
    wait_until(lambda: shell.processes() == [], 10)
    assert shell("status").returncode == 9


def airflow_of(shell: Shell) -> Airflow:
    return Airflow.of_stack(StackStatus.model_validate_json(shell("status", "--json").stdout))


def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--fault-rounds"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_run_outlives_it(fault: Fault, shell: Shell, request: pytest.FixtureRequest):
    if not (fault.short or rounds(request) > 1):
        pytest.skip("takes long: `make faults` tries it")
    for number in range(rounds(request)):
        seconds = outlived(fault, shell)
        note(request, {"fault": fault.name, "round": number + 1, "seconds": round(seconds)})


def outlived(fault: Fault, shell: Shell) -> float:
    """Strike while `lstm` trains; return the seconds from then to the run's end, of which all that must hold was checked."""
    made_well(shell)
    airflow = airflow_of(shell)
    run_id = airflow.trigger("retrain", {"station": "demo", "profile": "smoke", "seed": next(_SEEDS)})
    wait_until(lambda: training(airflow, run_id))
    time.sleep(2)  # it is among its epochs
    struck = time.monotonic()
    fault.strike(shell)
    wait_until(lambda: ended(airflow, run_id), fault.within_seconds)
    seconds = time.monotonic() - struck
    ended_well(shell, run_id)
    return seconds


def ended_well(shell: Shell, run_id: str) -> None:
    """Check that a run succeeded with every entrant, its board is the newest, the gate decided on it, and the champion is whole."""
    airflow = airflow_of(shell)
    assert airflow.dag_run("retrain", run_id).state == "success", [
        (task.label, task.state) for task in airflow.task_instances("retrain", run_id)
    ]
    board = json.loads(shell("leaderboard", "--json").stdout)
    assert board["run"].startswith(run_id[:19].replace(":", "-")), "its own board is the newest"
    assert {entrant["architecture"]: entrant["status"] for entrant in board["entrants"]}.items() >= {(n, "ok") for n in ENTRANTS}
    newest = json.loads(shell("champion", "history", "--json").stdout)["entries"][0]
    assert newest["run"] == board["run"], "the gate has decided on it"
    verified = shell("champion", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def made_well(shell: Shell) -> None:
    """Have the stack up and healthy, as after the fault before."""
    done = shell("up")
    assert done.returncode == 0, done.stdout + done.stderr


def training(airflow: Airflow, run_id: str) -> bool:
    return any(task.label == "train[lstm]" and task.state == "running" for task in airflow.task_instances("retrain", run_id))


def ended(airflow: Airflow, run_id: str) -> bool:
    with suppress(StackError):  # the API server may be the part that was killed
        return airflow.dag_run("retrain", run_id).ended
    return False


def note(request: pytest.FixtureRequest, line: dict[str, object]) -> None:
    """Add a line to the file that docs/make.py makes the table of."""
    if path := request.config.getoption("--fault-notes"):
        with Path(path).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps(line) + "\n")


def test_the_names_of_the_parts_are_those_that_run(shell: Shell):
    made_well(shell)
    assert {*parts(shell).values()} >= {
        "scheduler",
        "api-server",
        "dag-processor",
        "triggerer",
        "object-store",
        "object-store-keeper",
        "supervisor",
    }
