"""What a training was done with: libraries and commit."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tsflow import __version__
from tsflow.folders import home
from tsflow.libraries import ONEDNN, TENSORFLOW

_LIBRARIES = (
    "keras",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "pandas",
    "pvlib",
    "scipy",
    "statsmodels",
    "tf2onnx",
)
_WIDEST_FIRST = (
    "amx_bf16",
    "avx512_bf16",
    "avx512_vnni",
    "avx512f",
    "avx_vnni",
    "avx2",
)  # sets of instructions that oneDNN tells
_EXTRAS = ("prophet", "tensorflow-cpu", "tensorflow")


def libraries() -> dict[str, str]:
    """Return the versions of everything that decides what a training gives."""
    extras = [name for name in _EXTRAS if _installed(name)]
    return {"python": platform.python_version(), "tsflow": __version__, **{name: version(name) for name in [*_LIBRARIES, *extras]}}


def processor(threads: int) -> dict[str, object]:
    """Return what of a machine decides the last digits of a network: threads, and the kernels that oneDNN picks."""
    return {"threads": threads, "onednn": os.environ.get(ONEDNN, TENSORFLOW[ONEDNN]), "instructions": _instructions()}


@cache
def _instructions() -> str:
    """Return the widest instruction set that Linux says the processor has; elsewhere the kind of machine."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore").split())
    except OSError:
        flags = set()
    return next((name for name in _WIDEST_FIRST if name in flags), platform.machine())


def git_commit() -> str | None:
    """Return the commit of the clone that trained, or None where there is no clone or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=home(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None


def _installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False
