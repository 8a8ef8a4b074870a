"""What was made last is found at once, however much there is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tsflow.evaluation.boards import BOARDS
from tsflow.records.index import Begun, Kind, Listed, enter, newest, turn
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning
from tsflow.storage.objects import ObjectStore
from tsflow.tuning.reading import TUNINGS

AS_OF = datetime(2026, 10, 1)


def entry(number: int, *, station: str = "demo", task: str = "main", day: int | None = None, of: Kind = "board") -> Listed:
    as_of = AS_OF + timedelta(days=number if day is None else day)
    created = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=number)
    return Listed(
        of=of, station=station, task=task, turn=turn(as_of, created), id=f"r{number}", as_of=as_of, created_at=created, result="..."
    )


def nothing() -> Iterator[Listed]:
    return iter(())


def found(records: Records, *, station: str = "demo", task: str | None = None, most: int = 3) -> list[str]:
    return [each.id for each in newest(records, "board", station, nothing, task=task, most=most)]


def test_the_newest_comes_first_and_a_past_day_that_was_replayed_since_does_not_hide_it(records: Records):
    for number in (1, 2, 3):
        enter(records, entry(number), nothing)
    enter(records, entry(9, day=0), nothing)
    assert found(records, most=4) == ["r3", "r2", "r1", "r9"]


def test_stations_and_tasks_do_not_mix(records: Records):
    enter(records, entry(1), nothing)
    enter(records, entry(2, task="half_day"), nothing)
    enter(records, entry(3, station="mast"), nothing)
    assert found(records) == ["r2", "r1"]
    assert found(records, task="main") == ["r1"]
    assert found(records, station="mast") == ["r3"]
    assert found(records, station="nobody") == []


def test_a_result_that_was_made_again_is_listed_once_by_its_newest(records: Records):
    enter(records, entry(1), nothing)
    enter(records, entry(2).changed(id="r1", number=2), nothing)
    listed = newest(records, "board", "demo", nothing, most=5)
    assert [(each.id, each.number) for each in listed] == [("r1", 2)]


def test_results_that_were_made_again_hide_no_older_ones(records: Records):
    for number in range(1, 9):
        enter(records, entry(number), nothing)
    for again in range(2, 5):
        enter(records, entry(8 + again).changed(id="r8", number=again), nothing)
    assert found(records, most=3) == ["r8", "r7", "r6"]
    assert found(records, most=20) == [f"r{number}" for number in range(8, 0, -1)]


def test_the_first_entry_brings_in_what_was_made_before_there_was_an_index(records: Records):
    before = [entry(1), entry(2)]
    assert [each.id for each in newest(records, "board", "demo", lambda: before, most=5)] == ["r2", "r1"]  # nothing begun yet
    enter(records, entry(3), lambda: before)
    assert records.find(Begun, of="board") is not None
    assert found(records, most=5) == ["r3", "r2", "r1"]
    enter(records, entry(4), lambda: pytest.fail("looked again"))


class Counting(ObjectStore):
    """A store that counts its requests."""

    def __init__(self, store: ObjectStore) -> None:
        self.__dict__.update(store.__dict__)
        self.requests = 0
        self._s3.meta.events.register("before-send", self._count)

    def _count(self, **_: Any) -> None:
        self.requests += 1


def test_the_newest_is_found_with_as_few_requests_among_two_thousand_as_among_two(records: Records):
    counting = Counting(records.objects)
    asked = Records(counting)

    def requests_to_find() -> int:
        before = counting.requests
        assert len(newest(asked, "board", "demo", nothing, task="main", most=1)) == 1
        return counting.requests - before

    for number in (1, 2):
        enter(records, entry(number), nothing)
    few = requests_to_find()
    for number in range(3, 2001):
        counting.put_new(entry(number).key(), entry(number).body())
    assert requests_to_find() == few == 3
    assert found(records, task="main", most=1) == ["r2000"]


def test_a_damaged_board_of_old_keeps_no_new_one_from_being_entered(records: Records, caplog: pytest.LogCaptureFixture):
    records.objects.put_new("runs/old/leaderboard/001/leaderboard.json", b"{}")
    tuning = Tuning.model_construct(
        tuning="t1", number=1, architecture="dense", tuned="dense_tuned", station="demo", task="main", target="T", unit="degC",
        as_of=AS_OF, profile="smoke", created_at=datetime(2026, 10, 1, tzinfo=UTC), naive=2.0, before=None, after=1.0, trials=[],
    )  # fmt: skip
    TUNINGS.enter(records, tuning)
    assert [each.id for each in TUNINGS.newest(records, "demo")] == ["t1"]
    assert BOARDS.newest(records, "demo") == []
    assert "left out of the index" in caplog.text
