"""The history decides, the pointer follows: no hole, one winner, whoever dies on the way."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dying import Dying, Killed
from published import current, manifest, promote
from tsflow.architectures.baselines import Persistence
from tsflow.champion import actions
from tsflow.champion.bundle import write_bundle
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.errors import IntegrityError, NoChampion, PointerConflict, SettingsError
from tsflow.records.history import Entry
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectStore

MODEL = {"model.onnx": Persistence(120, 4, 0).to_onnx()}
WHO = {"actor": "ada", "reason": "to try it"}


def bundle(objects: ObjectStore, version: str) -> tuple[str, str]:
    return write_bundle(objects, manifest(version), MODEL)


@pytest.fixture
def history(records: Records) -> History:
    """Of a station with the versions v1, which is champion, v2 and v3."""
    for version in ("v1", "v2", "v3"):
        bundle(records.objects, version)
    promote(records.objects, manifest("v1"), *bundle(records.objects, "v1"))
    return History(records, "small")


def kinds(history: History) -> list[str]:
    return [f"{entry.kind} {entry.version}" for entry in history.entries()]


def test_a_person_promotes_rolls_back_refuses_and_pins_with_a_reason(history: History):
    assert actions.promote(history, "v2", **WHO).number == 2
    assert load_champion("small", history.records.objects).manifest.version == "v2"
    back = actions.rollback(history, "v1", actor="ada", reason="v2 is cold")
    pointer = current(history.records.objects, "small")
    assert (pointer.version, pointer.sequence) == ("v1", back.number) == ("v1", 3)
    with pytest.raises(SettingsError, match=r"version 'v3' was never champion .* its champions were: v1, v2"):
        actions.rollback(history, "v3", **WHO)
    actions.refuse(history, "v3", actor="ada", reason="trained on a broken sensor")
    with pytest.raises(SettingsError, match=r"v3 .* was refused by a person"):
        actions.promote(history, "v3", **WHO)
    with pytest.raises(SettingsError, match=r"is the champion .* roll back to another one first"):
        actions.refuse(history, "v1", **WHO)
    actions.pin(history, actor="ada", reason="the demo is today")
    with pytest.raises(SettingsError, match=r"is pinned by ada \(the demo is today\)"):
        actions.promote(history, "v2", **WHO)
    with pytest.raises(SettingsError, match="is pinned already"):
        actions.pin(history, **WHO)
    actions.unpin(history, actor="ada", reason="it is over")
    with pytest.raises(SettingsError, match="a reason is needed"):
        actions.promote(history, "v2", actor="ada", reason=" ")
    actions.promote(history, "v2", **WHO)
    assert kinds(history) == [
        "promotion v2",
        "unpin v1",
        "pin v1",
        "refusal v3",
        "rollback v1",
        "promotion v2",
        "promotion v1",
    ]


def test_a_version_that_is_not_there_was_collected_or_is_damaged_is_no_champion(history: History):
    objects = history.records.objects
    with pytest.raises(SettingsError, match="has no version 'v9'; the newest are: v1"):
        actions.promote(history, "v9", **WHO)
    actions.promote(history, "v2", **WHO)
    body, etag = objects.get_tagged("champions/small/v1/model.onnx")
    objects.swap("champions/small/v1/model.onnx", body[:-1] + b"?", etag)
    with pytest.raises(IntegrityError, match=r"v1/model\.onnx: .* was changed or damaged"):
        actions.rollback(history, "v1", **WHO)
    objects._s3.delete_object(Bucket=objects.bucket, Key="champions/small/v1/manifest.json")
    with pytest.raises(SettingsError, match=r"version v1 .* was removed: .*retention.bundles_days"):
        actions.rollback(history, "v1", **WHO)
    assert current(objects, "small").version == "v2"


def test_of_two_people_at_once_the_second_is_told_what_the_first_did(history: History):
    seen = history.standing().last.number
    actions.promote(history, "v2", **WHO, seen=seen)
    with pytest.raises(PointerConflict, match=r"was changed meanwhile: entry 2, promotion by ada \(to try it\)"):
        actions.promote(history, "v3", actor="bob", reason="mine is better", seen=seen)
    assert kinds(history) == ["promotion v2", "promotion v1"]


def test_a_station_without_champion_cannot_be_pinned(records: Records):
    with pytest.raises(NoChampion, match="has no champion to pin"):
        actions.pin(History(records, "small"), **WHO)


def test_sixteen_publishers_of_fifty_rounds_one_winner_each_and_no_hole(records: Records):
    history = History(records, "small")
    for version in ("a", "b"):
        bundle(records.objects, version)
    promote(records.objects, manifest("a"), *bundle(records.objects, "a"))
    with ThreadPoolExecutor(16) as pool:
        for number in range(50):
            seen, version = history.standing().last.number, "ba"[number % 2]

            def publisher(_: int, seen: int = seen, version: str = version) -> bool:
                try:
                    actions.promote(history, version, **WHO, seen=seen)
                except (PointerConflict, SettingsError):
                    return False
                return True

            assert sum(pool.map(publisher, range(16))) == 1
    assert [entry.number for entry in history.entries()] == list(range(51, 0, -1))
    assert current(records.objects, "small").sequence == 51


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whoever_dies_at_any_call_leaves_a_whole_champion_and_the_next_ends_clean(records: Records, *, after: bool):
    objects = records.objects
    promote(objects, manifest("v0"), *bundle(objects, "v0"))
    died = 0
    for number in range(1, 60):
        old, new = current(objects, "small").version, f"v{number}"
        dying = Dying(objects, number, after=after)
        try:
            promote(dying, manifest(new), *write_bundle(dying, manifest(new), MODEL))
            ended = True
        except Killed:
            ended, died = False, died + 1
        assert load_champion("small", objects).manifest.version in {old, new}
        promote(objects, manifest(new), *write_bundle(objects, manifest(new), MODEL))
        assert load_champion("small", objects).manifest.version == new
        numbers = [entry.number for entry in History(records, "small").entries()]
        assert numbers == list(range(len(numbers), 0, -1)), "no hole"
        if ended:
            break
    assert died >= 8, "each GET, PUT and listing of publishing was cut off in turn"


def test_a_pointer_that_was_put_back_is_brought_to_where_the_history_says(history: History):
    objects, key = history.records.objects, "champions/small/champion.json"
    old = objects.get(key)
    actions.promote(history, "v2", **WHO)
    objects.swap(key, old, objects.get_tagged(key)[1])
    assert history.standing().pointer.version == "v2"
    assert load_champion("small", objects).manifest.version == "v2"


def test_an_entry_of_another_station_or_a_hole_is_found(history: History):
    actions.promote(history, "v2", **WHO)
    objects = history.records.objects
    body = objects.get("champions/small/history/000001.json")
    objects.put_new("champions/other/history/000001.json", body)
    with pytest.raises(IntegrityError, match="is an entry of station small"):
        History(history.records, "other").entry(1)
    actions.promote(history, "v3", **WHO)
    objects._s3.delete_object(Bucket=objects.bucket, Key="champions/small/history/000002.json")
    with pytest.raises(IntegrityError, match="the history has a hole"):
        list(history.entries())


def test_the_local_stage_has_a_pointer_and_a_history_of_its_own(records: Records):
    entry = Entry(number=1, station="small", kind="refusal", stage="local", at="2026-01-01T00:00:00Z", actor="a", reason="b")
    assert entry.key(folder=History(records, "small", stage="local").folder) == "local/small/history/000001.json"
    with pytest.raises(NoChampion):
        load_champion("small", records.objects, stage="local")
