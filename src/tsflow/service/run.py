"""Running the service until it is stopped."""

import importlib.util
import socket

from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectStore


def run(objects: ObjectStore, *, host: str, port: int, refresh_seconds: float) -> None:
    """Serve over a store until SIGTERM or Ctrl-C; requests under way are answered.

    Raises
    ------
    SettingsError
        If the extra `serve` is not installed, or another program listens at the address.
    """
    if lacking := [name for name in ("fastapi", "uvicorn", "prometheus_client") if importlib.util.find_spec(name) is None]:
        msg = f"{', '.join(lacking)} is not installed; run `pip install '.[serve]'` in the clone, or install the wheel with [serve]"
        raise SettingsError(msg)
    _require_free(host, port)
    import uvicorn

    from tsflow.service.app import create_app

    uvicorn.run(create_app(objects, refresh_seconds=refresh_seconds), host=host, port=port, log_level="warning", access_log=False)


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
        try:
            probe.bind((host, port))
        except OSError as error:
            msg = f"cannot listen at {host}:{port} ({error.strerror}); choose another one by --port or --host"
            raise SettingsError(msg) from error
