"""What Airflow itself leaves: its database, by its own command, where it is the embedded stack's; logs, wherever they lie.

`airflow db clean` leaves the tables `dag` and `dag_version` alone here: rows of them that task instances still need make it
fail (https://github.com/apache/airflow/issues/71864), and they are few.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tsflow.errors import StackError
from tsflow.folders import home, state_dir
from tsflow.model import Strict

TABLES = (
    *("asset_event", "callback", "deadline", "dag_run", "import_error", "job", "log", "partitioned_asset_key_log"),
    *("revoked_token", "task_instance", "task_instance_history", "task_reschedule", "trigger", "xcom"),
)
_TIMEOUT_SECONDS = 1800.0
_DAY_SECONDS = 86_400.0


class Logs(Strict):
    """Log files that are old."""

    folder: str
    files: int
    size: int  # bytes


class Database(Strict):
    """Airflow's database."""

    size: int  # bytes of its file; what is freed in it is used again
    rows: int  # that are old


def embedded_database() -> Path | None:
    """Return the file of the embedded Airflow's database; None if there is none: another one's is its operator's matter."""
    path = state_dir() / "airflow" / "airflow.db"
    return path if path.is_file() else None


def cleaning(before: datetime) -> list[str]:
    """Return the arguments of Airflow's own command."""
    return [
        *("db", "clean", "--clean-before-timestamp", before.isoformat(), "--tables", ",".join(TABLES)),
        *("--skip-archive", "--error-on-cleanup-failure", "--yes"),
    ]


def clean_database(days: float, *, dry_run: bool = False) -> Database | None:
    """Remove what is older from the embedded Airflow's database; None if there is none.

    Raises
    ------
    StackError
        If Airflow's command fails, with the end of what it says.
    """
    path = embedded_database()
    if path is None:
        return None
    before = datetime.now(UTC) - timedelta(days=days)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__DATABASE__")}
    environment |= {
        "AIRFLOW_HOME": str(path.parent),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{path}?timeout=60",  # a task's own environment has none
        "AIRFLOW__CORE__DAGS_FOLDER": str(home() / "dags"),
    }
    command = [sys.executable, "-m", "airflow", *cleaning(before), *(["--dry-run"] if dry_run else [])]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        msg = f"`airflow db clean` ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:].strip()}"
        raise StackError(msg)
    rows = sum(map(int, re.findall(r"Found (\d+) rows meeting deletion criteria", done.stdout)))
    return Database(size=path.stat().st_size, rows=rows)


def clean_logs(days: float, folder: Path | None = None, dags: Iterable[str] = (), *, dry_run: bool = False) -> Logs | None:
    """Remove the old logs of some DAGs, and in the embedded Airflow's folder all old ones; None if there is no folder."""
    own = state_dir() / "airflow" / "logs"
    where = folder or own
    if not where.is_dir():
        return None
    roots = [where] if where.resolve() == own else [where / f"dag_id={name}" for name in sorted(dags)]
    old = list(_old(roots, time.time() - days * _DAY_SECONDS))  # before any goes: a folder counts as new once a file of it went
    found, size = 0, 0
    for path, facts in old:
        try:
            if path.is_dir() and not path.is_symlink():
                if not dry_run and not any(path.iterdir()):
                    path.rmdir()
                continue
            found, size = found + 1, size + facts.st_size
            if not dry_run:
                path.unlink()
        except FileNotFoundError:  # another one was first
            continue
    return Logs(folder=str(where), files=found, size=size)


def _old(roots: Iterable[Path], limit: float) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield what was last written before a moment, files before their folders."""
    for root in roots:
        for path in sorted(root.rglob("*"), reverse=True):
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            if facts.st_mtime < limit:
                yield path, facts
