"""Downloading by HTTP, as every kind of source does it."""

from collections.abc import Mapping

from tsflow.texts import without_passwords


def filled_in(url: str, **parts: str) -> str:
    """Return a URL with its placeholders filled in; `ValueError` names one that a source does not know."""
    try:
        return url.format(**parts)
    except (KeyError, IndexError, ValueError) as error:
        valid = ", ".join(f"{{{name}}}" for name in parts) or "none"
        msg = f"{without_passwords(url)}: cannot be filled in ({type(error).__name__}: {error}); placeholders are {valid}"
        raise ValueError(msg) from error


def download(url: str, *, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a URL's body; a server that fails is asked again, one that says 404 is not.

    Raises
    ------
    requests.RequestException
        If there is no good answer. Its text may hold a password of the URL.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    import requests

    policy = Retry(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=policy))
        session.mount("https://", HTTPAdapter(max_retries=policy))
        answer = session.get(url, timeout=timeout_seconds, headers=headers)
        answer.raise_for_status()
        return answer.content
