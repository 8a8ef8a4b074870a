"""Prepare what tsflow's Airflow needs before it starts: database, pool, bucket, password file. Safe to run again.

The service `init` of docker-compose.yaml runs it, before the others and at each `up`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tsflow.settings import settings
from tsflow.storage.objects import ObjectStore

POOL = "training"


def write_passwords(path: Path) -> None:
    """Write the users' passwords where Airflow's simple auth manager reads them, so that it makes up and logs none."""
    passwords = {user: os.environ[f"AIRFLOW_{user.upper()}_PASSWORD"] for user in ("admin", "viewer")}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(passwords, file)
    fresh.replace(path)


def main() -> int:
    """Do each in turn; the first that fails ends the job, and nothing else starts."""
    known = settings()
    write_passwords(Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]))
    ObjectStore.from_settings(known.object_store).ensure_bucket()
    airflow = [sys.executable, "-m", "airflow"]
    subprocess.run([*airflow, "db", "migrate"], check=True)
    subprocess.run([*airflow, "pools", "set", POOL, str(known.training.pool_slots), "trainings at once"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
