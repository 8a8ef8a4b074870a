"""The whole stack: object store and Airflow, started, used, hurt and stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from conftest import REPOSITORY
from tsflow.errors import SettingsError, StackError, UnknownName
from tsflow.settings import Settings, load_settings, settings
from tsflow.stack import Airflow, StackStatus, down, object_store, status, up
from tsflow.stack.airflow import PARTS
from tsflow.stack.dag_processor import LOADED
from tsflow.stack.marks import marked, part_of
from tsflow.stack.objects import use_lock
from tsflow.stack.ports import is_free

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DAG = """
from airflow.sdk import Param, dag, get_current_context, task

@dag(schedule="30 HOUR * * *", catchup=False, params={"count": Param(3, type="integer", maximum=9)})
def trivial():
    @task
    def numbers(params):
        return list(range(params["count"]))

    @task(pool="training", map_index_template="{{ label }}")
    def store(number):
        from tsflow.settings import settings
        from tsflow.storage.objects import ObjectStore
        get_current_context()["label"] = f"number {number}"
        settings().object_store.open().put_same(f"numbers/{number}", str(number).encode())

    store.expand(number=numbers())

trivial()
"""
OF_A_STATION = """
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None, params={"stations": sorted(path.stem for path in (Path(__file__).parents[1] / "include").glob("*.yaml"))})
def of_a_station():
    @task
    def nothing():
        return None

    nothing()

of_a_station()
"""
COMPONENTS = {"object-store", "scheduler", "dag-processor", "api-server", "triggerer"}


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home with one DAG, a state folder, and settings whose UI port somebody else has."""
    home = tmp_path_factory.mktemp("home")
    for folder in ("include", "dags", "plugins"):
        (home / folder).mkdir()
    far = (datetime.now(UTC) + timedelta(hours=12)).hour  # Airflow runs at once what was due in the last tenth of its interval
    (home / "dags" / "trivial.py").write_text(DAG.replace("HOUR", str(far)))
    (home / "dags" / "broken.py").write_text("from airflow.sdk import dag\nimport no_such_module\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("TSFLOW_HOME", str(home))
    patch.setenv("TSFLOW_STATE", str(tmp_path_factory.mktemp("state")))
    patch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # the stack does not hand it on
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        settings.cache_clear()
        try:
            yield load_settings({"stack.ui_port": other.getsockname()[1]})
        finally:
            down()
            patch.undo()


@pytest.fixture
def stack(place: Settings) -> StackStatus:
    """The running stack: started if it is not, left as it is if it is."""
    return up(place)


@pytest.fixture
def airflow(stack: StackStatus) -> Airflow:
    client = Airflow.of_stack(stack)
    client.wait_for_dag("trivial")
    return client


def run(airflow: Airflow, **conf: object) -> str:
    run_id = airflow.trigger("trivial", conf)
    until(lambda: airflow.dag_run("trivial", run_id).ended)
    assert airflow.dag_run("trivial", run_id).state == "success"
    return run_id


def test_what_it_costs_when_idle_is_measured_of_every_part(airflow: Airflow, tmp_path: Path) -> None:
    assert "trivial" in airflow.dag_ids()
    program, out = REPOSITORY / "benchmarks" / "idle.py", tmp_path / "idle.json"
    command = [sys.executable, program, "--seconds", "3", "--triggers", "1", "--dag", "trivial", "--output", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert set(seen["parts"]) == COMPONENTS | {"supervisor", "object-store-keeper", "total"}
    assert all(part["memory_mb"] > 5 for part in seen["parts"].values())
    assert len(seen["seconds_to_first_task"]) == 1


def test_what_the_dag_processor_loads_ahead_is_there_and_is_what_the_dag_files_wait_for() -> None:
    files = [path.read_text() for path in (REPOSITORY / "dags").glob("*.py")]
    for module in LOADED:
        import_module(module)
    assert sum("from tsflow.requests" in text for text in files) > 5
    assert sum("from airflow.sdk import" in text and "dag" in text for text in files) > 5


def test_a_new_dag_file_and_a_new_station_are_known_in_seconds_though_files_are_read_each_half_hour(airflow: Airflow) -> None:
    """Waited for longer than it takes: the machine may be busy."""
    place = Path(os.environ["TSFLOW_HOME"])

    def stations() -> list[str]:
        offered: list[str] = airflow._ask("GET", "/dags/of_a_station/details")["params"]["stations"]["value"]
        return offered

    (place / "dags" / "of_a_station.py").write_text(OF_A_STATION)
    airflow.wait_for_dag("of_a_station")
    assert stations() == []
    (place / "include" / "roof.yaml").write_text("station: roof")
    until(lambda: stations() == ["roof"], 60)
    # Sooner after the last change than Airflow by default stores another one.
    (place / "include" / "roof.yaml").rename(place / "include" / "mast.yaml")
    until(lambda: stations() == ["mast"], 60)
    (place / "include" / "mast.yaml").unlink()
    until(lambda: stations() == [], 60)
    (place / "dags" / "of_a_station.py").unlink()
    until(lambda: "of_a_station" not in airflow.dag_ids(), 120)


def test_many_who_click_at_once_are_all_answered_and_recorded(stack: StackStatus, airflow: Airflow) -> None:
    def click(number: int) -> None:
        mine = Airflow.of_stack(stack)  # which waits half a minute for an answer
        for _ in range(4):
            waiting = mine._ask("POST", "/dags/trivial/dagRuns", json={"logical_date": None, "conf": {"count": number}})
            mine._request("DELETE", f"/dags/trivial/dagRuns/{quote(waiting['dag_run_id'], safe='')}").raise_for_status()

    def recorded() -> int:
        return int(airflow._ask("GET", "/eventLogs?event=trigger_dag_run")["total_entries"])

    before = recorded()
    airflow._ask("PATCH", "/dags/trivial", json={"is_paused": True})
    with ThreadPoolExecutor(8) as people:
        list(people.map(click, range(8)))
    airflow._ask("PATCH", "/dags/trivial", json={"is_paused": False})
    assert recorded() == before + 8 * 4


def test_every_part_is_healthy_and_a_second_up_changes_nothing(stack: StackStatus, place: Settings) -> None:
    assert stack.healthy
    assert {part.name for part in stack.components} == COMPONENTS
    again = up(place)
    assert {part.pid for part in again.components} == {part.pid for part in stack.components}
    assert again.ui_url == stack.ui_url
    assert status().state == "running"
    assert json.loads(status().model_dump_json())["healthy"] is True


def test_a_taken_port_was_replaced(stack: StackStatus, place: Settings) -> None:
    assert stack.ui_url
    assert not stack.ui_url.endswith(f":{place.stack.ui_port}")


def test_a_run_succeeds_its_tasks_bear_labels_and_reach_the_store(airflow: Airflow, place: Settings) -> None:
    run_id = run(airflow, count=4)
    tasks = airflow.task_instances("trivial", run_id)
    assert {task.label for task in tasks} == {"numbers", *(f"store[number {i}]" for i in range(4))}
    assert {task.state for task in tasks} == {"success"}
    with object_store(place) as store:
        assert store.open().get("numbers/3") == b"3"


def test_the_first_start_runs_nothing_by_itself(airflow: Airflow) -> None:
    assert not [run for run in airflow.dag_runs("trivial") if run.dag_run_id.startswith("scheduled")]


def test_the_api_says_what_is_wrong(airflow: Airflow, stack: StackStatus) -> None:
    with pytest.raises(SettingsError, match="count"):
        airflow.trigger("trivial", {"count": 10})
    with pytest.raises(UnknownName, match="valid: trivial"):
        airflow.trigger("trivail")
    with pytest.raises(UnknownName, match="unknown run"):
        airflow.dag_run("trivial", "none")
    until(airflow.import_errors)
    with pytest.raises(StackError, match=r"(?s)not read a DAG 'broken'.*no_such_module"):
        airflow.wait_for_dag("broken", timeout_seconds=0.0)
    with pytest.raises(StackError, match="refuses the password of viewer"):
        Airflow(airflow.url, "viewer", "guessed").import_errors()


def test_a_viewer_may_look_but_not_start_a_run(airflow: Airflow, stack: StackStatus) -> None:
    password = json.loads(Path(stack.password_file).read_text())["viewer"]
    viewer = Airflow(airflow.url, "viewer", password)
    assert viewer.dag_ids() == ["trivial"]
    with pytest.raises(StackError, match="403"):
        viewer.trigger("trivial")


def test_nothing_listens_or_speaks_off_loopback_during_a_run(airflow: Airflow) -> None:
    run_id = airflow.trigger("trivial", {"count": 9})
    seen: set[str] = set()
    while not airflow.dag_run("trivial", run_id).ended:
        for process in marked():
            try:
                connections = process.net_connections("inet")
            except psutil.Error:
                continue  # it has ended
            for connection in connections:
                seen |= {connection.laddr.ip} | ({connection.raddr.ip} if connection.raddr else set())
    assert seen == {"127.0.0.1"}


def test_every_process_bears_the_mark(stack: StackStatus) -> None:
    def unmarked() -> set[psutil.Process]:
        """Those that are there, and still are there after all marked ones were listed."""
        mine = {child for part in stack.components for child in psutil.Process(part.pid).children(recursive=True)}
        known = {process.pid for process in marked()}
        assert {part.pid for part in stack.components} <= known
        return {each for each in mine if each.pid not in known and each.is_running() and each.status() != psutil.STATUS_ZOMBIE}

    until(lambda: not unmarked())  # a process that was just forked bears the mark a moment later


@pytest.mark.parametrize("name", ["object-store", "scheduler", "dag-processor", "api-server", "triggerer"])
def test_a_killed_component_comes_back_and_status_says_so(name: str, stack: StackStatus, airflow: Airflow) -> None:
    before = {part.name: part for part in stack.components}
    leftovers = [process for process in marked(lambda part: part == name) if process.pid != before[name].pid]
    os.kill(before[name].pid or 0, signal.SIGKILL)
    until(lambda: {part.name: part for part in status().components}[name].restarts == before[name].restarts + 1)
    until(lambda: status().healthy)
    after = {part.name: part for part in status().components}[name]
    assert after.pid != before[name].pid
    assert "SIGKILL" in (after.reason or "")
    assert not [process for process in leftovers if part_of(process)]
    run(airflow)


def test_a_port_that_another_program_took_meanwhile_is_given_up(stack: StackStatus, place: Settings) -> None:
    """Of two stacks that start at once and choose the same port, one gets it: the other must not wait for it in vain."""
    port = int(str(stack.ui_url).rpartition(":")[2])
    (supervisor,) = marked(lambda part: part == "supervisor")
    os.kill(supervisor.pid, signal.SIGSTOP)
    for process in marked(lambda part: part == "api-server"):
        process.kill()
    with socket.socket() as other:
        until(lambda: is_free(port))
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        os.kill(supervisor.pid, signal.SIGCONT)
        until(lambda: status().healthy and status().ui_url != stack.ui_url)
        client = Airflow.of_stack(status())
        client.wait_for_dag("trivial")
        run(client)


def test_after_a_kill_of_the_supervisor_two_ups_at_once_start_one_stack(stack: StackStatus, place: Settings) -> None:
    kill_supervisor()
    found = status()
    assert (found.state, found.healthy) == ("down", False)
    assert "the supervisor was killed" in (found.reason or "")
    assert not use_lock().acquire(timeout_seconds=5.0), "Airflow's parts hold the store in use"
    with object_store(place) as store:
        store.open().put_same("while/airflow/runs", b"x")
    code = "from tsflow.stack import up; from tsflow.settings import load_settings; print(up(load_settings()).model_dump_json())"
    environment = {**os.environ, "TSFLOW_STACK__UI_PORT": str(place.stack.ui_port)}
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) for _ in range(2)]
    first, second = (json.loads(one.communicate()[0]) for one in both)
    assert first["healthy"]
    assert [part["pid"] for part in first["components"]] == [part["pid"] for part in second["components"]]
    assert first["ui_url"] == stack.ui_url
    assert len(marked(lambda part: part == "supervisor")) == 1


def test_down_leaves_no_process_also_after_a_kill_of_the_supervisor(stack: StackStatus) -> None:
    kill_supervisor()
    down()
    assert marked() == []
    down()
    assert status().state == "down"


def test_down_leaves_no_process(stack: StackStatus) -> None:
    down()
    assert marked() == []
    assert status().components == ()


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    down()
    monkeypatch.setenv("AIRFLOW__TRIGGERER__CAPACITY", "many")
    broken = place.model_copy(update={"stack": place.stack.model_copy(update={"max_restarts": 0})})
    with pytest.raises(StackError, match=r"(?s)triggerer does not start: ended with.*logs/triggerer\.log.*many"):
        up(broken)
    assert marked() == []


def kill_supervisor() -> None:
    (supervisor,) = marked(lambda part: part == "supervisor")
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: part_of(supervisor) is None)
    assert marked(lambda part: part in PARTS)
