"""Serve the team's object store: write who may do what, and certificates, where only this container reads them; become `weed`.

The service `object-store` of docker-compose.yaml runs it, with weed's command line as its arguments.
"""

import os
import secrets
import sys

from pydantic import SecretStr

from tsflow.settings import settings
from tsflow.stack.identities import Keys, identities
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.weed import closed_environment


def keys(whose: str) -> Keys:
    """Return the keys of an identity; their names are those of `.env`."""
    return Keys(SecretStr(os.environ[f"{whose}_ACCESS_KEY_ID"]), SecretStr(os.environ[f"{whose}_SECRET_ACCESS_KEY"]))


def main() -> None:
    """Become `weed`; all that it is told besides its command line is made anew at each start, or comes from `.env`."""
    known = private_dir("run") / "identities.json"
    who = {"admin": keys("STORE_ADMIN"), "writer": keys("TSFLOW_OBJECT_STORE_"), "reader": keys("READER")}
    write_private(known, identities(settings().object_store.bucket, **who))
    environment = {**os.environ, **closed_environment(secrets.token_urlsafe(48))}
    os.execvpe(sys.argv[1], [*sys.argv[1:], f"-s3.config={known}"], environment)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
