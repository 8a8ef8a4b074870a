"""The service: forecasts and champions over HTTP, from memory, so that it answers while the store is away."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.routing import Route

from tsflow import __version__
from tsflow.client import Champion
from tsflow.client.clock import age_of
from tsflow.client.input import measured, window_of
from tsflow.client.latest import age_seconds
from tsflow.errors import DataError, IntegrityError, NoChampion, StorageDenied, StorageUnavailable, TsflowError
from tsflow.names import MAIN, TASK_NAME
from tsflow.service.held import champions, forecasts
from tsflow.service.schemas import ChampionFacts, Forecast, Interval, Latest, Problem, Rows
from tsflow.storage.objects import ObjectStore

MOST_BYTES = 1_000_000  # of a request's body: a context of a week in forty columns is a tenth of it
_SHOWN = 5  # of the problems of a body
_STATION = r"^[a-z0-9][a-z0-9_-]*$"
_CODES: list[tuple[type[TsflowError], int]] = [
    (NoChampion, 404),
    (DataError, 422),
    (StorageUnavailable, 503),
    (StorageDenied, 503),
    (IntegrityError, 502),
]
_Responses = dict[int | str, dict[str, Any]]
_TOO_MUCH: _Responses = {413: {"model": Problem}}
_ERRORS: _Responses = {code: {"model": Problem} for code in (400, 404, 422, 502, 503)}

Station = Annotated[str, Path(pattern=_STATION, max_length=100, examples=["demo"])]
Task = Annotated[str, Query(pattern=TASK_NAME, max_length=100, description="Which of the station's tasks.")]


class _Metrics:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("tsflow_requests_total", "Requests by route and code.", ["route", "code"], registry=self.registry)
        self.seconds = Histogram("tsflow_request_seconds", "Seconds to answer, by route.", ["route"], registry=self.registry)
        self.age = Gauge("tsflow_champion_age_seconds", "Age of the champion's data.", ["station", "task"], registry=self.registry)
        self.number = Gauge(
            "tsflow_champion_sequence", "Number of the champion's pointer.", ["station", "task"], registry=self.registry
        )


def create_app(objects: ObjectStore, *, refresh_seconds: float = 15.0) -> FastAPI:
    """Return the service over a store; what it holds is asked for again after `refresh_seconds`."""
    app = FastAPI(title="tsflow", version=__version__, description="Forecasts of weather stations, and what makes them.")
    metrics = _Metrics()
    _watch(app, metrics)
    _explain(app)
    _answer_stations(app, objects, metrics, refresh_seconds)
    _answer_operators(app, objects, metrics)
    return app


def _watch(app: FastAPI, metrics: _Metrics) -> None:
    """Refuse bodies that are too large before they are read, and count what is asked."""

    @app.middleware("http")
    async def watch(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES or "chunked" in request.headers.get("transfer-encoding", ""):
            detail = f"the body has {length} bytes, or does not say how many; at most {MOST_BYTES} are taken: send the last hours"
            response: Response = JSONResponse({"detail": detail}, status_code=413)
        else:
            response = await answer(request)
        route = getattr(request.scope.get("route"), "path", "other")
        metrics.requests.labels(route, str(response.status_code)).inc()
        metrics.seconds.labels(route).observe(time.perf_counter() - began)
        return response


def _explain(app: FastAPI) -> None:
    """Answer every error as `{"detail": sentence}`."""

    @app.exception_handler(TsflowError)
    def explain(_: Request, error: Exception) -> JSONResponse:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), 500)
        return _problem(str(error), code)

    @app.exception_handler(RequestValidationError)
    def refuse(_: Request, error: Exception) -> JSONResponse:
        problems = error.errors() if isinstance(error, RequestValidationError) else []
        told = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems[:_SHOWN])
        return _problem(told, 422)

    @app.exception_handler(Exception)
    def fail(_: Request, error: Exception) -> JSONResponse:
        return _problem(f"the service failed ({type(error).__name__}); its log says where: tell tsflow's makers of it", 500)

    @app.exception_handler(405)
    def allowed(request: Request, _: Exception) -> JSONResponse:
        """Name the methods of all routes of the path: each route by itself knows its own only."""
        path = request.scope["path"]
        routes = [route for route in app.routes if isinstance(route, Route) and route.path_regex.match(path)]
        methods = ", ".join(sorted({method for route in routes for method in route.methods or ()}))
        return JSONResponse({"detail": f"use {methods}"}, status_code=405, headers={"Allow": methods})


def _problem(detail: str, code: int) -> JSONResponse:
    """Return an error; a sign that UTF-8 does not have, as a name may be asked with, is shown by its number."""
    return JSONResponse({"detail": detail.encode("utf-8", "backslashreplace").decode()}, status_code=code)


def _answer_stations(app: FastAPI, objects: ObjectStore, metrics: _Metrics, refresh_seconds: float) -> None:
    held, newest = champions(objects, refresh_seconds), forecasts(objects, refresh_seconds)

    def champion(station: str, task: str) -> Champion:
        found = held.get(station, task)
        metrics.age.labels(station, task).set(found.age.total_seconds())
        metrics.number.labels(station, task).set(found.pointer.sequence)
        return found

    @app.get("/v1/stations/{station}/forecast", responses=_ERRORS, summary="The newest forecast from the station's observations")
    def latest(station: Station, task: Task = MAIN) -> Latest:
        content = newest.get(station, task)  # held while the store is away, when its age counts most
        age = age_seconds(datetime.fromisoformat(content["made_at"]))
        return Latest.model_validate({**content, "age_seconds": age})

    @app.post("/v1/stations/{station}/forecast", responses={**_ERRORS, **_TOO_MUCH}, summary="A forecast from rows of one's own")
    def forecast(station: Station, body: Rows, task: Task = MAIN) -> Forecast:
        return _forecast(champion(station, task), body)

    @app.get("/v1/stations/{station}/champion", responses=_ERRORS, summary="What the champion is")
    def facts(station: Station, task: Task = MAIN) -> ChampionFacts:
        return _facts(champion(station, task))


def _answer_operators(app: FastAPI, objects: ObjectStore, metrics: _Metrics) -> None:
    @app.get("/healthz", summary="Whether the process lives")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", responses={503: {"model": Problem}}, summary="Whether the store answers")
    def readyz() -> dict[str, str]:
        objects.keys("healthy/")
        return {"status": "ready"}

    @app.get("/metrics", response_class=Response, summary="Figures for Prometheus")
    def figures() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _forecast(champion: Champion, body: Rows) -> Forecast:
    model, columns = champion.model, {name: _column(values) for name, values in body.rows.items()}  # another request may renew it
    manifest, value, bounds = model.manifest, model.forecast(columns), model.intervals(columns)
    origin = window_of(columns, manifest).times[-1].astype("datetime64[s]")
    return Forecast(
        station=manifest.station,
        task=manifest.target.task,
        target=manifest.target.name,
        unit=manifest.target.unit,
        origin=str(origin),
        target_time=str(origin + np.timedelta64(manifest.horizon_hours, "h")),
        value=round(value, 3),
        intervals=[Interval(level=level, low=round(low, 3), high=round(high, 3)) for level, (low, high) in bounds.items()],
        leads={hours: round(each, 3) for hours, each in model.leads(columns).items()},
        version=manifest.version,
        architecture=manifest.architecture,
        stale=age_of(manifest) > champion.stale_after,
    )


def _column(values: list[float | int | str | None]) -> list[float | int | str]:
    return [float("nan") if value is None else value for value in values]


def _facts(champion: Champion) -> ChampionFacts:
    model = champion.model
    manifest, pointer, metrics, age = model.manifest, model.pointer, model.manifest.metrics, age_of(model.manifest)
    units = {column.name: column.unit for column in manifest.features}
    return ChampionFacts(
        station=manifest.station,
        task=manifest.target.task,
        version=manifest.version,
        architecture=manifest.architecture,
        title=manifest.title,
        sequence=pointer.sequence,
        promoted_at=pointer.promoted_at,
        as_of=manifest.as_of,
        age_days=round(age / timedelta(days=1), 2),
        stale=age > champion.stale_after,
        problem=champion.problem,
        features={name: units[name] for name in measured(manifest)},
        target=manifest.target.name,
        unit=manifest.target.unit,
        context_hours=manifest.context_hours,
        horizon_hours=manifest.horizon_hours,
        val_mae=metrics.val_mae,
        test_mae=metrics.test_mae,
        naive=metrics.naive,
    )
