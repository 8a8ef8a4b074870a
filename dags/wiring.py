"""What the DAG files share: assets, retries that fit the error, forms, the object store, keys of runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, ExceptionRetryPolicy, Param, RetryAction, RetryRule

from tsflow.folders import names_in
from tsflow.settings import ProfileSettings, settings
from tsflow.splits import SplitSettings

if TYPE_CHECKING:
    from tsflow.storage.objects import ObjectStore

# One partition a station and ingest; the key is `station|ingest`.
OBSERVATIONS = Asset(name="observations", uri="tsflow://observations", group="tsflow")
CHAMPIONS = Asset(name="champions", uri="tsflow://champions", group="tsflow")

TRAINING_POOL = TRAINING_QUEUE = "training"

# Storage and network errors pass: back off. Data, settings and integrity errors do not: fail at once.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(exception="tsflow.errors.StorageUnavailable", action=RetryAction.DEFAULT, reason="storage"),
            RetryRule(exception="tsflow.errors.SourceUnavailable", action=RetryAction.DEFAULT, reason="network"),
            RetryRule(exception="tsflow.errors.PointerConflict", action=RetryAction.DEFAULT, reason="lost a race"),
            RetryRule(exception="tsflow.errors.TsflowError", action=RetryAction.FAIL, reason="trying again changes nothing"),
        ]
    ),
}


def dataset_params() -> dict[str, Param]:
    """Return what every form asks of its data: `tsflow.steps.requests.DatasetRequest`."""
    return {
        "station": Param(settings().station, type="string", enum=names_in("stations"), title="Station"),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="Only what was known then is used, by the station's clock. Empty: the last midnight.",
        ),
        "profile": Param(
            settings().schedule.profile,
            type="string",
            enum=list(ProfileSettings.model_fields),
            title="Profile",
            description="How much history and how many epochs.",
        ),
        "seed": Param(1, type="integer", minimum=0, title="Seed"),
    }


def training_params() -> dict[str, Param]:
    """Return what every form that trains several architectures asks: `tsflow.steps.requests.TrainingRequest`."""
    return {
        **dataset_params(),
        "architectures": Param(
            [],
            type="array",
            items={"type": "string", "enum": names_in("architectures")},
            examples=names_in("architectures"),
            title="Architectures",
            description="Empty: those of the profile, which for full are all.",
        ),
    }


def split_param() -> Param:
    """Return what a form asks that needs one split."""
    return Param(
        settings().schedule.split,
        type="string",
        enum=list(SplitSettings.model_fields),
        title="Split",
        description="recent: the last days validate and test. book: 50/25/25 % of the rows.",
    )


def objects() -> "ObjectStore":
    """Open the object store of the settings."""
    from tsflow.storage.objects import ObjectStore

    store = ObjectStore.from_settings(settings().object_store)
    store.ensure_bucket()
    return store


def key_of(run_id: str) -> str:
    """Return an Airflow run id as it may stand in a key of the object store."""
    from tsflow.storage.keys import run_key

    return run_key(run_id)


@contextmanager
def skipping() -> Iterator[None]:
    """Let Airflow show an entrant that cannot be trained here as skipped, not as failed."""
    from airflow.sdk.exceptions import AirflowSkipException

    from tsflow.errors import EntrantSkipped

    try:
        yield
    except EntrantSkipped as reason:
        raise AirflowSkipException(str(reason)) from reason
