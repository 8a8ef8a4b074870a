"""Rows as JSON objects from a service that answers by HTTP."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, field_validator, model_validator

from tsflow.errors import SourceFormatError, SourceUnavailable
from tsflow.stations.address import filled_in, parameters_of
from tsflow.stations.api_key import ApiKey, Credential
from tsflow.stations.download import answer_of
from tsflow.stations.json_path import found_at
from tsflow.stations.pages import all_rows
from tsflow.stations.paging import AnyPaging, Page, Row
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.registry import Source, register
from tsflow.texts import without_passwords

if TYPE_CHECKING:
    from tsflow.stations.station import Station


@register("json_http")
class JsonSource(Source):
    """A service that is asked for an interval, page by page if it gives pages; what the objects hold is named by the station file.

    `{start}` and `{end}` of the URL are filled in as ISO 8601 by the station's clock, `{start_utc}` and `{end_utc}` by UTC,
    `{start_epoch}` and `{end_epoch}` as seconds since 1970. A column is a key of the objects, or a path inside them
    (`air.temperature`, `speeds.0`); where an object lacks it, or has null, NaN or one of the form's `missing_texts`, the value
    is missing. The newest row may come first.
    """

    url: str
    since: datetime  # the first moment that the service has rows of; a first ingest begins here
    rows: str = ""  # where the list of objects stands in the answer, such as data.observations; empty: the answer is the list
    key: ApiKey | None = None
    token_variable: str | None = None  # the environment variable whose value is sent as bearer token
    pages: AnyPaging | None = None  # None: one answer is all there is
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0

    @field_validator("url")
    @classmethod
    def _can_be_filled_in(cls, url: str) -> str:
        _filled(url, datetime(2020, 1, 1), datetime(2020, 1, 2), timedelta())
        return url

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.key is not None and self.token_variable is not None:
            msg = "give token_variable or key, not both: a service is asked with one key"
            raise ValueError(msg)
        if self.key is not None and self.key.parameter in parameters_of(self.url):
            msg = f"the parameter {self.key.parameter} stands in `url` already, and `key` would put it there; remove it from `url`"
            raise ValueError(msg)
        return self

    def begins(self, as_of: datetime) -> datetime:
        """Return the first moment that the service has rows of."""
        return self.since

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return the interval's rows as one CSV file with the station's columns."""
        url = _filled(self.url, start or self.since, end, station.timestamp.offset)
        credential = self._credential()
        with credential.unsaid():
            if self.pages is None:
                found = self._page(url, credential).rows
            else:
                found = all_rows(url, self.pages, lambda address: self._page(address, credential))
        return [RawFile("rows.csv", _as_csv(found, station), own=True)] if found else []

    def _credential(self) -> Credential:
        if self.token_variable is not None:
            return ApiKey(variable=self.token_variable, header="Authorization", scheme="Bearer").taken("token_variable")
        return self.key.taken("key.variable") if self.key else Credential()

    def _page(self, address: str, credential: Credential) -> Page:
        import requests

        url = credential.out_of(address)
        try:
            answer = answer_of(credential.into(url), timeout_seconds=self.timeout_seconds, headers=credential.headers)
        except requests.RequestException as error:
            msg = f"{without_passwords(f'{url}: {error}')}\ncheck the network, or `sources` in the station file"
            raise SourceUnavailable(msg) from error
        content, rows = self._found(answer.body or b"", without_passwords(url))
        return Page(url, content, answer.links, rows)

    def _found(self, body: bytes, url: str) -> tuple[object, list[Row]]:
        """Return what an answer holds, and the objects in it."""
        try:
            content = json.loads(body)
            place = found_at(content, self.rows)
        except (ValueError, LookupError, RecursionError) as error:
            msg = (
                f"{url}: no JSON with a list at {self.rows or 'its top'} ({type(error).__name__}: {error}); correct `rows` or `url`"
            )
            raise SourceFormatError(msg) from error
        if not isinstance(place, list) or not all(isinstance(row, dict) for row in place):
            msg = f"{url}: expected a list of objects at {self.rows or 'its top'}; correct `rows` in the station file"
            raise SourceFormatError(msg)
        return content, place


def _filled(url: str, start: datetime, end: datetime, offset: timedelta) -> str:
    """Return a URL with an interval in all ways of saying it."""
    parts: dict[str, str] = {}
    for name, clock in (("start", start), ("end", end)):
        utc = (clock - offset).replace(tzinfo=UTC)
        parts |= {name: clock.isoformat(), f"{name}_utc": f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{name}_epoch": str(int(utc.timestamp()))}
    return filled_in(url, **parts)


def _as_csv(rows: list[Row], station: Station) -> bytes:
    """Return rows as a CSV file in the form that the station file describes; what no column names is left out."""
    names = [*station.timestamp.columns, *(variable.column for variable in station.measured.values() if variable.column)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    missing = getattr(station.form, "missing_texts", ())
    writer.writerows([_cell(row, name, missing) for name in names] for row in rows)
    return text.getvalue().encode(station.own_encoding, "backslashreplace")  # a sign that it lacks is told as what is no number


def _cell(row: Row, column: str, missing: Collection[str]) -> object:
    try:
        value = found_at(row, column)
    except LookupError:
        return ""
    nothing = value is None or (isinstance(value, float) and isnan(value)) or (isinstance(value, str) and value.strip() in missing)
    return "" if nothing else value
