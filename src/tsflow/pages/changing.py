"""The routes that change the champion: a form that says what will happen, then the change itself."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from tsflow.champion.history import History
from tsflow.errors import SettingsError
from tsflow.pages.asked import OfChange, OfForm
from tsflow.pages.champions import SAID, champions_view, change
from tsflow.pages.guards import Forbidden, Guards, Person, require_token, token
from tsflow.pages.place import place_of
from tsflow.pages.routes import page
from tsflow.settings import settings


@dataclass(frozen=True)
class Again:
    """Why a form is shown again, with what was typed."""

    status: int = 200
    problem: str = ""
    reason: str = ""


def let_change(app: FastAPI, guards: Guards) -> None:
    """Let those who may change the champion."""
    changer = Depends(guards.changer)

    def shown(request: Request, asked: OfChange, person: Person, seen: int | None, again: Again) -> Response:
        """Show the form; `seen`: the newest entry that the person knew, None: the one there is now."""
        records = guards.reading()
        place = place_of(records, settings(), asked.station, asked.task)
        view = champions_view(records, place)
        known = seen if seen is not None else view.standing.last.number if view.standing.last else 0
        told = {"action": asked.action, "version": asked.version, "said": SAID[asked.action], "seen": known, "again": again}
        mark = token(guards.secret, person, _about(asked, known))
        return page(request, "change", person, again.status, room="champions", place=place, view=view, token=mark, **told)

    @app.get("/change")
    def confirm(request: Request, asked: Annotated[OfChange, Query()], person: Person = changer) -> Response:
        return shown(request, asked, person, None, Again())

    @app.post("/change")
    def do(request: Request, asked: Annotated[OfForm, Form()], person: Person = changer) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            msg = "the form was sent by another site: nothing was changed; open it on these pages"
            raise Forbidden(msg)
        require_token(guards.secret, person, _about(asked, asked.seen), asked.token)
        place = place_of(guards.reading(), settings(), asked.station, asked.task)
        history = History(guards.writing(), place.name, place.task_name, private_key=guards.private_key())
        try:
            change(history, asked.action, asked.version, actor=person.name, reason=asked.reason, seen=asked.seen)
        except SettingsError as refusal:
            return shown(request, asked, person, asked.seen, Again(409, str(refusal), asked.reason))
        where = {"station": place.name, "task": place.task_name, "done": asked.action}
        return RedirectResponse(f"champions?{urlencode(where)}", status_code=303)


def _about(asked: OfChange, seen: int) -> str:
    return f"{asked.action} {asked.version or ''} of {asked.station}, {asked.task}, after {seen}"
