"""Ingesting a published file again and again: what is sent, what is read, what is stored."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from conftest import write_station
from serving import running
from tests_support import csv_file, row
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Batch
from tsflow.records.store import Records
from tsflow.stations.station import Station
from tsflow.storage.codecs import digest
from workflow import ingest

AS_OF = "2021-01-04"


class Publisher(ThreadingHTTPServer):
    """A server that publishes files, says by an ETag which one it is, and sends one again only if it changed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.failing = 0
        self.sent: list[int] = []  # bytes of each body
        self.tagged = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:  # the name http.server looks for
        body = self.server.files.get(self.path)
        tag = f'"{digest(body or b"")}"'
        if self.server.failing:
            self.server.failing -= 1
            status, body = 500, b""
        elif body is None:
            status, body = 404, b""
        elif self.server.tagged and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        else:
            status = 200
            self.server.sent.append(len(body))
        self.send_response(status)
        if status in {200, 304} and self.server.tagged:
            self.send_header("ETag", tag)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with running(Publisher()) as server:
        yield server


@pytest.fixture
def station(home: Path, small: Station, publisher: Publisher) -> Path:
    path = write_station(home / "include" / "stations" / "small.yaml", small)
    content = yaml.safe_load(path.read_text())
    urls = [f"{publisher.url}/first.csv", f"{publisher.url}/second.csv"]
    path.write_text(yaml.safe_dump({**content, "sources": {"archive": {"kind": "archive", "urls": urls}}}, sort_keys=False))
    return path


def hours(count: int, **changed: str) -> bytes:
    return csv_file(*(row(hour, changed.get(f"h{hour}", f"{hour % 24}.5")) for hour in range(count)))


def taken(records: Records, name: str, as_of: str = AS_OF) -> tuple[int, int, int]:
    """Ingest; return new rows, changed rows, and files that were not sent again."""
    done = ingest(records, name, station="small", as_of=as_of, history_days=None)
    return done.new_rows, done.changed_rows, records.read(Batch, ingest=name).unchanged


def test_what_is_published_is_sent_once_and_again_only_if_it_changed(records: Records, station: Path, publisher: Publisher):
    publisher.files["/first.csv"] = hours(48)
    assert taken(records, "i1") == (48, 0, 0)
    assert taken(records, "i2") == (0, 0, 1), "no body: its server says that it is what it was"
    publisher.files["/first.csv"] = hours(50)
    assert taken(records, "i3") == (2, 0, 0), "only the new rows are stored"
    publisher.files["/first.csv"] = hours(50, h7="19.5")
    assert taken(records, "i4") == (0, 1, 0), "a correction wins"
    assert taken(records, "i5") == (0, 0, 1)
    assert publisher.sent == [len(hours(48)), len(hours(50)), len(hours(50, h7="19.5"))]
    assert ObservationStore(records, "small").read()["T"].iloc[7] == 19.5


def test_the_second_address_is_asked_where_the_first_has_nothing_and_a_failing_server_again(
    records: Records, station: Path, publisher: Publisher
):
    publisher.files["/second.csv"] = hours(24)
    publisher.failing = 1
    assert taken(records, "i1") == (24, 0, 0)
    assert taken(records, "i2") == (0, 0, 1)


def test_a_file_of_which_rows_were_left_to_a_later_ingest_is_sent_again(records: Records, station: Path, publisher: Publisher):
    publisher.files["/first.csv"] = hours(48)
    assert taken(records, "i1", as_of="2021-01-01T12:00") == (13, 0, 0)
    assert taken(records, "i2") == (35, 0, 0)
    assert taken(records, "i3") == (0, 0, 1)


def test_another_station_file_reads_the_same_file_again(records: Records, station: Path, publisher: Publisher):
    publisher.files["/first.csv"] = hours(24)
    assert taken(records, "i1") == (24, 0, 0)
    content = yaml.safe_load(station.read_text())
    del content["variables"]["wv"]
    station.write_text(yaml.safe_dump(content, sort_keys=False))
    assert taken(records, "i2") == (0, 0, 0), "read again; what it lost keeps its history"
    station.write_text(yaml.safe_dump({**content, "missing": [0.5]}, sort_keys=False))
    assert taken(records, "i3")[1] == 1, "a value that stands for nothing now is corrected"
    assert "wv" in ObservationStore(records, "small").read()


def test_a_server_that_says_nothing_by_which_it_can_be_asked_sends_the_file_again(
    records: Records, station: Path, publisher: Publisher
):
    publisher.tagged = False
    publisher.files["/first.csv"] = hours(24)
    assert taken(records, "i1") == (24, 0, 0)
    assert taken(records, "i2") == (0, 0, 0)
    assert len(publisher.sent) == 2
