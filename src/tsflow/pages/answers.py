"""Views as HTML: templates, words for moments and numbers, and what an answer says to browser and cache."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib import resources
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from tsflow.names import NO_SKILL, TOO_FEW, UNDEFINED, VERDICTS
from tsflow.pages.figures import Figure

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_OWN = "'self'"
_BELOW = 2  # levels: a text has its own first heading, which stands in a section of the page
# Nothing is loaded from elsewhere, and no other site may show these pages in a frame. Plotly writes its styles into the page.
POLICY = (
    f"default-src 'none'; script-src {_OWN}; style-src {_OWN} 'unsafe-inline'; img-src {_OWN} data:; connect-src {_OWN}; "
    f"frame-src {_OWN}; form-action {_OWN}; base-uri 'none'; frame-ancestors {_OWN}"
)
DOCS_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors {_OWN}; sandbox"


@cache
def environment() -> Environment:
    """Return the templates; all that is put into them is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("tsflow.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "moment": moment,
        "utc": utc,
        "local": local,
        "number": number,
        "percent": percent,
        "skill": skill,
        "verdict": VERDICTS.__getitem__,
        "markdown": markdown,
        "age": age,
    }
    made.globals |= {"figure": figure, "too_few": TOO_FEW, "no_skill": NO_SKILL}
    return made


def html(template: str, **content: Any) -> bytes:
    """Return a page; `up` is the way from a page below the others to where they are."""
    filled = {"standalone": False, "stamp": stamp(), "up": "", **content}
    return environment().get_template(f"{template}.html.j2").render(filled).encode()


def answer(request: Request, body: bytes, *, status: int = 200) -> Response:
    """Return a page with its tag; nothing but the tag to somebody who has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    if status == 200 and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, status_code=status, headers=headers, media_type="text/html; charset=utf-8")


def moment(when: datetime | str | None, offset_hours: float = 0.0) -> Markup:
    """Return a moment of a station's clock, which the page completes by the reader's own."""
    if when is None:
        return Markup("–")
    shown = datetime.fromisoformat(when) if isinstance(when, str) else when
    placed = shown if shown.tzinfo else shown.replace(tzinfo=timezone(timedelta(hours=offset_hours)))
    return Markup('<time datetime="{}">{}</time>').format(placed.isoformat(), f"{shown:%Y-%m-%d %H:%M}")


def utc(when: datetime | str | None) -> Markup:
    """Return a moment by UTC, and say so."""
    if when is None:
        return Markup("–")
    shown = datetime.fromisoformat(when) if isinstance(when, str) else when
    shown = shown.astimezone(UTC) if shown.tzinfo else shown.replace(tzinfo=UTC)
    return Markup('<time datetime="{}">{}</time>').format(shown.isoformat(), f"{shown:%Y-%m-%d %H:%M} UTC")


def local(when: datetime, offset_hours: float) -> Markup:
    """Return a moment with a zone by a station's clock."""
    return moment(when.astimezone(timezone(timedelta(hours=offset_hours))))


def number(value: float | None, digits: int = 3, unit: str = "") -> str:
    """Return a number with its unit; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}" + (f" {unit}" if unit else "")


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in percent; a dash where there is none."""
    return "–" if share is None else f"{round(100 * share, digits) + 0.0:.{digits}f} %"


def skill(share: float | None) -> str:
    """Return a skill in percent; naive may make no error that it could be a share of."""
    return UNDEFINED if share is None else percent(share)


def age(hours: float | None) -> str:
    """Return a span of hours as people say it."""
    if hours is None:
        return "unknown"
    span = timedelta(hours=hours)
    if abs(span) < timedelta(hours=1):
        return f"{span / _MINUTE:.0f} min"
    return f"{hours:.1f} h" if span < 3 * _DAY else f"{span / _DAY:.1f} days"


def markdown(text: str) -> Markup:
    """Return Markdown as HTML, its headings below those of the page; HTML in it stays text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + _BELOW, 6)}"
    rendered = parser.renderer.render(tokens, parser.options, {})
    reachable = rendered.replace("<pre>", '<pre tabindex="0">')  # by the keyboard, where it is wider than the page
    return Markup(reachable)  # noqa: S704  # markdown-it escapes what is not Markdown


def figure(drawing: Figure) -> Markup:
    """Return a figure's place in a page, its traces as JSON beside it."""
    return Markup(environment().get_template("figure.html.j2").render(figure=drawing))  # noqa: S704  # a template of ours


@cache
def static(name: str) -> tuple[bytes, str] | None:
    """Return a file of these pages and its type; None if there is no such file."""
    types = {"tsflow.css": "text/css", "tsflow.js": "text/javascript", "theme.js": "text/javascript"}
    if name == "plotly.js":
        return (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes(), "text/javascript"
    if name not in types:
        return None
    return (resources.files("tsflow.pages") / "static" / name).read_bytes(), types[name]


@cache
def stamp() -> str:
    """Return a mark of the files of these pages, so that a browser takes new ones after an update."""
    found = (static(name) for name in ("tsflow.css", "tsflow.js", "theme.js", "plotly.js"))
    return hashlib.sha256(b"".join(each[0] for each in found if each)).hexdigest()[:12]
