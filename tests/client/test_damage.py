"""A byte flipped, a file cut short, two files swapped: each is refused by name, and the last good champion answers."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bundles import POINTER, PRIVATE, PUBLIC, files, frame, point, put, write
from tsflow.bundle.reading import read_champion
from tsflow.client import IntegrityError, load_champion
from tsflow.client.champion import Champion
from tsflow.storage.objects import ObjectStore

T, P = pytest.approx(6.38, abs=1e-4), pytest.approx(1003.5, abs=1e-3)
FOLDER = "champions/small/v2/"
READ = ["manifest.json", "model.onnx", "intervals.json"]  # by a forecast
VERIFIED = [*READ, *sorted(files(1).keys() - set(READ)), "card.md"]  # by `tsflow champion verify`


@pytest.fixture
def champion(objects: ObjectStore) -> Champion:
    """One of v1, in a store whose pointer says v2 by now; both are signed."""
    point(objects, write(objects), PRIVATE)
    loaded = load_champion("small", objects, public_key=PUBLIC)
    point(objects, write(objects, "v2", 1, sequence=2), PRIVATE)
    return loaded


@contextmanager
def written(objects: ObjectStore, changes: dict[str, bytes]) -> Iterator[None]:
    """Other bytes in the store, for as long as it takes."""
    before = {key: objects.get(key) for key in changes}
    for key, body in changes.items():
        put(objects, key, body)
    yield
    for key, body in before.items():
        put(objects, key, body)


def refused(objects: ObjectStore, champion: Champion, changes: dict[str, bytes]) -> None:
    """Refused by a reader if it reads what was changed, and by who verifies in any case; each names one of the keys."""
    with written(objects, changes):
        if set(changes) & {POINTER, *(FOLDER + name for name in READ)}:
            assert champion.refresh() is False
            assert any(str(champion.problem).startswith(key) for key in changes), champion.problem
            assert champion.forecast(frame()) == T
            with pytest.raises(IntegrityError):
                load_champion("small", objects, public_key=PUBLIC)
        if POINTER not in changes:
            with pytest.raises(IntegrityError) as caught:
                read_champion(objects, "small")
            assert any(str(caught.value).startswith(key) for key in changes)


def flips(seed: int, keys: list[str], objects: ObjectStore, count: int) -> Iterator[tuple[str, bytes]]:
    """Bodies of which one byte is another, in turn of each key; not those of JSON that say the same by other spaces."""
    draw = random.Random(seed)
    bodies = {key: objects.get(key) for key in keys}
    made = 0
    while made < count:
        key = keys[made % len(keys)]
        body = bytearray(bodies[key])
        body[draw.randrange(len(body))] ^= draw.randrange(1, 256)
        if key == POINTER and same_json(bytes(body), bodies[key]):
            continue
        made += 1
        yield key, bytes(body)


def same_json(found: bytes, expected: bytes) -> bool:
    try:
        return bool(json.loads(found) == json.loads(expected))
    except ValueError:
        return False


def test_two_hundred_flipped_bytes_are_refused_by_name_and_the_last_good_champion_stays(objects: ObjectStore, champion: Champion):
    keys = [POINTER, *(FOLDER + name for name in VERIFIED)]
    for key, body in flips(20261124, keys, objects, 200):
        refused(objects, champion, {key: body})
    assert champion.refresh() is True, "with all bytes back in place it is taken"
    assert champion.forecast(frame()) == P


def test_a_flipped_byte_of_a_pointer_without_signature_gives_no_other_model(objects: ObjectStore):
    """Number and time of the promotion are guarded by nothing but the signature; what is forecast with is."""
    point(objects, write(objects))
    pointer = write(objects, "v2", 1, sequence=2)
    point(objects, pointer)
    taken = 0
    for key, body in flips(1, [POINTER], objects, 100):
        with written(objects, {key: body}):
            try:
                found = load_champion("small", objects, at_least=2).pointer
            except IntegrityError as error:
                says = str(error)
            else:
                says, taken = POINTER, taken + 1
                assert (found.version, found.manifest_sha256) == ("v2", pointer.manifest_sha256)
        assert says.startswith((POINTER, FOLDER + "manifest.json"))
    assert 0 < taken < 30


@pytest.mark.parametrize("name", VERIFIED)
def test_a_file_cut_short_or_with_something_behind_it_is_refused(objects: ObjectStore, champion: Champion, name: str):
    body = objects.get(FOLDER + name)
    for wrong in (b"", body[: len(body) // 2], body[:-1], body + b"\n"):
        refused(objects, champion, {FOLDER + name: wrong})


@pytest.mark.parametrize("cut", [0, 1, 100, -3])
def test_a_pointer_cut_short_is_refused(objects: ObjectStore, champion: Champion, cut: int):
    refused(objects, champion, {POINTER: objects.get(POINTER)[:cut]})


@pytest.mark.parametrize("name", VERIFIED)
def test_a_file_swapped_for_the_next_or_for_that_of_another_version_is_refused(objects: ObjectStore, champion: Champion, name: str):
    other = VERIFIED[(VERIFIED.index(name) + 1) % len(VERIFIED)]
    refused(objects, champion, {FOLDER + name: objects.get(FOLDER + other), FOLDER + other: objects.get(FOLDER + name)})
    before = objects.get(f"champions/small/v1/{name}")
    if before != objects.get(FOLDER + name):
        refused(objects, champion, {FOLDER + name: before})
