"""Fetching published files from a local server that gives the real bytes, and the ways in which it goes wrong."""

from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from serving import running
from tsflow.errors import SourceFormatError, SourceUnavailable
from tsflow.stations.parse import parse
from tsflow.stations.sources.archive import ArchiveSource, archive_parts
from tsflow.stations.sources.files import FilesSource, read_paths
from tsflow.stations.station import Station


class Archive(ThreadingHTTPServer):
    """A server of files by path; `failing` maps a path to how often it answers 503 first, what is `cut` breaks off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.failing: dict[str, int] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Archive

    def do_GET(self) -> None:  # the name http.server looks for
        self.server.asked.append(self.path)
        if self.server.failing.get(self.path, 0) > 0:
            self.server.failing[self.path] -= 1
            status, body = 503, b""
        else:
            body = self.server.files.get(self.path, b"")
            status = 200 if body else 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path in self.server.cut else body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def archive() -> Iterator[Archive]:
    with running(Archive()) as server:
        yield server


def source(*urls: str) -> ArchiveSource:
    return ArchiveSource(kind="archive", urls=list(urls))


def test_half_years_of_the_archive_are_fetched_and_read(archive: Archive, jena: Station, data: Path):
    for half in "ab":
        archive.files[f"/mpi_roof_2020{half}.zip"] = (data / f"mpi_roof_2020{half}.zip").read_bytes()
    where = source(f"{archive.url}/mpi_roof_{{year}}{{half}}.zip")
    files = where.fetch(jena, start=datetime(2020, 2, 1), end=datetime(2020, 9, 1))
    assert [file.name for file in files] == ["mpi_roof_2020a.zip", "mpi_roof_2020b.zip"]
    frame, _ = parse(files, jena, now=datetime(2026, 1, 1))
    assert len(frame) == 52_695


def test_an_address_that_answers_with_something_else_is_passed_over(archive: Archive, small: Station):
    archive.files |= {"/a.csv": b"<html>we are moving</html>", "/b.csv": b"time,T,wv\n2021-01-01 00:00,5,1\n"}
    urls = [f"{archive.url}/a.csv", f"{archive.url}/b.csv"]
    (file,) = source(*urls).fetch(small, start=None, end=datetime(2021, 2, 1))
    assert file.name == "b.csv"
    (kept,) = source(urls[0]).fetch(small, start=None, end=datetime(2021, 2, 1))
    assert kept.name == "a.csv", "parsing refuses it, and quarantine keeps it"


def test_addresses_are_tried_in_order_and_a_years_file_serves_both_halves(archive: Archive, jena: Station):
    archive.files["/2024.zip"] = b"the year"
    where = source(f"{archive.url}/{{year}}{{half}}.zip", f"{archive.url}/{{year}}.zip")
    files = where.fetch(jena, start=datetime(2024, 1, 5), end=datetime(2024, 12, 1))
    assert [file.body for file in files] == [b"the year"]
    assert archive.asked == ["/2024a.zip", "/2024.zip", "/2024b.zip"]


def test_a_file_that_is_nowhere_names_every_address_tried(archive: Archive, jena: Station):
    where = source(f"{archive.url}/a{{year}}{{half}}.zip", f"{archive.url}/b{{year}}{{half}}.zip")
    with pytest.raises(SourceUnavailable) as caught:
        where.fetch(jena, start=datetime(2020, 1, 5), end=datetime(2020, 2, 1))
    for name in ("/a2020a.zip", "/b2020a.zip"):
        assert f"{archive.url}{name}" in str(caught.value)
    assert "check the network, or `sources` in the station file" in str(caught.value)
    assert archive.asked == ["/a2020a.zip", "/b2020a.zip"]  # a 404 is not asked again


def test_a_server_that_fails_is_asked_again(archive: Archive, jena: Station):
    archive.files["/live.zip"], archive.failing["/live.zip"] = b"now", 1
    assert source(f"{archive.url}/live.zip").fetch(jena, start=None, end=datetime(2020, 2, 1))[0].body == b"now"
    assert archive.asked == ["/live.zip", "/live.zip"]


def test_an_address_that_breaks_off_each_time_is_passed_over(archive: Archive, jena: Station, data: Path):
    archive.files["/cut.zip"] = archive.files["/whole.zip"] = (data / "mpi_roof_2020a.zip").read_bytes()
    archive.cut.add("/cut.zip")
    where = source(f"{archive.url}/cut.zip", f"{archive.url}/whole.zip")
    [file] = where.fetch(jena, start=None, end=datetime(2020, 3, 1))
    assert (file.name, file.body) == ("whole.zip", archive.files["/whole.zip"])


def test_an_address_that_only_breaks_off_is_a_source_that_may_come_back(archive: Archive, jena: Station):
    archive.files["/cut.zip"] = b"x" * 1000
    archive.cut.add("/cut.zip")
    with pytest.raises(SourceUnavailable, match="cut off after 500 bytes"):
        source(f"{archive.url}/cut.zip").fetch(jena, start=None, end=datetime(2020, 3, 1))


def test_a_server_that_is_not_there_is_a_source_that_may_come_back(jena: Station):
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:9"):
        source("http://127.0.0.1:9/live.zip").fetch(jena, start=None, end=datetime(2020, 2, 1))


def test_a_half_years_last_row_bears_the_first_moment_of_the_next_half_year():
    year = [{"year": "2020", "half": "a"}, {"year": "2020", "half": "b"}]
    assert archive_parts(datetime(2020, 3, 1), datetime(2021, 1, 1)) == year
    assert archive_parts(datetime(2020, 3, 1), datetime(2021, 1, 1, 0, 10)) == [*year, {"year": "2021", "half": "a"}]


def test_files_are_taken_by_path_or_pattern_from_home(home: Path, jena: Station, tmp_path: Path):
    (home / "data").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (home / "data" / name).write_bytes(name.encode())
    files = FilesSource(kind="files", paths=["data/*.csv"]).fetch(jena, start=None, end=datetime(2021, 1, 1))
    assert [file.name for file in files] == ["a.csv", "b.csv"]
    with pytest.raises(SourceFormatError, match=r"no file '.*none\*'"):
        read_paths([str(tmp_path / "none*")])


def test_an_address_of_halves_without_a_year_is_refused():
    with pytest.raises(ValidationError, match=r"has \{half\} without \{year\}, and would name one file"):
        source("http://127.0.0.1/mpi_roof_{half}.zip")
