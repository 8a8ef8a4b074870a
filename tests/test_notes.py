"""The note of a run says its result in one sentence."""

from datetime import datetime

import pytest

from tsflow import notes
from tsflow.errors import DataValidationError
from tsflow.records.backtest import Backtest, BacktestEntrant, Errors
from tsflow.records.dataset import PartFacts, Parts
from tsflow.records.decision import Decision, Reigning, Verdict
from tsflow.records.forecast import Alert, Forecast, Interval, LatestForecast, Report
from tsflow.records.ingest import Ingested
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.tuning import Trial, Tuning

NOON = datetime(2026, 6, 30, 12)
PART = PartFacts(rows=10, windows=5, first=NOON, last=NOON)
PARTS = Parts(train=PART, validation=PART, test=PART)
FACTS = {
    "station": "demo",
    "profile": "quick",
    "seed": 1,
    "fingerprint": "f",
    "as_of": datetime(2026, 6, 30),
    "created_at": NOON,
    "target": "T",
    "unit": "degC",
}


def a_board(*entrants: Entrant, **changes: object) -> Leaderboard:
    facts = {**FACTS, "split": "recent", "horizon_hours": 24, "parts": PARTS, "naive": {"validation": 2.58}}
    return Leaderboard(run="r1", challenger=entrants[0].architecture, entrants=list(entrants), **{**facts, **changes})


LEADER = Entrant(architecture="lightgbm", title="LightGBM", status="ok", val_mae=2.107)


@pytest.mark.parametrize(
    ("new", "changed", "says"),
    [
        (8640, 0, "demo: 8,640 new rows, up to 2026-06-30 12:00 by the station's clock."),
        (1, 2, "demo: 1 new row, 2 changed rows, up to 2026-06-30 12:00 by the station's clock."),
        (0, 0, "demo: nothing new came in."),
    ],
)
def test_an_ingest_says_how_many_rows_came_in(new: int, changed: int, says: str):
    done = Ingested(ingest="i", station="demo", rows=9000, new_rows=new, changed_rows=changed, last=NOON)
    assert notes.ingested(done) == says


def test_a_refused_batch_says_so_with_the_first_line_of_the_reason():
    reason = DataValidationError(
        "observations of demo: refused, 2 of 30 expectations failed (144 rows)\n- T is too high\nquarantine/i1"
    )
    said = notes.refused("demo", reason)
    assert said.startswith("demo: nothing was stored, the batch lies in quarantine: observations of demo: refused, 2 of 30 ")
    assert said.endswith("(144 rows).")


REIGNING = Reigning(version="v", sequence=1, entrant="ridge")


def a_decision(verdict: Verdict, outgoing: str, reigning: Reigning | None = REIGNING) -> Decision:
    facts = {"run": "r1", "number": 1, "station": "demo", "created_at": NOON, "challenger": "lightgbm", "checks": []}
    return Decision(verdict=verdict, outgoing=outgoing, reigning=reigning, **facts)


@pytest.mark.parametrize(
    ("decided", "outcome", "says"),
    [
        (a_decision("refusal", "lightgbm"), "refused", "; refused: the profile smoke may not promote."),
        (a_decision("change", "lightgbm"), "refused", "; refused: the profile smoke may not promote."),
        (a_decision("first", "lightgbm", None), "promoted", "; lightgbm is the first champion."),
        (a_decision("change", "lightgbm"), "promoted", "; it takes the place of the champion ridge."),
        (a_decision("refresh", "lightgbm"), "refreshed", ", and stays, fitted anew."),
        (
            a_decision("refresh", "ridge"),
            "refreshed",
            ", not clearly better than the champion ridge, which stays, fitted anew.",
        ),
    ],
)
def test_a_retraining_says_who_leads_and_what_became_of_it(decided: Decision, outcome: str, says: str):
    said = notes.published(a_board(LEADER), decided, outcome, "the profile smoke may not promote")
    assert said == f"demo: as of 2026-06-30, lightgbm leads at 2.11 degC (naive 2.58){says}"


def test_a_board_says_who_has_no_result():
    board = a_board(LEADER, Entrant(architecture="lstm", title="LSTM", status="failed", reason="not finite"))
    assert notes.ranked(board) == "demo: as of 2026-06-30, lightgbm leads at 2.11 degC (naive 2.58); no result: lstm."


def test_a_board_of_a_further_task_names_it():
    assert notes.ranked(a_board(LEADER, task="wind")) == "demo wind: as of 2026-06-30, lightgbm leads at 2.11 degC (naive 2.58)."


def test_a_forecast_says_what_will_be_or_why_nothing_is_said():
    made = Forecast(
        origin=NOON,
        target_time=datetime(2026, 7, 1, 12),
        target="T",
        unit="degC",
        value=21.04,
        intervals=[Interval(level=0.8, low=19, high=23), Interval(level=0.95, low=17.1, high=24.9)],
        naive=19.6,
        architecture="ridge",
        version="v",
        sequence=1,
        made_at=NOON,
    )
    latest = LatestForecast(station="demo", status="ok", made_at=NOON, forecast=made)
    assert notes.forecast(latest) == (
        "demo: T at 2026-07-01 12:00 will be 21.0 degC (95 %: 17.1 to 24.9), says ridge; as now would be 19.6."
    )
    none = latest.changed(status="none", problem="stale data", reason="the newest hour is 30 h old.")
    assert notes.forecast(none) == "demo: no forecast, stale data: the newest hour is 30 h old."


def test_a_look_of_the_monitor_says_how_the_forecasts_did_and_what_to_look_at():
    report = Report(station="demo", day="2026-06-30", created_at=NOON, days=30, mae=1.981, naive_mae=2.6)
    assert notes.monitored(report) == "demo: over 30 days the forecasts' error is 1.98, that of naive 2.60; 0 alerts."
    alert = Alert(kind="data", text="nothing came in for days; look at the source")
    unscored = report.changed(days=0, mae=None, naive_mae=None, alerts=[alert])
    assert notes.monitored(unscored) == ("demo: no forecast was scored yet; 1 alert: nothing came in for days; look at the source.")


def test_a_backtest_says_who_leads_over_all_folds():
    errors = Errors(origins=9, mae=2.3, rmse=3, bias=0, by_fold={}, by_season={}, by_hour={}, by_lead={})
    entrant = BacktestEntrant(architecture="ridge", title="Ridge", status="ok", errors=errors)
    facts = {**FACTS, "horizon_hours": 24, "folds": {"2026-01-01": PARTS, "2026-04-01": PARTS}}
    summary = Backtest(backtest="b", naive=errors.model_copy(update={"mae": 2.7}), leader="ridge", entrants=[entrant], **facts)
    assert notes.backtested(summary) == "demo: ridge leads over 2 folds at 2.30 degC (naive 2.70)."
    assert notes.backtested(summary.changed(leader=None)) == "demo: of 2 folds no architecture has a result in each."


def test_a_tuning_says_what_it_found_against_the_recipe_as_it_is():
    trial = Trial(number=0, values={}, worker="w", state="complete", val_mae=2.5)
    found = {"number": 1, "tuned": "lstm_tuned", "split": "recent", "minutes": 10, "spent_minutes": 9, "best": 0}
    more = {"importances": {}, "recipe": "", "own": {}, "trials": [trial]}
    tuning = Tuning(tuning="t", architecture="lstm", naive=2.7, before=2.6, after=2.5, **FACTS, **found, **more)
    assert notes.tuned(tuning) == "demo: lstm, the best of 1 trial errs by 2.50 degC (naive 2.70); the recipe as it is by 2.60."
    assert notes.tuned(tuning.changed(before=None)).endswith("(naive 2.70); the recipe as it is failed.")
