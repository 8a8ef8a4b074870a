"""What really becomes free: SeaweedFS's disk, Airflow's logs and its database; and what the command says of it."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ageing import days_of
from conftest import REPOSITORY, store_environment
from tsflow import steps
from tsflow.cli.garbage import size_text
from tsflow.errors import StackError
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.stack import tidying, vacuum
from tsflow.stack.durable import asked
from tsflow.stack.places import private_dir
from tsflow.stack.ports import remembered_ports
from tsflow.stack.tidying import clean_database, clean_logs, cleaning
from tsflow.stack.weed import NAME

MB = 1_000_000
LONG_AGO = time.time() - 100 * 86_400


def on_disk() -> int:
    """What `du` says of the store's folder."""
    said = subprocess.run(["du", "-s", "-B1", private_dir("objects")], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[0])


def test_the_disk_gets_back_what_went(records: Records, monkeypatch: pytest.MonkeyPatch):
    days = days_of(records.objects, monkeypatch)
    for number in range(30):
        records.objects.put_new(f"ingests/i{number}/batch.parquet", os.urandom(MB))
    days.go_by(30)
    filled = on_disk()
    garbage = steps.collect_garbage(records, settings())
    assert (garbage.store.objects, garbage.store.size) == (30, 30 * MB)
    assert garbage.disk is not None
    assert abs(garbage.disk.before - filled) < MB
    assert on_disk() < filled - 28 * MB
    assert garbage.disk.after < garbage.disk.before - 28 * MB
    assert garbage.disk.note == ""
    assert records.objects.keys("ingests/") == []


def test_the_stores_own_journal_does_not_grow_for_ever(records: Records, monkeypatch: pytest.MonkeyPatch):
    journal, ports = "/topics/.system/log", remembered_ports(NAME)
    asked(ports, [f"fs.mkdir {journal}/2020-01-01"])
    vacuum.vacuum(records.objects.endpoint_url, 0)
    assert "2020-01-01" in asked(ports, [f"fs.ls {journal}"]), "its age is counted from its last change, not by its name"
    monkeypatch.setattr(vacuum, "_JOURNAL_DAYS", 0)
    vacuum.vacuum(records.objects.endpoint_url, 0)
    assert "2020-01-01" not in asked(ports, [f"fs.ls {journal}"])
    assert "log" in asked(ports, ["fs.ls /topics/.system"]), "the store answers, and its journal goes on"


def test_a_dry_run_and_another_store_are_not_vacuumed(records: Records):
    assert steps.collect_garbage(records, settings(), dry_run=True).disk is None
    assert vacuum.vacuum("https://s3.example.org", 0) is None


def test_a_store_without_room_to_write_volumes_anew_says_what_to_do(records: Records, monkeypatch: pytest.MonkeyPatch):
    def read_only(*arguments: object, **options: object) -> str:
        return asked(*arguments, **options).replace("ReadOnly:false", "ReadOnly:true")

    records.objects.put_new("a", b"1")
    monkeypatch.setattr(vacuum, "asked", read_only)
    done = vacuum.vacuum(records.objects.endpoint_url, 0)
    assert done is not None
    assert "it needs 128MiB of room to write a volume anew. Remove something else from the disk" in done.note


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an embedded Airflow: its state folder has one."""
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path))
    (tmp_path / "airflow").mkdir()
    return tmp_path / "airflow"


def log_of(folder: Path, name: str, *, old: bool) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line\n")
    if old:
        for each in (path, *path.parents):
            if each != folder and folder in each.parents:
                os.utime(each, (LONG_AGO, LONG_AGO))
    return path


def test_old_logs_go_and_new_ones_stay(airflow: Path):
    logs = airflow / "logs"
    old = [log_of(logs, f"dag_id=retrain/run_id=a/task_id={name}/attempt=1.log", old=True) for name in "ab"]
    further = log_of(logs, "dag_processor/2026-01-01/x.log", old=True)
    new = log_of(logs, "dag_id=retrain/run_id=b/task_id=a/attempt=1.log", old=False)
    (logs / "latest").symlink_to(further.parent)
    shown = clean_logs(60, dry_run=True)
    assert shown is not None
    assert (shown.files, shown.size) == (3, 21)
    assert all(path.exists() for path in [*old, further])
    assert clean_logs(60) == shown
    assert [path.exists() for path in [*old, further, new]] == [False, False, False, True]
    assert not (logs / "dag_processor" / "2026-01-01").exists(), "folders that are empty go"
    assert clean_logs(60) == shown.model_copy(update={"files": 0, "size": 0})


def test_in_another_airflow_only_the_logs_of_tsflows_dags_go(airflow: Path, tmp_path: Path):
    logs = tmp_path / "elsewhere"
    theirs = [log_of(logs, name, old=True) for name in ("dag_id=payroll/run_id=a/x.log", "dag_processor/2026-01-01/x.log")]
    ours = log_of(logs, "dag_id=ingest_weather/run_id=a/x.log", old=True)
    clean_logs(60, logs, ["ingest_weather"])
    assert [path.exists() for path in [*theirs, ours]] == [True, True, False]
    assert clean_logs(60, tmp_path / "none") is None


def insert_runs(database: Path) -> None:
    """Two runs of long ago, scheduled and by hand, and one of today."""
    moments = [datetime.now(UTC) - timedelta(days=days) for days in (200, 150, 0)]
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM dag_run")  # of other tests
        for number, moment in enumerate(moments):
            when = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
            known = {
                "id": number + 1,
                "dag_id": "monitor",
                "run_id": f"r{number}",
                "run_type": "manual",
                "state": "success",
                "start_date": when,
                "run_after": when,
                "queued_at": when,
                "clear_number": 0,
                "span_status": "not_started",
            }
            columns = [row[1] for row in connection.execute("PRAGMA table_info(dag_run)")]
            known = {name: value for name, value in known.items() if name in columns}
            names, marks = ", ".join(known), ", ".join("?" * len(known))
            connection.execute(f"INSERT INTO dag_run ({names}) VALUES ({marks})", [*known.values()])


def test_old_rows_of_airflows_database_go_by_its_own_command(airflow: Path, airflow_environment: dict[str, str]):
    assert clean_database(60) is None, "another one's database is its operator's"
    database = airflow / "airflow.db"
    database.write_bytes((Path(airflow_environment["AIRFLOW_HOME"]) / "airflow.db").read_bytes())
    insert_runs(database)
    shown = clean_database(60, dry_run=True)
    assert shown is not None
    assert shown.rows >= 2
    assert clean_database(60) is not None
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT run_id FROM dag_run").fetchall() == [("r2",)]
        assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master") if "_airflow_deleted" in name] == []


def test_a_database_that_is_none_ends_with_what_airflow_says(airflow: Path):
    (airflow / "airflow.db").write_bytes(b"not a database")
    with pytest.raises(StackError, match=r"`airflow db clean` ended with 1: (?s:.*)file is not a database"):
        clean_database(60)


def test_the_page_for_operators_has_the_command_for_another_airflow():
    page = (REPOSITORY / "docs" / "operation.md").read_text()
    assert f"--tables {','.join(tidying.TABLES)}" in page
    assert {"dag", "dag_version"} & set(tidying.TABLES) == set()
    assert "--skip-archive" in cleaning(datetime.now(UTC))


def run(*arguments: str, records: Records) -> subprocess.CompletedProcess[str]:
    environment = store_environment(records)
    return subprocess.run(
        [sys.executable, "-c", "from tsflow.cli.main import main; main()", "gc", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_by_kind_what_would_go_and_why(records: Records, monkeypatch: pytest.MonkeyPatch):
    from tsflow.cli import garbage

    days = days_of(records.objects, monkeypatch)
    records.objects.put_new("ingests/i/batch.parquet", os.urandom(2 * MB))
    records.objects.put_new("quarantine/q/reason.txt", b"rows out of range")
    days.go_by(100)
    shown = steps.collect_garbage(records, settings(), dry_run=True)
    with garbage.console.capture() as told:
        garbage._show(shown, dry_run=True)
    text = " ".join(told.get().replace("│", " ").split())
    assert "What would go, by the store's clock at" in text
    assert "ingests 1 2.0 MB" in text
    assert "older than 14 days retention.ingests_days" in text
    assert "older than 90 days retention.quarantine_days" in text
    assert "all 2 2.0 MB" in text
    assert "stays 0 objects, 0 B, and all observations" in text
    assert "nothing was removed: `tsflow gc` does that" in text
    assert len(records.objects.keys("ingests/")) == 1


def test_the_command_writes_json_as_its_neighbours_do(records: Records):
    records.objects.put_new("ingests/i/batch.json", b"{}")
    done = run("--dry-run", "--json", records=records)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["dry_run"], said["store"]["removed"], said["store"]["kinds"][0]["kind"]) == (True, False, "index")
    plain = run(records=records)
    assert plain.returncode == 0, plain.stderr
    assert "nothing is due" in plain.stdout
    assert len(records.objects.keys("retention/")) == 1


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e6, "2.0 MB"), (3e15, "3000.0 TB")])
def test_sizes_read_well(size: float, text: str):
    assert size_text(size) == text
