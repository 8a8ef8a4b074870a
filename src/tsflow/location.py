"""Where a station stands."""

from typing import Annotated

from pydantic import Field

from tsflow.model import Strict


class Location(Strict):
    """Where the station stands."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    altitude_m: float | None = None  # for people; no forecast depends on it
