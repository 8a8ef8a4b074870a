"""What a training was done with: libraries and commit."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from tsflow import __version__
from tsflow.folders import home

_LIBRARIES = ("keras", "lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "pvlib", "scipy", "statsmodels", "tf2onnx")
_EXTRAS = ("prophet", "tensorflow-cpu", "tensorflow")


def libraries() -> dict[str, str]:
    """Return the versions of everything that decides what a training gives."""
    extras = [name for name in _EXTRAS if _installed(name)]
    return {"python": platform.python_version(), "tsflow": __version__, **{name: version(name) for name in [*_LIBRARIES, *extras]}}


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
