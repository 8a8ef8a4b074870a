"""Who may see tsflow's pages, and who may change a champion: as Airflow says of the DAG `retrain`.

Every part of Airflow loads the files of this folder; what only the API server has is imported when it asks.
"""

import hashlib
import hmac
from functools import cache
from typing import TYPE_CHECKING, Any

from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.pages.guards import Guards
    from tsflow.records.store import Records


@cache
def _records(*, writing: bool) -> "Records":
    from tsflow.records.store import Records

    own = settings().object_store
    return Records((own if writing else own.changed(**settings().pages.given)).open())


def guards() -> "Guards":
    """Return what the pages ask of Airflow."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
    from airflow.api_fastapi.core_api.security import GetUserDep
    from airflow.configuration import conf
    from fastapi import HTTPException

    from tsflow.pages.guards import Guards, Person

    retrain = DagDetails(id="retrain")

    def person(user: Any) -> Person:
        manager = get_auth_manager()
        if not manager.is_authorized_dag(method="GET", details=retrain, user=user):
            raise HTTPException(403)
        may_change = manager.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=retrain, user=user)
        return Person(user.get_name(), may_change=may_change)

    def reader(user: GetUserDep) -> Person:
        return person(user)

    def changer(user: GetUserDep) -> Person:
        found = person(user)
        if not found.may_change:
            raise HTTPException(403)
        return found

    secret = hmac.new(conf.get_mandatory_value("api", "secret_key").encode(), b"tsflow pages", hashlib.sha256).digest()
    return Guards(
        reader=reader,
        changer=changer,
        reading=lambda: _records(writing=False),
        writing=lambda: _records(writing=True),
        secret=secret,
        private_key=settings().signing.private_key,
    )
