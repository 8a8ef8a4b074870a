"""Names that a field of a request may take: those that exist when the form, the help or the answer is made."""

from collections.abc import Callable
from dataclasses import dataclass

from tsflow.folders import names_in
from tsflow.settings import ProfileSettings
from tsflow.splits import SplitSettings


@dataclass(frozen=True)
class Names:
    """Metadata of a field: what it names, and which names there are now."""

    kind: str
    now: Callable[[], list[str]]


STATIONS = Names("station", lambda: names_in("stations"))
ARCHITECTURES = Names("architecture", lambda: names_in("architectures"))
PROFILES = Names("profile", lambda: list(ProfileSettings.model_fields))
SPLITS = Names("split", lambda: list(SplitSettings.model_fields))
