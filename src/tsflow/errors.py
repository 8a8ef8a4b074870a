"""Every error that tsflow raises on purpose; each message says what was found, expected, and to be done."""

from typing import ClassVar


class TsflowError(Exception):
    """The root of tsflow's own errors; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class SettingsError(TsflowError):
    """A setting, a file under `include/` or an argument cannot be used as it stands."""

    exit_code = 2


class UnknownName(SettingsError):
    """A station, source, architecture, split, profile or run of that name does not exist."""

    def __init__(self, kind: str, name: str, valid: list[str] | tuple[str, ...]) -> None:
        known = ", ".join(sorted(valid)) or "none"
        super().__init__(f"unknown {kind} {name!r}; valid: {known}")


class DataError(TsflowError):
    """Observations that cannot be used; trying again changes nothing."""

    exit_code = 3


class SourceFormatError(DataError):
    """A station file is empty, truncated, wrongly encoded, or not of the described form."""


class DataValidationError(DataError):
    """A batch or an hourly frame failed its expectations; a failing batch lies in quarantine."""


class NotEnoughData(DataError):
    """There are too few rows for what was asked: a window in a part of the split, a block, an interval."""


class SourceUnavailable(TsflowError):
    """A source did not answer; trying again later may help."""

    exit_code = 4


class StorageUnavailable(TsflowError):
    """The object store did not answer, or has no room; trying again later may help."""

    exit_code = 4


class StorageDenied(TsflowError):
    """The object store refused the keys or the bucket; trying again changes nothing."""

    exit_code = 4


class IntegrityError(TsflowError):
    """Stored bytes are not the bytes that were written: a hash, a size or a format does not fit."""

    exit_code = 5


class PointerConflict(TsflowError):
    """The champion pointer kept changing under a swap."""

    exit_code = 6


class TrainingError(TsflowError):
    """An entrant could not be trained, or no entrant could."""

    exit_code = 7


class EntrantSkipped(TsflowError):
    """An entrant does not take part here, such as for want of an optional library; the run goes on without it."""

    exit_code = 7


class NoChampion(TsflowError):
    """The station has no champion yet."""

    exit_code = 8


class NoForecast(NoChampion):
    """Nothing was forecast for the station yet."""


class StackError(TsflowError):
    """A part of the embedded stack did not start, stop or answer."""

    exit_code = 9


class RunFailed(TsflowError):
    """A run in Airflow ended without success."""

    exit_code = 10


class ClockDisagreement(TsflowError):
    """Two clocks differ so much that ages mean nothing; whatever depends on them was not done."""

    exit_code = 11
