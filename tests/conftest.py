"""Parts that many tests share: real files, a real object store, a home of one's own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import settings as tries

import forked

tries.register_profile("tests", deadline=None)  # no test is about time: other work beside may slow one down
tries.load_profile("tests")

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY.parent / "shared" / "data"
# Files whose tests take half a minute or more together, in the order in which they begin: those that mostly wait for a stack stand
# between those that compute.
LONG = (
    "faults/test_stack.py",
    "architectures/test_conformance.py",
    "dags/test_runs.py",
    "stack/test_whole_run.py",
    "test_documentation.py",
    "stack/test_whole_stack.py",
    "cli/test_cli.py",
    "training/test_fit.py",
    "stack/test_pages.py",
    "steps/test_tune.py",
    "retention/test_sixty_days.py",
    "stack/test_object_store.py",
    "steps/test_promotion.py",
    "test_bench.py",
    "dags/test_run_notes.py",
    "steps/test_workflow.py",
    "stack/test_backfill.py",
    "stations/test_mast.py",
    "architectures/test_repeatable.py",
    "retention/test_airflow_database.py",
    "champion/test_history.py",
)

# Before the imports below: TensorFlow and the settings read these when they are loaded.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for name in [name for name in os.environ if name.startswith("TSFLOW_")]:
    del os.environ[name]
os.environ["TSFLOW_HOME"] = str(REPOSITORY)
_CACHE = Path(tempfile.mkdtemp(prefix="tsflow-cache-"))

from tsflow.libraries import tell_tensorflow  # noqa: E402
from tsflow.records.store import Records  # noqa: E402
from tsflow.settings import ObjectStoreSettings, load_settings, settings  # noqa: E402
from tsflow.stations.station import Station, load_station  # noqa: E402
from tsflow.storage.objects import ObjectStore  # noqa: E402

tell_tensorflow()
NOW = datetime(2026, 11, 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-rounds", default="1", help="Try each fault of tests/faults so often; more than once tries the long ones."
    )
    parser.addoption("--fault-notes", default="", help="Append a line of JSON for each to this file.")
    parser.addoption("--screenshots", default="", help="Put the pictures that tests take of pages into this folder.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that two workers that take file by file end together."""
    places = {REPOSITORY / "tests" / file: place for place, file in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keep bytes out of the names of tests: those of a zip differ from second to second, and so from worker to worker."""
    return "bytes" if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _settings_of_this_test() -> Iterator[None]:
    """No test sees settings that another one changed, nor what a reader of another one cached."""
    before = {name: value for name, value in os.environ.items() if name.startswith("TSFLOW_")}
    os.environ["TSFLOW_CACHE"] = str(_CACHE / uuid4().hex)
    settings.cache_clear()
    yield
    for name in [name for name in os.environ if name.startswith("TSFLOW_")]:
        del os.environ[name]
    os.environ.update(before)
    settings.cache_clear()


@pytest.fixture
def screenshots(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures of pages go."""
    wanted = request.config.getoption("--screenshots")
    folder = Path(str(wanted)) if wanted else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real station files; tests that need it skip where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"real station files are not here: {DATA}")
    return DATA


@pytest.fixture
def jena() -> Station:
    return load_station("jena")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of include/ to change, as TSFLOW_HOME."""
    shutil.copytree(REPOSITORY / "include", tmp_path / "home" / "include")
    monkeypatch.setenv("TSFLOW_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    return tmp_path / "home"


@pytest.fixture(scope="session")
def store_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreSettings]:
    """A real object store for the session: SeaweedFS, started alone as the command line does; its keys may make buckets."""
    from tsflow.stack.objects import object_store
    from tsflow.stack.secrets import load_secrets, opened_with

    state = tmp_path_factory.mktemp("state")
    os.environ["TSFLOW_STATE"] = str(state)
    try:
        with object_store(load_settings()) as started:
            yield opened_with(load_secrets().store_admin, started, started.endpoint_url or "")
    finally:
        os.environ.pop("TSFLOW_STATE", None)


@pytest.fixture(scope="session")
def airflow_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process needs that reads dags/ by a real Airflow with a private database."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "TSFLOW_HOME": str(REPOSITORY),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "dags"), os.environ.get("PYTHONPATH", "")]),
    }
    subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    return environment


def result_of(program: str, environment: dict[str, str], *arguments: str, fork: bool = False) -> dict:
    """Run a program that prints `RESULT` and JSON, as Airflow logs to standard output, too; one that trains is best forked."""
    if fork:
        done = forked.python(environment, program, *arguments)
    else:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stdout[-5000:] + done.stderr[-5000:]
    return json.loads(lines[-1].removeprefix("RESULT"))


@pytest.fixture(scope="session")
def worker_bucket(store_settings: ObjectStoreSettings) -> ObjectStore:
    """A bucket opened with the keys that may do everything; Airflow's tasks and commands may write to it, too.

    One for all tests of a worker: SeaweedFS reserves volumes of 64 MB for each, and has no room for a bucket for every test.
    """
    from tsflow.stack.identities import WRITER

    owner = store_settings.model_copy(update={"bucket": "tests"}).open()
    owner.ensure_bucket()
    allowed_to(owner, {WRITER: "s3:*"})
    return owner


def allowed_to(owner: ObjectStore, actions: dict[str, str | list[str]]) -> None:
    """Allow identities some actions on a bucket: the store's own is another one than that of the tests."""
    resources = [f"arn:aws:s3:::{owner.bucket}", f"arn:aws:s3:::{owner.bucket}/*"]
    allowed = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::000000000000:user/{who}"]},
            "Action": action,
            "Resource": resources,
        }
        for who, action in actions.items()
    ]
    owner._s3.put_bucket_policy(Bucket=owner.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": allowed}))


@pytest.fixture
def objects(worker_bucket: ObjectStore, store_settings: ObjectStoreSettings) -> Iterator[ObjectStore]:
    """An empty bucket, opened with the keys that Airflow's tasks and commands have."""
    from tsflow.stack.secrets import load_secrets, opened_with

    mine = store_settings.model_copy(update={"bucket": worker_bucket.bucket})
    yield opened_with(load_secrets().writer, mine, mine.endpoint_url or "").open()
    emptied(worker_bucket)


def emptied(objects: ObjectStore) -> None:
    """Delete all objects of a bucket."""
    keys = objects.keys("")
    for first in range(0, len(keys), 1000):
        named = [{"Key": key} for key in keys[first : first + 1000]]
        objects._s3.delete_objects(Bucket=objects.bucket, Delete={"Objects": named, "Quiet": True})


@pytest.fixture
def records(objects: ObjectStore) -> Records:
    """The records of an empty bucket of the test's own."""
    return Records(objects)


def store_environment(records: Records) -> dict[str, str]:
    """The environment of a program of its own that works in a test's bucket."""
    from tsflow.stack.secrets import load_secrets

    keys = load_secrets().writer
    return os.environ | {
        "TSFLOW_OBJECT_STORE__BUCKET": records.objects.bucket,
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(records.objects.endpoint_url),
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": keys.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": keys.secret_access_key.get_secret_value(),
    }


def station_of(frame_variables: dict[str, str], *, cadence: str = "60min", name: str = "small") -> Station:
    """A station with the given variables (name: unit) and wide ranges."""
    return Station.model_validate(
        {
            "station": name,
            "title": "A small station",
            "location": {"latitude": 50, "longitude": 11, "altitude_m": 200},
            "cadence": cadence,
            "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M"},
            "missing": [-9999],
            "target": next(iter(frame_variables)),
            "variables": {
                variable: {"column": variable, "unit": unit, "range": [-1000, 2000]} for variable, unit in frame_variables.items()
            },
            "sources": {"files": {"kind": "files", "paths": ["*.csv"]}},
        }
    )


def hourly_rows(hours: int, *, seed: int = 0, features: int = 1, start: str = "2021-01-01") -> pd.DataFrame:
    """Hourly rows with a daily cycle and noise: columns time, T and further f1, f2, ..."""
    random = np.random.default_rng(seed)
    times = pd.date_range(start, periods=hours, freq="h").astype("datetime64[us]")
    daily = 8 + 5 * np.sin(2 * np.pi * np.arange(hours) / 24) + np.cumsum(random.normal(0, 0.3, hours)) * 0.2
    columns = {"T": daily, **{f"f{i}": random.normal(size=hours) for i in range(1, features)}}
    return pd.DataFrame({"time": times, **columns})


def write_station(path: Path, station: Station) -> Path:
    """Write a station file."""
    content = station.model_dump(mode="json", exclude_none=True)
    content["cadence"] = f"{int(station.cadence.total_seconds() // 60)}min"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture
def small() -> Station:
    """Hourly rows of T and wv, as `tests_support` writes them."""
    return station_of({"T": "degC", "wv": "m/s"})


@pytest.fixture
def hourly_station() -> Station:
    """Six measured variables at 60 minutes, the rest derived."""
    return load_station("jena_hourly")
