"""Keys of partitions: of which task of a station an asset's event is, and what it comes of."""

from typing import Any

LOW_SKILL = " skill"  # ends the partition of a retraining that the monitor asks for


def partition(station: str, task: str, comes_of: str) -> str:
    """Return the key of an asset's partition for one task of a station."""
    return f"{station}|{task}|{comes_of}"


def of_partition(key: str | None) -> dict[str, str]:
    """Return station and task of a run that a partition started; nothing for a run of the form."""
    return dict(zip(("station", "task"), key.split("|")[:-1], strict=False)) if key else {}  # keys of old have no task


def of_daily(key: str | None) -> dict[str, Any]:
    """Return what a retraining that a partition started asks for: who lost for weeks rests, but not where skill is too low."""
    return {**of_partition(key), "rest": not key.endswith(LOW_SKILL)} if key else {}
