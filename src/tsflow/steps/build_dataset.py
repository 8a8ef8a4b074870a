"""Cut a station's record into windows: the beginning of a run of `retrain`."""

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.pinned import contents
from tsflow.architectures.registry import load_architecture
from tsflow.champion.reigning import with_reigning
from tsflow.errors import SettingsError
from tsflow.evaluation.resting import judgements, resting
from tsflow.evaluation.screening import with_screening
from tsflow.names import NAIVE
from tsflow.observations.hours import validated_hours
from tsflow.observations.store import ObservationStore
from tsflow.records.files import RUN
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest, resolve
from tsflow.requests.order import Order
from tsflow.settings import Settings
from tsflow.training.profile import profile_now
from tsflow.windows.building import dataset_of


def build_dataset(records: Records, settings: Settings, request: RetrainRequest, run: str) -> Run:
    """Cut the station's record into windows; return the run: its dataset's fingerprint and its entrants.

    Their recipes are those of this moment; the champion's is always among them.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a part of the split has no window.
    SettingsError
        If a run of that name is there, of another request: Airflow gives a day that is filled again the name that it had.
    """
    order = resolve(request, settings)
    if (done := records.find(Run, run=run)) is not None:
        _require_same(done, request, order)
        return done
    station, task = order.station, order.task
    hourly, docs = validated_hours(records, station, task, settings.hourly, order.period, folder=RUN.key(run=run))
    split = settings.splits.named(request.split)
    dataset = with_screening(dataset_of(station, task, hourly, split, request.split))
    rested = _rested(records, settings, request, order)
    awake = tuple(name for name in order.entrants if name not in rested)
    entrants = with_reigning(records, station.station, order.task_name, awake)
    rested = {name: reason for name, reason in rested.items() if name not in entrants.recipes}
    recipes = {**entrants.recipes, **{name: load_architecture(name) for name in rested}}
    return records.first(
        Run(
            run=run,
            station=station.station,
            task=order.task_name,
            as_of=order.as_of,
            first_versions=ObservationStore(records, station.station).began_after(order.period.known_at),
            fingerprint=dataset.save(records),
            entrants=list(entrants.recipes),
            recipes=contents(recipes),
            rested=rested,
            reigning=entrants.reigning,
            profile=request.profile,
            pinned_profile=profile_now(settings, request.profile),
            split=request.split,
            seed=request.seed,
            docs=docs,
        )
    )


def _require_same(done: Run, request: RetrainRequest, order: Order) -> None:
    """Raise `SettingsError` if a run is of another request."""
    was: dict[str, object] = {"station": done.station, "task": done.task, "profile": done.profile}
    was |= {"split": done.split, "seed": done.seed}
    asked: dict[str, object] = {"station": order.station.station, "task": order.task_name, "profile": request.profile}
    asked |= {"split": request.split, "seed": request.seed}
    if differing := [f"{name} {was[name]!r}, not {asked[name]!r}" for name in was if was[name] != asked[name]]:
        msg = f"run {done.run} is there already, of {'; '.join(differing)}: a Backfill that reprocesses a day keeps the name "
        msg += "of its run; delete that run in Airflow and trigger the day by hand, or use `tsflow replay`"
        raise SettingsError(msg)


def _rested(records: Records, settings: Settings, request: RetrainRequest, order: Order) -> dict[str, str]:
    """Return which entrants rest, with the reason: not naive, no ensemble, and nobody of whom one or the favourite is made."""
    if not request.rest or settings.rest.after_days is None:
        return {}
    chosen = {name: load_architecture(name) for name in order.entrants}
    needed = {NAIVE, settings.profiles.named(request.profile).favourite}
    needed |= {member for recipe in chosen.values() if isinstance(recipe, Ensemble) for member in recipe.of or []}
    may = {name: recipe for name, recipe in chosen.items() if name not in needed and not isinstance(recipe, Ensemble)}
    cut = {"profile": request.profile, "split": request.split}
    said = judgements(records, order.station.station, order.task_name, settings.rest, order.as_of, **cut)
    return resting(said, may, settings.rest, order.as_of)
