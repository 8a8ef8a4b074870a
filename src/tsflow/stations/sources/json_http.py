"""Rows as JSON objects from a service that answers by HTTP."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from tsflow.errors import SettingsError, SourceFormatError, SourceUnavailable
from tsflow.stations.download import download, filled_in
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.registry import Source, register
from tsflow.texts import without_passwords

if TYPE_CHECKING:
    from tsflow.stations.station import Station


@register("json_http")
class JsonSource(Source):
    """One request for the interval asked for; the keys of the objects are the columns that the station file names.

    `{start}` and `{end}` of the URL are filled in as ISO 8601, by the station's clock. A key that an object lacks, or that is
    null, is a missing value.
    """

    url: str
    since: datetime  # the first moment that the service has rows of; a first ingest begins here
    rows: str = ""  # where the list of objects stands in the answer, such as data.observations; empty: the answer is the list
    token_variable: str | None = None  # the environment variable whose value is sent as bearer token
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0

    @field_validator("url")
    @classmethod
    def _can_be_filled_in(cls, url: str) -> str:
        filled_in(url, start="2020-01-01T00:00:00", end="2020-01-02T00:00:00")
        return url

    def begins(self, as_of: datetime) -> datetime:
        """Return the first moment that the service has rows of."""
        return self.since

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return the interval's rows as one CSV file with the station's columns."""
        import requests

        url = filled_in(self.url, start=(start or self.since).isoformat(), end=end.isoformat())
        try:
            body = download(url, timeout_seconds=self.timeout_seconds, headers=self._headers())
        except requests.RequestException as error:
            msg = f"{without_passwords(f'{url}: {error}')}\ncheck the network, or `sources` in the station file"
            raise SourceUnavailable(msg) from error
        found = self._found(body, without_passwords(url))
        return [RawFile("rows.csv", _as_csv(found, station), own=True)] if found else []

    def _headers(self) -> dict[str, str]:
        if self.token_variable is None:
            return {}
        if not (token := os.environ.get(self.token_variable)):
            msg = f"the environment variable {self.token_variable} is not set; the source's `token_variable` names it as its token"
            raise SettingsError(msg)
        return {"Authorization": f"Bearer {token}"}

    def _found(self, body: bytes, url: str) -> list[dict[str, object]]:
        """Return the objects of an answer."""
        try:
            place = json.loads(body)
            for key in self.rows.split(".") if self.rows else []:
                place = place[key]
        except (ValueError, KeyError, TypeError) as error:
            msg = (
                f"{url}: no JSON with a list at {self.rows or 'its top'} ({type(error).__name__}: {error}); correct `rows` or `url`"
            )
            raise SourceFormatError(msg) from error
        if not isinstance(place, list) or not all(isinstance(row, dict) for row in place):
            msg = f"{url}: expected a list of objects at {self.rows or 'its top'}; correct `rows` in the station file"
            raise SourceFormatError(msg)
        return place


def _as_csv(rows: list[dict[str, object]], station: Station) -> bytes:
    """Return rows as a CSV file in the form that the station file describes; what no column names is left out."""
    names = [*station.timestamp.columns, *(variable.column for variable in station.measured.values() if variable.column)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if row.get(name) is None else row[name] for name in names] for row in rows)
    return text.getvalue().encode(station.own_encoding)
