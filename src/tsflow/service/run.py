"""Running the service until it is stopped."""

import importlib.util

from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectStore


def run(objects: ObjectStore, *, host: str, port: int, refresh_seconds: float) -> None:
    """Serve over a store until SIGTERM or Ctrl-C; requests under way are answered.

    Raises
    ------
    SettingsError
        If the extra `serve` is not installed.
    """
    if lacking := [name for name in ("fastapi", "uvicorn", "prometheus_client") if importlib.util.find_spec(name) is None]:
        msg = f"{', '.join(lacking)} is not installed; run `pip install '.[serve]'` in the clone, or install the wheel with [serve]"
        raise SettingsError(msg)
    import uvicorn

    from tsflow.service.app import create_app

    uvicorn.run(create_app(objects, refresh_seconds=refresh_seconds), host=host, port=port, log_level="warning", access_log=False)
