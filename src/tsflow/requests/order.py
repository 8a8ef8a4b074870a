"""What a request comes to: names resolved, everything checked, before anything is written or queued."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.registry import Architecture, load_architecture
from tsflow.architectures.space import with_values
from tsflow.errors import EntrantSkipped, SettingsError, UnknownName
from tsflow.folders import names_in
from tsflow.names import NAIVE
from tsflow.observations.store import Period
from tsflow.requests.models import (
    BacktestRequest,
    DatasetRequest,
    DatedRequest,
    ForecastRequest,
    IngestRequest,
    Request,
    RetrainRequest,
    TrainingRequest,
    TuneRequest,
)
from tsflow.settings import Settings
from tsflow.stations.clock import station_now, to_utc
from tsflow.stations.scheduled import tasks_of
from tsflow.stations.station import Station, load_station
from tsflow.task import Task


@dataclass(frozen=True)
class Order:
    """A request with its station, task and moment; of a training its entrants, of a tuning its recipe."""

    station: Station
    as_of: datetime
    task_name: str
    task: Task
    start: datetime | None = None
    end: datetime | None = None
    known_at: datetime | None = None  # UTC; None: now
    days: int | None = None  # of history before the last row
    entrants: tuple[str, ...] = ()
    recipe: Architecture | None = None

    @property
    def period(self) -> Period:
        """The rows to train on: up to the as-of or an earlier end, as they were known at the as-of that was asked for, or now."""
        end = min(self.as_of, self.end) if self.end else self.as_of
        return Period(self.start, end, self.known_at, self.days)

    @property
    def chosen_recipe(self) -> Architecture:
        """The recipe of a tuning."""
        if self.recipe is None:
            msg = "only a tuning has a recipe of its own"
            raise TypeError(msg)
        return self.recipe


def resolve(request: Request, settings: Settings) -> Order:
    """Return what a request comes to; the same request gives the same.

    Raises
    ------
    UnknownName
        For a station, task, source, profile, split or architecture that does not exist.
    SettingsError
        If the as-of is in the future, an architecture's file is wrong, or one that was named does not fit task or station.
    """
    if not isinstance(request, IngestRequest | DatasetRequest):
        msg = f"a {type(request).__name__} names no station"
        raise TypeError(msg)
    station = load_station(request.station or settings.station)
    if isinstance(request, IngestRequest):
        station.source(request.source)
        name, task = station.task(None, settings.windows)
        return Order(station, _moment(request, station), name, task)
    name, task = station.task(request.task, settings.windows)
    as_of = _moment(request, station)
    if request.as_of is None:
        as_of = as_of.replace(hour=0, minute=0)  # the last midnight, so that all runs of a day see the same data
    profile = settings.profiles.named(request.profile)
    if profile.favourite is not None and profile.favourite not in names_in("architectures"):
        raise UnknownName(f"favourite of profile {request.profile}", profile.favourite, names_in("architectures"))
    # Without an as-of a correction of this morning would wait a day.
    known_at = None if request.as_of is None or request.late_rows else to_utc(as_of, station)
    order = Order(station, as_of, name, task, request.start, request.end, known_at, profile.history_days)
    if isinstance(request, RetrainRequest | TuneRequest):
        settings.splits.named(request.split)
    if isinstance(request, TuneRequest):
        return _with_recipe(order, request)
    return _with_entrants(order, request, settings) if isinstance(request, TrainingRequest) else order


def watched(request: ForecastRequest, settings: Settings) -> list[tuple[str, str]]:
    """Return station and task of all that is to be forecast or monitored; of an empty request every task of the schedule.

    A station of the schedule whose file cannot be read is there with one task, which fails; the others are watched.
    """
    if request.station is None:
        pairs = [(name, task) for name in settings.schedule.stations for task in tasks_of(name)]
        wanted = [pair for pair in pairs if request.task in (None, pair[1])]
        if request.task and not wanted:
            raise UnknownName("task of the schedule's stations", request.task, sorted({task for _, task in pairs}))
        return wanted
    station = load_station(request.station)
    tasks = [station.task(request.task, settings.windows)[0]] if request.task else list(station.tasks)
    return [(station.station, task) for task in tasks]


def _moment(request: DatedRequest, station: Station) -> datetime:
    now = station_now(station)
    if request.as_of is not None and request.as_of > now + timedelta(seconds=1):
        msg = f"as-of {request.as_of} is in the future (now {now:%Y-%m-%d %H:%M} by the station's clock); give a past date"
        raise SettingsError(msg)
    return request.as_of or now.replace(second=0, microsecond=0)


def _with_entrants(order: Order, request: TrainingRequest, settings: Settings) -> Order:
    """Name the entrants; those that the profile chose and that cannot be trained here stay, to be shown as skipped."""
    named = request.architectures
    chosen = named or settings.profiles.named(request.profile).architectures or names_in("architectures")
    if repeated := sorted({name for name in chosen if chosen.count(name) > 1}):
        msg = f"architectures named more than once: {', '.join(repeated)}"
        raise SettingsError(msg)
    recipes = with_members({name: load_architecture(name) for name in chosen})
    if isinstance(request, BacktestRequest):
        recipes = _without_ensembles(recipes, named)
        _require_reference(request.reference, list(recipes))
    for recipe in with_members({name: recipes[name] for name in named}).values():
        require(recipe, order.station, order.task)
    most = settings.profiles.named(request.profile).max_epochs
    return replace(order, entrants=tuple(sorted(recipes, key=lambda name: _turn(recipes[name], most))))


def with_members(recipes: dict[str, Architecture]) -> dict[str, Architecture]:
    """Return recipes, and with each ensemble the members that it names."""
    wanted = [name for recipe in recipes.values() if isinstance(recipe, Ensemble) for name in recipe.of or []]
    return recipes | {name: load_architecture(name) for name in wanted if name not in recipes}


def require(recipe: Architecture, station: Station, task: Task) -> None:
    """Raise `SettingsError` unless a recipe can be trained for a task of a station."""
    recipe.require_task(task)
    try:
        recipe.require_variables(station.station, station.units, station.said_quantities)
    except EntrantSkipped as reason:
        raise SettingsError(str(reason)) from reason


def _without_ensembles(recipes: dict[str, Architecture], named: list[str]) -> dict[str, Architecture]:
    """Leave ensembles out of a backtest: what those are made of differs from fold to fold."""
    ensembles = [name for name, recipe in recipes.items() if isinstance(recipe, Ensemble)]
    if asked := [name for name in named if name in ensembles]:
        msg = f"{', '.join(asked)}: ensembles are weighed by `retrain` only; leave them out of a backtest"
        raise SettingsError(msg)
    return {name: recipe for name, recipe in recipes.items() if name not in ensembles}


def _require_reference(reference: str | None, entrants: list[str]) -> None:
    """Raise `SettingsError` if a backtest is to compare with a recipe that does not take part; naive is always known."""
    if reference is not None and reference != NAIVE and reference not in entrants:
        msg = f"reference {reference} is none of the architectures ({', '.join(sorted(entrants))}); add it, or name one of them"
        raise SettingsError(msg)


def _turn(recipe: Architecture, max_epochs: int | None) -> float:
    """Return when a recipe's turn is: long trainings first, so that none is left alone at the end; ensembles last."""
    return 1 if isinstance(recipe, Ensemble) else -recipe.effort(max_epochs)


def _with_recipe(order: Order, request: TuneRequest) -> Order:
    """Check that a recipe may be tuned, with every context that its search space holds."""
    recipe = load_architecture(request.architecture)
    require(recipe, order.station, order.task)
    if recipe.search is None:
        spaces = [name for name in names_in("architectures") if load_architecture(name).search is not None]
        msg = (
            f"include/architectures/{request.architecture}.yaml has no search space; add the key `search:` with what may be "
            f"changed, such as {{fit.learning_rate: {{low: 3e-4, high: 1e-2, log: true}}}}. With one: {', '.join(spaces)}"
        )
        raise SettingsError(msg)
    for hours in recipe.search["context_hours"].examples if "context_hours" in recipe.search else []:
        with_values(recipe, {"context_hours": hours}).require_task(order.task)
    return replace(order, recipe=recipe)
