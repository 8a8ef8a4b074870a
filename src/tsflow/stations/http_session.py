"""A session of requests as every download has it. It loads requests, so it is imported where one begins."""

from collections.abc import Mapping

from requests.adapters import HTTPAdapter
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


def session_with(own: Mapping[str, str]) -> Session:
    """Return a session that asks a server that fails again; `own` are the headers that it will be given for each request."""
    session, policy = _Discreet(own), Retry(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=policy))
    return session
