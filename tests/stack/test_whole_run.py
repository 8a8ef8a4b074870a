"""A whole run of the stack, through Airflow's REST API and UI, as its user sees it."""

import json
import runpy
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import yaml
from playwright.sync_api import Page, sync_playwright

from conftest import REPOSITORY
from shell import TSFLOW, Shell, ended, wait_until
from tsflow.errors import SettingsError, StackError
from tsflow.stack import Airflow, StackStatus
from tsflow.storage.objects import ObjectStore

pytestmark = pytest.mark.stack


WAITING = {"deferred", "awaiting_input"}  # of a task that has asked a person
ENTRANTS = ("naive", "dense", "lstm")


class ConnectionWatch(threading.Thread):
    """Notes every address that the stack's processes listen on or talk to; each look takes a tenth of a second of processor."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(daemon=True)
        self.shell, self.addresses, self.over = shell, set[str](), threading.Event()
        self.pause = 0.2

    def run(self) -> None:
        while not self.over.wait(self.pause):
            for process in self.shell.processes():
                try:
                    connections = process.net_connections(kind="inet")
                    if process.is_running():  # else its number may be another's by now
                        self.addresses |= {end.ip for each in connections for end in (each.laddr, each.raddr) if end}
                except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                    continue


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("whole"), ENTRANTS)
    yield shell
    shell("down")


@pytest.fixture(scope="module")
def watch(shell: Shell) -> Iterator[ConnectionWatch]:
    watch = ConnectionWatch(shell)
    watch.start()
    yield watch
    watch.over.set()
    watch.join()


@pytest.fixture(scope="module")
def stack(shell: Shell, watch: ConnectionWatch) -> StackStatus:
    done = shell("up", "--json")
    assert done.returncode == 0, done.stderr
    return StackStatus.model_validate_json(done.stdout)


@pytest.fixture(scope="module")
def airflow(stack: StackStatus) -> Airflow:
    return Airflow.of_stack(stack)


def break_architecture(shell: Shell, name: str) -> None:
    path = shell.home / "include" / "architectures" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text())
    content |= {"activation": "linear", "fit": {"epochs": 2, "optimiser": "sgd", "learning_rate": 1.0}}
    path.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def run(shell: Shell, airflow: Airflow, watch: ConnectionWatch) -> str:
    """What `tsflow run` printed; one entrant of three cannot be trained."""
    break_architecture(shell, "lstm")
    done = shell("run", "--profile", "smoke", "--architectures", ",".join(ENTRANTS), "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    watch.pause = 2.0
    return done.stdout


def test_the_run_shows_its_progress_its_result_and_where_to_look(run: str, stack: StackStatus):
    assert "train[dense]: success" in run
    assert "dense: epoch 1 of 1, validation MAE" in run
    assert "promotion: naive" in run or "promotion: dense" in run
    assert "manifest.json" in run
    assert "forecast  T at " in run
    assert "read it   tsflow forecast --station demo" in run
    assert f"{stack.ui_url}  user admin, password" in run


def test_a_failed_entrant_stays_on_the_leaderboard_and_the_run_succeeds(run: str, shell: Shell, airflow: Airflow):
    board = json.loads(shell("leaderboard", "--json").stdout)
    assert {entrant["architecture"]: entrant["status"] for entrant in board["entrants"]} == {
        "naive": "ok",
        "dense": "ok",
        "lstm": "failed",
    }
    assert "not finite" in board["entrants"][-1]["reason"]
    newest = airflow.dag_runs("retrain")[0]
    assert newest.state == "success"
    tasks = {task.label: task for task in airflow.task_instances("retrain", newest.dag_run_id)}
    assert tasks["train[lstm]"].state == "failed"
    assert tasks["train[lstm]"].try_number == 1  # a data error: trying again changes nothing
    assert shell("champion", "verify").returncode == 0


def test_a_fresh_stack_runs_nothing_by_itself(run: str, airflow: Airflow):
    assert len(airflow.dag_runs("ingest_weather")) == 1
    assert len(airflow.dag_runs("retrain")) == 1


def test_fresh_observations_bring_forecasts_at_once_and_a_daily_retraining_of_each_task(run: str, shell: Shell, airflow: Airflow):
    before = len(airflow.dag_runs("forecast"))
    ended(airflow, "ingest_weather", {"station": "demo", "history_days": 130})  # older rows than are stored
    wait_until(lambda: len(airflow.dag_runs("forecast")) == before + 2)
    assert len(airflow.dag_runs("retrain")) == 1, "never once an hour"
    ended(airflow, "daily", {})
    wait_until(lambda: len(airflow.dag_runs("retrain")) == 3)
    wait_until(lambda: all(found.ended for found in [*airflow.dag_runs("retrain"), *airflow.dag_runs("forecast")]))
    assert {found.state for found in airflow.dag_runs("retrain")} == {"success"}
    assert {found.state for found in airflow.dag_runs("forecast")} == {"success"}
    for task, horizon in (("main", 24), ("half_day", 12)):
        board = json.loads(shell("leaderboard", "--station", "demo", "--task", task, "--json").stdout)
        assert (board["task"], board["horizon_hours"], board["profile"]) == (task, horizon, "smoke")
        assert {entrant["architecture"] for entrant in board["entrants"]} == set(ENTRANTS)
        shown = json.loads(shell("champion", "show", "--task", task, "--json").stdout)
        assert shown["manifest"]["horizon_hours"] == horizon
        assert shown["manifest"]["metrics"]["gate"]["verdict"] in {"first", "refresh"}


def test_an_ingest_without_anything_new_brings_none(run: str, airflow: Airflow):
    forecasts, retrainings = len(airflow.dag_runs("forecast")), len(airflow.dag_runs("retrain"))
    stored_already = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%dT%H:00:00Z}"
    run_id = ended(airflow, "ingest_weather", {"station": "demo", "as_of": stored_already, "history_days": 1})
    states = {task.label: task.state for task in airflow.task_instances("ingest_weather", run_id)}
    assert states["ingest.announce[demo]"] == "skipped"
    asked = ended(airflow, "daily", {})
    assert [task.state for task in airflow.task_instances("daily", asked)] == ["skipped"]
    assert (len(airflow.dag_runs("forecast")), len(airflow.dag_runs("retrain"))) == (forecasts, retrainings)


def test_retention_cleans_the_database_from_within_a_task_and_vacuums(run: str, airflow: Airflow):
    before = len(airflow.dag_runs("retrain"))
    run_id = ended(airflow, "retention", {})
    assert airflow.dag_runs("retention")[0].state == "success"
    (task,) = airflow.task_instances("retention", run_id)
    told = airflow._ask("GET", f"/dags/retention/dagRuns/{quote(run_id, safe='')}/taskInstances/collect/xcomEntries/return_value")
    said = told["value"] if isinstance(told["value"], dict) else json.loads(told["value"])
    assert (task.state, said["store"]["removed"]) == ("success", True)
    assert said["database"]["size"] > 0
    assert said["disk"]["after"] > 0
    assert said["logs"]["folder"].endswith("airflow/logs")
    assert len(airflow.dag_runs("retrain")) == before, "nothing of it is old"


def approval(run_id: str) -> str:
    return f"/dags/retrain/dagRuns/{quote(run_id, safe='')}/taskInstances/approve/0/hitlDetails"


def asked(airflow: Airflow, run_id: str) -> bool:
    tasks = airflow.task_instances("retrain", run_id)
    return any(task.label.startswith("approve") and task.state in WAITING for task in tasks)


def test_a_person_is_asked_in_airflow_and_the_answer_stands_in_the_history(run: str, shell: Shell, airflow: Airflow):
    demo = shell.home / "include" / "stations" / "demo.yaml"
    demo.write_text(demo.read_text() + "approval: true\n")
    run_id = airflow.trigger("retrain", {"station": "demo", "architectures": ["naive", "dense"], "seed": 4})
    wait_until(lambda: asked(airflow, run_id))
    assert airflow._ask("GET", approval(run_id))["subject"].startswith("Make ")

    def answered() -> bool:
        if asked(airflow, run_id):  # anew, if the answer came before Airflow's scheduler heard that the task waits
            answer = {"chosen_options": ["Refuse"], "params_input": {"reason": "not on a Friday"}}
            airflow._request("PATCH", approval(run_id), json=answer)
        return airflow.dag_run("retrain", run_id).ended

    wait_until(answered)
    assert airflow.dag_run("retrain", run_id).state == "success"
    newest = json.loads(shell("champion", "history", "--json").stdout)["entries"][0]
    assert (newest["kind"], newest["reason"]) == ("refusal", "admin: not on a Friday")
    demo.write_text(demo.read_text().replace("approval: true\n", ""))


def test_the_table_of_a_run_says_which_worker_took_which_task(stack: StackStatus, capsys: pytest.CaptureFixture[str]):
    password = json.loads(Path(stack.password_file).read_text())[stack.login_user]
    program = runpy.run_path(str(REPOSITORY / "deploy" / "airflow_run.py"))
    conf = {"station": "demo"}
    assert program["follow_run"](stack.ui_url, password, "ingest_weather", conf, 300.0) == "success"
    assert "| ingest.store[demo] |" in capsys.readouterr().out


def test_who_follows_a_run_that_waits_for_a_paused_dag_is_told_and_let_go(airflow: Airflow, monkeypatch: pytest.MonkeyPatch):
    from tsflow.cli import follow

    airflow._ask("PATCH", "/dags/backtest", json={"is_paused": True})
    with pytest.raises(StackError, match="the DAG backtest is paused, its runs would wait for ever; switch it on at"):
        airflow.trigger("backtest", {"station": "demo"})
    waiting = airflow._ask("POST", "/dags/backtest/dagRuns", json={"logical_date": None, "conf": {"station": "demo"}})["dag_run_id"]
    monkeypatch.setattr(follow, "_triggered", lambda *_: waiting)
    monkeypatch.setattr(follow, "_PATIENCE_SECONDS", 2.0)
    with pytest.raises(StackError, match="the DAG backtest is paused"):
        follow.follow(airflow, None, "backtest", {})  # no training, so no epochs are read
    airflow._request("DELETE", f"/dags/backtest/dagRuns/{quote(waiting, safe='')}")


def test_a_wrong_form_is_refused(airflow: Airflow, stack: StackStatus):
    with pytest.raises(SettingsError, match="kfold") as caught:
        airflow.trigger("retrain", {"split": "kfold"})
    assert len(str(caught.value).splitlines()) == 1, "the sentence, not the schema"


def test_a_station_whose_file_is_new_is_waited_for(shell: Shell, airflow: Airflow):
    stations = shell.home / "include" / "stations"
    (stations / "roof.yaml").write_text((stations / "demo.yaml").read_text().replace("station: demo", "station: roof", 1))
    done = shell("ingest", "--station", "roof", "--history-days", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "store[roof]: success" in done.stdout


PLANTED = "planted-Passw0rd-of-a-source"
PRIVATE = {  # where secrets live: readable by their owner only
    "secrets.json",
    "airflow/passwords.json",
    "certificates/store.pem",
    "reader.env",
    "run/identities.json",
}


def test_secrets_stand_in_their_own_files_and_nowhere_else(run: str, shell: Shell, airflow: Airflow, stack: StackStatus):
    """In no log, page, object, database, message or command line; also not the password of a source's URL, whose fetch fails."""
    stations = shell.home / "include" / "stations"
    content = yaml.safe_load((stations / "demo.yaml").read_text()) | {"station": "secretive"}
    content["sources"] = {"away": {"kind": "archive", "urls": [f"http://user:{PLANTED}@127.0.0.1:9/x.zip"]}}
    (stations / "secretive.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    said = shell("ingest", "--here", "--station", "secretive")
    assert said.returncode == 4, said.stderr
    wait_until(lambda: _triggered(airflow, {"station": "secretive"}))
    run_id = airflow.dag_runs("ingest_weather")[0].dag_run_id
    wait_until(
        lambda: any(
            task.try_number > 0 and task.state == "up_for_retry" for task in airflow.task_instances("ingest_weather", run_id)
        )
    )
    known = json.loads((shell.state / "secrets.json").read_text())
    secrets = {**known, "planted": PLANTED}
    told = {"run": run, "ingest": said.stdout + said.stderr, "status": shell("status", "--json").stdout}
    told |= {f"process {process.pid}": " ".join(process.cmdline()) for process in shell.processes()}
    written = {name: text.encode() for name, text in told.items()} | objects_of(shell, stack)
    for path in shell.state.rglob("*"):
        name = str(path.relative_to(shell.state))
        if path.is_file() and name not in PRIVATE and not name.startswith("objects/"):  # those were read by their keys
            written[name] = path.read_bytes()
    assert any(name.endswith(".db") for name in written)
    assert sum(name.endswith(".log") for name in written) > 10
    found = {(where, name) for where, body in written.items() for name, secret in secrets.items() if secret.encode() in body}
    assert found == set()


def _triggered(airflow: Airflow, conf: dict) -> bool:
    """Start an ingest once Airflow has read the new station file."""
    try:
        airflow.trigger("ingest_weather", conf)
    except SettingsError:
        return False
    return True


def reader_variables(shell: Shell) -> dict[str, str]:
    lines = (line.partition("=") for line in (shell.state / "reader.env").read_text().splitlines() if "=" in line)
    return {name: value.strip("\"'") for name, _, value in lines}


@pytest.mark.parametrize(
    "command", ["leaderboard", "forecast", "observations", "champion show", "champion verify", "champion history"]
)
def test_what_only_reads_is_content_with_the_readers_keys(run: str, shell: Shell, command: str):
    environment = shell.environment | reader_variables(shell)
    done = subprocess.run([TSFLOW, *command.split()], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def objects_of(shell: Shell, stack: StackStatus) -> dict[str, bytes]:
    keys = {name.rpartition("__")[2].lower(): value for name, value in reader_variables(shell).items()}
    store = ObjectStore(**{name: keys[name] for name in ("bucket", "endpoint_url", "access_key_id", "secret_access_key")})
    return {f"object {key}": store.get(key) for key in store.keys("")}


@pytest.fixture(scope="module")
def page(stack: StackStatus) -> Iterator[Page]:
    """A browser in Berlin that has logged in."""
    password = json.loads(Path(stack.password_file).read_text())[stack.login_user]
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin")
        page.goto(f"{stack.ui_url}/dags")
        page.fill("input[name=username]", stack.login_user)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="ingest_weather").first.wait_for()
        yield page
        browser.close()


def test_the_ui_shows_both_dags_and_the_mapped_trainings_by_name(
    run: str, airflow: Airflow, stack: StackStatus, page: Page, tmp_path: Path
):
    first = airflow.dag_runs("retrain")[-1]
    page.get_by_role("link", name="retrain").first.wait_for()
    page.goto(f"{stack.ui_url}/dags/retrain/runs/{first.dag_run_id}/tasks/train/mapped")
    for name in ENTRANTS:
        page.get_by_role("link", name=name, exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "trainings.png")


def test_the_form_demands_nothing_and_offers_a_station_whose_file_is_new(stack: StackStatus, shell: Shell, page: Page):
    stations = shell.home / "include" / "stations"
    (stations / "tower.yaml").write_text((stations / "demo.yaml").read_text().replace("station: demo", "station: tower", 1))

    def offered() -> bool:
        page.goto(f"{stack.ui_url}/dags/retrain")
        page.get_by_role("button", name="Trigger").first.click()
        page.locator("#element_station").wait_for()
        page.locator("#element_station input").first.fill("tower")
        return page.get_by_role("option", name="tower", exact=True).count() == 1

    wait_until(offered, 100)
    page.get_by_role("option", name="tower", exact=True).click()
    form = page.get_by_test_id("config-form")
    assert form.get_by_text("*", exact=True).count() == 0, "every field may stay empty"
    form.get_by_role("button", name="Which rows count").click()
    form.locator("#element_as_of").fill("2026-06-30")
    form.get_by_role("button", name="Advanced Options").click()
    form.locator(".view-line", has_text='"2026-06-30"').wait_for()  # whatever the browser's time zone


def test_a_run_shows_its_note_and_a_dag_its_page(run: str, airflow: Airflow, stack: StackStatus, page: Page):
    newest = airflow.dag_runs("ingest_weather")[-1]
    page.goto(f"{stack.ui_url}/dags/ingest_weather/runs/{newest.dag_run_id}")
    page.get_by_text(" new rows, up to ").first.wait_for()
    page.goto(f"{stack.ui_url}/dags/retrain")
    page.get_by_role("button", name="Dag Docs").first.click()
    page.get_by_role("heading", name="When a task fails").wait_for()
    picture = page.get_by_text("question ── approve").last
    box, dialog = picture.bounding_box(), page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert dialog is not None
    assert box["x"] + box["width"] <= dialog["x"] + dialog["width"], "the picture is not cut off"


def test_nothing_listened_or_talked_off_loopback(run: str, watch: ConnectionWatch):
    assert "127.0.0.1" in watch.addresses
    assert {address for address in watch.addresses if not address.startswith("127.") and address != "::1"} == set()


def test_down_leaves_no_process(run: str, shell: Shell):
    assert shell.processes()
    assert shell("down").returncode == 0
    assert shell.processes() == []
    assert shell("status").returncode == 9
