"""Names that a field of a request may take: those that exist when the form, the help or the answer is made."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tsflow.folders import include_dir, names_in
from tsflow.settings import ProfileSettings, settings
from tsflow.splits import FractionSplit, SplitSettings


@dataclass(frozen=True)
class Names:
    """Metadata of a field: what it names, which names there are now, and how a form shows one."""

    kind: str
    now: Callable[[], list[str]]
    shown: Callable[[str], str] = str


def _profile(name: str) -> str:
    profile = settings().profiles.named(name)
    rows = f"{profile.history_days} days" if profile.history_days else "the whole record"
    epochs = f"{profile.max_epochs} epoch{'' if profile.max_epochs == 1 else 's'} at most" if profile.max_epochs else "all epochs"
    recipes = f"{len(profile.architectures)} recipes" if profile.architectures else "all recipes"
    return ", ".join([f"{name}: {rows}", epochs, recipes, *([] if profile.may_promote else ["never a champion"])])


def _split(name: str) -> str:
    split = settings().splits.named(name)
    if isinstance(split, FractionSplit):
        return f"{name}: {split.train:.0%} train, {split.validation:.0%} validate, {split.test:.0%} test"
    return f"{name}: the last {split.test_days} days test, the {split.validation_days} before them validate"


def _with_a_search_space() -> list[str]:
    """Return the recipes that can be tuned, by a look for the key: they are asked for at each parse of a DAG file."""
    texts = {name: (include_dir() / "architectures" / f"{name}.yaml").read_bytes() for name in names_in("architectures")}
    return [name for name, text in texts.items() if re.search(rb"^search:", text, re.MULTILINE)]


STATIONS = Names("station", lambda: names_in("stations"))
ARCHITECTURES = Names("architecture", lambda: names_in("architectures"))
TUNABLE = Names("architecture", _with_a_search_space)
PROFILES = Names("profile", lambda: list(ProfileSettings.model_fields), _profile)
SPLITS = Names("split", lambda: list(SplitSettings.model_fields), _split)
