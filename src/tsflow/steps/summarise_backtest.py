"""Say how every entrant did over all folds of a backtest."""

from datetime import UTC, datetime

from tsflow.architectures.pinned import pinned
from tsflow.backtesting.folds import fold_of
from tsflow.backtesting.grouped import errors_of, naive_on_test, on_test
from tsflow.backtesting.reading import BACKTESTS
from tsflow.backtesting.summary import Results, judge, table
from tsflow.errors import IntegrityError
from tsflow.records.backtest import Backtest, BacktestPlan
from tsflow.records.candidate import LEFT_NOTHING, Failure, StoredCandidate
from tsflow.records.files import FOLD, SUMMARY_FILE
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.storage.codecs import to_parquet
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset


def summarise_backtest(records: Records, backtest: str) -> Reference:
    """Write the summary as a record and as Parquet; return a reference to it.

    Summarising again after a failed entrant was trained after all writes a further summary.
    """
    plan = records.read(BacktestPlan, backtest=backtest)
    record = Dataset.load(records, plan.fingerprint)
    folds = {name: fold_of(record, plan, name) for name in plan.folds}
    last = folds[list(folds)[-1]]
    horizon_hours = last.task.horizon_hours
    results = [_results(records, plan, name, folds) for name in plan.entrants]
    entrants = judge(folds, results, horizon_hours, plan.reference)
    leads = sorted({hour for entrant in entrants if entrant.errors for hour in entrant.errors.by_lead} - {horizon_hours})
    summary = Backtest(
        backtest=backtest,
        station=plan.station,
        task=plan.task,
        profile=plan.profile,
        seed=plan.seed,
        fingerprint=plan.fingerprint,
        as_of=plan.as_of,
        created_at=datetime.now(UTC).replace(microsecond=0),
        horizon_hours=horizon_hours,
        target=last.target,
        unit=last.units[last.target],
        folds={name: fold.parts() for name, fold in folds.items()},
        naive=errors_of({name: naive_on_test(fold, leads) for name, fold in folds.items()}, horizon_hours),
        leader=entrants[0].architecture if entrants[0].rank else None,
        reference=plan.reference,
        entrants=entrants,
    )
    reference = records.append(summary)
    written = records.fetch(Backtest, reference)
    place: dict[str, Value] = {"backtest": backtest, "number": written.number}
    records.page(SUMMARY_FILE, to_parquet(table(written)), "application/vnd.apache.parquet", **place, kind="parquet")
    BACKTESTS.enter(records, written)
    return reference


def _results(records: Records, plan: BacktestPlan, architecture: str, folds: dict[str, Dataset]) -> Results:
    """Return an entrant's forecasts of the test parts, and why folds have none; a candidate that was damaged is one such reason."""
    tests, failures, trained = {}, {}, []
    for name, dataset in folds.items():
        place: dict[str, Value] = {"folder": FOLD.key(backtest=plan.backtest, fold=name), "architecture": architecture}
        try:
            candidate = records.find(StoredCandidate, **place)
            if candidate is None:
                failures[name] = (records.newest(Failure, **place) or LEFT_NOTHING).reason
                continue
            tests[name] = on_test(dataset, stored_forecasts(records, candidate))
        except IntegrityError as damage:
            failures[name] = Failure.of(damage).reason
        else:
            trained.append(candidate)
    return Results(
        architecture=architecture,
        title=trained[-1].title if trained else pinned(plan, architecture).title,
        tests=tests,
        failures=failures,
        parameters=trained[-1].parameters if trained else None,
        train_seconds=round(sum(candidate.train_seconds for candidate in trained), 3) if trained else None,
    )
