"""Trigger a DAG over Airflow's REST API, follow the run, show which worker took which task."""

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

ENDED = frozenset({"success", "failed"})


class Api:
    """Airflow's REST API for one user."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy to loopback
        login = {"username": "admin", "password": password}
        self._session.headers["Authorization"] = f"Bearer {self.ask('POST', '/auth/token', login)['access_token']}"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the answer; one that is not good ends the program with what Airflow said."""
        answer = self._session.request(method, f"{self.url}{path}", json=body, timeout=30)
        if not answer.ok:
            raise SystemExit(f"{method} {path}: HTTP {answer.status_code}: {answer.text}")
        return answer.json()


def wait_for_dag(api: Api, dag: str, deadline: float) -> None:
    """Wait until the DAG processor has read the DAG's file."""
    while dag not in {known["dag_id"] for known in api.ask("GET", "/api/v2/dags?limit=1000")["dags"]}:
        if time.monotonic() > deadline:
            raise SystemExit(f"no DAG {dag!r}; import errors: {api.ask('GET', '/api/v2/importErrors')}")
        time.sleep(1)


def follow_run(url: str, password: str, dag: str, conf: Mapping[str, Any], timeout_seconds: float) -> str:
    """Trigger a DAG, wait for the run's end, print the table of its tasks, and return the run's state."""
    api, begun = Api(url, password), time.monotonic()
    wait_for_dag(api, dag, begun + timeout_seconds)
    begun = time.monotonic()
    run = api.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
    path = f"/api/v2/dags/{dag}/dagRuns/{run['dag_run_id']}"
    while run["state"] not in ENDED and time.monotonic() - begun < timeout_seconds:
        time.sleep(0.5)
        run = api.ask("GET", path)
    seconds = time.monotonic() - begun
    print(f"\n{dag} {json.dumps(conf)}: {run['state']} after {seconds:.1f} s\n\n{table(api, path)}\n", flush=True)
    return str(run["state"])


def table(api: Api, path: str) -> str:
    """Return a run's tasks as a Markdown table, in the order of their start."""
    lines = ["| task | map index | worker | queue | state | seconds |", "|---|---|---|---|---|---|"]
    for task in api.ask("GET", f"{path}/taskInstances?limit=1000&order_by=start_date")["task_instances"]:
        index = "" if task["map_index"] < 0 else f"{task['map_index']} {task['rendered_map_index'] or ''}".strip()
        cells = (task["task_id"], index, task["hostname"], task["queue"], task["state"], f"{task['duration'] or 0:.1f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
