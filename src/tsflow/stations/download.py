"""Downloading by HTTP, as every kind of source does it."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from tsflow.stations.raw import Origin

if TYPE_CHECKING:
    from requests import Response

log = logging.getLogger(__name__)


MOST_BYTES = 1_000_000_000  # a year of 10-minute rows has 8 million
_PIECE = 1_000_000
_PATIENCE = 10  # times the time-out, for a whole body: each piece of one that drips comes within it
_ATTEMPTS = 3  # of one body whose connection is cut


@dataclass(frozen=True)
class Answer:
    """What a server answered: the body, None if what was known before still holds (304), and its headers."""

    body: bytes | None
    headers: Mapping[str, str]

    @property
    def links(self) -> dict[str, str]:
        """The addresses in the header `Link` (RFC 8288) by each of their relations."""
        from requests.utils import parse_header_links

        found = parse_header_links(self.headers.get("Link", ""))
        return {relation: link["url"] for link in found for relation in link.get("rel", "").split()}


def published(url: str, *, timeout_seconds: float, known: Origin | None = None) -> tuple[bytes | None, Origin]:
    """Return a URL's body and what the server says of it; None for the body, and what is known, if that still holds."""
    answer = answer_of(url, timeout_seconds=timeout_seconds, known=known)
    if known is not None and answer.body is None:
        return None, known
    return answer.body, Origin(url, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))


def answer_of(url: str, *, timeout_seconds: float, headers: Mapping[str, str] | None = None, known: Origin | None = None) -> Answer:
    """Return what a URL answers; a server that fails is asked again, one that says 404 is not.

    A body that is cut off goes on where it broke if the server vouches by a strong ETag that it is still the same
    (Range and If-Range of RFC 9110); otherwise it begins again.

    Parameters
    ----------
    timeout_seconds
        How long the server may be silent; the whole body may take ten times as long.
    headers
        Sent to this server, such as a key; if it says that the answer is elsewhere, they do not go there.
    known
        What it said before: if it says that this still holds (304), there is no body.

    Raises
    ------
    requests.RequestException
        If there is no good answer, or it is larger than `MOST_BYTES`. Its text may hold a password of the URL.
    """
    from requests.exceptions import ConnectionError as CutOff

    from tsflow.stations.http_session import session_with

    deadline = time.monotonic() + _PATIENCE * timeout_seconds
    with session_with(headers or {}) as session, TemporaryFile() as body:
        resume: dict[str, str] = {}
        asked = {**(headers or {}), **_unless(known)}
        for left in reversed(range(_ATTEMPTS)):
            with session.get(url, timeout=timeout_seconds, headers={**asked, **resume}, stream=True) as answer:
                if known is not None and answer.status_code == 304:
                    return Answer(None, answer.headers)
                if resume and answer.status_code == 416:  # it has no such rest: begin again
                    resume = {}
                    continue
                answer.raise_for_status()
                _go_to_its_start(body, answer)
                try:
                    _append(body, answer, deadline, _PATIENCE * timeout_seconds)
                except CutOff:
                    if not left:
                        raise
                    resume, asked = _rest(answer, body.tell()), dict(headers or {})
                    log.info("a download was cut off after %d bytes; asked again", body.tell())
                else:
                    body.seek(0)
                    return Answer(body.read(), answer.headers)
        msg = "the server cut the answer off, and has no rest of it"
        raise CutOff(msg)


def _unless(known: Origin | None) -> dict[str, str]:
    """Return the headers that ask for a body only if it is no longer the one that is known."""
    if known is None:
        return {}
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in said.items() if value is not None}


def _rest(answer: "Response", size: int) -> dict[str, str]:
    """Return the headers that ask for what follows `size` bytes; none if the server could send those of another file."""
    tag = answer.headers.get("ETag", "")
    if not size or not tag.startswith('"') or "Content-Encoding" in answer.headers:
        return {}
    return {"Range": f"bytes={size}-", "If-Range": tag, "Accept-Encoding": "identity"}


def _go_to_its_start(body: IO[bytes], answer: "Response") -> None:
    """Keep what was there before if the answer follows it; else empty the file."""
    from requests.exceptions import RequestException

    if answer.status_code != 206:
        body.seek(0)
        body.truncate()
    elif not answer.headers.get("Content-Range", "").startswith(f"bytes {body.tell()}-"):
        found = answer.headers.get("Content-Range", "nothing")
        msg = f"the rest from byte {body.tell()} on was asked for, and the server sent {found}"
        raise RequestException(msg)


def _append(body: IO[bytes], answer: "Response", deadline: float, seconds: float) -> None:
    from requests.exceptions import ConnectionError as CutOff
    from requests.exceptions import RequestException, Timeout
    from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

    size = answer.headers.get("Content-Length", "")
    if size.isdecimal() and body.tell() + int(size) > MOST_BYTES:
        msg = f"the answer is larger than {MOST_BYTES} bytes: the server says {body.tell() + int(size)}; nothing of it was read"
        raise RequestException(msg)
    try:
        while piece := answer.raw.read1(_PIECE, decode_content=True):  # what is there by now, unlike `iter_content`
            body.write(piece)
            if body.tell() > MOST_BYTES:
                msg = f"the answer is larger than {MOST_BYTES} bytes"
                raise RequestException(msg)
            if time.monotonic() > deadline:
                msg = f"the answer was not whole after {seconds:g} s, {body.tell()} bytes of it were there"
                raise Timeout(msg)
    except ReadTimeoutError as error:
        msg = f"the server fell silent after {body.tell()} bytes"
        raise Timeout(msg) from error
    except ProtocolError as error:
        msg = f"the connection was cut off after {body.tell()} bytes"
        raise CutOff(msg) from error
    except HTTPError as error:
        msg = f"the answer cannot be read after {body.tell()} bytes ({type(error).__name__})"
        raise RequestException(msg) from error
