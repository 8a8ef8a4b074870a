"""The pages over HTTP: every route asks the guards who somebody is, reads a view and fills in a template."""

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tsflow.errors import (
    DataError,
    IntegrityError,
    NoChampion,
    PointerConflict,
    SettingsError,
    StorageDenied,
    StorageUnavailable,
    TsflowError,
)
from tsflow.pages.answers import answer, html
from tsflow.pages.changing import let_change
from tsflow.pages.guards import Forbidden, Guards
from tsflow.pages.routes import send_on, show_files, show_places, show_runs, show_searches

_CODES: list[tuple[type[TsflowError], int, str]] = [
    (Forbidden, 403, "Nothing was changed"),
    (PointerConflict, 409, "Somebody else was first"),
    (NoChampion, 404, "Nothing there yet"),
    (DataError, 404, "Nothing there yet"),
    (SettingsError, 404, "Not found"),
    (StorageUnavailable, 503, "The object store does not answer"),
    (StorageDenied, 503, "The object store refuses"),
    (IntegrityError, 502, "A stored object is damaged"),
]
_NO_PAGE = ("Not found", "There is no such page. Begin again from the page Forecast.")
_TOLD = {
    401: ("Log in", "Nobody is logged in, or the session has ended. Log in to Airflow, then open this page again."),
    403: ("Not allowed", "Your role in Airflow may not do this. Ask somebody with the role `op` or `admin`."),
    404: _NO_PAGE,
    405: _NO_PAGE,
}


def create_app(guards: Guards) -> FastAPI:
    """Return the pages."""
    app = FastAPI(title="tsflow", openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(guards.reader)])
    _explain(app)
    for put_in in (show_places, show_runs, show_searches, show_files, send_on, let_change):
        put_in(app, guards)
    return app


def _explain(app: FastAPI) -> None:
    """Say what is wrong and what to do, as a page."""

    @app.exception_handler(TsflowError)
    def of_tsflow(request: Request, error: TsflowError) -> Response:
        code, title = next(((code, title) for kind, code, title in _CODES if isinstance(error, kind)), (500, "An error"))
        return _problem(request, code, title, str(error))

    @app.exception_handler(RequestValidationError)
    def of_request(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
        return _problem(request, 400, "The address is not right", f"{wrong}. Begin again from the page Forecast.")

    @app.exception_handler(HTTPException)
    def of_guards(request: Request, error: HTTPException) -> Response:
        return _problem(request, error.status_code, *_TOLD.get(error.status_code, ("An error", str(error.detail))))

    @app.exception_handler(Exception)  # Starlette writes its traceback into the log
    def of_ours(request: Request, error: Exception) -> Response:
        text = f"{type(error).__name__}: a mistake in tsflow. Its traceback stands in the log of the API server; please report it."
        return _problem(request, 500, "An error", text)


def _problem(request: Request, code: int, title: str, text: str) -> Response:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    up = "../" * (path.count("/") - 1)
    return answer(request, html("problem", room="", title=title, text=text, code=code, up=up), status=code)
