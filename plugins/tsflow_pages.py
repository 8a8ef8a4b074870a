"""tsflow's pages inside Airflow's UI: an entry of the navigation, and tabs of DAGs, runs and tasks.

The scheduler and the workers import plugins too; what serves pages is loaded in the API server alone.
"""

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/tsflow"
_TAB = f"{PREFIX}/tab?dag_id={{DAG_ID}}"


def _serves() -> bool:
    """Say whether this process is an API server, which alone needs the pages themselves."""
    return "api-server" in sys.argv or "fastapi" in sys.argv[0] or "airflow.api_fastapi.main" in sys.modules


def _apps() -> list[dict[str, Any]]:
    if not _serves():
        return []
    from tsflow_guards import guards

    from tsflow.pages.app import create_app

    return [{"app": create_app(guards()), "url_prefix": PREFIX, "name": "tsflow"}]


def _view(name: str, destination: str, href: str, route: str) -> dict[str, str]:
    return {"name": name, "destination": destination, "href": href, "url_route": route}


class TsflowPages(AirflowPlugin):
    """Forecast, leaderboard, champions, data, backtests and tunings."""

    name = "tsflow_pages"
    fastapi_apps = _apps()
    external_views = [
        _view("tsflow", "nav", f"{PREFIX}/forecast", "tsflow"),
        _view("Result", "dag", _TAB, "tsflow-dag"),
        _view("Result", "dag_run", f"{_TAB}&run_id={{RUN_ID}}", "tsflow-run"),
        _view("Result", "task_instance", f"{_TAB}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}", "tsflow-task"),
    ]
