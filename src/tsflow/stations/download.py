"""Downloading by HTTP, as every kind of source does it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile

from tsflow.stations.raw import Origin

log = logging.getLogger(__name__)

_PATIENCE = 10  # times the time-out, for a whole body: each piece of one that drips comes within it
_ATTEMPTS = 3  # of one body that does not come whole


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

    A body that is cut off, or falls silent, goes on where it broke if the server vouches by a strong ETag that it is still the same
    (Range and If-Range of RFC 9110); otherwise it begins again.

    Parameters
    ----------
    timeout_seconds
        How long the server may be silent, or ask to be left alone; the whole body may take ten times as long.
    headers
        Sent to this server, such as a key; if it says that the answer is elsewhere, they do not go there.
    known
        What it said before: if it says that this still holds (304), there is no body.

    Raises
    ------
    requests.RequestException
        If there is no good answer, or it is larger than `body.MOST_BYTES`. Its text may hold a password of the URL.
    """
    from requests.exceptions import ConnectionError as CutOff
    from requests.exceptions import ReadTimeout

    from tsflow.stations.body import Body
    from tsflow.stations.http_session import session_with

    own = dict(headers or {})
    with session_with(own, longest_wait=timeout_seconds) as session, TemporaryFile() as file:
        body = Body(file, _PATIENCE * timeout_seconds)
        asked, left = {**own, **_unless(known)}, _ATTEMPTS
        while True:
            with session.get(url, timeout=timeout_seconds, headers={**asked, **body.rest}, stream=True) as answer:
                if known is not None and answer.status_code == 304:
                    return Answer(None, answer.headers)
                try:
                    return Answer(body.take(answer), answer.headers)
                except (CutOff, ReadTimeout) as error:
                    asked, left = own, left - 1
                    if not left:
                        raise
                    log.info("a download broke off: %s; asked again", error)


def _unless(known: Origin | None) -> dict[str, str]:
    """Return the headers that ask for a body only if it is no longer the one that is known."""
    if known is None:
        return {}
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in said.items() if value is not None}
