"""Sections of a form: fields that are seldom changed stand folded below those that are asked first, which have none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """Metadata of a field: under which heading it stands."""

    title: str


ROWS = Section("Which rows count")
FOLDS = Section("How the folds are cut")
TRAINING = Section("How it is trained")
