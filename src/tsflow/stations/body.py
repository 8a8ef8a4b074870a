"""A body on its way from a server: what is there of it, and how its rest is asked for. It loads requests, like `http_session`."""

import logging
import re
import time
from typing import IO
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as CutOff
from requests.exceptions import ReadTimeout, RequestException, Timeout
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from requests import Response
from tsflow.texts import without_passwords

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000_000  # a year of 10-minute rows has 8 million
TELL_AFTER_BYTES = 50_000_000
TELL_AFTER_SECONDS = 10.0
_PIECE = 1_000_000
_MB = 1_000_000
_PART = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Body:
    """Takes answers until they make a whole; `rest` are the headers that ask for what is lacking, none if all of it is."""

    def __init__(self, file: IO[bytes], seconds: float) -> None:
        self._file, self._seconds = file, seconds
        self._deadline = time.monotonic() + seconds
        self.rest: dict[str, str] = {}

    def take(self, answer: Response) -> bytes:
        """Return the whole body of which an answer is the rest, or all.

        Raises
        ------
        CutOff, ReadTimeout
            If there is more to come, or it has to begin again; ask with `rest`.
        requests.RequestException
            If there is nothing to wait for: a status that says so, or too large, too slow, not readable.
        """
        size = self._continued_at(answer)
        self._file.seek(size)
        self._file.truncate()
        try:
            self._append(answer)
        finally:
            self.rest = _rest(answer, self._file.tell())
        self._require_all(answer)
        self._file.seek(0)
        return self._file.read()

    def _continued_at(self, answer: Response) -> int:
        """Return where an answer goes on; one that is not what was asked for makes the body begin again."""
        asked, self.rest = self.rest, {}
        size = self._file.tell()
        if asked and answer.status_code == 416:
            msg = f"the rest from byte {size} on was asked for, and the server has none"
            raise CutOff(msg)
        answer.raise_for_status()
        if answer.status_code != 206:
            return 0
        size = size if asked else 0
        said = answer.headers.get("Content-Range", "nothing")
        part = _PART.fullmatch(said)
        if part is None or int(part[1]) != size or (asked and answer.headers.get("ETag", asked["If-Range"]) != asked["If-Range"]):
            msg = f"the rest from byte {size} on was asked for, and the server sent {said}, or of another file"
            raise CutOff(msg)
        return size

    def _append(self, answer: Response) -> None:
        length = answer.headers.get("Content-Length", "")
        begun, whole = self._file.tell(), int(length) + self._file.tell() if length.isdecimal() else None
        if whole is not None and whole > MOST_BYTES:
            msg = f"the answer is larger than {MOST_BYTES} bytes: the server says {whole}; nothing of it was read"
            raise RequestException(msg)
        told = (begun, time.monotonic())
        try:
            while piece := answer.raw.read1(_PIECE, decode_content=True):  # what is there by now, unlike `iter_content`
                self._file.write(piece)
                self._require_bounds()
                told = self._tell(answer, whole, told)
        except ReadTimeoutError as error:
            msg = f"the server fell silent after {self._file.tell()} bytes"
            raise ReadTimeout(msg) from error
        except ProtocolError as error:
            msg = f"the connection was cut off after {self._file.tell()} bytes"
            raise CutOff(msg) from error
        except HTTPError as error:
            msg = f"the answer cannot be read after {self._file.tell()} bytes ({type(error).__name__})"
            raise RequestException(msg) from error

    def _require_bounds(self) -> None:
        if self._file.tell() > MOST_BYTES:
            msg = f"the answer is larger than {MOST_BYTES} bytes"
            raise RequestException(msg)
        if time.monotonic() > self._deadline:
            msg = f"the answer was not whole after {self._seconds:g} s, {self._file.tell()} bytes of it were there"
            raise Timeout(msg)

    def _require_all(self, answer: Response) -> None:
        """A part may end before the whole does: a server need not send all that it is asked for."""
        part = _PART.fullmatch(answer.headers.get("Content-Range", "")) if answer.status_code == 206 else None
        if part is not None and part[2] != "*" and self._file.tell() < int(part[2]):
            msg = f"only {self._file.tell()} of {part[2]} bytes came"
            raise CutOff(msg)

    def _tell(self, answer: Response, whole: int | None, told: tuple[int, float]) -> tuple[int, float]:
        """Say how far a long download is; return how far it was, and when, at the last time this was said."""
        size, now = self._file.tell(), time.monotonic()
        if size - told[0] < TELL_AFTER_BYTES and now - told[1] < TELL_AFTER_SECONDS:
            return told
        of = f" of {whole / _MB:.1f}" if whole is not None and "Content-Encoding" not in answer.headers else ""
        address = urlsplit(answer.url)._replace(query="", fragment="").geturl()  # a key may stand in the query
        log.info("%.1f%s MB of %s came", size / _MB, of, without_passwords(address))
        return size, now


def _rest(answer: Response, size: int) -> dict[str, str]:
    """Return the headers that ask for what follows `size` bytes; none if the server could send those of another file."""
    tag = answer.headers.get("ETag", "")
    if not size or not tag.startswith('"') or "Content-Encoding" in answer.headers:
        return {}
    return {"Range": f"bytes={size}-", "If-Range": tag, "Accept-Encoding": "identity"}
