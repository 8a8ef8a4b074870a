"""Who somebody is, what they may do, and that a change was meant by them and by no other site."""

from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

from tsflow.errors import TsflowError
from tsflow.records.store import Records

_LIFETIME_SECONDS = 3600  # of a form: who looks at it longer than that looks at old figures


class Forbidden(TsflowError):
    """A change that the person may not make, or that did not come from a form of these pages."""


@dataclass(frozen=True)
class Person:
    """Who asks."""

    name: str
    may_change: bool


@dataclass(frozen=True)
class Guards:
    """What the pages ask of the program around them.

    Parameters
    ----------
    reader
        A dependency of FastAPI's that returns the `Person` who may read; else it raises HTTPException 401 or 403.
    changer
        The same, of who may change something.
    reading, writing
        Open the records with keys that may only read, and with keys that may write.
    secret
        Signs forms; the same in all processes that serve the pages.
    private_key
        Signs pointers, in PEM; None: they are not signed.
    """

    reader: Callable[..., object]
    changer: Callable[..., object]
    reading: Callable[[], Records]
    writing: Callable[[], Records]
    secret: bytes
    private_key: Callable[[], bytes | None] = lambda: None


def token(secret: bytes, person: Person, about: str) -> str:
    """Return what a form carries: that it was made here, for this person, and about this."""
    return _signer(secret).dumps([person.name, about])


def require_token(secret: bytes, person: Person, about: str, given: str) -> None:
    """Raise `Forbidden` unless a form carries the token that it was made with."""
    try:
        found = _signer(secret).loads(given, max_age=_LIFETIME_SECONDS)
    except BadSignature as error:
        msg = "the form is too old, or was not made by these pages: nothing was changed; open it again and confirm once more"
        raise Forbidden(msg) from error
    if found != [person.name, about]:
        msg = "the form was made for somebody else, or for another change: nothing was changed; open it again"
        raise Forbidden(msg)


def _signer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="tsflow.pages")
