"""The answer of a write gets lost: the client asks again, and must not take its own object for another writer's."""

import pytest

from lossy import lossy
from tsflow.errors import PointerConflict
from tsflow.storage.objects import ObjectStore


def test_who_wrote_and_lost_the_answer_knows_that_it_was_the_one(objects: ObjectStore):
    with lossy(objects) as (proxy, reached):
        proxy.loses = lambda number, key: number == 1
        assert reached.put_new("a", b"1"), "this call wrote it"
        assert not reached.put_new("a", b"1"), "this one did not, though the bytes are the same"
    assert proxy.lost == [f"/{objects.bucket}/a"]
    assert objects.get("a") == b"1"


def test_a_swap_whose_answer_was_lost_is_no_conflict(objects: ObjectStore):
    with lossy(objects) as (proxy, reached):
        proxy.loses = lambda number, key: number in {1, 3}
        reached.swap("pointer", b"1", None)
        _, etag = objects.get_tagged("pointer")
        reached.swap("pointer", b"2", etag)
        with pytest.raises(PointerConflict):
            reached.swap("pointer", b"3", etag)
    assert objects.get("pointer") == b"2"
    assert len(proxy.lost) == 2


def test_another_writers_object_is_another_writers(objects: ObjectStore):
    objects.put_new("a", b"theirs")
    with lossy(objects) as (proxy, reached):
        proxy.loses = lambda number, key: number == 1
        assert not reached.put_new("a", b"mine")
    assert objects.get("a") == b"theirs"
