"""The key of a service: taken from the environment, sent as the station file says, and shown nowhere."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from answering import Answer, Answering, Asked
from conftest import write_station
from serving import running
from tsflow.errors import SettingsError, SourceFormatError, SourceUnavailable, TsflowError
from tsflow.records.store import Records
from tsflow.stations.sources.json_http import JsonSource
from tsflow.stations.station import Station
from workflow import ingest

SECRET = "hunter2+super/secret=="
PASSWORD = "hush"
SPELLINGS = (SECRET, "hunter2%2Bsuper%2Fsecret%3D%3D", "hunter2%2Bsuper/secret%3D%3D", "hunter2")
SINCE, END = datetime(2021, 1, 1), datetime(2021, 1, 2)
ROWS = [{"time": f"2021-01-01 {hour:02d}:00", "T": 5.0 + hour, "wv": 1.5} for hour in range(24)]
BODY = json.dumps(ROWS).encode()
IN_HEADER = {"variable": "MAST_KEY", "header": "X-Api-Key"}
IN_QUERY = {"variable": "MAST_KEY", "parameter": "api_key"}


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Answer]], Answering]]:
    with ExitStack() as open_ones:
        yield lambda answer: open_ones.enter_context(running(Answering(answer)))


@pytest.fixture(autouse=True)
def _key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAST_KEY", SECRET)


def source(address: str, **keys: object) -> JsonSource:
    return JsonSource.model_validate({"kind": "json_http", "url": address, "since": SINCE, "timeout_seconds": 5, **keys})


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        (IN_HEADER, lambda asked: asked.headers["X-Api-Key"] == SECRET and "api_key" not in asked.query),
        (IN_QUERY, lambda asked: asked.query == {"of": "mast", "api_key": SECRET}),
        (
            {"variable": "MAST_KEY", "header": "Authorization", "scheme": "Token"},
            lambda asked: asked.headers["Authorization"] == f"Token {SECRET}",
        ),
    ],
    ids=["header", "parameter", "scheme"],
)
def test_a_key_is_sent_where_the_station_file_says(serve: Callable[..., Answering], small: Station, key: Any, sent: Any):
    server = serve(lambda _: Answer(BODY))
    assert len(source(f"{server.url}/rows?of=mast", key=key).fetch(small, start=None, end=END)) == 1
    assert [bool(sent(asked)) for asked in server.asked] == [True]


def test_a_key_goes_with_each_page_and_once(serve: Callable[..., Answering], small: Station):
    def answer(asked: Asked) -> Answer:  # a service that repeats in its link what it was asked
        following = {} if "after" in asked.query else {"Link": f'<{asked.path}&after=1>; rel="next"'}
        return Answer(json.dumps(ROWS[len(following) :]).encode(), headers=following)

    server = serve(answer)
    source(f"{server.url}/rows", key=IN_QUERY, pages={"kind": "link_header"}).fetch(small, start=None, end=END)
    assert [asked.query["api_key"] for asked in server.asked] == [SECRET, SECRET]
    assert [asked.path.count("api_key=") for asked in server.asked] == [1, 1]


def refusing(status: int) -> Callable[[Asked], Answer]:
    return lambda _: Answer(b"no", status=status, headers={"Retry-After": "0"})


def circle(asked: Asked) -> Answer:
    return Answer(BODY, headers={"Link": f'<{asked.path}>; rel="next"'})


@pytest.mark.parametrize("key", [IN_HEADER, IN_QUERY], ids=["header", "parameter"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusing(403), SourceUnavailable),
        (refusing(503), SourceUnavailable),
        (lambda _: Answer(b"<html>"), SourceFormatError),
        (lambda asked: Answer(status=302, headers={"Location": asked.path}), SourceUnavailable),
        (lambda asked: Answer(status=302, headers={"Location": f"http://127.0.0.1:9{asked.path}"}), SourceUnavailable),
        (circle, SourceFormatError),
    ],
    ids=["refused", "failing", "no JSON", "redirected for ever", "redirected to nobody", "in a circle"],
)
def test_no_error_and_no_log_shows_a_key(
    serve: Callable[..., Answering],
    small: Station,
    caplog: pytest.LogCaptureFixture,
    key: Any,
    answer: Any,
    error: type[TsflowError],
):
    caplog.set_level(logging.DEBUG)
    where = source(f"{serve(answer).url}/rows", key=key, pages={"kind": "link_header"})
    with pytest.raises(error) as caught:
        where.fetch(small, start=None, end=END)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(where) + where.model_dump_json()
    assert [spelling for spelling in SPELLINGS if spelling in said] == []


def test_nobody_answering_is_told_without_the_key(small: Station, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SourceUnavailable, match="check the network") as caught:
        source("http://127.0.0.1:9/rows", key=IN_QUERY).fetch(small, start=None, end=END)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "Retrying" in caplog.text, "the library that retries logs addresses"
    assert [spelling for spelling in SPELLINGS if spelling in said] == []


def test_a_password_in_the_address_is_not_in_the_traceback_either(serve: Callable[..., Answering], small: Station):
    address = serve(refusing(404)).url.replace("://", f"://user:{PASSWORD}@")
    with pytest.raises(SourceUnavailable) as caught:
        source(address).fetch(small, start=None, end=END)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_what_an_ingest_keeps_holds_no_key(serve: Callable[..., Answering], small: Station, home: Path, records: Records):
    server = serve(lambda _: Answer(BODY))
    mast = small.changed(sources={"live": source(f"{server.url}/rows", key=IN_QUERY)}, station="mast")
    write_station(home / "include" / "stations" / "mast.yaml", mast)
    assert ingest(records, station="mast", as_of="2021-01-02", history_days=None).new_rows == 24
    kept = {key: records.objects.get(key) for key in records.objects.keys("")}
    shown = [key for key, body in kept.items() if any(spelling.encode() in body or spelling in key for spelling in SPELLINGS)]
    assert shown == []


@pytest.mark.parametrize("header", ["X-Api-Key", "Authorization"])
def test_a_key_does_not_follow_a_redirection_to_another_server(serve: Callable[..., Answering], small: Station, header: str):
    other = serve(lambda _: Answer(BODY))
    server = serve(lambda _: Answer(status=302, headers={"Location": f"{other.url}/rows"}))
    source(f"{server.url}/rows", key={"variable": "MAST_KEY", "header": header}).fetch(small, start=None, end=END)
    assert [asked.headers.get(header) for asked in server.asked + other.asked] == [SECRET, None]


def test_a_key_does_follow_a_redirection_within_its_server(serve: Callable[..., Answering], small: Station):
    server = serve(lambda asked: Answer(BODY) if asked.path == "/b" else Answer(status=302, headers={"Location": "/b"}))
    source(f"{server.url}/a", key=IN_HEADER).fetch(small, start=None, end=END)
    assert [asked.headers["X-Api-Key"] for asked in server.asked] == [SECRET, SECRET]


@pytest.mark.parametrize("value", ["hunter2\n", "hun\tter2", "hunter2-ü", " hunter2"], ids=["line", "tab", "letter", "blank"])
@pytest.mark.parametrize("key", [{"key": IN_HEADER}, {"token_variable": "MAST_KEY"}], ids=["header", "token"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(
    small: Station, monkeypatch: pytest.MonkeyPatch, key: Any, value: str
):
    monkeypatch.setenv("MAST_KEY", value)
    with pytest.raises(SettingsError, match=r"MAST_KEY holds more than a key: .*; set it to the key alone") as caught:
        source("http://127.0.0.1:9/rows", **key).fetch(small, start=None, end=END)
    assert "hun" not in str(caught.value)


def test_a_key_that_is_not_set_is_asked_for_before_anything_is_sent(small: Station, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAST_KEY")
    with pytest.raises(SettingsError, match=r"environment variable MAST_KEY is not set; .*`key.variable` of the source names it"):
        source("http://127.0.0.1:9/rows", key=IN_QUERY).fetch(small, start=None, end=END)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"key": {"variable": "K"}}, "give exactly one of header and parameter"),
        ({"key": {"variable": "K", "header": "A", "parameter": "b"}}, "give exactly one of header and parameter"),
        ({"key": {"variable": "K", "parameter": "b", "scheme": "Token"}}, "scheme stands before a key in a header"),
        ({"key": {"variable": "K", "header": "A b"}}, "header"),
        ({"key": {"variable": "not a name", "header": "A"}}, "variable"),
        ({"key": IN_HEADER, "token_variable": "K"}, "give token_variable or key, not both"),
        ({"url": "http://x/?api_key=1", "key": IN_QUERY}, "the parameter api_key stands in `url` already"),
    ],
)
def test_a_key_is_checked_when_the_station_file_is_read(keys: dict[str, Any], says: str):
    with pytest.raises(ValueError, match=says):
        source(**{"address": "http://x/", **{"address" if name == "url" else name: value for name, value in keys.items()}})


def test_a_key_written_into_the_address_is_sent_as_it_stands(serve: Callable[..., Answering], small: Station):
    server = serve(lambda _: Answer(BODY))
    source(f"{server.url}/rows?token=open").fetch(small, start=None, end=END)
    assert urlsplit(server.asked[0].path).query == "token=open"
