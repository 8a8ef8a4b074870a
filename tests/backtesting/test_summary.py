"""What a backtest says of forecasts: groups against pandas, the rule for failed folds, the page."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from tsflow.backtesting.folds import dataset_of_fold, rolling_folds
from tsflow.backtesting.grouped import errors_of, naive_on_test, on_test, seasons
from tsflow.backtesting.summary import Results, judge, table
from tsflow.bundle.intervals import hour_of_day
from tsflow.cli.output import console, show_backtest
from tsflow.errors import IntegrityError, TrainingError
from tsflow.evaluation.leads import lead_hours
from tsflow.evaluation.metrics import rmse
from tsflow.pages.backtest import BacktestView, backtest_figures
from tsflow.pages.report import standalone
from tsflow.records.backtest import Backtest, BacktestEntrant, FoldPlan
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

HORIZON = 6
WINDOWS = Task(target="T", context_hours=24, horizon_hours=HORIZON)


@pytest.fixture(scope="module")
def folds() -> dict[str, Dataset]:
    """Three folds of a year, each with a test part of 30 days, in three seasons."""
    frame = hourly_rows(24 * 365, start="2021-01-01 01:00").assign(segment=0)
    first, last = datetime(2021, 1, 1, 1), datetime(2022, 1, 1)
    cut = rolling_folds(first, last, FoldPlan(folds=3, test_days=30, validation_days=20))
    record = Dataset("small", WINDOWS, {"T": "degC"}, frame, cut[-1].split, "backtest", HourlySettings(), HourlyReport())
    return {fold.name: dataset_of_fold(fold, record) for fold in cut}


def forecasts(fold: Dataset, *, noise: float, seed: int, leads: tuple[int, ...] = ()) -> pd.DataFrame:
    """Predictions as a training leaves them: the truth and noise, with a validation part before the test part."""
    random = np.random.default_rng(seed)
    frames = []
    for part in ("validation", "test"):
        origins, truth = fold.origins(part), fold.targets(part)
        frame = pd.DataFrame(
            {
                "part": part,
                "origin": fold.times[origins],
                "target_time": fold.times[origins + HORIZON],
                "truth": truth,
                "forecast": truth + random.normal(0.1, noise, len(truth)),
            }
        )
        for hours in leads:
            frame[f"lead_{hours}"] = fold.values[origins + hours, 0] + 0.25 * hours
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def results(folds: dict[str, Dataset], name: str, noise: float, *, without: tuple[str, ...] = ()) -> Results:
    tests = {
        fold: on_test(dataset, forecasts(dataset, noise=noise, seed=place))
        for place, (fold, dataset) in enumerate(folds.items())
        if fold not in without
    }
    return Results(name, name.title(), tests, dict.fromkeys(without, "MemoryError: out of memory"), 10, 1.5)


def test_errors_by_group_are_those_of_pandas(folds: dict[str, Dataset]):
    tests = {name: on_test(fold, forecasts(fold, noise=1.0, seed=3)) for name, fold in folds.items()}
    errors = errors_of(tests, HORIZON)
    pooled = pd.concat([frame.assign(fold=name) for name, frame in tests.items()])
    pooled["error"] = (pooled["forecast"] - pooled["truth"]).abs()
    month = pooled["target_time"].dt.month
    season = month.map(lambda m: {12: "DJF", 1: "DJF", 2: "DJF"}.get(m, "MAM" if m <= 5 else "JJA" if m <= 8 else "SON"))
    assert errors.by_fold == pytest.approx(pooled.groupby("fold")["error"].mean().to_dict())
    assert errors.by_season == pytest.approx(pooled.groupby(season)["error"].mean().to_dict())
    assert errors.by_hour == pytest.approx(pooled.groupby(pooled["target_time"].dt.hour)["error"].mean().to_dict())
    assert errors.mae == pytest.approx(pooled["error"].mean())
    assert errors.bias == pytest.approx((pooled["forecast"] - pooled["truth"]).mean())
    assert errors.rmse == pytest.approx(rmse(pooled["truth"].to_numpy(), pooled["forecast"].to_numpy()))
    assert errors.origins == len(pooled) == pooled["origin"].nunique() == 3 * 30 * 24
    assert errors.by_lead == {HORIZON: errors.mae}
    assert len(errors.by_hour) == 24
    assert list(errors.by_season) == [name for name in ("DJF", "MAM", "JJA", "SON") if name in errors.by_season]


def test_the_seasons_and_hours_of_times():
    times = pd.date_range("2021-01-15 05:40", periods=12, freq="MS").to_numpy()
    names = [seasons(times[[month - 2]])[0] for month in range(2, 13)]
    assert names == ["DJF", *["MAM"] * 3, *["JJA"] * 3, *["SON"] * 3, "DJF"]
    assert seasons(np.array(["1969-12-31T23:00"], dtype="datetime64[s]")).tolist() == ["DJF"]
    assert hour_of_day(np.array(["2021-03-01T00:10", "2021-03-01T23:50"], dtype="datetime64[s]")).tolist() == [0, 23]


def test_errors_by_lead_are_against_the_truth_at_that_lead(folds: dict[str, Dataset]):
    tests = {name: on_test(fold, forecasts(fold, noise=1.0, seed=3, leads=(1, 4))) for name, fold in folds.items()}
    assert errors_of(tests, HORIZON).by_lead == pytest.approx({1: 0.25, 4: 1.0, HORIZON: errors_of(tests, HORIZON).mae})
    naive = {name: naive_on_test(fold, [1, 4]) for name, fold in folds.items()}
    temperature = [fold.values[:, 0] for fold in folds.values()]
    by_hand = [
        np.abs(values[origins + 4] - values[origins])
        for values, origins in zip(temperature, [f.origins("test") for f in folds.values()], strict=True)
    ]
    assert errors_of(naive, HORIZON).by_lead[4] == pytest.approx(np.concatenate(by_hand).mean())
    first = next(iter(folds))
    some = tests | {first: tests[first].drop(columns="lead_4")}
    assert lead_hours(pd.concat(some.values())) == [1]


def test_forecasts_of_other_origins_are_refused(folds: dict[str, Dataset]):
    first, second, _ = folds.values()
    with pytest.raises(IntegrityError, match=r"not of the 720 origins of fold 2021-.*; train that fold again"):
        on_test(first, forecasts(second, noise=1.0, seed=0))


def test_entrants_are_ranked_by_their_pooled_error(folds: dict[str, Dataset]):
    lines = judge(folds, [results(folds, "poor", 20.0), results(folds, "good", 0.5)], HORIZON)
    assert [(line.rank, line.architecture, line.verdict) for line in lines] == [(1, "good", "better"), (2, "poor", "worse")]
    assert [line.may_be_best for line in lines] == [True, False]
    good, poor = lines
    assert good.mae_low < good.errors.mae < good.mae_high
    assert poor.difference == pytest.approx(poor.errors.mae - poor.naive.mae)
    assert poor.difference_low > 0
    assert poor.p_value <= poor.p_adjusted < 0.01
    assert poor.p_best < 0.05 < good.p_best
    assert good.skill == pytest.approx(1 - good.errors.mae / good.naive.mae)
    now_after = [fold.values[:, 0] for fold in folds.values()]
    naive = [
        np.abs(values[fold.origins("test") + HORIZON] - values[fold.origins("test")])
        for values, fold in zip(now_after, folds.values(), strict=True)
    ]
    assert good.naive.mae == pytest.approx(np.concatenate(naive).mean())


def test_entrants_are_compared_with_the_reference_that_was_named(folds: dict[str, Dataset]):
    given = [results(folds, "poor", 2.0), results(folds, "usual", 1.0), results(folds, "good", 0.5), results(folds, "naive", 9.0)]
    by_name = {line.architecture: line for line in judge(folds, given, HORIZON, "usual")}
    told = {name: line.verdict for name, line in by_name.items()}
    assert told == {"good": "better", "usual": "reference", "poor": "worse", "naive": "worse"}
    assert by_name["poor"].difference == pytest.approx(by_name["poor"].errors.mae - by_name["usual"].errors.mae)
    assert (by_name["usual"].difference, by_name["usual"].p_adjusted) == (0.0, 1.0)
    naive = {line.architecture: line.verdict for line in judge(folds, given, HORIZON)}["naive"]
    assert naive == "reference", "the entrant of that name is not compared with itself"


def test_a_reference_without_forecasts_compares_nobody(folds: dict[str, Dataset]):
    given = [results(folds, "good", 0.5), results(folds, "usual", 1.0, without=tuple(folds))]
    lines = judge(folds, given, HORIZON, "usual")
    assert [(line.architecture, line.verdict, line.difference) for line in lines] == [("good", None, None), ("usual", None, None)]
    page = html(summary_of(folds, lines, reference="usual")).decode()
    assert "but has none, so that nobody is compared" in page
    assert "not compared" in page


def test_an_entrant_without_every_fold_is_compared_on_its_own_folds_and_not_ranked(folds: dict[str, Dataset]):
    lost = list(folds)[1]
    whole, part = results(folds, "whole", 1.0), results(folds, "part", 0.2, without=(lost,))
    nothing = results(folds, "nothing", 1.0, without=tuple(folds))
    lines = judge(folds, [nothing, part, whole], HORIZON, "whole")
    assert [(line.rank, line.architecture, line.status) for line in lines] == [
        (1, "whole", "ok"),
        (None, "part", "incomplete"),
        (None, "nothing", "failed"),
    ]
    leader, incomplete, failed = lines
    assert incomplete.failures == {lost: "MemoryError: out of memory"}
    assert list(failed.failures) == list(folds)
    assert failed.errors is None
    kept = [name for name in folds if name != lost]
    same = np.mean([leader.errors.by_fold[name] for name in kept])  # test parts are equally long
    assert incomplete.errors.origins == leader.errors.origins * 2 // 3
    assert incomplete.difference == pytest.approx(incomplete.errors.mae - same)
    assert incomplete.naive.mae == pytest.approx(np.mean([leader.naive.by_fold[name] for name in kept]))
    assert incomplete.verdict == "better"
    assert (incomplete.p_best, incomplete.may_be_best) == (None, None), "only those with every fold can be the best of them"


def test_without_any_complete_entrant_there_is_no_leader(folds: dict[str, Dataset]):
    first, second, _ = folds
    lines = judge(folds, [results(folds, "a", 1.0, without=(first,)), results(folds, "b", 2.0, without=(second,))], HORIZON)
    assert [(line.rank, line.may_be_best) for line in lines] == [(None, None)] * 2
    assert all(line.mae_low < line.errors.mae < line.mae_high for line in lines)


def test_too_few_days_for_an_interval_leave_it_out(folds: dict[str, Dataset]):
    name, fold = next(iter(folds.items()))
    short = {name: on_test(fold, forecasts(fold, noise=1.0, seed=0)).head(10 * 24)}
    line = judge({name: fold}, [Results("a", "A", short, {})], HORIZON)[0]
    assert (line.rank, line.mae_low, line.verdict, line.difference, line.may_be_best) == (1, None, "unknown", None, None)
    page = html(summary_of({name: fold}, [line])).decode()
    assert page.count("not enough data to say") == 2
    assert "fewer than 56 days with origins (8 weeks) tell neither how sure an error is nor who differs." in page
    with console.capture() as shown:
        show_backtest(summary_of({name: fold}, [line]))
    assert "too few days" in shown.get()
    assert "fewer than 56 days" in shown.get()


def test_a_missing_fold_without_a_reason_is_an_error(folds: dict[str, Dataset]):
    first, second, third = folds
    whole = results(folds, "a", 1.0)
    silent = Results("a", "A", {name: whole.tests[name] for name in (first, third)}, {})
    with pytest.raises(TrainingError, match=f"a: neither forecasts nor a reason for fold {second}"):
        judge(folds, [silent], HORIZON)


def test_a_backtest_without_any_forecast_says_why(folds: dict[str, Dataset]):
    with pytest.raises(TrainingError, match="no entrant could be trained in any fold: a: MemoryError: out of memory"):
        judge(folds, [results(folds, "a", 1.0, without=tuple(folds))], HORIZON)


def summary_of(
    folds: dict[str, Dataset], lines: list[BacktestEntrant], leads: tuple[int, ...] = (), reference: str = "naive"
) -> Backtest:
    return Backtest(
        station="small",
        backtest="b1",
        profile="full",
        seed=1,
        fingerprint="abc",
        as_of="2022-01-01T00:00:00",
        created_at="2022-01-01T01:00:00+00:00",
        horizon_hours=HORIZON,
        target="T",
        unit="degC",
        folds={name: fold.parts() for name, fold in folds.items()},
        naive=errors_of({name: naive_on_test(fold, leads) for name, fold in folds.items()}, HORIZON),
        leader=lines[0].architecture if lines[0].rank else None,
        reference=reference,
        entrants=lines,
    )


def test_the_summary_survives_json_and_its_table_has_every_group(folds: dict[str, Dataset]):
    summary = summary_of(folds, judge(folds, [results(folds, "a", 1.0), results(folds, "b", 2.0, without=tuple(folds))], HORIZON))
    key = "backtests/b1/summary/001/summary.json"
    assert Backtest.read(summary.changed(number=1).body(), key) == summary.changed(number=1)
    lines = table(summary)
    assert lines["architecture"].unique().tolist() == ["a"]
    entrant = summary.entrant("a")
    assert lines.groupby("by").size().to_dict() == {
        "all": 1, "fold": 3, "hour": 24, "lead": 1, "season": len(entrant.errors.by_season),
    }  # fmt: skip
    overall = lines[lines["by"] == "all"].iloc[0]
    assert overall["skill"] == pytest.approx(entrant.skill)


def html(summary: Backtest) -> bytes:
    return standalone("backtest", BacktestView(summary, None, backtest_figures(summary), []), None)


def test_the_page_shows_every_entrant_fold_and_failure(folds: dict[str, Dataset]):
    lost = list(folds)[1]
    broken = Results("broken", "<b>Broken</b>", {}, dict.fromkeys(folds, "TrainingError: the loss is not <finite>"))
    lines = judge(folds, [results(folds, "a", 1.0), results(folds, "part", 0.2, without=(lost,)), broken], HORIZON)
    page = html(summary_of(folds, lines)).decode()
    for text in (
        *folds,
        "MemoryError",
        "the loss is not &lt;finite&gt;",
        "naive<small>as now</small>",
    ):
        assert text in page
    assert "<b>Broken" not in page
    assert page.count("data-figure=") == 4
    assert "Error by hours ahead" not in page


def test_the_page_shows_leads_where_an_entrant_forecasts_them(folds: dict[str, Dataset]):
    with_leads = {name: on_test(fold, forecasts(fold, noise=1.0, seed=3, leads=(1, 4))) for name, fold in folds.items()}
    lines = judge(folds, [Results("path", "Path", with_leads, {}, 10, 1.0), results(folds, "a", 1.0)], HORIZON)
    page = html(summary_of(folds, lines, leads=(1, 4))).decode()
    assert "Error by hours ahead" in page
    assert '"x": [1, 4, 6]' in page


def test_the_page_without_a_leader_says_so(folds: dict[str, Dataset]):
    lines = judge(folds, [results(folds, "a", 1.0, without=(next(iter(folds)),))], HORIZON)
    assert "no entrant has every fold" in html(summary_of(folds, lines)).decode()


def test_the_page_of_a_stored_summary_says_the_same(folds: dict[str, Dataset]):
    summary = summary_of(folds, judge(folds, [results(folds, "a", 1.0)], HORIZON))
    stored = Backtest.read(summary.changed(number=1).body(), "backtests/b1/summary/001/summary.json")  # keys sorted
    assert html(stored) == html(summary)


def test_a_backtest_of_an_older_tsflow_says_that_its_verdicts_were_by_line(folds: dict[str, Dataset]):
    written = json.loads(summary_of(folds, judge(folds, [results(folds, "a", 1.0), results(folds, "b", 2.0)], HORIZON)).body())
    for line, verdict in zip(written["entrants"], ("leader", "worse"), strict=True):
        for name in ("p_adjusted", "p_best", "may_be_best"):
            del line[name]
        line["verdict"] = verdict
    del written["reference"]
    body = json.dumps({**written, "number": 1, "format": 1}).encode()
    old = Backtest.read(body, "backtests/b1/summary/001/summary.json")
    assert (old.reference, [line.verdict for line in old.entrants]) == ("a", ["reference", "worse"])
    page = html(old).decode()
    assert "This backtest was judged by an older tsflow" in page
    assert "Against a<" in page
