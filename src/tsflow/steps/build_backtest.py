"""Cut a station's record into folds: the beginning of a backtest."""

import pandas as pd

from tsflow.architectures.pinned import contents
from tsflow.architectures.registry import load_architecture
from tsflow.backtesting.folds import dataset_of_fold, require_windows, rolling_folds
from tsflow.names import NAIVE
from tsflow.observations.hours import validated_hours
from tsflow.records.backtest import BacktestPlan, FoldPlan, PlannedFold
from tsflow.records.files import BACKTEST
from tsflow.records.store import Records
from tsflow.requests import BacktestRequest, resolve
from tsflow.settings import Settings
from tsflow.training.profile import profile_now
from tsflow.windows.building import dataset_of


def build_backtest(records: Records, settings: Settings, request: BacktestRequest, backtest: str) -> BacktestPlan:
    """Cut the station's record into folds; return the plan: its folds by name, and its entrants.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a fold has no data, or no window in a part; names the fold.
    """
    if (done := records.find(BacktestPlan, backtest=backtest)) is not None:
        return done
    order = resolve(request, settings)
    station, task = order.station, order.task
    hourly, docs = validated_hours(records, station, task, settings.hourly, order.period, folder=BACKTEST.key(backtest=backtest))
    first, last = (pd.Timestamp(hourly.frame["time"].iloc[row]).to_pydatetime() for row in (0, -1))
    plan = FoldPlan(**{name: getattr(request, name) for name in FoldPlan.model_fields})
    folds = rolling_folds(first, last, plan)
    record = dataset_of(station, task, hourly, folds[-1].split, f"backtest to fold {folds[-1].name}")
    require_windows(record, folds)
    return records.first(
        BacktestPlan(
            backtest=backtest,
            station=station.station,
            task=order.task_name,
            as_of=order.as_of,
            fingerprint=record.save(records),
            folds={fold.name: PlannedFold(times=fold, fingerprint=dataset_of_fold(fold, record).fingerprint) for fold in folds},
            plan=plan,
            entrants=list(order.entrants),
            recipes=contents({name: load_architecture(name) for name in order.entrants}),
            pinned_profile=profile_now(settings, request.profile),
            reference=request.reference or NAIVE,
            profile=request.profile,
            seed=request.seed,
            docs=docs,
        )
    )
