"""Rows as JSON by HTTP, from a local server that gives the real bytes."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import write_station
from tsflow.errors import SettingsError, SourceFormatError, SourceUnavailable
from tsflow.records.store import Records
from tsflow.stations.parse import parse
from tsflow.stations.sources.json_http import JsonSource
from tsflow.stations.station import Station
from workflow import ingest

SINCE, END = datetime(2021, 1, 1), datetime(2021, 1, 2)
ROWS = [{"time": f"2021-01-01 {hour:02d}:00", "T": 5.0 + hour, "wv": None if hour == 3 else 1.5, "more": "x"} for hour in range(24)]


class Service(ThreadingHTTPServer):
    """Answers every request with the same bytes, and keeps what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = 200, json.dumps({"data": {"rows": ROWS}}).encode()
        self.asked: list[tuple[str, str | None]] = []

    def source(self, **keys: object) -> JsonSource:
        url = f"http://user:hush@127.0.0.1:{self.server_port}/rows?from={{start}}&to={{end}}"
        return JsonSource.model_validate({"kind": "json_http", "url": url, "since": SINCE, "rows": "data.rows", **keys})


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_rows_come_as_the_station_file_names_them_and_nothing_else(service: Service, small: Station):
    files = service.source().fetch(small, start=datetime(2021, 1, 1, 6), end=END)
    assert service.asked[0][0] == "/rows?from=2021-01-01T06:00:00&to=2021-01-02T00:00:00"
    frame, report = parse(files, small, now=END)
    assert list(frame.columns) == ["time", "T", "wv"]
    assert frame["T"].tolist() == [5.0 + hour for hour in range(24)]
    assert frame["wv"].isna().sum() == 1
    assert (report.rows_read, report.files) == (24, ["rows.csv"])


def test_a_first_ingest_asks_from_the_services_beginning(service: Service, small: Station, home: Path, records: Records):
    mast = small.changed(sources={"live": service.source()}, station="mast")
    write_station(home / "include" / "stations" / "mast.yaml", mast)
    stored = ingest(records, station="mast", as_of="2021-01-02", history_days=None)
    assert stored.new_rows == 24
    assert "from=2021-01-01T00:00:00" in service.asked[0][0]
    kept = {key: records.objects.get(key) for key in records.objects.keys("")}
    assert [key for key, body in kept.items() if b"hush" in body] == [], "whoever may read the store does not learn the password"


def test_a_service_whose_rows_begin_later_than_it_says_is_asked_for_all_of_them_once(
    service: Service, small: Station, home: Path, records: Records
):
    def asked_from(ingest_id: str, as_of: str, since: datetime) -> str:
        mast = small.changed(sources={"live": service.source(since=since)}, station="mast")
        write_station(home / "include" / "stations" / "mast.yaml", mast)
        ingest(records, ingest_id, station="mast", as_of=as_of, history_days=None)
        return service.asked[-1][0].partition("from=")[2].partition("&")[0]

    early, earlier = datetime(2020, 12, 20), datetime(2020, 12, 1)
    assert asked_from("first", "2021-01-02", early) == "2020-12-20T00:00:00"
    assert asked_from("second", "2021-01-02T01:00", early) == "2020-12-25T23:00:00", "a week before the newest row"
    assert asked_from("third", "2021-01-02T02:00", earlier) == "2020-12-01T00:00:00", "somebody knows of older rows"
    assert asked_from("fourth", "2021-01-02T03:00", earlier) == "2020-12-25T23:00:00"
    assert asked_from("fifth", "2021-01-02T04:00", early) == "2020-12-25T23:00:00"


def test_no_row_is_no_file(service: Service, small: Station):
    service.body = b'{"data": {"rows": []}}'
    assert service.source().fetch(small, start=None, end=END) == []


def test_a_token_comes_from_the_environment_and_is_asked_for(service: Service, small: Station, monkeypatch: pytest.MonkeyPatch):
    where = service.source(token_variable="MAST_TOKEN", url=service.source().url.replace("user:hush@", ""))
    with pytest.raises(SettingsError, match="MAST_TOKEN is not set"):
        where.fetch(small, start=None, end=END)
    monkeypatch.setenv("MAST_TOKEN", "abc")
    where.fetch(small, start=None, end=END)
    assert service.asked == [("/rows?from=2021-01-01T00:00:00&to=2021-01-02T00:00:00", "Bearer abc")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "no JSON with a list at data.rows"),
        (b'{"rows": []}', r"no JSON with a list at data.rows \(KeyError: 'data'\); correct `rows`"),
        (b'{"data": {"rows": {}}}', "expected a list of objects at data.rows"),
        (b'{"data": {"rows": [1]}}', "expected a list of objects at data.rows"),
    ],
)
def test_another_answer_is_refused_with_what_was_expected(service: Service, small: Station, body: bytes, says: str):
    service.body = body
    with pytest.raises(SourceFormatError, match=says) as caught:
        service.source().fetch(small, start=None, end=END)
    assert "hush" not in str(caught.value)


def test_a_service_that_refuses_is_named_without_its_password(service: Service, small: Station):
    service.status = 404
    with pytest.raises(SourceUnavailable, match=r"http://\*\*\*@127\.0\.0\.1.*404") as caught:
        service.source().fetch(small, start=None, end=END)
    assert "hush" not in str(caught.value)


def test_the_newest_first_and_words_for_nothing_are_read(service: Service, small: Station):
    rows = [{**row, "T": {5: "M", 6: " --", 7: float("nan")}.get(hour, row["T"])} for hour, row in enumerate(ROWS)]
    service.body = json.dumps({"data": {"rows": rows[::-1]}}).encode()
    station = small.changed(form={"kind": "csv", "missing_texts": ["M", "--"]})
    frame, report = parse(service.source().fetch(station, start=None, end=END), station, now=END)
    assert frame["time"].is_monotonic_increasing
    assert [hour for hour in range(24) if frame["T"].isna()[hour]] == [5, 6, 7]
    assert (report.rows_read, report.rows_kept) == (24, 24)


@pytest.mark.parametrize(("encoding", "sign"), [("cp1252", "\u6c17"), ("auto", "\ud800")])
def test_a_sign_outside_the_stations_encoding_is_told_as_no_number(service: Service, small: Station, encoding: str, sign: str):
    service.body = json.dumps({"data": {"rows": [*ROWS, {"time": "2021-01-02 00:00", "T": sign}]}}).encode()
    station = small.changed(encoding=encoding)
    with pytest.raises(SourceFormatError, match=r"row 26, column 'T': .* is not a number"):
        parse(service.source().fetch(station, start=None, end=END), station, now=END)
