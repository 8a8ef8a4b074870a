"""The routes that only read.

They are plain functions, so that FastAPI runs them in threads: a store that is slow holds up nobody else.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse

from tsflow.backtesting.reading import BACKTESTS
from tsflow.errors import SettingsError
from tsflow.evaluation.boards import BOARDS
from tsflow.pages import answers
from tsflow.pages.asked import Name, OfChampions, OfData, OfEntrant, OfFile, OfForecast, OfPlace, OfTab, OfVersions
from tsflow.pages.backtest import backtest_view
from tsflow.pages.board import RUNS_SHOWN, BoardView, board_view
from tsflow.pages.champions import champions_view, side_by_side
from tsflow.pages.data import Looks, data_view
from tsflow.pages.entrant import entrant_view, file_of
from tsflow.pages.finding import Tab, page_of, require_docs
from tsflow.pages.forecast import DAYS, forecast_view, overview
from tsflow.pages.guards import Guards, Person
from tsflow.pages.place import Place, place_of, watched
from tsflow.pages.tuning import tuning_view
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.tuning.reading import TUNINGS

_UNSNIFFED = {"X-Content-Type-Options": "nosniff"}


def _place(records: Records, asked: OfPlace) -> Place:
    return place_of(records, settings(), asked.station, asked.task)


def page(request: Request, template: str, person: Person, status: int = 200, **content: Any) -> Response:
    """Answer with a page."""
    return answers.answer(request, answers.html(template, person=person, **content), status=status)


def show_places(app: FastAPI, guards: Guards) -> None:
    """Show what is about a station and a task."""
    reader, looks = Depends(guards.reader), Looks()

    @app.get("/")
    @app.get("/forecast")
    def forecast(request: Request, asked: Annotated[OfForecast, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        view = forecast_view(records, settings(), place, asked.days)
        every = overview(records, watched(records, settings(), place))
        return page(request, "forecast", person, room="forecast", place=place, view=view, every=every, choices=DAYS)

    @app.get("/champions")
    def champions(request: Request, asked: Annotated[OfChampions, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        return page(
            request, "champions", person, room="champions", place=place, view=champions_view(records, place), done=asked.done
        )

    @app.get("/compare")
    def compare(request: Request, asked: Annotated[OfVersions, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        lines = side_by_side(records, place, asked.first, asked.second)
        return page(request, "compare", person, room="champions", place=place, first=asked.first, second=asked.second, lines=lines)

    @app.get("/data")
    def data(request: Request, asked: Annotated[OfData, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        view = data_view(records, looks, place, asked.variable)
        return page(request, "data", person, room="data", place=place, view=view)


def show_runs(app: FastAPI, guards: Guards) -> None:
    """Show leaderboards and what is on them."""
    reader = Depends(guards.reader)

    @app.get("/boards")
    def boards(request: Request, asked: Annotated[OfPlace, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        runs = BOARDS.newest(records, place.name, place.task_name)
        if not runs:
            return page(request, "none", person, room="boards", place=place, what="leaderboard", command="run")
        return board(request, runs[0].id, person)

    @app.get("/board")
    def board(request: Request, run: Annotated[Name, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        view = board_view(records, run)
        of = view.board if isinstance(view, BoardView) else view.run
        place = place_of(records, settings(), of.station, of.task)
        return page(request, "board" if isinstance(view, BoardView) else "run", person, room="boards", place=place, view=view)

    @app.get("/entrant")
    def entrant(request: Request, asked: Annotated[OfEntrant, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        view = entrant_view(records, asked.run, asked.architecture, asked.week, asked.of)
        place = place_of(records, settings(), view.run.station, view.run.task)
        return page(request, "entrant", person, room="boards", place=place, view=view)

    @app.get("/entrant-file")
    def entrant_file(asked: Annotated[OfFile, Query()]) -> Response:
        body = file_of(guards.reading(), asked.run, asked.architecture, asked.name, asked.of)
        said = {"Content-Disposition": f'attachment; filename="{asked.architecture}-{asked.name}"', **_UNSNIFFED}
        return Response(body, headers=said, media_type="application/octet-stream")


def show_searches(app: FastAPI, guards: Guards) -> None:
    """Show backtests and tunings."""
    reader = Depends(guards.reader)

    @app.get("/backtests")
    def backtests(request: Request, asked: Annotated[OfPlace, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        found = BACKTESTS.newest(records, place.name, place.task_name)
        if not found:
            return page(request, "none", person, room="backtests", place=place, what="backtest", command="backtest")
        return backtest(request, found[0].id, person)

    @app.get("/backtest")
    def backtest(request: Request, backtest: Annotated[Name, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        view = backtest_view(records, backtest, most=RUNS_SHOWN)
        place = place_of(records, settings(), view.summary.station, view.summary.task)
        return page(request, "backtest", person, room="backtests", place=place, view=view)

    @app.get("/tunings")
    def tunings(request: Request, asked: Annotated[OfPlace, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        place = _place(records, asked)
        found = TUNINGS.newest(records, place.name, place.task_name)
        if not found:
            return page(request, "none", person, room="tunings", place=place, what="tuning", command="tune lstm")
        return tuning(request, found[0].id, person)

    @app.get("/tuning")
    def tuning(request: Request, tuning: Annotated[Name, Query()], person: Person = reader) -> Response:
        records = guards.reading()
        view = tuning_view(records, tuning, most=RUNS_SHOWN)
        place = place_of(records, settings(), view.found.station, view.found.task)
        return page(request, "tuning", person, room="tunings", place=place, view=view)


def show_files(app: FastAPI, guards: Guards) -> None:
    """Show Data Docs, and what the pages are made of."""
    reader = Depends(guards.reader)

    @app.get("/validation")
    def validation(request: Request, key: Annotated[str, Query(max_length=600)], person: Person = reader) -> Response:
        require_docs(key)
        return page(request, "validation", person, room="data", key=key)

    @app.get("/docs/{key:path}")
    def docs(key: str) -> Response:
        require_docs(key)
        headers = {"Content-Security-Policy": answers.DOCS_POLICY, **_UNSNIFFED}
        return Response(guards.reading().objects.get(key), headers=headers, media_type="text/html; charset=utf-8")

    @app.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        found = answers.static(name)
        if found is None:
            msg = f"there is no file {name[:80]!r}"
            raise SettingsError(msg)
        headers = {"ETag": f'"{answers.stamp()}"', "Cache-Control": "private, max-age=86400", **_UNSNIFFED}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(found[0], headers=headers, media_type=found[1])


def send_on(app: FastAPI, guards: Guards) -> None:
    """Send the tabs of Airflow's DAGs, runs and tasks to their pages."""
    reader = Depends(guards.reader)

    @app.get("/tab")
    def tab(request: Request, asked: Annotated[OfTab, Query()], person: Person = reader) -> Response:
        found = page_of(guards.reading(), Tab(**asked.model_dump()))
        if found.page is None:
            return page(request, "waiting", person, room="", found=found)
        return RedirectResponse(f"{found.page}?{urlencode(found.query)}", status_code=307)
