"""How a record may be cut into train, validation and test: the splits that `--split` knows, and fixed ones."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from tsflow.errors import UnknownName
from tsflow.model import Strict


def _share(value: object) -> object:
    """Take `2/3` as well as `0.6667`, so that a split can be exact."""
    return float(Fraction(value)) if isinstance(value, str) else value


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]


class FractionSplit(Strict):
    """Parts as shares of the rows, in order of time: what the published figures use."""

    train: Share = 0.5
    validation: Share = 0.25
    test: Share = 0.25
    whole_windows: bool = True  # each window lies inside its part, as in the book; False: only its target does
    count_rows: bool = True  # rows count as consecutive hours, as in the book; False: no window spans a long gap

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            msg = f"train + validation + test must be 1, found {total:g}"
            raise ValueError(msg)
        if self.train == 0 or self.validation == 0:
            msg = "train and validation must be above 0 (test may be 0)"
            raise ValueError(msg)
        return self


class RecentSplit(Strict):
    """Train on all but the last days: what daily retraining uses."""

    validation_days: Annotated[int, Field(ge=1)] = 180  # half a year: two months choose by luck
    test_days: Annotated[int, Field(ge=0)] = 90  # 56 with origins tell who differs; a gap costs six
    at_most_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.2  # of the record, each: a short one keeps enough to train on
    whole_windows: bool = False
    count_rows: bool = False


class FixedSplit(Strict):
    """Parts by the times of their last rows: a fold of a backtest, or a refit, whose validation part is empty."""

    train_end: datetime
    validation_end: datetime  # train_end: no validation
    test_end: datetime  # validation_end: no test
    whole_windows: bool = False
    count_rows: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.train_end <= self.validation_end <= self.test_end:
            msg = f"train_end {self.train_end}, validation_end {self.validation_end} and test_end {self.test_end} must rise"
            raise ValueError(msg)
        return self


class SplitSettings(Strict):
    """The splits that `--split` knows."""

    book: FractionSplit = FractionSplit()
    recent: RecentSplit = RecentSplit()

    def named(self, name: str) -> FractionSplit | RecentSplit:
        """Return the split called `name`."""
        if name not in type(self).model_fields:
            raise UnknownName("split", name, list(type(self).model_fields))
        chosen: FractionSplit | RecentSplit = getattr(self, name)
        return chosen
