"""How requests say a moment of the station's clock."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from tsflow.requests.sections import ROWS

_YEARS = 1750, 2999  # of whatever somebody asks for


def _moment(value: object) -> object:
    """Take a date or a date and time in ISO form; a date alone is its first moment."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        msg = f"{value!r} is not a date such as 2020-06-30, or 2020-06-30T12:00"
        raise ValueError(msg) from error
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        msg = f"{value!r}: no station measured before {_YEARS[0]}, and none will after {_YEARS[1]}"
        raise ValueError(msg)
    if moment.tzinfo is not None and moment.utcoffset():
        msg = f"{value!r} names a time zone; give the time by the station's own clock, without one"
        raise ValueError(msg)
    return moment.replace(tzinfo=None)  # programs that send UTC for whatever has no zone add Z


# What a form takes as a moment; that it exists is checked by `_moment`.
MOMENT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|\+00:00)?)?$"
Moment = Annotated[datetime | None, BeforeValidator(_moment), ROWS]
