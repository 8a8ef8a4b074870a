"""How quick the pages are, whether a store full of runs slows them, and whether serving them keeps memory level.

    .venv/bin/python benchmarks/pages.py --entrants 27 --runs 300 --views 500 --output pages.json

A store of its own gets one run with so many entrants, each with a learning curve of 30 epochs; then the same board again as so many
further runs. The page of the board is asked for before and after, and so is the page Champions; Chromium's own clock says when it
painted the board first. The pages are served by a process of their own, whose memory is read before and after the views.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import expect, sync_playwright

import requests
from tsflow.evaluation.boards import BOARDS
from tsflow.names import MAIN
from tsflow.records.candidate import Epoch
from tsflow.records.dataset import PartFacts, Parts
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store

STATION, FIRST = "demo", datetime(2026, 1, 1)
EPOCHS = 30
_PAINTED = """() => new Promise(done => {
    const told = list => list.getEntriesByName("first-contentful-paint").forEach(entry => done(entry.startTime));
    new PerformanceObserver(told).observe({type: "paint", buffered: true});
})"""


def board(number: int, entrants: int) -> Leaderboard:
    """Return a board of day `number` with so many entrants."""
    facts = PartFacts(rows=9000, windows=8800, first=FIRST, last=FIRST + timedelta(days=300))
    lines = [_entrant(place) for place in range(1, entrants + 1)]
    return Leaderboard(
        run=f"r{number}",
        number=1,
        station=STATION,
        task=MAIN,
        split="recent",
        profile="full",
        seed=1,
        fingerprint="0" * 24,
        as_of=FIRST + timedelta(days=number),
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
        horizon_hours=24,
        target="T",
        unit="degC",
        parts=Parts(train=facts, validation=facts, test=facts),
        naive={"train": 2.6, "validation": 2.6, "test": 2.6},
        challenger="entrant_01",
        entrants=lines,
    )


def _entrant(place: int) -> Entrant:
    mae = 2.2 + place / 50
    curve = [
        Epoch(epoch=n, of=EPOCHS, loss=1 / n, mae=mae + 1 / n, val_mae=mae + 1.1 / n, seconds=1.0) for n in range(1, EPOCHS + 1)
    ]
    return Entrant(
        rank=place,
        architecture=f"entrant_{place:02d}",
        title=f"Entrant number {place}",
        status="ok",
        val_mae=mae,
        test_mae=mae,
        val_rmse=mae,
        test_rmse=mae,
        val_bias=0.0,
        test_bias=0.0,
        skill=1 - mae / 2.6,
        mae_low=mae - 0.1,
        mae_high=mae + 0.1,
        difference=place / 50,
        difference_low=0.0,
        difference_high=0.1,
        p_value=0.5,
        verdict="challenger" if place == 1 else "tie",
        parameters=1000,
        epochs=EPOCHS,
        best_epoch=EPOCHS,
        train_seconds=10.0,
        curve=curve,
    )


def add(records: Records, number: int, entrants: int) -> None:
    """Put a run and its board into the store, and into the index."""
    made = board(number, entrants)
    names = [line.architecture for line in made.entrants]
    run = Run(
        run=made.run,
        station=STATION,
        as_of=made.as_of,
        fingerprint=made.fingerprint,
        entrants=names,
        profile="full",
        split="recent",
        seed=1,
        docs=f"runs/{made.run}/validation/hourly.html",
    )
    records.first(run)
    records.first(made)
    BOARDS.enter(records, made)


def serve(port: int) -> None:
    """Serve the pages to anybody: this is a process of a benchmark."""
    import uvicorn

    from tsflow.pages.app import create_app
    from tsflow.pages.guards import Guards, Person

    def anybody() -> Person:
        return Person("anybody", may_change=True)

    records = Records(settings().object_store.open())
    guards = Guards(reader=anybody, changer=anybody, reading=lambda: records, writing=lambda: records, secret=b"of a benchmark")
    uvicorn.run(create_app(guards), host="127.0.0.1", port=port, log_level="error")


def seconds(url: str, times: int) -> float:
    """Return the median of the seconds that a page takes."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        requests.get(url, timeout=60).raise_for_status()
        found.append(time.perf_counter() - began)
    return round(statistics.median(found), 4)


def first_paint(url: str, times: int) -> dict[str, float]:
    """Return the median of the seconds until Chromium painted first, and until all figures were drawn; its cache is warm."""
    painted, whole = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context().new_page()
        for turn in range(times + 1):
            page.goto(url)
            expect(page.locator("[data-figure] .plot:not(:has(.main-svg))")).to_have_count(0, timeout=60_000)
            if turn:
                whole.append(page.evaluate("performance.now()") / 1000)
                painted.append(page.evaluate(_PAINTED) / 1000)
        browser.close()
    return {"first_paint": round(statistics.median(painted), 3), "all_drawn": round(statistics.median(whole), 3)}


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure in a store of its own."""
    with object_store(settings()) as store, socket.socket() as free:
        records = Records(store.open())
        add(records, 0, asked.entrants)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = os.environ | {f"TSFLOW_OBJECT_STORE__{name}": value for name, value in _told(store).items()}
        server = subprocess.Popen([sys.executable, __file__, "--serve", str(port)], env=environment)
        try:
            return _with_server(asked, records, server, f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait()


def _told(store: ObjectStoreSettings) -> dict[str, str]:
    """Return what another process opens the store with."""
    key, secret = store.access_key_id, store.secret_access_key
    told = {
        "ACCESS_KEY_ID": key.get_secret_value() if key else "",
        "SECRET_ACCESS_KEY": secret.get_secret_value() if secret else "",
    }
    return {"ENDPOINT_URL": store.endpoint_url or "", **told}


def _with_server(asked: argparse.Namespace, records: Records, server: subprocess.Popen[bytes], url: str) -> dict[str, Any]:
    _until_it_answers(url)
    few = {page: seconds(f"{url}/{page}", asked.rounds) for page in ("boards", "champions")}
    for number in range(1, asked.runs):
        add(records, number, asked.entrants)
    many = {page: seconds(f"{url}/{page}", asked.rounds) for page in ("boards", "champions")}
    painted = first_paint(f"{url}/boards", asked.rounds)
    before = psutil.Process(server.pid).memory_info().rss / 1e6
    for _ in range(asked.views):
        requests.get(f"{url}/boards", timeout=60).raise_for_status()
    after = psutil.Process(server.pid).memory_info().rss / 1e6
    return {
        "entrants": asked.entrants,
        "runs": asked.runs,
        "seconds_with_one_run": few,
        "seconds_with_all_runs": many,
        "ratio": round(many["boards"] / few["boards"], 2),
        **painted,
        "memory_mb": {"before": round(before), f"after {asked.views} views": round(after)},
    }


def _until_it_answers(url: str) -> None:
    for _ in range(600):
        try:
            requests.get(f"{url}/champions", timeout=60).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    msg = "the pages did not start"
    raise SystemExit(msg)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entrants", type=int, default=27)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--views", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TSFLOW_STATE"] = folder
        found = measured(asked)
    print(json.dumps(found, indent=2))
    if asked.output:
        asked.output.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
