"""Records that no recipe can gain anything on, at a mooring unlike Jena: a random walk, and a target that never moves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import station_of, write_station
from tsflow.client import load_champion
from tsflow.evaluation.boards import board_of
from tsflow.pages.report import report_of_backtest, report_of_run
from tsflow.records.decision import Decision
from tsflow.records.store import Records
from tsflow.settings import settings
from workflow import backtest_entrant, decide, ingest, plan_backtest, publish, rank, retrain, summarise

HOURS = 24 * 300
START, AS_OF = "2022-02-01", "2022-11-20"
ENTRANTS = ["naive", "autoregression_direct", "seasonal_naive", "climatology", "dlinear"]


@pytest.fixture
def mooring(home: Path) -> Path:
    """A home with a station at sea: water's temperature, the sea's level and a current, every hour."""
    variables = {"Tw": "degC", "level": "m", "current": "m/s"}
    return write_station(home / "include" / "stations" / "mooring.yaml", station_of(variables, name="mooring"))


def rows(water: np.ndarray) -> pd.DataFrame:
    random = np.random.default_rng(5)
    tide = np.sin(2 * np.pi * np.arange(HOURS) / 12.42)
    times = pd.date_range(START, periods=HOURS, freq="h")
    return pd.DataFrame(
        {"time": times.strftime("%Y-%m-%d %H:%M"), "Tw": water, "level": tide, "current": random.normal(0.4, 0.1, HOURS)}
    )


def store(records: Records, water: np.ndarray, folder: Path) -> None:
    rows(water).to_csv(folder / "mooring.csv", index=False)
    ingest(records, station="mooring", as_of=None, history_days=None, files=[folder / "mooring.csv"])


def run(records: Records, name: str, **request: object) -> Decision:
    wanted = {"station": "mooring", "as_of": AS_OF, "profile": "quick", "split": "recent", "architectures": ENTRANTS, **request}
    retrain(records, name, **wanted)
    rank(records, name)
    return decide(records, name)


def random_walk() -> np.ndarray:
    return 10 + np.cumsum(np.random.default_rng(11).normal(0, 0.2, HOURS))


def test_naive_stays_champion_where_nothing_beats_it_and_the_board_says_why(records: Records, mooring: Path, tmp_path: Path):
    store(records, random_walk(), tmp_path)
    first = run(records, "r1")
    assert (first.verdict, first.outgoing) == ("first", "naive")
    assert publish(records, "r1").outcome == "promoted"
    second = run(records, "r2", seed=2)
    assert (second.verdict, second.outgoing) == ("refresh", "naive")
    assert publish(records, "r2").outcome == "refreshed"
    page = report_of_run(records, settings(), "r2").decode()
    assert "the champion&#39;s recipe naive stays, fitted anew, as no recipe has a smaller error on validation" in page
    assert not [entrant for entrant in board_of(records, "r2").entrants if entrant.verdict == "better"]
    champion = load_champion("mooring", records.objects)
    assert champion.manifest.architecture == "naive"


def no_constant(word: str) -> None:
    raise AssertionError(f"{word} in JSON")


def test_a_target_that_never_moves_ends_in_a_board_a_champion_and_a_backtest(records: Records, mooring: Path, tmp_path: Path):
    store(records, np.full(HOURS, 12.0), tmp_path)
    decision = run(records, "r1")
    assert (decision.verdict, decision.outgoing) == ("first", "naive")
    assert publish(records, "r1").outcome == "promoted"
    board = board_of(records, "r1")
    assert [entrant.reason for entrant in board.entrants if entrant.status != "ok"] == []
    assert {entrant.skill for entrant in board.entrants} == {None}
    page = report_of_run(records, settings(), "r1").decode()
    assert "not defined" in page
    assert "Skill is not defined: naive makes no error here" in page
    planned = plan_backtest(
        records,
        "b1",
        station="mooring",
        as_of=AS_OF,
        profile="quick",
        architectures=ENTRANTS[:3],
        folds=2,
        test_days=40,
        step_days=60,
    )
    for fold in planned.folds:
        for name in planned.entrants:
            backtest_entrant(records, "b1", fold, name)
    summary = summarise(records, "b1")
    assert {entrant.skill for entrant in summary.entrants} == {None}
    assert summary.entrant("naive").verdict == "reference"
    assert "not defined" in report_of_backtest(records, settings(), "b1").decode()
    for key in records.objects.keys(""):
        if key.endswith(".json"):
            json.loads(records.objects.get(key), parse_constant=no_constant)
