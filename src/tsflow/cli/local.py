"""`tsflow retrain --local`, `tsflow backtest --local`: the workflows' steps, one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from tsflow.cli.output import console, show_backtest, show_board, write_json
from tsflow.errors import EntrantSkipped, NotEnoughData, StorageUnavailable, TsflowError, UnknownName
from tsflow.settings import settings
from tsflow.stack import object_store
from tsflow.stations.station import Station, load_station
from tsflow.storage.objects import ObjectStore

if TYPE_CHECKING:
    from tsflow.steps import IngestRequest
    from tsflow.steps.requests import TrainingRequest

R = TypeVar("R", bound="TrainingRequest")


def retrain(content: dict[str, Any], *, sources: list[str], json_out: Path | None) -> None:
    """Ingest, train every entrant, rank and publish; entrants that fail stay on the leaderboard with their reason."""
    from tsflow import steps

    request = steps.RetrainRequest.of(content).checked()
    station = load_station(request.station)
    ingest_request = steps.IngestRequest.of({"station": request.station, "as_of": request.as_of, **_source(station, sources)})
    run_id = _new_id(station)
    with object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        run = steps.build_dataset(objects, _ingested(objects, request, ingest_request, run_id), run_id)
        found = steps.ingest_report(objects, run_id)
        console.print(f"dataset {run['fingerprint']}: {len(run['entrants'])} entrants")
        for name in run["entrants"]:
            _train(name, partial(steps.train_entrant, objects, run_id, name))
        ranked = steps.rank_entrants(objects, run_id)
        board = steps.latest_leaderboard(objects, run_id)
        for name in steps.plan_refit(objects, run_id):
            console.print(f"training {name} once more, on train and validation")
            steps.refit_entrant(objects, run_id, name)
        pointer = steps.publish(objects, run_id)
        report = objects.address(ranked["leaderboard"].replace(".json", ".html"))
    show_board(board)
    console.print(f"champion {pointer['architecture']}, version {pointer['version']}: {pointer['address']}")
    console.print(f"report {report}")
    if json_out is not None:
        write_json(json_out, {**board.model_dump(mode="json"), "ingest": found, "published": pointer})


def backtest(content: dict[str, Any], *, sources: list[str], json_out: Path | None) -> None:
    """Ingest, cut into folds, train every entrant in every fold and summarise; what fails is shown with its reason."""
    from tsflow import steps

    request = steps.BacktestRequest.of(content).checked()
    station = load_station(request.station)
    ingest_request = steps.IngestRequest.of({"station": request.station, "as_of": request.as_of, **_source(station, sources)})
    backtest_id = _new_id(station)
    with object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        built = steps.build_backtest(objects, _ingested(objects, request, ingest_request, backtest_id), backtest_id)
        console.print(f"backtest {backtest_id}: folds {', '.join(built['folds'])}; {len(built['entrants'])} entrants")
        for fold in built["folds"]:
            for name in built["entrants"]:
                _train(f"{fold} {name}", partial(steps.backtest_entrant, objects, backtest_id, fold, name))
        written = steps.summarise_backtest(objects, backtest_id)
        summary = steps.latest_summary(objects, backtest_id)
        report = objects.address(written["summary"].replace(".json", ".html"))
    show_backtest(summary)
    console.print(f"report {report}")
    if json_out is not None:
        write_json(json_out, summary.model_dump(mode="json"))


def _new_id(station: Station) -> str:
    return f"local-{station.station}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


def _source(station: Station, sources: list[str]) -> dict[str, Any]:
    """Tell names of sources from paths of files."""
    if not sources:
        return {}
    if len(sources) == 1 and sources[0] in station.sources:
        return {"source": sources[0]}
    missing = [source for source in sources if not _is_file_or_pattern(source)]
    if missing:
        raise UnknownName(f"source of station {station.station} (and no such file)", missing[0], list(station.sources))
    return {"paths": sources}


def _is_file_or_pattern(source: str) -> bool:
    return Path(source).is_file() or any(sign in source for sign in "*?[")


def _ingested(objects: ObjectStore, request: R, ingest: IngestRequest, ingest_id: str) -> R:
    """Ingest; return the request, of what the files cover if files were given, whatever else the store holds."""
    batch = _ingest(objects, ingest, ingest_id)
    if not ingest.paths:
        return request
    _require_rows(batch)
    return request.model_copy(update=_span_of(batch))


def _ingest(objects: ObjectStore, request: Any, ingest_id: str) -> dict[str, Any]:
    from tsflow import steps

    batch = steps.store_batch(objects, steps.validate_batch(objects, steps.fetch_batch(objects, request, ingest_id)))
    console.print(f"ingest: {batch['rows']} rows, {batch['new_rows']} new, {batch['changed_rows']} changed")
    if report := steps.ingest_report(objects, ingest_id):
        console.print(
            f"  identical duplicates dropped: {report['identical_duplicates']}, conflicting: {report['conflicting_duplicates']}; "
            f"sentinels: {report['sentinels'] or 'none'}"
        )
        for gap in report["gaps"]:
            console.print(f"  gap: {gap['missing_rows']} rows between {gap['after']} and {gap['before']}")
    if validation := batch.get("validation"):
        console.print(f"validation: {validation}", markup=False)
        console.print(f"  Data Docs: {objects.address(batch['docs'])}")
    return batch


def _require_rows(batch: dict[str, Any]) -> None:
    if not batch["rows"]:
        msg = f"the files hold no row up to the as-of {batch['as_of']}; give a later --as-of, or other files"
        raise NotEnoughData(msg)


def _span_of(batch: dict[str, Any]) -> dict[str, datetime]:
    first, last = (datetime.fromisoformat(batch[edge]) for edge in ("first", "last"))
    return {"start": first - timedelta(microseconds=1), "as_of": last}


def _train(label: str, step: Callable[..., Any]) -> None:
    def show(epoch: Any) -> None:
        console.print(f"  {label}: epoch {epoch.epoch} of {epoch.of}, validation MAE {epoch.val_mae:.3f}")

    console.print(f"training {label}")
    try:
        step(on_epoch=show)
    except StorageUnavailable:
        raise
    except EntrantSkipped as reason:
        console.print(f"  {label} skipped: {reason}", markup=False, style="yellow")
    except Exception as error:  # noqa: BLE001  # recorded by the step; the other entrants go on
        kind = "" if isinstance(error, TsflowError) else f"{type(error).__name__}: "
        console.print(f"  {label} failed: {kind}{error}", markup=False, style="red")
