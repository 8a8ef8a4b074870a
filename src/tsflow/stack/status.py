"""The state of the stack, as `tsflow status` shows it."""

from typing import Literal

import psutil

from tsflow.errors import StackError, StorageDenied, StorageUnavailable
from tsflow.model import Strict
from tsflow.settings import ObjectStoreSettings, Settings
from tsflow.stack.airflow import API_SERVER, PARTS, health
from tsflow.stack.marks import marked
from tsflow.stack.places import private_dir
from tsflow.stack.reader import reader_file
from tsflow.stack.record import KEEPER, SUPERVISOR, ComponentStatus, DaemonRecord, living, since_epoch
from tsflow.stack.secrets import ADMIN, load_secrets, password_file
from tsflow.stack.weed import NAME


class StackStatus(Strict):
    """What runs, where, and how well; `model_dump(mode="json")` is the form for programs."""

    state: Literal["down", "starting", "running", "stopping", "failed"]
    healthy: bool  # every component runs and answers
    ui_url: str | None = None
    login_user: str = ADMIN
    password_file: str  # JSON, by user; readable by its owner only
    object_store_endpoint: str | None = None
    bucket: str
    reader_file: str | None = None  # of the embedded store: its address and keys that only read, for other programs
    logs: str
    reason: str | None = None  # why it is not running or not healthy
    components: tuple[ComponentStatus, ...] = ()


def read_status(settings: Settings) -> StackStatus:
    """Look at the daemons' records, the processes, Airflow's health report and the object store."""
    supervisor, keeper = living(SUPERVISOR), living(KEEPER)
    store = settings.object_store
    if store.endpoint_url is None and keeper is not None and keeper.url is not None:
        store = load_secrets().of_store(store, keeper.url)
    parts = [*_store_components(store, keeper), *(_airflow_components(supervisor) if supervisor else [])]
    reason = None
    if supervisor is None and (left := marked(lambda part: part in PARTS)):
        reason = f"the supervisor was killed and left {len(left)} processes; `tsflow down` or `tsflow up` stops them"
    elif supervisor is None:
        reason = "not started; run `tsflow up`"
    failed = any(part.state == "failed" for part in parts)
    unhealthy = [f"{part.name}: {part.reason}" for part in parts if not part.healthy]
    return StackStatus(
        state="down" if supervisor is None else "failed" if failed else supervisor.state,
        healthy=supervisor is not None and supervisor.state == "running" and not unhealthy,
        ui_url=supervisor.url if supervisor else None,
        password_file=str(password_file()),
        object_store_endpoint=store.endpoint_url,
        bucket=store.bucket,
        reader_file=str(reader_file()) if settings.object_store.endpoint_url is None else None,
        logs=str(private_dir("logs")),
        reason=reason or "; ".join(unhealthy) or None,
        components=tuple(parts),
    )


def airflow_answers() -> bool:
    """Say whether all of Airflow's parts are well: what a start waits for longest, asked without a look at anything else."""
    supervisor = living(SUPERVISOR)
    parts = _airflow_components(supervisor) if supervisor else []
    return bool(parts) and all(part.healthy for part in parts)


def _airflow_components(supervisor: DaemonRecord) -> list[ComponentStatus]:
    started = {part.name: found for part in supervisor.components if (found := _started(part)) is not None}
    pid = next((part.pid for part in supervisor.components if part.name == API_SERVER), None)
    problems = health(supervisor.url, started, pid) if supervisor.url and started else {}
    return [_judged(part, problems.get(part.name, "not started yet")) for part in supervisor.components]


def _started(part: ComponentStatus) -> float | None:
    """Return when a part began by the clock as it goes now, by which its heartbeats are told."""
    try:
        return None if part.pid is None else since_epoch(part.pid)
    except psutil.Error:  # it has ended just now
        return part.started_at


def _store_components(store: ObjectStoreSettings, keeper: DaemonRecord | None) -> list[ComponentStatus]:
    problem = _store_problem(store) if store.endpoint_url else "not started yet"
    if keeper is not None and keeper.components:
        return [_judged(part, problem) for part in keeper.components]
    if store.endpoint_url:  # somebody else's: there is no process to show
        return [ComponentStatus(name=NAME, state="running", healthy=problem is None, reason=problem, log=str(private_dir("logs")))]
    return []


def _judged(part: ComponentStatus, problem: str | None) -> ComponentStatus:
    if part.state != "running":
        return part.changed(healthy=False, reason=part.reason or part.state)
    return part.changed(healthy=problem is None, reason=problem or part.reason)


def _store_problem(store: ObjectStoreSettings) -> str | None:
    """Ask for a signed listing, the shortest that there is."""
    try:
        store.changed(attempts=1, timeout_seconds=5.0).open().keys("healthy/")
    except (StorageUnavailable, StorageDenied, StackError) as error:
        return str(error)
    return None
