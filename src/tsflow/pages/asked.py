"""What stands in the addresses of the pages, checked; a name may be anything that a key of the store may hold."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from tsflow.model import Strict
from tsflow.pages.champions import Action
from tsflow.pages.entrant import Of

Name = Annotated[str, Field(max_length=250)]
_Empty = BeforeValidator(lambda text: text or None)  # a field of a form that was left empty
_Unmapped = BeforeValidator(lambda text: -1 if text in {"", "{MAP_INDEX}"} else text)  # as Airflow leaves it where there is none
Maybe = Annotated[Name | None, _Empty]


class OfPlace(Strict):
    """A task of a station; nothing: the settings' station, its first task."""

    station: Maybe = None
    task: Maybe = None


class OfChampions(OfPlace):
    """And what was just done there."""

    done: Action | None = None


class OfForecast(OfPlace):
    """And how far back."""

    days: Annotated[int, Field(ge=1, le=400)] = 7


class OfVersions(OfPlace):
    """And two versions."""

    first: Name
    second: Name


class OfData(OfPlace):
    """And a variable."""

    variable: Maybe = None


class OfEntrant(Strict):
    """An entrant of a run, and a week of its forecasts."""

    run: Name
    architecture: Name
    of: Of = "run"
    week: Annotated[datetime | None, _Empty] = None


class OfFile(Strict):
    """A file of an entrant."""

    run: Name
    architecture: Name
    of: Of = "run"
    name: Name


class OfTab(Strict):
    """What Airflow says of one of its tabs."""

    dag_id: Name
    run_id: Annotated[str | None, Field(max_length=600)] = None
    task_id: Maybe = None
    map_index: Annotated[int, _Unmapped, Field(ge=-1)] = -1


class OfChange(Strict):
    """A change that somebody thinks about."""

    action: Action
    station: Name
    task: Name
    version: Maybe = None


class OfForm(OfChange):
    """A change that somebody confirms; `seen`: the newest entry of the history that they knew."""

    reason: Annotated[str, Field(max_length=2000)]
    seen: int
    token: Annotated[str, Field(max_length=2000)] = ""
