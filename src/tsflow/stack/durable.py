"""What SeaweedFS must not keep in memory only when it answers: it waits for the disk below these folders.

SeaweedFS's own command `fs.configure` says so; it is kept in the filer. The bytes of an object are then on the disk before the
answer, its name follows within moments (docs/security.md says what a power cut may cost).
"""

import subprocess
from collections.abc import Mapping

from tsflow.errors import StorageUnavailable
from tsflow.stack.certificates import certificate_file, weed_environment
from tsflow.stack.ports import LOOPBACK
from tsflow.stack.weed import weed_binary

FOLDERS = ("champions", "observations")  # what nobody can make again
_TIMEOUT_SECONDS = 30.0


def wait_for_disk(ports: Mapping[str, int], bucket: str) -> None:
    """Have SeaweedFS wait for the disk at each write below `FOLDERS`.

    Raises
    ------
    StorageUnavailable
        If it did not take that over.
    """
    commands = [f"fs.configure -locationPrefix=/buckets/{bucket}/{folder}/ -fsync -apply" for folder in FOLDERS]
    said = asked(ports, [*commands, "fs.configure"])
    if lacking := [folder for folder in FOLDERS if f"/buckets/{bucket}/{folder}/" not in said]:
        msg = f"SeaweedFS does not take over that it shall wait for the disk below {', '.join(lacking)}: {said[-300:]}"
        raise StorageUnavailable(msg)


def asked(ports: Mapping[str, int], commands: list[str], *, timeout_seconds: float = _TIMEOUT_SECONDS) -> str:
    """Return what `weed shell` says to commands; it gets in by the store's certificate."""
    servers = {name: f"{LOOPBACK}:{ports[f'{name}.port']}.{ports[f'{name}.port.grpc']}" for name in ("master", "filer")}
    try:
        done = subprocess.run(
            [str(weed_binary()), "shell", *(f"-{name}={address}" for name, address in servers.items())],
            input="\n".join([*commands, ""]),
            env=weed_environment(certificate_file()),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"`weed shell` did not answer within {timeout_seconds:g} s"
        raise StorageUnavailable(msg) from error
    return done.stdout + done.stderr
