"""Another user of the machine, for the tests that knock at the store's doors."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.stranger import NOBODY, Stranger


@pytest.fixture(scope="session")
def stranger() -> Iterator[Stranger]:
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user of the machine")
    with tempfile.TemporaryDirectory(prefix="tsflow-stranger-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # pytest's own folders are closed to others
        (folder / "own").mkdir()
        os.chown(folder / "own", NOBODY, NOBODY)
        someone = Stranger(folder)
        with contextlib.suppress(PermissionError):
            if someone.python("print(os.getuid())").strip() == str(NOBODY) and "version" in someone.run(someone.weed, "version"):
                yield someone
                return
        pytest.skip("this machine lets nobody act as another user")
