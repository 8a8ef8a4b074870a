"""How new the data of a champion are: a record that ended years ago does not become new by being asked for today."""

from dataclasses import replace
from datetime import datetime

import pytest

from published import described
from tsflow.bundle.data_until import data_until
from tsflow.bundle.manifest import PartFacts, Split
from tsflow.errors import IntegrityError


@pytest.mark.parametrize(
    ("as_of", "last", "until"),
    [
        ("2026-11-28T00:00:00", "2014-12-30 07:40:00", datetime(2014, 12, 30, 7, 40)),
        ("2026-11-28T00:00:00", "2026-11-27 23:10:00", datetime(2026, 11, 27, 23, 10)),
        ("2026-11-28T00:00:00", "2026-11-28 02:00:00", datetime(2026, 11, 28)),
        ("2026-11-28T00:00:00", None, datetime(2026, 11, 28)),
    ],
)
def test_it_is_the_last_row_and_never_after_the_as_of(as_of: str, last: str | None, until: datetime):
    parts = {name: PartFacts(10, 5, None, last if name == "test" else None) for name in ("train", "validation", "test")}
    assert data_until(replace(described("v1"), as_of=as_of, split=Split("recent", parts))) == until


def test_a_time_that_cannot_be_read_is_told():
    with pytest.raises(IntegrityError, match="as_of is 'yesterday'"):
        data_until(replace(described("v1"), as_of="yesterday"))
