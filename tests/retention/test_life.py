"""A station over months: what is due goes, all that may still be needed stays, and readers are told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ageing import Days, days_of
from mast import mast_csv, simulated, write_mast
from tsflow import steps
from tsflow.champion import actions
from tsflow.champion.audit import audit
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.errors import IntegrityError, SettingsError
from tsflow.evaluation.boards import board_of, newest_board
from tsflow.observations.ingests import newest_ingests
from tsflow.observations.store import ObservationStore
from tsflow.pages.entrant import entrant_view
from tsflow.records.forecast import LatestForecast, Report
from tsflow.records.index import Listed
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.retention import Collection
from tsflow.records.store import Records
from tsflow.retention.collect import collect
from tsflow.settings import override, settings
from workflow import build, decide, ingest, publish, rank, retrain, train

FEW = ["retention.bundles=2", "retention.runs=1", "gate.probability=0.6", "profiles.quick.history_days=100", "gate.days=14"]
DAYS = ("2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04")


@pytest.fixture
def days(records: Records, monkeypatch: pytest.MonkeyPatch) -> Days:
    override(FEW)
    return days_of(records.objects, monkeypatch)


def a_day(records: Records, as_of: str, *, station: str = "demo", files: list[Path] | None = None) -> str:
    """Ingest, retrain, publish, as the DAGs do; return the run."""
    run = f"{station}-{as_of}"
    ingest(records, f"i-{run}", as_of=as_of, station=station, history_days=110, files=files or ())
    split = {"split": "recent"}
    retrain(records, run, as_of=as_of, station=station, profile="quick", architectures=["climatology", "naive"], **split)
    rank(records, run)
    assert publish(records, run).outcome in {"promoted", "refreshed"}
    return run


def whole(records: Records, station: str = "demo") -> list[str]:
    """The versions of the history whose bundle is there, byte by byte; nothing may be damaged."""
    found = audit(History(records, station))
    assert found.damage == []
    return found.whole


def files_of(records: Records, run: str) -> list[str]:
    return [key for key in records.objects.keys(f"runs/{run}/") if key.count("/candidates/") and not key.endswith(".json")]


def test_months_of_a_station(records: Records, days: Days):
    runs = []
    for as_of in DAYS:
        runs.append(a_day(records, as_of))
        days.go_by(20)
    steps.make_forecast(records, settings(), "demo", "main")
    observed = ObservationStore(records, "demo").read()
    before = set(records.objects.keys(""))
    shown = collect(records, settings(), dry_run=True)
    assert set(records.objects.keys("")) == before, "a dry run removes nothing"
    told = {kind.kind: kind.objects for kind in shown.kinds if kind.objects}
    assert set(told) == {"index", "trainings", "bundles", "datasets", "candidates", "ingests"}
    done = collect(records, settings())
    assert done.removed
    assert {kind.kind: kind.objects for kind in done.kinds if kind.objects} == told, "what was shown has gone"
    assert (done.objects, done.size) == (shown.objects, shown.size)
    # What may be champion again is whole, and so is all that it needs.
    kept = whole(records)
    assert len(kept) == 2
    assert [str(entry.version) for entry in History(records, "demo").entries()][:2] == kept[::-1]
    assert load_champion("demo", records.objects).manifest.run == runs[-1]
    assert all(files_of(records, run) for run in runs[-2:])
    assert not any(files_of(records, run) for run in runs[:-2])
    day = datetime(2026, 10, 4, 0, 20, tzinfo=UTC)
    seen = records.fetch(Report, steps.monitor(records, settings(), "demo", "main", now=day))
    assert seen.drift, "the hours that the champion learnt from are there"
    actions.rollback(History(records, "demo"), kept[0], actor="ada", reason="to see whether it can")
    assert records.fetch(Report, steps.monitor(records, settings(), "demo", "main", now=day)).drift
    # Boards stay, and what was measured.
    assert newest_board(records, "demo").run == runs[-1]
    assert [board_of(records, run).run for run in runs] == runs
    assert ObservationStore(records, "demo").read().equals(observed)
    assert collect(records, settings()).objects == 0, "nothing is left to do"


def test_readers_of_what_was_removed_are_told(records: Records, days: Days):
    first = a_day(records, DAYS[0])
    days.go_by(20)
    for as_of in DAYS[1:3]:
        a_day(records, as_of)
    days.go_by(20)
    collect(records, settings())
    view = entrant_view(records, first, "climatology", None)
    assert "retention removes models and forecasts of entrants, but for those of champions, after 14 days" in view.removed
    assert view.line is not None
    with pytest.raises(IntegrityError, match=r"cannot be ranked anew: .* is not there any more; .*retention.candidates_days"):
        rank(records, first)
    assert len(records.listed(Leaderboard, run=first)) == 1
    gone = next(entry.version for entry in History(records, "demo").entries() if entry.run == first)
    with pytest.raises(SettingsError, match=r"was removed: .* set retention.bundles_days in include/tsflow.yaml. Choose another"):
        actions.rollback(History(records, "demo"), str(gone), actor="ada", reason="back")
    with pytest.raises(IntegrityError, match=r"dataset \w+ is not in the store; .*retention.datasets_days"):
        train(records, first, "climatology")
    days.go_by(34)
    collect(records, settings())
    days.go_by(34)
    collect(records, settings())
    days.go_by(34)
    done = collect(records, settings())
    assert {"runs", "index"} <= {kind.kind for kind in done.kinds if kind.objects}
    with pytest.raises(SettingsError, match=r"no Run of run .*retention.runs_days"):
        board_of(records, first)
    there = {str(place["id"]) for place in records.listed(Listed, of="board")}
    assert first not in there, "nobody finds what is not there"
    assert newest_ingests(records, "demo", most=9) == []


def test_a_second_station_in_other_units_is_kept_apart(
    records: Records, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    override(FEW)
    days = days_of(records.objects, monkeypatch)
    write_mast(home)
    rows = simulated(120)
    path = tmp_path / "mast.csv"
    path.write_bytes(mast_csv(rows))
    a_day(records, DAYS[0])
    for as_of in ("2017-06-28", "2017-06-29", "2017-06-30"):
        a_day(records, as_of, station="mast", files=[path])
        days.go_by(20)
    before = whole(records, "mast")
    collect(records, settings())
    assert whole(records, "mast") == before[-2:]
    assert len(whole(records)) == 1, "the only champion of the other station stays, however old"
    assert newest_board(records, "mast").as_of.year == 2017
    assert [load_champion(name, records.objects).manifest.station for name in ("demo", "mast")] == ["demo", "mast"]


def test_what_a_person_may_still_approve_or_promote_stays(records: Records, days: Days):
    a_day(records, DAYS[0])
    ingest(records, "i2", as_of=DAYS[1], history_days=110)
    retrain(records, "waits", as_of=DAYS[1], profile="quick", architectures=["climatology"])
    rank(records, "waits")
    decide(records, "waits")
    days.go_by(2.5)  # an approval waits two days
    collect(records, settings())
    assert publish(records, "waits").outcome == "refreshed"
    assert len(whole(records)) == 2


def test_of_small_notes_the_newest_stays_and_forecasts_go_by_their_age(records: Records, days: Days):
    a_day(records, DAYS[0])
    for hour in (6, 12):
        steps.make_forecast(records, settings(), "demo", "main", now=records.objects.now().replace(hour=hour))
    keys = records.objects.keys("forecasts/")
    steps.monitor(records, settings(), "demo", "main")
    days.go_by(130)
    steps.monitor(records, settings(), "demo", "main", now=records.objects.now() - timedelta(days=1))
    collect(records, settings())
    left = records.objects.keys("forecasts/")
    assert [key for key in keys if key.endswith("latest.json")] == left
    assert records.read(LatestForecast, station="demo", task="main").station == "demo"
    assert len(records.listed(Report, station="demo")) == 2, "reports are kept longer"
    days.go_by(900)
    collect(records, settings())
    assert len(records.listed(Report, station="demo")) == 2, "it only looked, after so long"
    collect(records, settings())
    assert len(records.listed(Report, station="demo")) == 1, "the newest"
    assert len(records.listed(Collection)) == 3


def test_what_is_appended_after_older_ones_went_gets_the_next_number(records: Records, days: Days):
    for day in range(3):
        collect(records, settings())
        days.go_by(day)
    records.objects.delete([Collection.TEMPLATE.key(number=1)])
    collect(records, settings())
    assert [place["number"] for place in records.listed(Collection)] == [2, 3, 4]


def test_a_run_that_is_built_just_now_keeps_every_dataset(records: Records, days: Days):
    a_day(records, DAYS[0])
    a_day(records, DAYS[1])
    a_day(records, DAYS[2])
    days.go_by(100)
    records.objects.put_new("runs/new/validation/index.html", b"<html>")
    before = records.objects.keys("datasets/")
    done = collect(records, settings())
    assert records.objects.keys("datasets/") == before
    assert any("datasets stay for now: runs/new is being made" in note for note in done.notes)
    days.go_by(2)
    collect(records, settings())
    assert len(records.objects.keys("datasets/")) == 4, "of the two champions that may come back"
    built = build(records, "again", as_of=DAYS[0], profile="quick", architectures=["naive"])
    assert built.fingerprint in {key.split("/")[1] for key in records.objects.keys("datasets/")}
