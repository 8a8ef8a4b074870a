"""Commands that go through Airflow: ingest, run, backtest and tune, each triggered and followed to its end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tsflow import stack
from tsflow.cli.follow import follow
from tsflow.cli.outcome import show_entry, show_how_to_read, show_latest
from tsflow.cli.output import (
    console,
    show_backtest,
    show_board,
    show_tuning,
    write_json,
)
from tsflow.cli.stack import show_addresses
from tsflow.records.forecast import LatestForecast
from tsflow.requests import BacktestRequest, DatasetRequest, IngestRequest, Request, RetrainRequest, TuneRequest, resolve
from tsflow.settings import settings
from tsflow.stack import Airflow, StackStatus
from tsflow.texts import without_passwords

if TYPE_CHECKING:
    from tsflow.records.store import Records


def ingest(request: IngestRequest) -> None:
    """Trigger `ingest_weather` and follow it."""
    resolve(request, settings())
    started = stack.up(settings())
    with _records() as records:
        follow(Airflow.of_stack(started), records, "ingest_weather", _conf(request))
    show_addresses(started)


def run(request: RetrainRequest, source: str | None, json_out: str | None) -> None:
    """Trigger `ingest_weather`, then `retrain`, follow both, and show what came out."""
    started = _prepared(request, source)
    with _records() as records:
        from tsflow.champion.history import History
        from tsflow.evaluation.boards import board_of

        board = board_of(records, _ingest_and(started, records, "retrain", request, source))
        history = History(records, board.station, board.task)
        ours = next((entry for entry in history.entries() if entry.run == board.run), None)
        latest = records.find(LatestForecast, station=board.station, task=board.task)
        champion = history.standing().pointer
        where = without_passwords(records.objects.endpoint_url or "AWS")
    show_board(board)
    if ours is not None:
        show_entry(ours)
    if champion is not None:
        address = records.objects.address(champion.manifest_key)
        console.print(f"champion  version {champion.version}: {address} at {where}", markup=False)
    show_latest(latest)
    if champion is not None:
        show_how_to_read(board.station, board.task)
    show_addresses(started)
    write_json(json_out, board.model_dump(mode="json"))


def backtest(request: BacktestRequest, source: str | None, json_out: str | None) -> None:
    """Trigger `ingest_weather`, then `backtest`, follow both, and show what came out."""
    started = _prepared(request, source)
    with _records() as records:
        from tsflow.backtesting.reading import summary_of

        summary = summary_of(records, _ingest_and(started, records, "backtest", request, source))
    show_backtest(summary)
    show_addresses(started)
    write_json(json_out, summary.model_dump(mode="json"))


def tune(request: TuneRequest, source: str | None, json_out: str | None) -> None:
    """Trigger `ingest_weather`, then `tune`, follow both, and show the best recipe."""
    started = _prepared(request, source)
    with _records() as records:
        from tsflow.records.tuning import Tuning

        tuning_id = _ingest_and(started, records, "tune", request, source)
        place = records.listed(Tuning, tuning=tuning_id)[-1]
        result = records.read(Tuning, **place)
        address = records.objects.address(Tuning.TEMPLATE.key(**place).rpartition("/")[0] + "/")
    show_tuning(result, address, None)
    show_addresses(started)
    write_json(json_out, result.model_dump(mode="json"))


def _prepared(request: DatasetRequest, source: str | None) -> StackStatus:
    """Check everything before anything is queued, then have the stack up."""
    resolve(request, settings()).station.source(source)
    return stack.up(settings())


def _records() -> AbstractContextManager[Records]:
    from tsflow.cli.stores import store

    return store()


def _ingest_and(started: StackStatus, records: Records, dag_id: str, request: DatasetRequest, source: str | None) -> str:
    """Follow a run of `ingest_weather` and then one of another DAG; return what the latter is called in the store."""
    from tsflow.records.names import run_key

    airflow = Airflow.of_stack(started)
    wanted = IngestRequest(station=request.station, as_of=request.as_of, source=source)
    follow(airflow, records, "ingest_weather", _conf(wanted))
    return run_key(follow(airflow, records, dag_id, _conf(request)))


def _conf(request: Request) -> dict[str, object]:
    """Return a request as Airflow's form sends it."""
    return request.model_dump(mode="json")
