"""Addresses that change from request to request: placeholders, and parameters of the query."""

from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus, urlsplit

from tsflow.texts import without_passwords


def filled_in(url: str, **parts: str) -> str:
    """Return a URL with its placeholders filled in; `ValueError` names one that a source does not know."""
    try:
        return url.format(**parts)
    except (KeyError, IndexError, ValueError) as error:
        valid = ", ".join(f"{{{name}}}" for name in parts) or "none"
        msg = f"{without_passwords(url)}: cannot be filled in ({type(error).__name__}: {error}); placeholders are {valid}"
        raise ValueError(msg) from error


def parameters_of(url: str) -> list[str]:
    """Return the names of the parameters in a query, each as often as it stands there."""
    return [_name(part) for part in urlsplit(url).query.split("&") if part]


def with_parameters(url: str, changes: Mapping[str, str | None]) -> str:
    """Return a URL with other values of some parameters, those with None left out; the rest of the query stays as it is written."""
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part and _name(part) not in changes]
    given = [f"{quote_plus(name)}={quote_plus(value)}" for name, value in changes.items() if value is not None]
    return parts._replace(query="&".join(kept + given)).geturl()


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
