"""`tsflow replay`: past days as they would have been, again and again the same."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tsflow.cli.main import main
from tsflow.observations.store import ObservationStore
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest
from tsflow.requests.replaying import replay_run
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


def test_a_correction_that_came_later_is_seen_only_if_it_is_asked_for(replayed: Records):
    request = RetrainRequest.of({"station": "demo", "as_of": "2026-09-26", "profile": "smoke"})
    assert replay_run(request) != replay_run(request.changed(late_rows=True))


def test_a_span_that_ends_before_it_begins_is_refused(replayed: Records, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([*COMMAND, "--from", "2026-09-26", "--to", "2026-09-25"])
    assert ended.value.code == 2
    assert "comes before --from" in capsys.readouterr().err


def test_a_run_of_airflows_backfill_has_its_date_by_the_stations_clock(monkeypatch: pytest.MonkeyPatch):
    from datetime import UTC, datetime

    from tsflow.stations.clock import by_clock
    from tsflow.stations.station import load_station

    run = SimpleNamespace(run_type="backfill", logical_date=datetime(2026, 9, 26, tzinfo=UTC))
    assert by_clock(run.logical_date, load_station("demo")) == datetime(2026, 9, 26, 1)
