"""What a request comes to: resolved as often as one likes, and refused before anything is written."""

from pathlib import Path

import pytest
import yaml

from conftest import station_of, write_station
from tsflow.errors import EntrantSkipped, SettingsError, UnknownName
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.store import Records
from tsflow.requests import BacktestRequest, RetrainRequest, TuneRequest, resolve
from tsflow.settings import settings
from workflow import build, ingest, rank, train


@pytest.fixture
def mast(home: Path) -> str:
    """A station unlike Jena: two variables, no dew point."""
    write_station(home / "include" / "stations" / "mast.yaml", station_of({"T": "degC", "wv": "m/s"}, name="mast"))
    return "mast"


def test_a_request_resolved_twice_is_resolved_the_same(mast: str):
    request = RetrainRequest(station=mast, profile="quick")
    first = resolve(request, settings())
    assert resolve(request, settings()) == first
    assert "ridge" in first.entrants


def test_long_trainings_begin_first_so_that_none_ends_alone():
    quick, full = (resolve(RetrainRequest(profile=name), settings()).entrants for name in ("quick", "full"))
    assert quick[:5] == ("mlp", "ridge", "lightgbm", "stacked_gru", "bidirectional_lstm"), (
        "three that know all history, then those whose few epochs take longest"
    )
    assert quick[-2:] == ("naive", "mean_of_tables")
    assert full[:3] == ("stacked_gru", "conv_gru", "tcn")
    assert set(full[-4:]) == {"mean_of_tables", "mean_of_three", "mean_of_best", "stacking"}


def test_a_station_without_temperature_trains_by_default_with_the_lacking_entrants_skipped(records: Records, home: Path):
    content = yaml.safe_load((home / "include" / "stations" / "demo.yaml").read_text())
    keep = ("p", "rh", "wv")
    mast = content | {"station": "mast", "target": "wv", "variables": {name: content["variables"][name] for name in keep}}
    (home / "include" / "stations" / "mast.yaml").write_text(yaml.safe_dump(mast, sort_keys=False))
    ingest(records, station="mast", history_days=60)
    (home / "include" / "tsflow.yaml").write_text(
        yaml.safe_dump({"profiles": {"smoke": {"architectures": ["naive", "ridge", "lightgbm", "climatology"]}}})
    )
    settings.cache_clear()
    planned = build(records, "r2", station="mast", profile="smoke", architectures=[])
    assert set(planned.entrants) == {"naive", "ridge", "lightgbm", "climatology"}
    for name in planned.entrants:
        try:
            train(records, "r2", name)
        except EntrantSkipped as reason:
            assert "needs T, which station mast lacks" in str(reason)  # noqa: PT017  # some are trained, some skipped
    board: Leaderboard = rank(records, "r2")
    status = {entrant.architecture: entrant.status for entrant in board.entrants}
    assert status == {"naive": "ok", "climatology": "ok", "ridge": "skipped", "lightgbm": "skipped"}
    with pytest.raises(SettingsError, match=r"ridge\.yaml: needs T, "):
        build(records, "r3", station="mast", profile="smoke", architectures=["ridge"])
    assert records.objects.keys("runs/r3/") == []


def test_a_station_that_derives_its_dew_point_trains_the_recipes_that_want_one(records: Records, home: Path):
    content = yaml.safe_load((home / "include" / "stations" / "demo.yaml").read_text())
    variables = {name: content["variables"][name] for name in ("p", "T", "rh", "wv")}
    variables["Tdew"] = {"derived": "Tdew", "unit": "degC", "range": [-45, 35]}
    mast = content | {"station": "mast", "variables": variables}
    (home / "include" / "stations" / "mast.yaml").write_text(yaml.safe_dump(mast, sort_keys=False))
    ingest(records, station="mast", history_days=60)
    planned = build(records, station="mast", profile="smoke", architectures=["naive", "ridge", "lightgbm"])
    assert {name: bool(train(records, "r1", name).files) for name in planned.entrants} == dict.fromkeys(planned.entrants, True)


def test_a_named_recipe_that_does_not_fit_the_task_is_refused_before_anything_is_written(records: Records, home: Path):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + "tasks: {main: {}, soon: {context_hours: 48, horizon_hours: 3}}\n")
    with pytest.raises(SettingsError, match=r"ridge\.yaml: table: a column reads 120 hours, the context has 48"):
        build(records, task="soon", architectures=["ridge"])
    assert records.objects.keys("") == []
    chosen = resolve(RetrainRequest(station="demo", task="soon", profile="quick"), settings())
    assert "ridge" in chosen.entrants  # of the profile's own, it is shown as skipped or failed with its reason


def test_tasks_come_from_the_station_file_and_what_it_leaves_out_from_the_settings(home: Path):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(
        path.read_text() + "tasks: {half_day: {horizon_hours: 12}, wind: {target: wv, horizon_hours: 6, context_hours: 48}}\n"
    )
    first = resolve(RetrainRequest(station="demo"), settings())
    assert (first.task_name, str(first.task)) == ("half_day", "T in 12 h from 120 h")
    wind = resolve(RetrainRequest(station="demo", task="wind"), settings())
    assert str(wind.task) == "wv in 6 h from 48 h"
    with pytest.raises(UnknownName, match="unknown task of station demo 'main'; valid: half_day, wind"):
        resolve(RetrainRequest(station="demo", task="main"), settings())


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ("{Half: {}}", "tasks.Half"),
        ("{half: {target: snow}}", "tasks.half: target 'snow' is not among variables"),
        ("{half: {horizon: 3}}", "tasks.half.horizon: unknown key"),
        ("{half: {horizon_hours: 0}}", "tasks.half.horizon_hours: Input should be greater than or equal to 1"),
        ("{}", "tasks: Dictionary should have at least 1 item"),
    ],
)
def test_a_wrong_task_is_named_with_the_file(home: Path, tasks: str, says: str):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + f"tasks: {tasks}\n")
    with pytest.raises(SettingsError) as caught:
        resolve(RetrainRequest(station="demo"), settings())
    assert says in str(caught.value)


def test_a_backtest_leaves_ensembles_out_and_a_tuning_wants_a_search_space():
    assert "mean_of_best" not in resolve(BacktestRequest(station="demo", profile="quick"), settings()).entrants
    with pytest.raises(SettingsError, match="ensembles are weighed by `retrain` only"):
        resolve(BacktestRequest(station="demo", architectures=["naive", "stacking"]), settings())
    with pytest.raises(SettingsError, match=r"naive\.yaml has no search space"):
        resolve(TuneRequest(station="demo", architecture="naive"), settings())
