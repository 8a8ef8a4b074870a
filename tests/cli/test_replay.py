"""`tsflow replay`: past days as they would have been, again and again the same."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from conftest import REPOSITORY, result_of
from tsflow.cli.main import main
from tsflow.observations.store import ObservationStore
from tsflow.records.run import Run
from tsflow.records.store import Records
from workflow import build, ingest, pointer_of, rank, train

COMMAND = ["replay", "--station", "demo", "--profile", "smoke", "--architectures", "naive,climatology"]


@pytest.fixture
def replayed(records: Records, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The commands' store is the test's; it holds a record that came in late, as a whole."""
    monkeypatch.setattr("tsflow.cli.replay.store", lambda: Opened(records))
    ingest(records, as_of="2026-10-01", history_days=60)
    return records


class Opened:
    """A store that stays open."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __enter__(self) -> Records:
        return self._records

    def __exit__(self, *_: object) -> None:
        """Leave it open."""


def test_each_day_is_a_run_on_the_rows_up_to_it_and_done_once(replayed: Records, tmp_path: Path):
    days = ["--from", "2026-09-26", "--to", "2026-09-30", "--every", "2", "--json", str(tmp_path / "days.json")]
    main([*COMMAND, *days])
    first = json.loads((tmp_path / "days.json").read_text())["days"]
    assert [board["as_of"][:10] for board in first] == ["2026-09-26", "2026-09-28", "2026-09-30"]
    assert len({board["fingerprint"] for board in first}) == 3
    assert pointer_of(replayed) is None, "nothing is published"
    before = replayed.objects.keys("")
    main([*COMMAND, *days])
    assert replayed.objects.keys("") == before
    assert json.loads((tmp_path / "days.json").read_text())["days"] == first


def test_a_replay_equals_a_run_on_data_that_was_cut_by_hand(replayed: Records, tmp_path: Path):
    main([*COMMAND, "--from", "2026-09-26", "--to", "2026-09-26", "--json", str(tmp_path / "days.json")])
    (board,) = json.loads((tmp_path / "days.json").read_text())["days"]
    cut = build(replayed, "by-hand", end="2026-09-26", as_of="2026-10-01", architectures=["naive", "climatology"])
    for name in cut.entrants:
        train(replayed, "by-hand", name)
    by_hand = rank(replayed, "by-hand")
    figures = {entrant["architecture"]: (entrant["val_mae"], entrant["test_mae"]) for entrant in board["entrants"]}
    last = ObservationStore(replayed, "demo").last_time()
    assert str(last) > "2026-09-30", "the store holds more than the day knows"
    assert {entrant.architecture for entrant in by_hand.entrants} == set(figures)
    assert board["parts"]["test"]["last"] == by_hand.parts.test.last.isoformat()
    assert board["fingerprint"] == replayed.read(Run, run="by-hand").fingerprint
    assert figures == {entrant.architecture: (entrant.val_mae, entrant.test_mae) for entrant in by_hand.entrants}


def fingerprint(path: Path, *more: str) -> str:
    main([*COMMAND, "--from", "2026-09-26", "--to", "2026-09-26", "--json", str(path), *more])
    (board,) = json.loads(path.read_text())["days"]
    return str(board["fingerprint"])


def test_a_correction_that_came_later_is_seen_only_if_it_is_asked_for(replayed: Records, tmp_path: Path):
    path = tmp_path / "days.json"
    before, late_before = fingerprint(path), fingerprint(path, "--late-rows")
    store = ObservationStore(replayed, "demo")
    rows = store.read()
    rows = rows[rows["time"] < "2026-09-20"].tail(200)
    store.upsert(rows.assign(T=rows["T"] + 1), known_at=datetime(2026, 11, 25))
    assert fingerprint(path) == before
    assert fingerprint(path, "--late-rows") != late_before


def test_a_changed_recipe_is_not_taken_for_the_one_that_was_replayed(replayed: Records, home: Path, tmp_path: Path):
    path = tmp_path / "days.json"
    fingerprint(path)
    runs = {key.split("/")[1] for key in replayed.objects.keys("runs/")}
    recipe = home / "include" / "architectures" / "climatology.yaml"
    recipe.write_text(recipe.read_text().replace("day_harmonics: 3", "day_harmonics: 2"))
    fingerprint(path)
    assert len({key.split("/")[1] for key in replayed.objects.keys("runs/")} - runs) == 1


def test_a_day_without_enough_rows_does_not_stop_the_others(replayed: Records, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "days.json"
    with pytest.raises(SystemExit) as ended:
        main([*COMMAND, "--from", "2026-08-03", "--to", "2026-09-27", "--every", "55", "--json", str(path)])
    assert ended.value.code == 7
    told = json.loads(path.read_text())
    assert [board["as_of"][:10] for board in told["days"]] == ["2026-09-27"]
    assert list(told["failed"]) == ["2026-08-03"]
    assert "1 of 2 days could not be replayed" in capsys.readouterr().err.replace("\n", " ")


def test_a_span_that_ends_before_it_begins_is_refused(replayed: Records, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([*COMMAND, "--from", "2026-09-26", "--to", "2026-09-25"])
    assert ended.value.code == 2
    assert "comes before --from" in capsys.readouterr().err


def test_a_run_of_airflows_backfill_replays_the_same_day_as_the_command():
    program = """
import json
from datetime import datetime, timezone
from types import SimpleNamespace
from past import as_of, midnight
run = SimpleNamespace(run_type="backfill", logical_date=datetime(2026, 9, 26, tzinfo=timezone.utc))
by_hand = SimpleNamespace(run_type="manual", logical_date=run.logical_date)
print("RESULT" + json.dumps([midnight(run), str(as_of(run, "demo")["as_of"]), midnight(by_hand), as_of(by_hand, "demo")]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "dags"), "TSFLOW_HOME": str(REPOSITORY)}
    assert result_of(program, environment) == [{"as_of": "2026-09-26"}, "2026-09-26 01:00:00", {}, {}]
