"""How a row says its time: under which headers, in which form, by which clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tsflow.model import Strict

if TYPE_CHECKING:
    import pandas as pd

ISO8601 = "iso8601"
EPOCHS = {"epoch": 1_000_000, "epoch_ms": 1_000}  # microseconds in one of what is counted since 1970


class Timestamp(Strict):
    """How a row says its time; the clock keeps a fixed offset all year."""

    column: str | Annotated[tuple[str, ...], Field(min_length=1)]  # several are joined by a blank: [Date, Time]
    format: str  # of strptime; or iso8601, epoch (seconds since 1970, UTC), epoch_ms
    marks: Literal["end", "start"] = "end"  # of the row's averaging period
    utc_offset_hours: Annotated[float, Field(ge=-12, le=14)] = 0.0  # of the station's clock; without summer time
    minute: Annotated[int, Field(ge=0, le=59)] = 0  # at which an hour's row is taken, where rows come more often

    @field_validator("format")
    @classmethod
    def _gives_an_hour(cls, form: str) -> str:
        if form == ISO8601 or form in EPOCHS:
            return form
        example = datetime(2001, 2, 3, 14, 50, 30, tzinfo=UTC)
        try:
            read = datetime.strptime(example.strftime(form), form)  # whether it gives a zone is what is asked
        except ValueError as error:
            msg = f"{form!r} is no form of a date and time ({error})"
            raise ValueError(msg) from error
        if read.tzinfo is not None:
            msg = f"names a time zone; write the station's own clock, with `utc_offset_hours`, or `{ISO8601}`, which reads zones"
            raise ValueError(msg)
        if read.replace(minute=0, second=0) != example.replace(minute=0, second=0, tzinfo=None):
            msg = f"{form!r} does not give year, month, day and hour, and is none of {', '.join([ISO8601, *EPOCHS])}"
            raise ValueError(msg)
        return form

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> Self:
        columns = self.columns
        if len(set(columns)) < len(columns):
            msg = f"column names {max(columns, key=columns.count)!r} twice; name each column once"
            raise ValueError(msg)
        if len(columns) > 1 and self.format in EPOCHS:
            msg = f"format {self.format} stands in one column, and column names {len(columns)}; name one"
            raise ValueError(msg)
        if self.format != ISO8601 and self.format.count(" ") < len(columns) - 1:
            msg = f"cells of {len(columns)} columns are joined by blanks, and format {self.format!r} has too few; put them in"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The headers whose cells together give a row's time."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def offset(self) -> timedelta:
        """How far the station's clock is ahead of UTC's."""
        return timedelta(hours=self.utc_offset_hours)

    def written(self, stamps: pd.DatetimeIndex) -> pd.DataFrame:
        """Return moments of the station's clock as a file of this form has them: a column of text for each header."""
        import pandas as pd

        if self.format in EPOCHS:
            counted = (stamps - self.offset - pd.Timestamp(0)) // pd.Timedelta(microseconds=EPOCHS[self.format])
            return pd.DataFrame({self.columns[0]: counted.astype(str)})
        texts = stamps.strftime("%Y-%m-%d %H:%M:%S" if self.format == ISO8601 else self.format)
        if len(self.columns) == 1:
            return pd.DataFrame({self.columns[0]: texts})
        return pd.DataFrame([text.rsplit(" ", len(self.columns) - 1) for text in texts], columns=list(self.columns))
