"""The present by a station's clock, which keeps one offset from UTC all year."""

from datetime import UTC, datetime, timedelta

from tsflow.stations.station import Station


def to_utc(moment: datetime, station: Station) -> datetime:
    """Return what UTC's clock shows, without a zone, when the station's shows this."""
    return moment - timedelta(hours=station.timestamp.utc_offset_hours)


def by_clock(moment: datetime, station: Station) -> datetime:
    """Return what the station's clock shows, without a zone, at a moment with one."""
    return (moment.astimezone(UTC) + timedelta(hours=station.timestamp.utc_offset_hours)).replace(tzinfo=None)


def station_now(station: Station) -> datetime:
    """Return the present by the station's clock, without a zone."""
    return (datetime.now(UTC) + timedelta(hours=station.timestamp.utc_offset_hours)).replace(tzinfo=None)
