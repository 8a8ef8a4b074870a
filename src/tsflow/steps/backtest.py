"""The steps of `backtest`: cut the record into folds, train every entrant in every fold, say how they did."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from tsflow.architectures.registry import load_architecture
from tsflow.backtesting import report as backtest_report
from tsflow.backtesting.folds import Fold, require_windows, rolling_folds
from tsflow.backtesting.grouped import errors_of, naive_on_test, on_test
from tsflow.backtesting.summary import Backtest, Results, judge
from tsflow.errors import IntegrityError, SettingsError, UnknownName
from tsflow.stations.station import load_station
from tsflow.steps.candidates import candidate_predictions, why_failed
from tsflow.steps.numbered import numbered, write_numbered
from tsflow.steps.requests import BacktestRequest
from tsflow.steps.run import dataset_of, first_result, stored_result, validated_hours
from tsflow.steps.train import train_once
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, to_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch
from tsflow.windows.dataset import Dataset

_SUMMARY = "summary.json"


def build_backtest(objects: ObjectStore, request: BacktestRequest, backtest_id: str) -> dict[str, Any]:
    """Cut the station's record into folds; return the backtest: its folds by name, and its entrants.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a fold has no data, or no window in a part; names the fold.
    """
    key = keys.backtest(backtest_id, "backtest.json")
    if (done := stored_result(objects, key)) is not None:
        return done
    request = request.checked()
    station = load_station(request.station)
    as_of = request.moment(station)
    hourly, docs = validated_hours(objects, request, station, as_of, keys.backtest_folder(backtest_id))
    first, last = (pd.Timestamp(hourly.frame["time"].iloc[row]).to_pydatetime() for row in (0, -1))
    plan = {name: getattr(request, name) for name in ("folds", "test_days", "validation_days", "train_days", "step_days")}
    folds = rolling_folds(first, last, **plan)
    record = dataset_of(station, hourly, folds[-1].split, f"backtest to fold {folds[-1].name}")
    require_windows(record, folds)
    backtest = {
        "backtest": backtest_id,
        "station": station.station,
        "as_of": as_of.isoformat(),
        "fingerprint": record.save(objects),  # of the whole record; folds are cut from it
        "folds": {fold.name: {"times": fold.model_dump(mode="json"), "fingerprint": fold.of(record).fingerprint} for fold in folds},
        "plan": plan,
        "entrants": request.architectures,
        "profile": request.profile,
        "seed": request.seed,
        "docs": docs,
    }
    return first_result(objects, key, backtest)


def backtest_entrant(
    objects: ObjectStore,
    backtest_id: str,
    fold: str,
    architecture: str,
    *,
    threads: int = 0,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> dict[str, Any]:
    """Train one entrant in one fold; return its candidate's reference. A failure is recorded and raised again."""
    backtest = read_backtest(objects, backtest_id)
    if fold not in backtest["folds"]:
        raise UnknownName(f"fold of backtest {backtest_id}", fold, list(backtest["folds"]))
    decides = {
        "run": backtest_id,
        "fingerprint": backtest["folds"][fold]["fingerprint"],
        "profile": backtest["profile"],
        "seed": backtest["seed"],
    }
    folder = keys.fold_folder(backtest_id, fold)
    return train_once(
        objects,
        folder,
        decides,
        load_architecture(architecture),
        lambda: _fold(Dataset.load(objects, backtest["fingerprint"]), backtest, fold),
        threads=threads,
        on_epoch=on_epoch,
    )


def summarise_backtest(objects: ObjectStore, backtest_id: str) -> dict[str, Any]:
    """Write the summary as JSON, Parquet and HTML; return where it lies and who leads it.

    Summarising again after a failed entrant was trained after all writes a further summary.
    """
    backtest = read_backtest(objects, backtest_id)
    record = Dataset.load(objects, backtest["fingerprint"])
    folds = {name: _fold(record, backtest, name) for name in backtest["folds"]}
    last = folds[list(folds)[-1]]
    horizon_hours = last.task.horizon_hours
    entrants = judge(folds, [_results(objects, backtest, name, folds) for name in backtest["entrants"]], horizon_hours)
    leads = sorted({hour for entrant in entrants if entrant.errors for hour in entrant.errors.by_lead} - {horizon_hours})
    summary = Backtest(
        **{name: backtest[name] for name in ("backtest", "station", "profile", "seed", "fingerprint", "as_of")},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        horizon_hours=horizon_hours,
        target=last.target,
        unit=last.units[last.target],
        folds={name: fold.summary()["parts"] for name, fold in folds.items()},
        naive=errors_of({name: naive_on_test(fold, leads) for name, fold in folds.items()}, horizon_hours),
        leader=entrants[0].architecture if entrants[0].rank else None,
        entrants=entrants,
    )
    folder = write_numbered(objects, keys.backtest(backtest_id, "summary/"), _SUMMARY, summary.model_dump(mode="json"))
    written = _read_summary(objects, folder)
    links = {"Data Docs": "../../validation/" + backtest["docs"].rpartition("/")[2]}
    objects.put_new(f"{folder}summary.html", backtest_report.html(written, links), "text/html")
    objects.put_new(f"{folder}summary.parquet", to_parquet(written.table()))
    return {"backtest": backtest_id, "summary": f"{folder}{_SUMMARY}", "leader": written.leader}


def read_backtest(objects: ObjectStore, backtest_id: str) -> dict[str, Any]:
    """Return what a backtest was asked for; `SettingsError` if there is no such backtest."""
    key = keys.backtest(backtest_id, "backtest.json")
    if (backtest := stored_result(objects, key)) is None:
        msg = f"no backtest {backtest_id!r} in {objects.address('backtests/')}; `tsflow backtest --show` shows the newest"
        raise SettingsError(msg)
    return backtest


def latest_summary(objects: ObjectStore, backtest_id: str) -> Backtest:
    """Return a backtest's newest summary; `SettingsError` if it has none."""
    folders = numbered(objects, keys.backtest(backtest_id, "summary/"), _SUMMARY)
    if not folders:
        read_backtest(objects, backtest_id)
        msg = f"backtest {backtest_id!r} has no summary; see `tsflow status` for whether it is still under way"
        raise SettingsError(msg)
    return _read_summary(objects, folders[-1])


def backtests_of(objects: ObjectStore, station: str) -> list[str]:
    """Return a station's backtests that have a summary, oldest first."""
    folders = numbered(objects, "backtests/", _SUMMARY)
    found = [
        (summary.created_at, summary.backtest)
        for folder in folders
        if (summary := _read_summary(objects, folder)).station == station
    ]
    return list(dict.fromkeys(backtest for _, backtest in sorted(found)))


def _read_summary(objects: ObjectStore, folder: str) -> Backtest:
    key = f"{folder}{_SUMMARY}"
    return Backtest.model_validate(from_json(objects.get(key), key))


def _fold(record: Dataset, backtest: dict[str, Any], name: str) -> Dataset:
    """Return a fold's dataset; `IntegrityError` if it is not the one that was built."""
    built = backtest["folds"][name]
    dataset = Fold.model_validate(built["times"]).of(record)
    if dataset.fingerprint != built["fingerprint"]:
        msg = f"fold {name} is {dataset.fingerprint}, but was built as {built['fingerprint']} by another tsflow; backtest anew"
        raise IntegrityError(msg)
    return dataset


def _results(objects: ObjectStore, backtest: dict[str, Any], architecture: str, folds: dict[str, Dataset]) -> Results:
    tests, failures, trained = {}, {}, []
    for name, dataset in folds.items():
        folder = keys.fold_folder(backtest["backtest"], name)
        key = keys.candidate(folder, architecture)
        if (body := objects.find(key)) is None:
            failures[name] = why_failed(objects, folder, architecture)["reason"]
            continue
        facts = from_json(body, key)
        tests[name] = on_test(dataset, candidate_predictions(objects, facts))
        trained.append(facts)
    return Results(
        architecture=architecture,
        title=trained[-1]["title"] if trained else load_architecture(architecture).title,
        tests=tests,
        failures=failures,
        parameters=trained[-1]["parameters"] if trained else None,
        train_seconds=round(sum(facts["train_seconds"] for facts in trained), 3) if trained else None,
    )
