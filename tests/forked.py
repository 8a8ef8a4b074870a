"""Programs in processes of their own, forked from one that has loaded what takes seconds to import, as the stack's tasks are.

What of tsflow is loaded by then is dropped first, so environment and folder are read by the program as they are given here. All
share the seed of hashes and of numpy's global random numbers; whoever gives `PYTHONHASHSEED` gets a process that shares nothing.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]  # conftest has it, too, and would load much in each process

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pandas", "tsflow.preloaded"])
_TSFLOW = "from tsflow.cli import main; main()"


def tsflow(environment: Mapping[str, str], *arguments: str, timeout: float = 500) -> subprocess.CompletedProcess[str]:
    """Type a command."""
    return python(environment, _TSFLOW, *arguments, timeout=timeout)


def python(environment: Mapping[str, str], program: str, *arguments: str, timeout: float = 500) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository's folder; return what it wrote and its exit code."""
    typed = [*map(str, arguments)]
    if sys.platform != "linux" or "PYTHONHASHSEED" in environment:  # elsewhere a fork after loading TensorFlow is not safe
        command = [sys.executable, "-c", program, *typed]
        return subprocess.run(
            command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout, check=False
        )
    with tempfile.TemporaryDirectory() as folder:
        written = [Path(folder) / name for name in ("stdout", "stderr")]
        for path in written:
            path.touch()
        process = _CONTEXT.Process(target=_run, args=(dict(environment), program, typed, written))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["python", *typed], timeout)
        return subprocess.CompletedProcess(["python", *typed], process.exitcode, *(path.read_text() for path in written))


def _run(environment: dict[str, str], program: str, arguments: list[str], written: list[Path]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(REPOSITORY)
    for number, path in enumerate(written, 1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    sys.argv = ["tsflow", *arguments]
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tsflow"]:
        del sys.modules[name]  # the package may be another one
    exec(program, {"__name__": "__main__"})
