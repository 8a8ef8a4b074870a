"""Downloading by HTTP, as every kind of source does it."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tsflow.texts import without_passwords

if TYPE_CHECKING:
    from requests import Response


def filled_in(url: str, **parts: str) -> str:
    """Return a URL with its placeholders filled in; `ValueError` names one that a source does not know."""
    try:
        return url.format(**parts)
    except (KeyError, IndexError, ValueError) as error:
        valid = ", ".join(f"{{{name}}}" for name in parts) or "none"
        msg = f"{without_passwords(url)}: cannot be filled in ({type(error).__name__}: {error}); placeholders are {valid}"
        raise ValueError(msg) from error


MOST_BYTES = 1_000_000_000  # a year of 10-minute rows has 8 million
_PIECE = 1_000_000
_PATIENCE = 10  # times the time-out, for a whole body: each piece of one that drips comes within it


def download(url: str, *, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a URL's body; a server that fails is asked again, one that says 404 is not.

    Parameters
    ----------
    timeout_seconds
        How long the server may be silent; the whole body may take ten times as long.

    Raises
    ------
    requests.RequestException
        If there is no good answer, or it is larger than `MOST_BYTES`. Its text may hold a password of the URL.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    import requests

    policy = Retry(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=policy))
        session.mount("https://", HTTPAdapter(max_retries=policy))
        with session.get(url, timeout=timeout_seconds, headers=headers, stream=True) as answer:
            answer.raise_for_status()
            return _body(answer, _PATIENCE * timeout_seconds)


def _body(answer: "Response", seconds: float) -> bytes:
    from requests.exceptions import RequestException, Timeout

    deadline, pieces, size = time.monotonic() + seconds, [], 0
    while piece := answer.raw.read1(_PIECE, decode_content=True):  # what is there by now, unlike `iter_content`
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            msg = f"the answer is larger than {MOST_BYTES} bytes"
            raise RequestException(msg)
        if time.monotonic() > deadline:
            msg = f"the answer was not whole after {seconds:g} s, {size} bytes of it were there"
            raise Timeout(msg)
    return b"".join(pieces)
