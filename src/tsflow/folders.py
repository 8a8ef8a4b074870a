"""Where an installation's files lie: the clone with `include/`, and the state folder of the embedded stack."""

import os
from pathlib import Path

from tsflow.errors import SettingsError

PLACES = ("TSFLOW_HOME", "TSFLOW_STATE", "TSFLOW_CACHE")  # where things lie, needed before any setting can be read


def home() -> Path:
    """Return the folder that holds `include/`: `TSFLOW_HOME`, or the nearest one above the working folder or the code."""
    if given := os.environ.get("TSFLOW_HOME"):
        if not (Path(given) / "include").is_dir():
            msg = f"TSFLOW_HOME={given} has no include/ folder; point it at a clone of tsflow"
            raise SettingsError(msg)
        return Path(given).resolve()
    for start in (Path.cwd(), Path(__file__).resolve()):
        for folder in (start, *start.parents):
            if (folder / "include" / "stations").is_dir():
                return folder
    msg = f"found no include/stations in {Path.cwd()} or above it; run tsflow inside a clone, or set TSFLOW_HOME to one"
    raise SettingsError(msg)


def include_dir() -> Path:
    """Return the folder of the files that people edit."""
    return home() / "include"


def names_in(folder: str) -> list[str]:
    """Return the names of the YAML files of a folder under `include/`, without reading them."""
    return sorted(path.stem for path in (include_dir() / folder).glob("*.yaml"))


def state_dir() -> Path:
    """Return the private folder of the embedded stack's data, secrets and logs (`TSFLOW_STATE`, default `.tsflow`)."""
    return Path(os.environ.get("TSFLOW_STATE") or home() / ".tsflow").resolve()
