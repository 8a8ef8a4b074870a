"""What the pages show is what the records say."""

import json
import re
from datetime import datetime, timedelta

import pandas as pd
import pytest

import requests
from tsflow import steps
from tsflow.errors import SettingsError
from tsflow.evaluation.boards import board_of
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.ingests import enter_ingest, newest_ingests
from tsflow.observations.store import ObservationStore
from tsflow.pages.board import BoardView, RunView, board_view
from tsflow.pages.calibration import pit_figure, reliability_figure
from tsflow.pages.champions import champions_view, side_by_side
from tsflow.pages.data import Looks, data_view
from tsflow.pages.entrant import entrant_view
from tsflow.pages.forecast import forecast_view
from tsflow.pages.place import Place, place_of
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.training.storing import stored_forecasts

ADMIN = {"x-who": "admin"}


@pytest.fixture
def place(life: Records) -> Place:
    return place_of(life, settings(), "demo", None)


def test_the_errors_of_a_board_are_drawn_best_at_the_top_with_naive_as_a_line(life: Records):
    board = board_of(life, "r1")
    view = board_view(life, "r1")
    assert isinstance(view, BoardView)
    errors = view.figures[0]
    shown = [entrant for entrant in board.entrants if entrant.status == "ok"]
    assert list(reversed(errors.traces[0]["y"])) == [entrant.architecture for entrant in shown]  # type: ignore[call-overload]
    of_test = {entrant.architecture: entrant.test_mae for entrant in shown}
    drawn = dict(zip(errors.traces[0]["y"], errors.traces[0]["x"], strict=True))  # type: ignore[call-overload]
    assert drawn == pytest.approx(of_test, abs=1e-3)
    assert (
        errors.layout["shapes"]["x0"]
        if isinstance(errors.layout["shapes"], dict)
        else errors.layout["shapes"][0]["x0"] == board.naive["test"]
    )  # type: ignore[index]


def test_a_run_without_a_board_says_how_far_each_entrant_is(life: Records):
    view = board_view(life, "under-way")
    assert isinstance(view, RunView)
    found = {each.architecture: each.status for each in view.progress}
    assert found | {"naive": "trained", "dense": "waiting", "conv1d": "waiting"} == found
    assert view.done == 1


def test_an_entrant_shows_its_curve_and_the_week_that_was_asked_for(life: Records):
    view = entrant_view(life, "r1", "dense", None)
    assert view.candidate is not None
    curve = next(figure for figure in view.figures if figure.name == "curve")
    assert curve.traces[1]["y"] == pytest.approx([epoch.val_mae for epoch in view.candidate.curve], rel=1e-4)
    judged = stored_forecasts(life, view.candidate).query("part != 'train'")
    begin = pd.Timestamp(judged["target_time"].iloc[100]).normalize().to_pydatetime()
    asked = entrant_view(life, "r1", "dense", begin)
    week = next(figure for figure in asked.figures if figure.name == "week")
    inside = judged[(judged["target_time"] >= begin) & (judged["target_time"] < begin + timedelta(days=7))]
    assert week.traces[0]["y"] == pytest.approx(inside["truth"].tolist(), rel=1e-4)


def test_the_errors_by_hour_average_to_the_error_on_the_board(life: Records):
    view = entrant_view(life, "r1", "dense", None)
    assert view.candidate is not None
    assert view.line is not None
    hours = next(figure for figure in view.figures if figure.name == "hours")
    test = stored_forecasts(life, view.candidate).query("part == 'test'")
    counts = test["target_time"].dt.hour.value_counts()
    mean = sum(value * counts[hour] for hour, value in zip(hours.traces[0]["x"], hours.traces[0]["y"], strict=True)) / len(test)  # type: ignore[call-overload]
    assert mean == pytest.approx(view.line.test_mae, rel=1e-3)


def test_a_failed_entrant_keeps_its_reason_and_a_missing_one_names_those_there_are(life: Records):
    assert "onerror" in (entrant_view(life, "r1", "conv1d", None).failure.reason)  # type: ignore[union-attr]
    with pytest.raises(SettingsError, match=r"it has: .*naive"):
        entrant_view(life, "r1", "lstm", None)


def test_the_forecast_page_draws_what_was_made_beside_what_was_observed(life: Records, place: Place):
    view = forecast_view(life, settings(), place, 3)
    assert view.latest is not None
    assert view.report is not None
    assert [alert.kind for alert in view.report.alerts] == ["skill"]
    assert view.figure is not None
    names = [trace.get("name") for trace in view.figure.traces]
    assert {"observed", "forecast, 24 h ahead", "80 % interval", "95 % interval"} <= set(names)
    made = next(trace for trace in view.figure.traces if trace.get("name") == "forecast, 24 h ahead")
    assert max(made["x"]) == view.latest.forecast.target_time.isoformat()  # type: ignore[call-overload,union-attr]


def test_what_was_observed_is_drawn_as_the_hours_that_models_learn(life: Records, place: Place):
    view = forecast_view(life, settings(), place, 3)
    assert view.figure is not None
    drawn = next(trace for trace in view.figure.traces if trace.get("name") == "observed")
    rows = ObservationStore(life, place.name).read()
    known = hourly_frame(rows, place.station, settings().hourly, target=place.task.target).frame.set_index("time")["T"]
    for time, value in list(zip(drawn["x"], drawn["y"], strict=True))[-24:]:  # type: ignore[call-overload]
        assert value == pytest.approx(known[pd.Timestamp(time)], abs=0.01)


def test_the_forecast_page_is_there_while_the_thermometer_is_dead(life: Records, place: Place, monkeypatch: pytest.MonkeyPatch):
    read = ObservationStore.read
    monkeypatch.setattr(ObservationStore, "read", lambda *asked: read(*asked).assign(T=float("nan")))
    view = forecast_view(life, settings(), place, 3)
    assert view.latest is not None
    assert view.figure is not None
    assert next(trace for trace in view.figure.traces if trace.get("name") == "observed")["x"] == []


def test_the_timeline_has_every_entry_and_what_a_person_may_do_with_it(life: Records, place: Place):
    view = champions_view(life, place)
    assert [entry.kind for entry in view.entries] == ["promotion", "refusal", "promotion", "refusal"]
    reigning, _, former, _ = view.entries
    assert view.possible(reigning) == []
    assert view.possible(former) == ["rollback", "refuse"]
    assert [figure.name for figure in view.figures] == ["timeline", "scores"]
    lines = {line.name: line for line in side_by_side(life, place, str(reigning.version), str(former.version))}
    assert lines["architecture"].differs or lines["seed"].differs
    assert not lines["inputs"].differs


def test_the_data_page_counts_what_is_stored_and_lists_what_was_refused(life: Records, place: Place):
    view = data_view(life, Looks(), place, "rh")
    assert view.coverage is not None
    assert view.coverage.rows == sum(month.rows for month in view.coverage.months)
    assert [(each.entry.id, each.entry.good) for each in view.ingests] == [("refused-demo", False), ("i1", True)]
    assert "column" in view.ingests[0].entry.result
    assert view.ingests[1].docs is not None


def test_a_station_of_which_nothing_is_stored_has_its_page(life: Records):
    view = data_view(life, Looks(), place_of(life, settings(), "jena", None), None)
    assert view.coverage is None
    assert view.figures == []


def test_a_forecast_of_another_version_than_the_champions_is_told_apart(pages: str):
    page = requests.get(f"{pages}/forecast?station=demo", headers=ADMIN, timeout=30).text
    assert "This forecast was made by version v1" in page


def test_storing_a_batch_again_does_not_change_what_is_said_of_it(life: Records):
    before = newest_ingests(life, "demo", most=5)
    stored = next(entry for entry in before if entry.id == "i1")
    steps.store_batch(life, "i1")
    assert newest_ingests(life, "demo", most=5) == before
    assert stored.result.endswith("0 corrected")
    assert " 0 new" not in stored.result


def test_what_was_refused_and_stored_after_all_counts_as_stored(records: Records):
    for good in (False, True, False):
        enter_ingest(records, "again", "demo", datetime(2026, 10, 1), "...", good=good)
    assert [each.good for each in newest_ingests(records, "demo", most=5)] == [True]


def test_looking_twice_reads_the_record_once(life: Records, place: Place, monkeypatch: pytest.MonkeyPatch):
    looks = Looks()
    first = looks.at(life, place)
    monkeypatch.setattr("tsflow.pages.data.look", lambda *_: pytest.fail("read again"))
    assert looks.at(life, place) is first


def test_every_figure_on_every_page_is_what_plotly_takes(pages: str):
    """Plotly's own library checks each trace and layout that is sent to its JavaScript."""
    from plotly.graph_objects import Figure

    shown = 0
    for path in (
        "forecast?days=3",
        "board?run=r1",
        "entrant?run=r1&architecture=dense",
        "champions",
        "data",
        "backtest?backtest=b1",
        "tuning?tuning=t1",
    ):
        page = requests.get(f"{pages}/{path}", headers=ADMIN, timeout=30).text
        for text in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL):
            figure = json.loads(re.sub(r'"--[a-z0-9-]+"', '"#123456"', text))
            Figure(data=figure["data"], layout=figure["layout"])
            shown += 1
    assert shown >= 15


def test_a_second_home_has_every_page_too(pages: str):
    for path in ("forecast", "boards", "champions", "data", "data?variable=cup", "entrant?run=rm&architecture=seasonal_naive"):
        joined = "&" if "?" in path else "?"
        asked = path if path.startswith("entrant") else f"{path}{joined}station=mast"
        answer = requests.get(f"{pages}/{asked}", headers=ADMIN, timeout=30)
        assert answer.status_code == 200, (path, answer.text)
    assert (
        datetime.fromisoformat("2017-07-01").strftime("%Y-%m-%d")
        in requests.get(f"{pages}/boards?station=mast", headers=ADMIN, timeout=30).text
    )


def test_the_board_and_an_entrant_draw_whether_their_distributions_mean_what_they_say(life: Records):
    line = board_of(life, "r1").entrant("dense")
    assert sum(line.pit) == pytest.approx(1, abs=1e-4)
    board = board_view(life, "r1")
    assert isinstance(board, BoardView)
    (reliability,) = [figure for figure in board.figures if figure.name == "reliability"]
    drawn = {trace["name"]: trace["y"] for trace in reliability.traces}
    assert set(drawn) == {"as it should be", "dense", "naive"}
    assert drawn["dense"] == pytest.approx([0, *pd.Series(line.pit).cumsum()], abs=1e-4)
    figures = {figure.name: figure for figure in entrant_view(life, "r1", "dense", None).figures}
    assert figures["pit"].traces[0]["y"] == pytest.approx(line.pit, abs=1e-4)
    assert "reliability" in figures


def test_the_histogram_says_in_words_whether_distributions_are_too_narrow():
    even = pit_figure([0.05] * 20)
    narrow = pit_figure([0.1] * 4 + [0.2 / 12] * 12 + [0.1] * 4)
    wide = pit_figure([0.01] * 5 + [0.09] * 10 + [0.01] * 5)
    assert even is not None
    assert "It is even" in even.words
    assert narrow is not None
    assert "It is too narrow" in narrow.words
    assert wide is not None
    assert "It is too wide" in wide.words
    low, high = pit_figure([(place + 0.5) / 200 for place in range(20)]), pit_figure([(19.5 - place) / 200 for place in range(20)])
    assert low is not None
    assert "too low on the whole" in low.words
    assert high is not None
    assert "too high on the whole" in high.words
    assert pit_figure([]) is None
    assert reliability_figure({"old": []}, ["--s1"]) is None
