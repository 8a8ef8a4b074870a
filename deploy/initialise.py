"""Prepare what tsflow's Airflow needs before it starts: database, pool, bucket, password file. Safe to run again.

The service `init` of docker-compose.yaml runs it, before the others and at each `up`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tsflow.errors import StorageDenied
from tsflow.names import TRAINING_POOL
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.storage.objects import ObjectStore


def write_passwords(path: Path) -> None:
    """Write the users' passwords where Airflow's simple auth manager reads them, so that it makes up and logs none."""
    passwords = {user: os.environ[f"AIRFLOW_{user.upper()}_PASSWORD"] for user in ("admin", "viewer")}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(passwords, file)
    fresh.replace(path)


def make_bucket(store: ObjectStoreSettings) -> None:
    """Make the bucket: with the keys of the settings where they may (an S3 of one's own), else with the administrator's."""
    try:
        store.open().ensure_bucket()
    except StorageDenied as refused:
        admin = {name: os.environ[f"STORE_ADMIN_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}
        try:
            ObjectStore(bucket=store.bucket, endpoint_url=store.endpoint_url, region=store.region, **admin).ensure_bucket()
        except StorageDenied:
            raise refused from None  # an S3 of one's own has no such administrator
    store.open().require_conditions()


def main() -> int:
    """Do each in turn; the first that fails ends the job, and nothing else starts."""
    known = settings()
    write_passwords(Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]))
    make_bucket(known.object_store)
    airflow = [sys.executable, "-m", "airflow"]
    subprocess.run([*airflow, "db", "migrate"], check=True)
    subprocess.run([*airflow, "pools", "set", TRAINING_POOL, str(known.training.pool_slots), "trainings at once"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
