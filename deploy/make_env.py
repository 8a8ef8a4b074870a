"""Write `.env` for docker-compose.yaml: secrets made here, never a default one. Needs Python alone.

A value that is there stays, so that a running installation keeps its passwords; a missing one is added.
"""

import base64
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / ".env"

# Letters, digits, `-` and `_` only: some of them stand in URLs.
VALUES: Mapping[str, Callable[[], str]] = {
    "COMPOSE_PROFILES": lambda: "object-store",  # emptied: an S3 of one's own
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(30),
    "REDIS_PASSWORD": lambda: secrets.token_urlsafe(30),
    "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(15),
    "AIRFLOW_VIEWER_PASSWORD": lambda: secrets.token_urlsafe(15),
    "AIRFLOW__API__SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__API_AUTH__JWT_SECRET": lambda: secrets.token_urlsafe(64),
    "AIRFLOW__CORE__FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": lambda: secrets.token_hex(10).upper(),
    "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": lambda: secrets.token_urlsafe(30),
    "READER_ACCESS_KEY_ID": lambda: secrets.token_hex(10).upper(),  # for programs that read champions
    "READER_SECRET_ACCESS_KEY": lambda: secrets.token_urlsafe(30),
    "STORE_ADMIN_ACCESS_KEY_ID": lambda: secrets.token_hex(10).upper(),  # makes the bucket, and does nothing else
    "STORE_ADMIN_SECRET_ACCESS_KEY": lambda: secrets.token_urlsafe(30),
}


def make_env(path: Path) -> list[str]:
    """Add to the file the values that it lacks, and return their names; the file is its owner's alone."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    known = set(re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", text, re.MULTILINE))
    missing = [name for name in VALUES if name not in known]
    if path.exists():
        path.chmod(0o600)
    if missing:
        if text and not text.endswith("\n"):
            text += "\n"
        text += "".join(f"{name}={VALUES[name]()}\n" for name in missing)
        # Beside it, then in its place: never half a file, and private from its first byte on.
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    return missing


def main() -> int:
    """Say what was added, never a value."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PATH
    missing = make_env(path)
    print(f"{path}: added {', '.join(missing)}" if missing else f"{path}: complete, left as it is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
