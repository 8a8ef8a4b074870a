"""The folds of a rolling-origin backtest: the same record, cut at several ends.

::

    record      |===================================================|
                first                                            last
    expanding   |-------- train ---------|val|test|
                |------------- train -------------|val|test|
                |----------------- train ------------------|val|test|
                                                           |<----->|  step_days

    sliding            |----- train -----|val|test|
                                |----- train -----|val|test|
                                         |----- train -----|val|test|
                                         |<- train_days -->|

The last fold's test part ends with the record; each fold before it ends `step_days` earlier. A step is never
shorter than a test part, so that no target is tested twice. With the default step of a quarter of a year, four folds
test the four seasons.

Parts are cut by the time of the target, as everywhere: the inputs of a test part's first windows lie before it. What is
fitted (scaler, features, weights) sees the training part alone; validation decides when to stop.

References
----------
Tashman (2000), Out-of-sample tests of forecasting accuracy: an analysis and review, Int. J. Forecasting 16.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tsflow.errors import IntegrityError, NotEnoughData, SettingsError
from tsflow.evaluation.screening import with_screening
from tsflow.records.backtest import BacktestPlan, Fold, FoldPlan
from tsflow.windows.dataset import Dataset

SEASON_DAYS = 91  # a quarter of a year
_HOUR = timedelta(hours=1)


def dataset_of_fold(fold: Fold, record: Dataset) -> Dataset:
    """Return the fold's dataset, which holds nothing after its test part and, if it slides, nothing before training.

    Its fingerprint follows from those rows alone, and its own training part says which further quantities are read: a longer record
    gives the same fold, whose trainings are reused.
    """
    return with_screening(_cut(fold, record))


def _cut(fold: Fold, record: Dataset) -> Dataset:
    times = record.frame["time"]
    inside = times <= fold.test_end
    if fold.train_start is not None:
        inside &= times > fold.train_start
    # What was filled or missing was counted over the whole record.
    return replace(record.cut(fold.split, f"fold {fold.name}"), frame=record.frame[inside].reset_index(drop=True))


def fold_of(record: Dataset, plan: BacktestPlan, name: str) -> Dataset:
    """Return a planned fold's dataset; `IntegrityError` if it is not the one that was built."""
    planned = plan.folds[name]
    dataset = dataset_of_fold(planned.times, record)
    if dataset.fingerprint != planned.fingerprint:
        msg = f"fold {name} now has the fingerprint {dataset.fingerprint}, its plan says {planned.fingerprint}; "
        msg += "another version of tsflow made the plan, so start a new backtest"
        raise IntegrityError(msg)
    return dataset


def rolling_folds(first: datetime, last: datetime, plan: FoldPlan) -> list[Fold]:
    """Return the folds of a record from `first` to `last` (the times of its rows), oldest first.

    Raises
    ------
    SettingsError
        If a number is below 1, or test parts would overlap.
    NotEnoughData
        If the record begins too late for a fold; names the fold and how many would fit.
    """
    folds, test_days, train_days = plan.folds, plan.test_days, plan.train_days
    step_days = max(SEASON_DAYS, test_days) if plan.step_days is None else plan.step_days
    given = {"folds": folds, "test_days": test_days, "validation_days": plan.validation_days, "train_days": train_days}
    if wrong := [f"{name} {value}" for name, value in given.items() if value is not None and value < 1]:
        msg = f"{', '.join(wrong)}: expected 1 or more"
        raise SettingsError(msg)
    if step_days < test_days:
        msg = (
            f"step_days {step_days} is shorter than test_days {test_days}: targets would be tested twice; give {test_days} or more"
        )
        raise SettingsError(msg)
    test, validation, step = (timedelta(days=days) for days in (test_days, plan.validation_days, step_days))
    training = timedelta(days=train_days) if train_days else _HOUR
    found = []
    for back in reversed(range(folds)):
        test_end = last - back * step
        train_end = test_end - test - validation
        # The first row ends an hour that belongs to the record.
        if train_end - training < first - _HOUR:
            room = (last - first + _HOUR - test - validation - training) // step + 1
            msg = (
                f"fold {folds - back} of {folds} (test to {test_end:%Y-%m-%d}) would train on "
                f"{f'{train_days} days' if train_days else 'rows'} up to {train_end:%Y-%m-%d %H:%M}, "
                f"but the record begins on {first:%Y-%m-%d %H:%M}; {_remedy(max(0, room))}"
            )
            raise NotEnoughData(msg)
        start = train_end - training if train_days else None
        found.append(Fold(train_start=start, train_end=train_end, validation_end=train_end + validation, test_end=test_end))
    return found


def require_windows(record: Dataset, folds: list[Fold]) -> None:
    """Raise `NotEnoughData` if a fold has no window in one of its parts; names the fold and what to do."""
    for number, fold in enumerate(folds, 1):
        try:
            _ = _cut(fold, record).bounds
        except NotEnoughData as error:
            msg = f"fold {fold.name} ({number} of {len(folds)}): {error}; {_remedy(len(folds) - number)}"
            raise NotEnoughData(msg) from error


def _remedy(fitting: int) -> str:
    fewer = f"give fewer folds (at most {fitting}), shorter" if fitting else "give shorter"
    return f"{fewer} parts (test_days, validation_days, train_days, step_days), or a longer record"
