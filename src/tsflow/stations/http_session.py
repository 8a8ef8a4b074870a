"""A session of requests as every download has it. It loads requests, so it is imported where one begins."""

import math
import sys
from collections.abc import Mapping

from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from requests import PreparedRequest, Response, Session


class _Discreet(Session):
    """Sends its own headers, which may hold a key, to no server but the one that is asked; requests does so for `Authorization`."""

    def __init__(self, own: Mapping[str, str]) -> None:
        super().__init__()
        self._own = own

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Take out of a request that a redirection asks for what is not for its server."""
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in self._own:
                prepared_request.headers.pop(name, None)
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]


class _Bounded(Retry):
    """Waits as long as a server asks by Retry-After (RFC 9110), but gives it up if that is longer than `retry_after_max`."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds to wait; 0, which stands for as long as without a word, if it is no time."""
        try:
            seconds = Retry(retry_after_max=sys.maxsize).parse_retry_after(retry_after)
        except (InvalidHeader, ValueError):
            return 0.0
        if seconds > self.retry_after_max:
            msg = (
                f"the server asks to be left alone for {seconds:.0f} s, which is longer than `timeout_seconds`, "
                f"{self.retry_after_max:g} s; ask it later, or raise `timeout_seconds` in the station file"
            )
            raise RequestException(msg)
        return seconds


def session_with(own: Mapping[str, str], *, longest_wait: float) -> Session:
    """Return a session that asks a server that fails again.

    Parameters
    ----------
    own
        The headers that it will be given for each request, in which a key may be.
    longest_wait
        How long a server may ask to be left alone, in seconds.
    """
    session = _Discreet(own)
    longest = math.ceil(longest_wait)
    policy = _Bounded(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504), retry_after_max=longest)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=policy))
    return session
