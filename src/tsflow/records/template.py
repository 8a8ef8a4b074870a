"""Keys with holes: where a kind of stored thing lies, written once, for making keys, listing them and reading them back.

::

    runs/{run}/candidates/{architecture}.json
    leaderboard/{number:03d}/...    a number, so wide that keys sort as numbers do
    {folder:path}/progress/...      several folders
"""

import re
from string import Formatter

from tsflow.errors import SettingsError

Value = str | int
_WIDE = 3  # digits of a number, at least


class Template:
    """A key with holes, in the form of `str.format`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = [(literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(text)]
        self._pattern = re.compile("".join(re.escape(literal) + _hole(name, spec) for literal, name, spec in self._parts) + r"\Z")

    @property
    def holes(self) -> list[str]:
        """The names of the holes, in order."""
        return [name for _, name, _ in self._parts if name]

    def key(self, **values: Value) -> str:
        """Return the key with every hole filled.

        Raises
        ------
        SettingsError
            If a value cannot stand in a key, such as one with a slash.
        """
        return "".join(literal + _filled(values[name], name, spec) if name else literal for literal, name, spec in self._parts)

    def prefix(self, **values: Value) -> str:
        """Return the longest prefix that these values fix: the key up to the first hole without a value."""
        found = ""
        for literal, name, spec in self._parts:
            found += literal
            if not name or name not in values:
                break
            found += _filled(values[name], name, spec)
        return found

    def values(self, key: str) -> dict[str, Value] | None:
        """Return what stands in the holes of a key; None if the key is not of this form."""
        found = self._pattern.match(key)
        if found is None:
            return None
        return {name: int(found[name]) if spec.endswith("d") else found[name] for _, name, spec in self._parts if name}


def _hole(name: str | None, spec: str) -> str:
    if not name:
        return ""
    if spec == "path":
        return f"(?P<{name}>.+)"
    return f"(?P<{name}>[0-9]{{{_WIDE},}})" if spec.endswith("d") else f"(?P<{name}>[^/]+)"


def _filled(value: Value, name: str, spec: str) -> str:
    text = format(value, spec) if spec.endswith("d") else str(value)
    parts = text.split("/") if spec == "path" else [text]
    if any(part in {"", ".", ".."} or "/" in part or not part.isprintable() for part in parts):
        msg = f"{name} {text[:80]!r} cannot stand in a key of the object store; use letters, digits, '-', '_' and '.'"
        raise SettingsError(msg)
    return text
