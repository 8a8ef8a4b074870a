"""The moment that promotions, forecasts and scores are stamped with."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return now, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
