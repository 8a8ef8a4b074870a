"""A small client of Airflow's REST API: trigger a run, follow it.

API: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

import requests
from tsflow.errors import SettingsError, StackError, UnknownName
from tsflow.stack.status import StackStatus

_TIMEOUT_SECONDS = 30.0
_PAGE = 100
_POLL_SECONDS = 0.2


class _Answer(BaseModel):
    """A part of an answer; Airflow's answers have more fields than are of use here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class DagRun(_Answer):
    """A run of a DAG."""

    dag_id: str
    dag_run_id: str
    state: str  # queued, running, success, failed
    start_date: str | None = None
    end_date: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {"success", "failed"}


class TaskInstance(_Answer):
    """A task of a run; one of several if it is mapped."""

    task_id: str
    map_index: int  # -1: not mapped
    rendered_map_index: str | None = None  # the label, such as an architecture
    state: str | None = None
    try_number: int
    hostname: str | None = None  # of its worker
    queue: str | None = None
    start_date: str | None = None
    duration: float | None = None

    @property
    def label(self) -> str:
        """What the UI calls it."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.rendered_map_index or self.map_index}]"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {"success", "failed", "upstream_failed", "skipped", "removed"}


class BrokenDagFile(_Answer):
    """A DAG file that Airflow cannot read."""

    filename: str
    stack_trace: str


class Airflow:
    """Airflow's REST API, logged in as one user."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._user, self._password = user, password
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy cannot reach loopback

    @classmethod
    def of_stack(cls, stack: StackStatus) -> Self:
        """Log in to the running stack as its administrator."""
        if stack.ui_url is None:
            msg = "the stack is not running; run `tsflow up`"
            raise StackError(msg)
        passwords = json.loads(Path(stack.password_file).read_text(encoding="utf-8"))
        return cls(stack.ui_url, stack.login_user, passwords[stack.login_user])

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its id.

        Raises
        ------
        SettingsError
            If the DAG's parameters refuse `conf`.
        UnknownName
            If there is no such DAG.
        """
        self._require_not_paused(dag_id)
        run = self._ask("POST", f"/dags/{quote(dag_id)}/dagRuns", json={"logical_date": None, "conf": dict(conf or {})})
        return str(run["dag_run_id"])

    def require_working(self, dag_id: str) -> None:
        """Raise `StackError` if runs of a DAG wait: somebody paused it, or no scheduler is there to start their tasks."""
        self._require_not_paused(dag_id)
        health = self._ask("GET", "/monitor/health")
        if health["scheduler"]["status"] != "healthy":
            beat = health["scheduler"]["latest_scheduler_heartbeat"]
            msg = f"Airflow's scheduler does not answer (its last sign of life: {beat}), so no task starts; see `tsflow status`"
            raise StackError(msg)

    def _require_not_paused(self, dag_id: str) -> None:
        if self._ask("GET", f"/dags/{quote(dag_id)}", missing=("DAG", dag_id))["is_paused"]:
            msg = f"the DAG {dag_id} is paused, its runs would wait for ever; switch it on at {self.url}/dags/{dag_id}"
            raise StackError(msg)

    def dag_run(self, dag_id: str, run_id: str) -> DagRun:
        """Return the state of a run."""
        return DagRun.model_validate(self._ask("GET", _run(dag_id, run_id), missing=("run", run_id)))

    def dag_runs(self, dag_id: str) -> list[DagRun]:
        """Return a DAG's newest hundred runs, newest first."""
        answer = self._ask(
            "GET", f"/dags/{quote(dag_id)}/dagRuns", params={"order_by": "-run_after", "limit": _PAGE}, missing=("DAG", dag_id)
        )
        return [DagRun.model_validate(run) for run in answer["dag_runs"]]

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return all tasks of a run."""
        found: list[TaskInstance] = []
        while True:
            page = {"limit": _PAGE, "offset": len(found)}
            answer = self._ask("GET", f"{_run(dag_id, run_id)}/taskInstances", params=page, missing=("run", run_id))
            found += [TaskInstance.model_validate(task) for task in answer["task_instances"]]
            if not answer["task_instances"] or len(found) >= answer["total_entries"]:
                return found

    def import_errors(self) -> list[BrokenDagFile]:
        """Return the DAG files that cannot be read, with the reason."""
        answer = self._ask("GET", "/importErrors", params={"limit": _PAGE})
        return [BrokenDagFile.model_validate(error) for error in answer["import_errors"]]

    def dag_ids(self) -> list[str]:
        """Return the DAGs that were read so far."""
        return [dag["dag_id"] for dag in self._ask("GET", "/dags", params={"limit": _PAGE})["dags"]]

    def wait_for_dag(self, dag_id: str, timeout_seconds: float = 60.0) -> None:
        """Wait until Airflow has read the DAG's file.

        Raises
        ------
        StackError
            If it has not after a while, with the import errors.
        """
        deadline = time.monotonic() + timeout_seconds
        while dag_id not in self.dag_ids():
            if time.monotonic() >= deadline:
                errors = "\n".join(f"{error.filename}:\n{error.stack_trace}" for error in self.import_errors())
                msg = f"Airflow has not read a DAG {dag_id!r} within {timeout_seconds:g} s; " + (
                    f"these files cannot be imported:\n{errors}"
                    if errors
                    else "see the dag-processor's log (`tsflow status` says where)"
                )
                raise StackError(msg)
            time.sleep(_POLL_SECONDS)

    def set_pool(self, name: str, slots: int, description: str = "") -> None:
        """Create a pool, or change the one that is there if it is another."""
        pool = {"slots": slots, "description": description, "include_deferred": False}
        response = self._request("GET", f"/pools/{quote(name)}")
        if response.status_code == requests.codes.not_found:
            response = self._request("POST", "/pools", json={"name": name, **pool})
        elif response.ok and response.json()["slots"] != slots:
            response = self._request("PATCH", f"/pools/{quote(name)}", json={"pool": name, **pool})
        self._content(response)

    def _ask(self, method: str, path: str, *, missing: tuple[str, str] | None = None, **options: Any) -> Any:
        response = self._request(method, path, **options)
        if missing and response.status_code == requests.codes.not_found:
            kind, name = missing
            raise UnknownName(kind, name, self.dag_ids() if kind == "DAG" else [])
        return self._content(response)

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._log_in()
        response = self._send(method, f"/api/v2{path}", **options)
        if response.status_code == requests.codes.unauthorized:  # a token lasts a day
            self._log_in()
            response = self._send(method, f"/api/v2{path}", **options)
        return response

    def _log_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        response = self._send("POST", "/auth/token", json={"username": self._user, "password": self._password})
        if response.status_code == requests.codes.unauthorized:
            msg = f"Airflow at {self.url} refuses the password of {self._user}; `tsflow down`, then `tsflow up` writes it anew"
            raise StackError(msg)
        self._session.headers["Authorization"] = f"Bearer {self._content(response)['access_token']}"

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(method, self.url + path, timeout=_TIMEOUT_SECONDS, **options)
        except requests.RequestException as error:
            msg = f"Airflow at {self.url} does not answer ({type(error).__name__}); see `tsflow status`, or run `tsflow up`"
            raise StackError(msg) from error

    def _content(self, response: requests.Response) -> Any:
        if response.ok:
            return response.json()
        try:
            detail = response.json()["detail"]
        except (requests.JSONDecodeError, KeyError, TypeError):
            detail = response.text[:500]
        if response.status_code in {requests.codes.bad_request, requests.codes.unprocessable_entity}:
            said = str(detail).partition("\n\nFailed validating")[0]  # after that comes the whole schema
            msg = f"Airflow refused what was asked: {said}"
            raise SettingsError(msg)
        asked = f"{response.request.method} {response.request.path_url}"
        msg = f"Airflow at {self.url} answered {asked} with {response.status_code}: {detail}"
        raise StackError(msg)


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"
