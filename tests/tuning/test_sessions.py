"""Who is at work on a tuning, and what its sessions have spent."""

import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from tsflow.records.store import Records
from tsflow.records.tuning import Trial
from tsflow.storage.codecs import to_json
from tsflow.tuning import sessions
from tsflow.tuning.sessions import DEAD_AFTER_SECONDS, Session, Sessions
from tsflow.tuning.trials import TrialStore


def put(records: Records, session: str, name: str, *, ago: float = 0.0, **facts: Any) -> None:
    body = {"at": (datetime.now(UTC) - timedelta(seconds=ago)).isoformat(), "seconds": 0.0, **facts}
    assert records.objects.put_new(f"tunings/t/sessions/{session}/{name}", to_json(body))


def start(records: Records, session: str, **facts: Any) -> None:
    here = {"worker": "w", "host": "elsewhere", "pid": 1, "process_began": 0.0}
    put(records, session, "start.json", **{**here, **facts})


def test_a_session_is_alive_until_it_is_left(records: Records):
    with Session(records, "t", "w") as session:
        assert Sessions(records, "t").alive() == {session.name}
    assert Sessions(records, "t").alive() == set()


def test_a_session_that_an_error_or_ctrl_c_ends_is_ended_too(records: Records):
    def interrupted() -> None:
        with Session(records, "t", "w"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Sessions(records, "t").alive() == set()


def test_a_process_of_this_machine_is_dead_when_it_is_gone_or_another_one_has_its_number(records: Records):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        began = psutil.Process(child.pid).create_time()
        start(records, "child", host=platform.node(), pid=child.pid, process_began=began)
        start(records, "before", host=platform.node(), pid=child.pid, process_began=began - 3600)
        seen = Sessions(records, "t")
        assert seen.alive() == {"child"}
        child.kill()
    assert seen.alive() == set()


def test_a_session_elsewhere_is_dead_when_its_beats_have_stopped(records: Records):
    start(records, "silent", ago=DEAD_AFTER_SECONDS + 30)
    put(records, "silent", "beat-000001.json", ago=DEAD_AFTER_SECONDS + 5)
    start(records, "busy", ago=DEAD_AFTER_SECONDS + 30)
    put(records, "busy", "beat-000001.json", ago=DEAD_AFTER_SECONDS + 5)
    put(records, "busy", "beat-000002.json", ago=1)
    assert Sessions(records, "t").alive() == {"busy"}


def test_what_is_spent_is_the_last_that_each_session_said(records: Records):
    start(records, "killed")
    put(records, "killed", "beat-000009.json", seconds=90.0)
    put(records, "killed", "beat-000010.json", seconds=100.0)
    start(records, "ended")
    put(records, "ended", "beat-000001.json", seconds=10.0)
    put(records, "ended", "end.json", seconds=17.5)
    start(records, "young")
    assert Sessions(records, "t").spent_seconds() == pytest.approx(117.5)
    with Session(records, "t", "w") as session:
        assert Sessions(records, "t").spent_seconds(session) == pytest.approx(117.5 + session.seconds, abs=1)


def test_a_session_beats(records: Records, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "BEAT_SECONDS", 0.01)
    with Session(records, "t", "w") as session:
        beats = f"tunings/t/sessions/{session.name}/beat-000003.json"
        deadline = time.monotonic() + 60
        while records.objects.find(beats) is None:
            assert time.monotonic() < deadline, "no third beat within a minute"
    names = records.objects.keys(f"tunings/t/sessions/{session.name}/")
    assert names[-1].endswith("start.json")
    assert names[-2].endswith("end.json")


def test_of_workers_that_ask_at_once_each_number_has_one(records: Records):
    def ask(worker: int) -> list[int]:
        store, mine = TrialStore(records, "t"), []
        session = Session(records, "t", f"w{worker}")
        while (number := len(store.known())) < 12:
            if store.ask(Trial(number=number, values={"x": worker}, worker=session.worker), session) is not None:
                mine.append(number)
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = sorted(number for found in pool.map(ask, range(4)) for number in found)
    assert taken == list(range(12))


def test_one_takes_over_and_the_first_result_counts(records: Records):
    store = TrialStore(records, "t")
    dead, first, second = (Session(records, "t", f"{os.getpid()}-{name}") for name in ("dead", "first", "second"))
    assert store.ask(Trial(number=0, values={"x": 1}, worker="dead"), dead) is not None
    (left,) = store.known()
    assert left.session == dead.name
    taken = store.take_over(left, first)
    assert taken is not None
    assert taken.worker == first.worker
    assert store.take_over(left, second) is None
    (known,) = TrialStore(records, "t").known()
    assert (known.session, known.trial.values, known.trial.state) == (first.name, {"x": 1}, "running")
    done = store.finish(Trial(number=0, values={"x": 1}, worker="a", state="complete", val_mae=1.0))
    assert store.finish(Trial(number=0, values={"x": 1}, worker="b", state="failed", reason="late")) == done
    assert TrialStore(records, "t").trials() == [done]
