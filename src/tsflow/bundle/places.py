"""Where a station's published models lie; the task `main` has the station's own keys, as when there were no tasks."""

from tsflow.names import MAIN


def champions(station: str, task: str = MAIN) -> str:
    """Return the folder of a task's bundles and of its pointer."""
    return f"champions/{station}/" if task == MAIN else f"champions/{station}/{task}/"


def pointer_key(station: str, task: str = MAIN) -> str:
    """Return the key of the champion pointer: the only object that ever changes."""
    return f"{champions(station, task)}champion.json"


def bundle_folder(station: str, task: str, version: str) -> str:
    """Return the folder of one model version, which never changes."""
    return f"{champions(station, task)}{version}/"
