"""When the embedded stack's DAG processor reads files: once what they are made of has changed."""

from pathlib import Path

from conftest import result_of
from tsflow.stack.watched import Watched

PROGRAM = """
import json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from airflow.dag_processing import manager
from tsflow.stack.dag_processor import reader_of
from tsflow.stack.watched import Watched

include = Path(sys.argv[1])
reader = reader_of(manager, Watched([include]))(max_runs=-1)
one, two, three = (manager.DagFileInfo(rel_path=Path(f"{name}.py"), bundle_name="dags-folder") for name in ("one", "two", "three"))

def read(file, began, seconds):
    reader._file_stats[file] = manager.DagFileStat(last_finish_time=began + timedelta(seconds=seconds), last_duration=seconds)

def asked():
    return [str(file.rel_path) for file in reader.claim_priority_files()]

before = datetime.now(UTC) - timedelta(seconds=5)
for file in (one, two):
    read(file, before, 1)
reader._file_stats[three] = manager.DagFileStat()  # is being read for the first time
found = {"unchanged": asked()}
(include / "roof.yaml").write_text("station: roof")
found["changed"] = asked()
reader._processors[one] = reader._file_queue[two] = None
found["under way, or waiting"] = asked()
reader._processors.clear(), reader._file_queue.clear()
read(one, before, 60)  # began before the change, ended after it
read(two, datetime.now(UTC), 1)
found["begun before"] = asked()
read(one, datetime.now(UTC), 1)
found["all read"] = asked()
reader.changed_at += timedelta(hours=1)
asked()
for file in (one, two):
    read(file, datetime.now(UTC), 1)
found["clock set back"] = asked()
found["callbacks"] = reader.fetch_callbacks()
waits = []
reader.selector = SimpleNamespace(select=lambda timeout: waits.append(timeout) or [])
reader._service_processor_sockets(0.5)
reader._processors[one] = None
reader._service_processor_sockets(0.5)
reader._processors.clear()
found["waits"] = waits
print("RESULT" + json.dumps(found))
"""


def test_files_are_read_that_were_last_begun_before_a_change(airflow_environment: dict[str, str], tmp_path: Path) -> None:
    assert result_of(PROGRAM, airflow_environment, str(tmp_path)) == {
        "unchanged": [],
        "changed": ["one.py", "two.py"],
        "under way, or waiting": [],
        "begun before": ["one.py"],
        "all read": [],
        "clock set back": [],
        "callbacks": [],
        "waits": [2.0, 0.5],
    }


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    (tmp_path / "stations").mkdir()
    watched, file = Watched([tmp_path, tmp_path / "missing"]), tmp_path / "stations" / "roof.yaml"
    assert not watched.changed()
    file.write_text("station: roof")
    assert watched.changed()
    assert not watched.changed()
    file.write_text("station: mast!")
    assert watched.changed()
    file.rename(file.with_name("mast.yml"))
    assert watched.changed()
    file.with_name("mast.yml").unlink()
    assert watched.changed()
    (tmp_path / "module.cpython-311.pyc").write_text("what a reading itself leaves")
    assert not watched.changed()
