"""The task of forecasting, as a value: which variable, from how many hours, how far ahead."""

from typing import Annotated

from pydantic import Field

from tsflow.model import Strict


class Task(Strict):
    """`context_hours` rows in, the `target` `horizon_hours` after the last of them out.

    ::

          context: 120 hourly rows            horizon: 24 h
          |<--------------------------->|<----------------->|
          t-119                        t (origin)          t+24 = target
    """

    target: str
    context_hours: Annotated[int, Field(ge=1)] = 120
    horizon_hours: Annotated[int, Field(ge=1)] = 24

    @property
    def span(self) -> int:
        """Rows from a window's first input to its target, both counted."""
        return self.context_hours + self.horizon_hours

    def __str__(self) -> str:
        """Return it as people say it."""
        return f"{self.target} in {self.horizon_hours} h from {self.context_hours} h"
