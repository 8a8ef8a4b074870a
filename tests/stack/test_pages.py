"""tsflow's pages inside Airflow's UI, as a person uses them: a real stack, a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Frame, expect

import requests
from browser import Reader, chromium, drawn, logged_in, pictures, serious, sheet
from shell import Shell, ended, wait_until
from tsflow.stack import Airflow, StackStatus

pytestmark = pytest.mark.stack
ENTRANTS = ("naive", "dense", "lstm")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("pages"), ENTRANTS, TSFLOW_PROFILES__SMOKE__MAX_EPOCHS="8")
    yield shell
    shell("down")


@pytest.fixture(scope="module")
def stack(shell: Shell) -> StackStatus:
    done = shell("up", "--json")
    assert done.returncode == 0, done.stderr
    return StackStatus.model_validate_json(done.stdout)


@pytest.fixture(scope="module")
def airflow(stack: StackStatus) -> Airflow:
    return Airflow.of_stack(stack)


@pytest.fixture(scope="module")
def passwords(shell: Shell) -> dict[str, str]:
    return json.loads((shell.state / "airflow" / "passwords.json").read_text())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def admin(browser: Browser, stack: StackStatus, passwords: dict[str, str]) -> Reader:
    return logged_in(browser, stack.ui_url or "", "admin", passwords["admin"])


@pytest.fixture(scope="module")
def watched(admin: Reader, stack: StackStatus, airflow: Airflow) -> tuple[str, list[int]]:
    """A run that was triggered by the form, and how many epochs its curve showed while it trained."""
    ended(airflow, "ingest_weather", {"station": "demo", "history_days": 100})
    page = admin.page
    page.goto(f"{stack.ui_url}/dags/retrain")
    page.get_by_role("button", name="Trigger").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
    wait_until(lambda: airflow.dag_runs("retrain"))
    run = airflow.dag_runs("retrain")[0].dag_run_id
    wait_until(lambda: any(task.label == "train[lstm]" for task in airflow.task_instances("retrain", run)))
    index = next(task.map_index for task in airflow.task_instances("retrain", run) if task.label == "train[lstm]")
    page.goto(f"{stack.ui_url}/dags/retrain/runs/{quote(run, safe='')}/tasks/train/mapped/{index}/plugin/tsflow-task")
    seen: list[int] = []
    while not airflow.dag_run("retrain", run).ended:
        page.wait_for_timeout(300)
        marks = page.frame_locator("iframe").locator("main[data-mark]")
        shown = marks.evaluate_all("all => all.map(one => one.dataset.mark)")  # waits for none: the page without one may be next
        seen += [int(mark) for mark in shown if mark.isdigit() and int(mark) not in seen]
    assert airflow.dag_run("retrain", run).state == "success"
    return run, seen


def frame_of(reader: Reader) -> Frame:
    """Return the frame that holds our page inside Airflow's."""
    reader.page.frame_locator("iframe").locator("main").wait_for()
    found = reader.page.locator("iframe").element_handle().content_frame()
    assert found is not None
    return found


def test_a_learning_curve_grows_in_the_tab_of_its_task(watched: tuple[str, list[int]]):
    _, seen = watched
    assert len(seen) >= 2, seen
    assert seen == sorted(seen)


def test_a_runs_tab_opens_its_board_and_the_board_its_entrants(watched: tuple[str, list[int]], admin: Reader, stack: StackStatus):
    page, run = admin.page, watched[0]
    page.goto(f"{stack.ui_url}/dags/retrain/runs/{quote(run, safe='')}")
    page.get_by_role("link", name="Result").click()
    frame = frame_of(admin)
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Leaderboard: demo")
    assert drawn(frame) >= 2
    first = frame.locator("table.sortable tbody tr").first
    best = first.locator("a").first.inner_text()
    frame.get_by_role("button", name="Validation MAE").click()
    frame.get_by_role("button", name="Validation MAE").click()
    assert first.locator("a").first.inner_text() != best, "sorted the other way round"
    frame.get_by_role("link", name="lstm", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_contain_text("lstm")
    assert drawn(frame) >= 5
    assert serious(frame) == []


def test_a_link_to_a_page_inside_airflow_can_be_shared(watched: tuple[str, list[int]], admin: Reader, stack: StackStatus):
    page = admin.page
    page.goto(f"{stack.ui_url}/plugin/tsflow")
    frame = frame_of(admin)
    frame.get_by_role("link", name="Champions", exact=True).click()
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Champions")
    page.wait_for_url("**/plugin/tsflow/tsflow/champions*")
    shared = page.url
    page.goto(f"{stack.ui_url}/dags")
    page.goto(shared)
    expect(frame_of(admin).get_by_role("heading", level=1)).to_contain_text("Champions")


def test_a_rollback_by_hand_is_what_object_storage_says(
    watched: tuple[str, list[int]], admin: Reader, stack: StackStatus, airflow: Airflow, shell: Shell
):
    before = json.loads(shell("champion", "show", "--json").stdout)["pointer"]
    ended(airflow, "retrain", {"station": "demo", "seed": 7})
    assert json.loads(shell("champion", "show", "--json").stdout)["pointer"]["version"] != before["version"]
    page = admin.page
    page.goto(f"{stack.ui_url}/dags/retrain")
    page.get_by_role("link", name="Result").click()
    frame = frame_of(admin)
    frame.get_by_role("link", name="Roll back to it").first.click()
    frame.get_by_label("Reason").fill("worse since Monday")
    frame.get_by_role("button", name="Roll back to it").click()
    expect(frame.locator("table.sortable tbody tr").first).to_contain_text("worse since Monday")
    after = json.loads(shell("champion", "show", "--json").stdout)["pointer"]
    assert after["version"] == before["version"]
    assert after["sequence"] > before["sequence"]
    assert shell("champion", "verify").returncode == 0


def test_every_page_is_whole_in_light_and_dark_from_phone_to_wide_screen(
    watched: tuple[str, list[int]],
    admin: Reader,
    browser: Browser,
    stack: StackStatus,
    passwords: dict[str, str],
    screenshots: Path,
):
    """axe-core finds nothing serious, nothing is wider than the window, and nothing was asked of another host."""
    run = watched[0]
    query = f"dag_id=retrain&run_id={quote(run, safe='')}"
    pages = {
        "forecast": "forecast",
        "leaderboard": f"tab?{query}",
        "entrant": f"tab?{query}&task_id=train&map_index=0",
        "champions": "champions",
        "change": "change?action=pin&station=demo&task=main",
        "data": "data",
        "validation": f"tab?{query}&task_id=build_dataset",
        "backtests": "backtests",
        "tunings": "tunings",
        "not-found": "board?run=gone",
    }
    problems: list[str] = []
    for scheme in ("light", "dark"):
        reader = logged_in(browser, stack.ui_url or "", "admin", passwords["admin"], scheme=scheme)
        for name, path in pages.items():
            problems += pictures(reader, f"{stack.ui_url}/tsflow/{path}", name, screenshots, anew=scheme == "light")
        assert reader.hosts <= {"127.0.0.1", "data", "blob"}
        assert reader.errors == []
        if scheme == "dark":
            assert all(sheet(reader, name, screenshots).stat().st_size > 10_000 for name in pages)
        reader.context.close()
    assert problems == []
    assert admin.hosts <= {"127.0.0.1", "data", "blob"}


def test_airflow_decides_who_may_see_and_who_may_change(
    watched: tuple[str, list[int]], stack: StackStatus, passwords: dict[str, str]
):
    url = f"{stack.ui_url}/tsflow"
    for path in ("forecast", "boards", "static/plotly.js", "docs/runs/x/validation/hourly.html"):
        assert requests.get(f"{url}/{path}", timeout=30).status_code == 401, path
    viewer = requests.Session()
    told = viewer.post(f"{stack.ui_url}/auth/token", json={"username": "viewer", "password": passwords["viewer"]}, timeout=30)
    viewer.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
    assert viewer.get(f"{url}/champions", timeout=30).status_code == 200
    assert viewer.get(f"{url}/change?action=pin&station=demo&task=main", timeout=30).status_code == 403
    form = {"action": "pin", "station": "demo", "task": "main", "reason": "x", "seen": "1", "token": "x"}
    assert viewer.post(f"{url}/change", data=form, timeout=30).status_code == 403


def test_the_pages_read_with_keys_that_may_not_write(watched: tuple[str, list[int]], shell: Shell):
    """Only the API server has them; it is what serves the pages."""
    having = [process for process in shell.processes() if "TSFLOW_PAGES__ACCESS_KEY_ID" in process.environ()]
    assert having
    assert {"api-server"} >= {
        word
        for process in having
        for word in process.cmdline()
        if word in {"scheduler", "dag-processor", "triggerer", "api-server"}
    }
    reader = (shell.state / "reader.env").read_text()
    assert all(process.environ()["TSFLOW_PAGES__ACCESS_KEY_ID"] in reader for process in having)
