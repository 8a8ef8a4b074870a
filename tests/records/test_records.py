"""Records: keys, what counts of several attempts, and every way in which a stored thing can be wrong."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tsflow.errors import IntegrityError, SettingsError
from tsflow.records.candidate import Failure
from tsflow.records.dataset import PartFacts, Parts
from tsflow.records.files import BATCH_ROWS
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.names import run_key
from tsflow.records.record import Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.template import Template


def a_run(run: str = "r1", **changes: Any) -> Run:
    facts = {
        "station": "demo",
        "as_of": datetime(2026, 10, 1),
        "fingerprint": "f",
        "entrants": ["naive"],
        "profile": "smoke",
        "split": "recent",
        "seed": 1,
        "docs": "runs/r1/validation/hourly.html",
    }
    return Run(run=run, **{**facts, **changes})


def a_board(**changes: Any) -> Leaderboard:
    part = PartFacts(rows=10, windows=5, first=datetime(2021, 1, 1), last=datetime(2021, 2, 1))
    facts = {
        "station": "demo",
        "split": "book",
        "profile": "full",
        "seed": 1,
        "fingerprint": "f",
        "as_of": datetime(2021, 2, 1),
        "created_at": datetime(2021, 2, 1, 1),
        "horizon_hours": 24,
        "target": "T",
        "unit": "degC",
        "parts": Parts(train=part, validation=part, test=part),
        "naive": {"train": 2.0},
        "challenger": "a",
        "entrants": [Entrant(architecture="a", title="A", status="ok")],
    }
    return Leaderboard(run="r1", **{**facts, **changes})


@pytest.mark.parametrize(
    ("text", "values", "key"),
    [
        ("runs/{run}/run.json", {"run": "r-1.2"}, "runs/r-1.2/run.json"),
        ("a/{number:03d}/b", {"number": 7}, "a/007/b"),
        ("a/{number:03d}/b", {"number": 12345}, "a/12345/b"),
        ("{folder:path}/x/{name}", {"folder": "runs/r/refits", "name": "n"}, "runs/r/refits/x/n"),
    ],
)
def test_a_template_makes_keys_and_reads_them_back(text: str, values: dict[str, str | int], key: str):
    template = Template(text)
    assert template.key(**values) == key
    assert template.values(key) == values
    assert template.values(f"{key}/more") is None


def test_a_prefix_ends_at_the_first_hole_without_a_value():
    template = Template("backtests/{backtest}/folds/{fold}/x.json")
    assert template.prefix() == "backtests/"
    assert template.prefix(backtest="b") == "backtests/b/folds/"
    assert template.prefix(fold="f") == "backtests/"


@pytest.mark.parametrize("value", ["", "a/b", "..", ".", "a\nb"])
def test_what_cannot_stand_in_a_key_is_refused(value: str):
    with pytest.raises(SettingsError, match="cannot stand in a key"):
        Template("runs/{run}/run.json").key(run=value)


def test_ids_of_runs_never_meet_in_one_key():
    ids = ["exp:1", "exp+1", "exp-1", "manual__2026-11-23T00:00:00+00:00", "manual__2026-11-23T00:00:00-00:00", "..", "exp 1"]
    assert len({run_key(one) for one in ids}) == len(ids)
    assert run_key("local-demo-1") == "local-demo-1"
    for one in ids:
        Template("runs/{run}/run.json").key(run=run_key(one))


def test_of_several_attempts_the_first_one_counts(records: Records):
    first = records.first(a_run())
    assert records.first(a_run(seed=2)) == first
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda seed: records.first(a_run("r2", seed=seed)), range(8)))
    assert len({run.seed for run in written}) == 1


def test_a_record_is_found_listed_and_referred_to(records: Records):
    assert records.find(Run, run="r1") is None
    for name in ("b", "a"):
        records.first(a_run(name))
    assert records.listed(Run) == [{"run": "a"}, {"run": "b"}]
    assert [run.run for run in records.all(Run)] == ["a", "b"]
    newest = records.newest(Run)
    assert newest is not None
    assert newest.run == "b"
    assert records.fetch(Run, records.reference(newest)) == newest


def test_an_unknown_record_names_those_there_are(records: Records):
    records.first(a_run("there"))
    with pytest.raises(SettingsError, match=r"no Run of run 'gone' in s3://.*/runs/; there are: there"):
        records.read(Run, run="gone")


def stored(records: Records, change: Any) -> None:
    content = json.loads(a_run().body())
    body = change(content)
    records.objects.put_new("runs/r1/run.json", body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: {name: c[name] for name in c if name != "seed"}, r"runs/r1/run\.json: seed: missing"),
        (lambda c: {**c, "seed": "many"}, r"seed: Input should be a valid integer"),
        (lambda c: {**c, "entrants": "naive"}, r"entrants: Input should be a valid array"),
        (lambda c: {**c, "format": 99}, "format 99, this tsflow reads up to 1; use the tsflow that wrote it, or a newer one"),
        (lambda c: {**c, "format": "new"}, "format 'new', this tsflow reads up to 1"),
        (lambda c: {**c, "run": "other"}, r"runs/r1/run\.json holds a Run of run 'other'; it was copied there"),
        (lambda c: json.dumps(c).encode()[:-20], "not JSON"),
        (lambda c: b"", "not JSON"),
        (lambda c: [c], "not a Run but list"),
    ],
)
def test_a_damaged_record_is_refused_by_its_key(records: Records, change: Any, says: str):
    stored(records, change)
    for read in (lambda: records.find(Run, run="r1"), lambda: records.read(Run, run="r1"), lambda: records.first(a_run())):
        with pytest.raises(IntegrityError, match=says):
            read()


def test_a_reader_ignores_what_a_newer_tsflow_adds_and_a_writer_refuses_it(records: Records):
    stored(records, lambda c: {**c, "colour": "red"})
    assert records.read(Run, run="r1") == a_run()
    with pytest.raises(ValidationError, match="colour"):
        a_run(colour="red")


def test_a_reference_to_bytes_that_changed_is_refused(records: Records):
    records.first(a_run())
    with pytest.raises(IntegrityError, match="it was changed or damaged"):
        records.fetch(Run, Reference(key="runs/r1/run.json", sha256="0" * 64))


def test_a_changed_copy_is_checked_like_a_new_record():
    entrant = Entrant(architecture="a", title="A", status="ok")
    with pytest.raises(ValidationError):
        entrant.changed(verdict="banana")
    with pytest.raises(ValidationError):
        entrant.changed(colour="red")
    assert entrant.changed(rank=2).rank == 2


def test_a_file_that_a_record_names_is_verified(records: Records):
    file = records.keep(BATCH_ROWS, b"rows", ingest="i1", hash="abc")
    assert records.opened(file) == b"rows"
    with pytest.raises(IntegrityError, match=r"batch-abc\.parquet: SHA-256"):
        records.opened(file.changed(sha256="0" * 64))
    with pytest.raises(IntegrityError, match="objects never change"):
        records.keep(BATCH_ROWS, b"other", ingest="i1", hash="abc")


def test_an_appended_record_gets_the_next_number_unless_it_says_the_same(records: Records):
    first = records.append(a_board())
    again = records.append(a_board(created_at=datetime(2027, 1, 1)))
    other = records.append(a_board(seed=5))
    assert first == again
    assert [place["number"] for place in records.listed(Leaderboard, run="r1")] == [1, 2]
    assert records.fetch(Leaderboard, other).number == 2


def test_a_failure_keeps_its_kind():
    from tsflow.errors import EntrantSkipped

    assert Failure.of(EntrantSkipped("no wind here")).status == "skipped"
    assert Failure.of(MemoryError("x")).reason == "MemoryError: x"
