"""Serve the team's object store: write who may do what, and certificates, where only this container reads them; become `weed`.

The service `object-store` of docker-compose.yaml runs it, with weed's command line as its arguments. Beside it, for some
seconds, a process that tells the store what to keep on the disk before it answers.
"""

import os
import re
import secrets
import signal
import sys
import time
import traceback

from pydantic import SecretStr

from tsflow.errors import StorageUnavailable
from tsflow.settings import settings
from tsflow.stack.durable import wait_for_disk
from tsflow.stack.identities import Keys, identities
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.weed import closed_environment

PORTS = {"master.port": 9333, "master.port.grpc": 19333, "filer.port": 8888, "filer.port.grpc": 18888}  # weed's own defaults
PATIENCE_SECONDS = 120.0


def keys(whose: str) -> Keys:
    """Return the keys of an identity; their names are those of `.env`."""
    return Keys(SecretStr(os.environ[f"{whose}_ACCESS_KEY_ID"]), SecretStr(os.environ[f"{whose}_SECRET_ACCESS_KEY"]))


def ports_of(command: list[str]) -> dict[str, int]:
    """Return where the parts of a `weed` started by this command line listen."""
    said = {found[1]: int(found[2]) for word in command if (found := re.fullmatch(r"-([a-z.]+)=(\d+)", word))}
    return {name: said.get(name, port) for name, port in PORTS.items()}


def tell_when_up(ports: dict[str, int], bucket: str) -> None:
    """Have the store wait for the disk as soon as it listens; stop it, to be started again, if it does not take that over."""
    deadline, store = time.monotonic() + PATIENCE_SECONDS, os.getppid()
    if os.fork() == 0:  # a grandchild of `weed`, which would not wait for a child of its own
        try:
            while True:
                try:
                    wait_for_disk(ports, bucket)
                except StorageUnavailable:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(1)
                else:
                    print(f"SeaweedFS waits for the disk below champions and observations of bucket {bucket}", flush=True)
                    break
        except BaseException:  # noqa: BLE001  # whatever it is, it ends here, and the store with it
            traceback.print_exc()
            os.kill(store, signal.SIGTERM)
    os._exit(0)


def main() -> None:
    """Become `weed`; all that it is told besides its command line is made anew at each start, or comes from `.env`."""
    bucket = settings().object_store.bucket
    known = private_dir("run") / "identities.json"
    who = {"admin": keys("STORE_ADMIN"), "writer": keys("TSFLOW_OBJECT_STORE_"), "reader": keys("READER")}
    write_private(known, identities(bucket, **who))
    environment = {**os.environ, **closed_environment(secrets.token_urlsafe(48))}
    if (telling := os.fork()) == 0:
        tell_when_up(ports_of(sys.argv[1:]), bucket)
    os.waitpid(telling, 0)
    os.execvpe(sys.argv[1], [*sys.argv[1:], f"-s3.config={known}"], environment)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
