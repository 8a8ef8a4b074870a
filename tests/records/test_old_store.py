"""A store that commit 49384e5 wrote: every record is read, a run goes on from it, the champion is verified.

`store_of_49384e5.zip` holds it: a run with a board, a backtest, a tuning and a champion of the station `tiny`, without
models that nobody reads again.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from conftest import REPOSITORY, hourly_rows
from tsflow.backtesting.reading import newest_backtest
from tsflow.bundle.reading import read_champion
from tsflow.client import load_champion
from tsflow.evaluation.boards import candidate_of, newest_board
from tsflow.pages.report import report_of_backtest, report_of_run, report_of_tuning
from tsflow.records import backtest, candidate, dataset, ingest, leaderboard, run, tuning  # noqa: F401  # every record registers
from tsflow.records.record import Record
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning
from tsflow.settings import ObjectStoreSettings, override, settings
from tsflow.windows.dataset import Dataset
from workflow import build, force, rank, train
from workflow import ingest as ingest_now

HERE = Path(__file__).parent
OLD = zipfile.ZipFile(HERE / "store_of_49384e5.zip")
COMMIT = "49384e5"


@pytest.fixture
def old(records: Records) -> Records:
    for name in OLD.namelist():
        records.objects.put_new(name, OLD.read(name))
    return records


def kinds(parent: type[Record] = Record) -> list[type[Record]]:
    return [kind for child in parent.__subclasses__() for kind in (child, *kinds(child)) if hasattr(kind, "TEMPLATE")]


def test_every_record_of_the_old_store_is_read():
    read = set()
    for name in OLD.namelist():
        for kind in set(kinds()):
            if kind.TEMPLATE.values(name) is not None:
                kind.read(OLD.read(name), name)
                read.add(kind.__name__)
    assert read >= {"Run", "StoredCandidate", "Training", "StoredDataset", "Leaderboard", "BacktestPlan", "Backtest", "Batch"}
    assert read >= {"TuningPlan", "Tuning", "Asked", "TrialResult", "Start", "End", "Failure", "StoredEpoch", "TrialEpoch"}


def test_boards_backtests_and_tunings_of_the_old_store_are_shown(old: Records, tiny: Path):
    board = newest_board(old, "tiny")
    assert board.challenger == "naive"
    assert board.task == "main"
    assert [entrant.status for entrant in board.entrants].count("ok") == 4
    assert board.entrants[0].architecture in report_of_run(old, settings(), board.run).decode()
    assert candidate_of(old, board, "dense").found.kind == "epochs"
    assert candidate_of(old, board, "ridge").found.kind == "penalty"
    summary = newest_backtest(old, "tiny")
    assert summary.leader is not None
    assert summary.leader in report_of_backtest(old, settings(), summary.backtest).decode()
    result = old.newest(Tuning)
    assert result is not None
    assert "2 complete" in report_of_tuning(old, settings(), result.tuning).decode()


def test_the_champion_of_the_old_store_is_verified_and_forecasts(old: Records):
    champion = load_champion("tiny", old.objects)
    frame = hourly_rows(130, features=5).rename(columns={"f1": "p", "f2": "Tdew", "f3": "rh", "f4": "wv"})
    assert champion.forecast(frame) == pytest.approx(frame["T"].iloc[-1], abs=1e-5)
    assert champion.intervals(frame)[0.8][0] < champion.forecast(frame)
    assert champion.manifest.target.task == "main"
    assert champion.manifest.metrics.test_mae == pytest.approx(2.1000925925)


def test_a_dataset_of_the_old_store_keeps_its_fingerprint(old: Records):
    old_run = next(old.all(Run))
    data = Dataset.load(old, old_run.fingerprint)
    assert data.task.horizon_hours == 24
    assert len(data.starts("test")) == 216


@pytest.fixture
def tiny(home: Path) -> Path:
    """A home with the station of the old store."""
    return Path(shutil.copy(HERE / "tiny.yaml", home / "include" / "stations" / "tiny.yaml"))


def test_a_run_of_the_old_store_goes_on(old: Records, tiny: Path):
    """Its entrants are ranked anew from their forecasts: the same errors to the last digits that a float keeps."""
    before = newest_board(old, "tiny")
    train(old, before.run, "mean_of_best") if before.entrant("mean_of_best").status == "ok" else None
    after = rank(old, before.run)
    assert after.number == 2
    for line in before.entrants:
        again = after.entrant(line.architecture)
        assert (again.status, again.rank) == (line.status, line.rank)
        assert again.val_mae == pytest.approx(line.val_mae, abs=1e-9) if line.val_mae else again.val_mae is None
        assert again.test_mae == pytest.approx(line.test_mae, abs=1e-9) if line.test_mae else again.test_mae is None
    pointer = force(old, before.run)
    assert pointer.sequence == 3, "the adoption of the old champion, a refusal, a person"
    assert load_champion("tiny", old.objects).manifest.version == pointer.version


def test_a_new_run_goes_on_from_the_old_store(old: Records, tiny: Path):
    stored = ingest_now(old, "i9", station="tiny", as_of="2026-11-23", history_days=None)
    assert stored.changed_rows == 0
    override(["splits.recent.test_days=60", "splits.recent.validation_days=60"])  # as it was shipped then
    built = build(old, "r9", station="tiny", as_of="2026-11-23", architectures=["naive"])
    assert built.fingerprint == next(old.all(Run)).fingerprint
    train(old, "r9", "naive")
    assert rank(old, "r9").entrants[0].test_mae == pytest.approx(newest_board(old, "tiny").entrant("naive").test_mae)


# The other way round: a client of the old commit reads what is published now.

READ = """
import json, sys
import numpy as np
import tsflow
from tsflow.client import load_champion
champion = load_champion("tiny")
hours = np.arange("2026-11-01", "2026-11-07", dtype="datetime64[h]")
frame = {name: np.linspace(1, 2, len(hours)) for name in champion.features} | {"time": hours}
found = [str(tsflow.__file__), champion.manifest.version, champion.forecast(frame), sorted(map(str, champion.intervals(frame)))]
print(json.dumps(found))
"""


def client_of(commit: str, folder: Path) -> Path:
    """The package as it was at a commit; the test skips where the clone has no history."""
    asked = subprocess.run(["git", "archive", commit, "src/tsflow"], cwd=REPOSITORY, capture_output=True, check=False)
    if asked.returncode:
        pytest.skip(f"commit {commit} is not in this clone: {asked.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=asked.stdout, check=True)
    return folder / "src"


def test_a_client_of_the_old_commit_reads_a_champion_of_now(
    old: Records, tiny: Path, store_settings: ObjectStoreSettings, tmp_path: Path
):
    build(old, "r9", station="tiny", as_of="2026-11-22", architectures=["naive"])
    train(old, "r9", "naive")
    rank(old, "r9")
    version = force(old, "r9").version
    assert store_settings.access_key_id is not None
    assert store_settings.secret_access_key is not None
    environment = {
        "PYTHONPATH": str(client_of(COMMIT, tmp_path)),
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(store_settings.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": old.objects.bucket,
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": store_settings.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": store_settings.secret_access_key.get_secret_value(),
    }
    ran = subprocess.run([sys.executable, "-c", READ], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    where, read_version, forecast, levels = json.loads(ran.stdout)
    assert where.startswith(str(tmp_path))
    assert read_version == version
    assert forecast == pytest.approx(2.0)
    assert levels == ["0.8", "0.95"]
    assert read_champion(old.objects, "tiny").manifest.as_of == datetime(2026, 11, 22).isoformat()
