"""Ids of runs as they may stand in keys."""

import re

from tsflow.storage.codecs import digest


def run_key(airflow_run_id: str) -> str:
    """Return an id of Airflow's as it may stand in a key: `manual__2026-11-23T00:00:00+00:00` has signs that may not.

    Where a sign was replaced, a piece of the original's hash is added, so that two ids never meet in one key.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", airflow_run_id)
    if plain == airflow_run_id and set(plain) != {"."}:
        return plain
    return f"{plain.strip('.')}-{digest(airflow_run_id.encode())[:8]}"
