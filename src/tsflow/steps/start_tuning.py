"""Fix what is searched, and on which data: the beginning of a tuning."""

from datetime import UTC, datetime

from tsflow.evaluation.screening import with_screening
from tsflow.observations.hours import validated_hours
from tsflow.records.files import TUNING
from tsflow.records.store import Records
from tsflow.records.tuning import Budget, TuningPlan
from tsflow.requests import TuneRequest, resolve
from tsflow.settings import Settings
from tsflow.tuning.plan import stored_recipe
from tsflow.windows.building import dataset_of


def start_tuning(records: Records, settings: Settings, request: TuneRequest, tuning: str) -> TuningPlan:
    """Return the tuning's plan. Its dataset ends where the test part begins.

    Raises
    ------
    SettingsError
        If the architecture has no search space, or one that is wrong.
    DataValidationError, NotEnoughData
        If the hours fail their expectations, or are too few.
    """
    if (done := records.find(TuningPlan, tuning=tuning)) is not None:
        return done
    order = resolve(request, settings)
    station, task = order.station, order.task
    hourly, docs = validated_hours(records, station, task, settings.hourly, order.period, folder=TUNING.key(tuning=tuning))
    dataset = with_screening(dataset_of(station, task, hourly, settings.splits.named(request.split), request.split))
    recipe, search = stored_recipe(order.chosen_recipe)
    return records.first(
        TuningPlan(
            tuning=tuning,
            station=station.station,
            task=order.task_name,
            as_of=order.as_of,
            docs=docs,
            profile=request.profile,
            split=request.split,
            seed=request.seed,
            fingerprint=dataset.without_test().save(records),
            budget=Budget(minutes=request.minutes, trials=request.trials, workers=request.workers, repeats=request.repeats),
            request=request.model_dump(mode="json"),
            recipe=recipe,
            search=search,
            started_at=datetime.now(UTC).replace(microsecond=0),
        )
    )
