"""Where a station's published models lie; the task `main` has the station's own keys, as when there were no tasks."""

from tsflow.names import MAIN, PRODUCTION, Stage

_ROOTS: dict[Stage, str] = {"production": "champions", "local": "local"}


def champions(station: str, task: str = MAIN, stage: Stage = PRODUCTION) -> str:
    """Return the folder of a task's bundles, of its history and of its pointer, without a last slash."""
    root = f"{_ROOTS[stage]}/{station}"
    return root if task == MAIN else f"{root}/{task}"


def pointer_key(station: str, task: str = MAIN, stage: Stage = PRODUCTION) -> str:
    """Return the key of the champion pointer."""
    return f"{champions(station, task, stage)}/champion.json"


def bundle_folder(station: str, task: str, version: str, stage: Stage = PRODUCTION) -> str:
    """Return the folder of one model version, which never changes."""
    return f"{champions(station, task, stage)}/{version}/"


def manifest_key(station: str, task: str, version: str, stage: Stage = PRODUCTION) -> str:
    """Return the key of one model version's manifest."""
    return f"{bundle_folder(station, task, version, stage)}manifest.json"
