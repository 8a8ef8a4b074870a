"""What runs of the DAGs need beside Airflow."""

from pathlib import Path

import pytest

from tsflow.records.store import Records


@pytest.fixture
def of_a_run(records: Records, home: Path) -> dict[str, str]:
    """A process's environment with a home and a bucket of the test's own."""
    from tsflow.stack.secrets import load_secrets

    keys = load_secrets().writer
    return {
        "TSFLOW_HOME": str(home),
        "TSFLOW_OBJECT_STORE__BUCKET": records.objects.bucket,
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(records.objects.endpoint_url),
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": keys.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": keys.secret_access_key.get_secret_value(),
    }
