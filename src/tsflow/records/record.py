"""The base of everything that is stored as JSON: a typed model that knows its key.

Written, a record has no unknown field; read, it forgives those that a newer tsflow added. What an older one wrote is
brought to the present form by `upgraded`; what a newer one wrote in another form (`FORMAT`) is refused.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import ValidationError

from tsflow.errors import IntegrityError
from tsflow.model import Strict, explain
from tsflow.records.template import Template, Value
from tsflow.storage.codecs import digest, from_json, to_json

Content = Mapping[str, object]  # JSON as it was read, before it is known to be a record


class Reference(Strict):
    """Where a record lies, and the hash of its bytes: what one step hands to the next."""

    key: str
    sha256: str


class Record(Strict):
    """A stored model. Subclasses say their TEMPLATE; a hole that is no field is given beside the record."""

    TEMPLATE: ClassVar[Template]
    FORMAT: ClassVar[int] = 1  # raise it when a reader of the old form could misread the new one

    def body(self) -> bytes:
        """Return its bytes; the same record gives the same bytes."""
        return to_json({**self.model_dump(mode="json"), "format": self.FORMAT})

    def key(self, **beside: Value) -> str:
        """Return where it lies; `beside` fills the holes that are no field of it."""
        own = {name: getattr(self, name) for name in self.TEMPLATE.holes if name in type(self).model_fields}
        return self.TEMPLATE.key(**own, **{name: value for name, value in beside.items() if name not in own})

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Return content of an older format in the present one; `key` is where it lay."""
        return content

    @classmethod
    def read(cls, body: bytes, key: str) -> Self:
        """Return the record of some bytes.

        Raises
        ------
        IntegrityError
            If they are not such a record: damaged, of a newer format, or lying under the key of another one.
        """
        content = from_json(body, key)
        if not isinstance(content, dict):
            msg = f"{key}: not a {cls.__name__} but {type(content).__name__}; it was damaged or written by another program"
            raise IntegrityError(msg)
        written = content.pop("format", 0)  # 0: before records had a format
        if not isinstance(written, int) or written > cls.FORMAT:
            msg = f"{key}: format {written!r}, this tsflow reads up to {cls.FORMAT}; use the tsflow that wrote it, or a newer one"
            raise IntegrityError(msg)
        try:
            present = cls.upgraded(content, key) if written < cls.FORMAT else content
            record = cls.model_validate_json(json.dumps(present), extra="ignore")
        except ValidationError as error:
            msg = f"{explain(error, key)}\n{key} is not a {cls.__name__}: it was damaged or written by another program"
            raise IntegrityError(msg) from error
        except (KeyError, TypeError, AttributeError) as error:  # an upgrade that does not find what the old format had
            msg = f"{key}: not a {cls.__name__} of format {written} ({type(error).__name__}: {error}); it was damaged"
            raise IntegrityError(msg) from error
        record._require_its_key(key)
        return record

    def _require_its_key(self, key: str) -> None:
        said = self.TEMPLATE.values(key) or {}
        own = {name: getattr(self, name) for name in said if name in type(self).model_fields}
        differing = [name for name in own if own[name] != said[name]]
        if differing or not said:
            found = ", ".join(f"{name} {own[name]!r}" for name in differing) or "a key of another form"
            msg = f"{key} holds a {type(self).__name__} of {found}; it was copied there, do not use it"
            raise IntegrityError(msg)

    def refer(self, key: str) -> Reference:
        """Return a reference to this record under its key."""
        return Reference(key=key, sha256=digest(self.body()))
