"""Airflow on one machine: its environment and its components.

Configuration: https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html
"""

import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tsflow.errors import StackError
from tsflow.folders import home, state_dir
from tsflow.libraries import TENSORFLOW
from tsflow.settings import ObjectStoreSettings, Settings
from tsflow.stack.identities import Keys
from tsflow.stack.marks import unmarked_environment
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.ports import LOOPBACK, listening
from tsflow.stack.processes import Component
from tsflow.stack.secrets import ADMIN, VIEWER, Secrets, write_password_file

# In the health report each component has its own key; the API server is well if it gives the report.
HEALTH_KEYS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
API_SERVER = "api-server"
_COMMANDS = {
    "scheduler": ["tsflow.stack.scheduler"],
    "dag-processor": ["tsflow.stack.dag_processor"],
    API_SERVER: ["tsflow.stack.api_server"],
    "triggerer": ["tsflow.stack.triggerer"],
}
PARTS = frozenset({*_COMMANDS, "airflow-migrate"})


def require_airflow() -> None:
    """Refuse to start without Airflow.

    Raises
    ------
    StackError
        If it is not installed.
    """
    if importlib.util.find_spec("airflow") is None:
        msg = "Airflow is not installed here; run `make install` in the clone, or work without it: `tsflow run --here`"
        raise StackError(msg)


def airflow_environment(settings: Settings, store: ObjectStoreSettings, secrets: Secrets, port: int) -> dict[str, str]:
    """Return the environment of every Airflow process; what the user set under other AIRFLOW__ names, or of its pace, stays."""
    airflow_home = private_dir("airflow")
    url = f"http://{LOOPBACK}:{port}"
    inherited = unmarked_environment()
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # uncompiled, TensorFlow and Airflow import three times slower
    return {
        **inherited,
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(settings.stack.parallelism),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home() / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home() / "plugins"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key.get_secret_value(),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{VIEWER}:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(write_password_file(secrets)),
        # Airflow itself turns WAL on; SQLite's own 5 s of patience are too few while trainings hold every core.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_home / 'airflow.db'}?timeout=60",
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.session_secret.get_secret_value(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret.get_secret_value(),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        **{name: inherited.get(name, value) for name, value in _pace().items()},
        **_workers(),
        **_tsflow(store),
        "PYTHONPATH": os.pathsep.join(_source_folders(inherited)),
        "NO_PROXY": ",".join(filter(None, [inherited.get("NO_PROXY") or inherited.get("no_proxy"), LOOPBACK, "localhost"])),
        "no_proxy": ",".join(filter(None, [inherited.get("no_proxy") or inherited.get("NO_PROXY"), LOOPBACK, "localhost"])),
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "SCARF_NO_ANALYTICS": "true",
    }


def _pace() -> dict[str, str]:
    """How often Airflow looks: still on an idle laptop, patient with one that computes; the user's environment wins."""
    return {
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "8",  # default 1; `tsflow.stack.scheduler` is woken by what cannot wait
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",  # default 300: a dead task is noticed in a minute
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",  # default 300: after the scheduler's restart
        # `tsflow.stack.dag_processor` sees new files and changes in two seconds; these are for what it cannot see.
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1800",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",  # default 30: a change within them would be lost
    }


def _workers() -> dict[str, str]:
    """Fork tasks from a server that has loaded what takes seconds: they then start at once (docs/decisions.md has the numbers)."""
    if sys.platform != "linux":  # elsewhere a fork after loading TensorFlow is not safe
        return {}
    preload = ["airflow", "airflow.executors.local_executor", "airflow.sdk.execution_time.supervisor"]
    preload += ["airflow.sdk.execution_time.task_runner", "airflow.dag_processing.dagbag", "tsflow.preloaded"]
    return {
        "AIRFLOW__SCHEDULER__MP_START_METHOD": "forkserver",
        "AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(preload),
        **{name: os.environ.get(name, value) for name, value in TENSORFLOW.items()},
    }


def _tsflow(store: ObjectStoreSettings) -> dict[str, str]:
    """What tsflow's own settings read in the tasks."""
    environment = {
        "TSFLOW_HOME": str(home()),
        "TSFLOW_STATE": str(state_dir()),
        "TSFLOW_OBJECT_STORE__BUCKET": store.bucket,
        "TSFLOW_OBJECT_STORE__REGION": store.region,
    }
    if store.endpoint_url:
        environment["TSFLOW_OBJECT_STORE__ENDPOINT_URL"] = store.endpoint_url
    if store.access_key_id and store.secret_access_key:
        environment["TSFLOW_OBJECT_STORE__ACCESS_KEY_ID"] = store.access_key_id.get_secret_value()
        environment["TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY"] = store.secret_access_key.get_secret_value()
    return environment


def _source_folders(inherited: Mapping[str, str]) -> list[str]:
    """A clone's `src`, so that its code is what the tasks run, then what the user has."""
    source = home() / "src"
    return [*([str(source)] if source.is_dir() else []), *filter(None, inherited.get("PYTHONPATH", "").split(os.pathsep))]


def pages_environment(reader: Keys) -> dict[str, str]:
    """Return what the pages in the API server read the embedded store with."""
    return {
        "TSFLOW_PAGES__ACCESS_KEY_ID": reader.access_key_id.get_secret_value(),
        "TSFLOW_PAGES__SECRET_ACCESS_KEY": reader.secret_access_key.get_secret_value(),
    }


def components(
    environment: Mapping[str, str], stop_seconds: float, pass_fds: tuple[int, ...], *, pages: Mapping[str, str]
) -> list[Component]:
    """Return Airflow's processes, in the order in which they are started; only the scheduler has tasks to wait for.

    `pages` is in the environment of the API server alone. `pass_fds` are of locks that they hold too, so that a killed supervisor
    does not take the store away from them.
    """
    patience = {name: stop_seconds if name == "scheduler" else min(stop_seconds, 5.0) for name in _COMMANDS}
    return [
        Component(
            name,
            [sys.executable, "-m", *command],
            {**environment, **pages} if name == API_SERVER else environment,
            private_dir("airflow"),
            patience[name],
            pass_fds=pass_fds,
        )
        for name, command in _COMMANDS.items()
    ]


def migration(environment: Mapping[str, str]) -> Component | None:
    """Return the command that brings the database to this version of Airflow, or None if it is there already."""
    done = _migrated()
    if done.exists() and done.read_text(encoding="utf-8") == _version() and (private_dir("airflow") / "airflow.db").exists():
        return None
    return Component(
        "airflow-migrate", [sys.executable, "-m", "airflow", "db", "migrate"], environment, private_dir("airflow"), 5.0
    )


def migration_done() -> None:
    """Remember that the database is of this version, which saves seconds at each further start."""
    write_private(_migrated(), _version())


def _migrated() -> Path:
    return private_dir("airflow") / "migrated-to"


def _version() -> str:
    return importlib.metadata.version("apache-airflow-core")


def health(url: str, started_at: Mapping[str, float], pid: int | None) -> dict[str, str | None]:
    """Return for each component why it is not healthy, or None if it is; a heartbeat from before its start does not count.

    `pid` is that of our own API server: two stacks that start at once may choose the same port, and the first one's report says
    nothing of the second.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy
            report = session.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        if pid is None or urlsplit(url).port not in listening(pid):
            return dict.fromkeys([API_SERVER, *HEALTH_KEYS], f"another program answers at {url}")
        problems: dict[str, str | None] = {API_SERVER: None if report["metadatabase"]["status"] == "healthy" else "no database"}
        for name, key in HEALTH_KEYS.items():
            beat = report[key][f"latest_{key}_heartbeat"]
            fresh = beat is not None and datetime.fromisoformat(beat).timestamp() >= started_at.get(name, 0.0)
            problems[name] = None if fresh and report[key]["status"] == "healthy" else "no heartbeat yet"
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        reason = f"{url} gives no health report ({type(error).__name__})"
        return dict.fromkeys([API_SERVER, *HEALTH_KEYS], reason)
    return problems
