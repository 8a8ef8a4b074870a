"""Files published by HTTP, in half-years or under one address."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tsflow.errors import SourceFormatError, SourceUnavailable
from tsflow.stations.address import filled_in
from tsflow.stations.download import published
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.registry import Source, register
from tsflow.texts import without_passwords

if TYPE_CHECKING:
    from tsflow.stations.station import Station


@register("archive")
class ArchiveSource(Source):
    """Files published by HTTP; for each file the URLs are tried in order.

    `{year}` and `{half}` (a: January to June, b: July to December) are filled in for each part of the
    interval asked for; a URL without them is fetched as it stands.
    """

    urls: Annotated[list[str], Field(min_length=1)]
    since: date = date(2009, 1, 1)  # where a first ingest begins
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0

    @field_validator("urls")
    @classmethod
    def _can_be_filled_in(cls, urls: list[str]) -> list[str]:
        for url in urls:
            filled_in(url, year="2020", half="a")
            if "{half}" in url and "{year}" not in url:
                msg = f"{url} has {{half}} without {{year}}, and would name one file for the halves of all years; put {{year}} in"
                raise ValueError(msg)
        return urls

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return the published files of the interval."""
        begin = start or datetime(self.since.year, self.since.month, self.since.day)
        parts = archive_parts(begin, end) if any("{year}" in url for url in self.urls) else [{}]
        files: dict[str, RawFile] = {}
        for part in parts:
            url, file = self._first_answer([filled_in(template, **part) for template in self.urls], files, station)
            files[url] = file
        return list(files.values())

    def _first_answer(self, addresses: list[str], known: dict[str, RawFile], station: Station) -> tuple[str, RawFile]:
        """Return the first address that answers with a file of the station's; one that is known is not asked again.

        If all that answer give something else, the first of those is returned, so that it is refused and kept with the reason.
        """
        import requests

        tried, strange = [], []
        for url in addresses:
            if url in known:
                return url, known[url]
            try:
                file = self._published(url)
                if not file.unchanged:
                    station.form.require(file, station)
            except requests.RequestException as error:
                tried.append(without_passwords(f"  {url}: {error}"))
            except SourceFormatError:
                strange.append((url, file))
            else:
                return url, file
        if strange:
            return strange[0]
        msg = "no address of the source answered with the file:\n" + "\n".join(tried)
        msg += "\ncheck the network, or `sources` in the station file"
        raise SourceUnavailable(msg)

    def _published(self, url: str) -> RawFile:
        body, origin = published(url, timeout_seconds=self.timeout_seconds, known=self._known(url))
        return RawFile(Path(urlsplit(url).path).name, body or b"", origin=origin, unchanged=body is None)


def archive_parts(start: datetime, end: datetime) -> list[dict[str, str]]:
    """Return the half-years from `start` to `end` as `{year, half}`; a half-year's last row is the next one's 00:00."""
    parts = []
    year, half = start.year, 0 if start.month <= 6 else 1
    while datetime(year, 1 + 6 * half, 1) < end:
        parts.append({"year": str(year), "half": "ab"[half]})
        year, half = (year, 1) if half == 0 else (year + 1, 0)
    return parts
