"""The store of records: the only way to a stored thing, by its type and what stands in its key."""

from collections.abc import Iterator
from typing import TypeVar

from tsflow.errors import IntegrityError, SettingsError
from tsflow.records.files import StoredFile
from tsflow.records.record import Record, Reference
from tsflow.records.retention import why_gone
from tsflow.records.template import Template, Value
from tsflow.storage.codecs import digest
from tsflow.storage.objects import JSON, ObjectMissing, ObjectStore

R = TypeVar("R", bound=Record)
_SHOWN = 20  # names in an error


class Records:
    """Records in an object store. Each is written once; of several attempts the first one counts."""

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects

    def first(self, record: R, **beside: Value) -> R:
        """Write a record unless one is there; return the one that counts."""
        key = record.key(**beside)
        if self.objects.put_new(key, record.body(), JSON):
            return record
        return type(record).read(self.objects.get(key), key)

    def reference(self, record: Record, **beside: Value) -> Reference:
        """Return the reference to a stored record, by the bytes that are stored."""
        key = record.key(**beside)
        return Reference(key=key, sha256=digest(self.objects.get(key)))

    def append(self, record: R, **beside: Value) -> Reference:
        """Write a record whose key ends in `number` under the next one, unless the newest says the same but for `created_at`."""
        while True:
            written = self.listed(type(record), **self._given(record, beside))
            if written and (same := self._same(record, beside | written[-1])):
                return same
            # After the newest one, not by their count: retention removes old ones.
            numbered = record.changed(number=int(written[-1]["number"]) + 1 if written else 1)
            key = numbered.key(**beside)
            if self.objects.put_new(key, numbered.body(), JSON):
                return numbered.refer(key)

    def _same(self, record: R, place: dict[str, Value]) -> Reference | None:
        """Return the reference to the record at a place if it differs from this one by number and time alone."""
        key = record.TEMPLATE.key(**place)
        body = self.objects.get(key)
        newest = type(record).read(body, key)
        fields = {name: getattr(newest, name) for name in ("number", "created_at")}
        return Reference(key=key, sha256=digest(body)) if record.changed(**fields) == newest else None

    @staticmethod
    def _given(record: Record, beside: dict[str, Value]) -> dict[str, Value]:
        own = {name: getattr(record, name) for name in record.TEMPLATE.holes if name in type(record).model_fields}
        return {name: value for name, value in {**own, **beside}.items() if name != "number"}

    def find(self, kind: type[R], **place: Value) -> R | None:
        """Return a record, or None if there is none; `IntegrityError` if it is damaged."""
        key = kind.TEMPLATE.key(**place)
        body = self.objects.find(key)
        return None if body is None else kind.read(body, key)

    def find_referred(self, kind: type[R], **place: Value) -> tuple[R, Reference] | None:
        """Return a record with a reference to it, or None if there is none; `IntegrityError` if it is damaged."""
        key = kind.TEMPLATE.key(**place)
        body = self.objects.find(key)
        return None if body is None else (kind.read(body, key), Reference(key=key, sha256=digest(body)))

    def read(self, kind: type[R], **place: Value) -> R:
        """Return a record.

        Raises
        ------
        SettingsError
            If there is none; names those there are.
        IntegrityError
            If it is damaged.
        """
        found = self.find(kind, **place)
        if found is None:
            raise SettingsError(self._unknown(kind, place))
        return found

    def fetch(self, kind: type[R], reference: Reference) -> R:
        """Return the record that a reference means; `IntegrityError` if its bytes are others, or are gone."""
        return kind.read(self.bytes_of(reference), reference.key)

    def bytes_of(self, reference: Reference) -> bytes:
        """Return the bytes that a reference means; `IntegrityError` if they are others, or are gone."""
        body = self._named(reference.key)
        if (found := digest(body)) != reference.sha256:
            msg = f"{reference.key}: SHA-256 {found[:16]}..., expected {reference.sha256[:16]}...; it was changed or damaged"
            raise IntegrityError(msg)
        return body

    def listed(self, kind: type[Record], **place: Value) -> list[dict[str, Value]]:
        """Return what stands in the keys of the records there are, in order of their keys, without reading them."""
        return self.places(kind.TEMPLATE, **place)

    def places(self, template: Template, **place: Value) -> list[dict[str, Value]]:
        """Return what stands in the holes of all keys of a template, in order of the keys."""
        keys = self.objects.keys(template.prefix(**place))
        found = [values for key in keys if (values := template.values(key)) is not None]
        return [values for values in found if place.items() <= values.items()]

    def all(self, kind: type[R], **place: Value) -> Iterator[R]:
        """Read the records there are, in order of their keys."""
        for found in self.listed(kind, **place):
            yield self.read(kind, **found)

    def newest(self, kind: type[R], **place: Value) -> R | None:
        """Return the record with the last key, or None."""
        there = self.listed(kind, **place)
        return self.read(kind, **there[-1]) if there else None

    def keep(
        self, template: Template, body: bytes, content_type: str = "application/octet-stream", /, **place: Value
    ) -> StoredFile:
        """Write a file that a record will name; an attempt that repeats it writes the same bytes."""
        key = template.key(**place)
        self.objects.put_same(key, body, content_type)
        return StoredFile(key=key, sha256=digest(body), size=len(body))

    def opened(self, file: StoredFile) -> bytes:
        """Return a file's bytes; `IntegrityError` if they are not those that were written."""
        body = self._named(file.key)
        found = digest(body)
        if found != file.sha256 or len(body) != file.size:
            msg = (
                f"{file.key}: SHA-256 {found[:16]}... and {len(body)} bytes, expected {file.sha256[:16]}... and {file.size}; "
                f"the file was changed or damaged; train or publish it again"
            )
            raise IntegrityError(msg)
        return body

    def _named(self, key: str) -> bytes:
        """Return an object's bytes; `ObjectMissing` if it is gone, with what removed it."""
        try:
            return self.objects.get(key)
        except ObjectMissing as gone:
            if not (why := why_gone(key)):
                raise
            msg = f"{gone}; {why}"
            raise ObjectMissing(msg) from gone

    def page(self, template: Template, body: bytes, content_type: str = "text/html", /, **place: Value) -> str:
        """Write a page or a table unless there is one; return its key."""
        key = template.key(**place)
        self.objects.put_new(key, body, content_type)
        return key

    def _unknown(self, kind: type[Record], place: dict[str, Value]) -> str:
        name = next(hole for hole in kind.TEMPLATE.holes if hole in place)
        try:
            known = [str(found[name]) for found in self.listed(kind, **{k: v for k, v in place.items() if k != name})]
        except ObjectMissing:
            known = []
        shown = ", ".join(sorted(set(known))[-_SHOWN:]) or "none"
        asked = ", ".join(f"{hole} {value!r}" for hole, value in place.items())
        where = self.objects.address(kind.TEMPLATE.prefix())
        why = f". It may have been there: {why_gone(key)}" if (key := kind.TEMPLATE.prefix(**place)) and why_gone(key) else ""
        return f"no {kind.__name__} of {asked} in {where}; there are: {shown}{why}"
