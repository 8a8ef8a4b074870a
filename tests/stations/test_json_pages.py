"""A service that gives its rows in pages: each way of asking for the next one, from a local server."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest

from answering import Answer, Answering, Asked
from serving import running
from tsflow.errors import SettingsError, SourceFormatError
from tsflow.stations.parse import parse
from tsflow.stations.sources.json_http import JsonSource
from tsflow.stations.station import Station, load_station

SINCE, END = datetime(2021, 1, 1), datetime(2021, 1, 2)
ROWS = [{"time": f"2021-01-01 {hour:02d}:00", "T": 5.0 + hour, "wv": 1.5} for hour in range(24)]
SIZE = 10


def page(first: int, size: int = SIZE, **beside: object) -> bytes:
    return json.dumps({"rows": ROWS[first : first + size], **beside}).encode()


def link(asked: Asked, change: str) -> dict[str, Any]:
    after = int(asked.query.get("after", 0)) + SIZE
    return {"next": change.format(after=after)} if after < len(ROWS) else {"next": None}


def by_link_in_the_body(address: str) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(page(int(asked.query.get("after", 0)), links=link(asked, address)))


def by_cursor(asked: Asked) -> Answer:
    return Answer(page(int(asked.query.get("cursor", 0)), meta={"cursor": int(asked.query.get("cursor", 0)) + SIZE}))


def by_cursor_to_the_end(asked: Asked) -> Answer:
    after = int(asked.query.get("cursor", 0)) + SIZE
    return Answer(page(after - SIZE, meta={"cursor": after} if after < len(ROWS) else {}))


def by_header(asked: Asked) -> Answer:
    after = int(asked.query.get("after", 0)) + SIZE
    last = '<http://other.example/last>; rel="last"'
    following = f'</rows?after={after}>; rel="next prefetch", {last}' if after < len(ROWS) else last
    return Answer(page(after - SIZE), headers={"Link": following})


def by_number(asked: Asked) -> Answer:
    return Answer(page((int(asked.query["page"]) - 1) * SIZE))


def by_offset(asked: Asked) -> Answer:
    return Answer(page(int(asked.query["offset"]), min(int(asked.query["limit"]), SIZE)))


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Answer]], Answering]]:
    with ExitStack() as open_ones:
        yield lambda answer: open_ones.enter_context(running(Answering(answer)))


def source(server: Answering, pages: dict[str, Any] | None, url: str = "/rows?from={start}", **keys: object) -> JsonSource:
    block = {"kind": "json_http", "url": server.url + url, "since": SINCE, "rows": "rows", **keys}
    return JsonSource.model_validate(block if pages is None else {**block, "pages": pages})


@pytest.mark.parametrize(
    ("answer", "pages", "asks"),
    [
        (by_link_in_the_body("/rows?after={after}"), {"kind": "next_link", "path": "links.next"}, 3),
        (by_link_in_the_body("?after={after}"), {"kind": "next_link", "path": "links.next"}, 3),
        (by_cursor_to_the_end, {"kind": "next_link", "path": "meta.cursor", "parameter": "cursor"}, 3),
        (by_header, {"kind": "link_header"}, 3),
        (by_number, {"kind": "page_number"}, 4),
        (by_offset, {"kind": "offset", "size": 1000}, 4),
    ],
    ids=["link", "relative link", "cursor", "header", "number", "offset, with fewer rows a page than were asked for"],
)
def test_all_pages_are_read(serve: Callable[..., Answering], small: Station, answer: Any, pages: dict[str, Any], asks: int):
    server = serve(answer)
    files = source(server, pages).fetch(small, start=None, end=END)
    frame, report = parse(files, small, now=END)
    assert frame["T"].tolist() == [row["T"] for row in ROWS]
    assert (report.identical_duplicates, len(server.asked)) == (0, asks)


def test_what_the_address_asks_for_stays_from_page_to_page(serve: Callable[..., Answering], small: Station):
    server = serve(by_offset)
    source(server, {"kind": "offset", "size": 7}, url="/rows?from={start}&of=a%26b").fetch(small, start=None, end=END)
    assert [asked.query["offset"] for asked in server.asked] == ["0", "7", "14", "21", "24"]
    assert {(asked.query["from"], asked.query["of"], asked.query["limit"]) for asked in server.asked} == {
        ("2021-01-01T00:00:00", "a&b", "7")
    }


def test_pages_may_be_counted_from_0_under_another_name(serve: Callable[..., Answering], small: Station):
    server = serve(lambda asked: Answer(page(int(asked.query["p"]) * SIZE)))
    source(server, {"kind": "page_number", "parameter": "p", "first": 0}).fetch(small, start=None, end=END)
    assert [asked.query["p"] for asked in server.asked] == ["0", "1", "2", "3"]


def test_an_absolute_link_is_followed_with_the_password_of_the_address(serve: Callable[..., Answering], small: Station):
    server = serve(by_number)
    server.answer = by_link_in_the_body(f"{server.url}/rows?after={{after}}")
    where = source(server, {"kind": "next_link", "path": "links.next"})
    with_password = where.changed(url=where.url.replace("://", "://user:hush@"))
    assert len(with_password.fetch(small, start=None, end=END)) == 1
    assert len({asked.headers["Authorization"] for asked in server.asked}) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "pages", "says"),
    [
        (
            lambda asked: Answer(page(int(asked.query.get("after", 0)), next="/rows?after=1")),
            {"kind": "next_link", "path": "next"},
            r"page 3 would come from http://.*/rows\?after=1, as page 2 did: a circle; correct `pages`",
        ),
        (
            lambda _: Answer(page(0)),
            {"kind": "page_number"},
            r"rows\?from=.*&page=2: page 2 holds the same rows as the one before it: .* correct `pages`",
        ),
        (
            lambda _: Answer(page(0)),
            {"kind": "offset", "size": 10},
            "page 2 holds the same rows as the one before it",
        ),
        (
            by_cursor,
            {"kind": "next_link", "path": "meta.cursor", "parameter": "cursor", "at_most": 20},
            "there are more than 20 pages; ask for more rows a page, or raise `pages.at_most`",
        ),
        (
            lambda _: Answer(page(0, next="http://other.example/rows")),
            {"kind": "next_link", "path": "next"},
            "would come from http://other.example/rows, which is another server, and is not asked for; correct `pages`",
        ),
        (
            lambda _: Answer(page(0, next="ftp://[")),
            {"kind": "next_link", "path": "next"},
            r"the next page would come from ftp://\[, which is no address; correct `pages`",
        ),
        (
            lambda _: Answer(page(0, next={"href": "/x"})),
            {"kind": "next_link", "path": "next"},
            "expected an address as text at next, found dict; correct `pages.path`",
        ),
    ],
    ids=["circle", "number unknown", "offset unknown", "too many", "another server", "no address", "no text"],
)
def test_pages_that_do_not_end_or_lead_away_are_refused(
    serve: Callable[..., Answering], small: Station, answer: Any, pages: dict[str, Any], says: str
):
    with pytest.raises(SourceFormatError, match=says):
        source(serve(answer), pages).fetch(small, start=None, end=END)


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ({"path": "next"}, "pages.kind: every paging is a block with a `kind`; valid: link_header, next_link, offset, page_number"),
        ({"kind": "next"}, "pages.kind: unknown paging kind 'next'"),
        ({"kind": "next_link"}, "pages.path: missing; give it a value"),
        ({"kind": "offset", "size": 0}, "pages.size: Input should be greater than or equal to 1 (found 0)"),
        ({"kind": "link_header", "path": "next"}, "pages.path: unknown key"),
        ({"kind": "page_number", "at_most": 0}, "pages.at_most"),
        ({"kind": "page_number", "parameter": ""}, "pages.parameter"),
    ],
)
def test_a_way_of_paging_is_checked_when_the_station_file_is_read(home: Any, pages: dict[str, Any], says: str):
    import yaml

    path = home / "include" / "stations" / "demo.yaml"
    content = yaml.safe_load(path.read_text())
    content["sources"] = {"live": {"kind": "json_http", "url": "http://x/", "since": "2021-01-01", "pages": pages}}
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingsError) as caught:
        load_station("demo")
    assert f"sources.live.{says}" in str(caught.value)


def test_values_inside_objects_and_lists_are_named_by_their_path(serve: Callable[..., Answering], small: Station):
    variables = {
        "T": small.variables["T"].changed(column="air.temperature"),
        "wv": small.variables["wv"].changed(column="wind.speeds.1"),
    }
    station = small.changed(variables=variables, timestamp=small.timestamp.changed(column="at"))
    rows = [{"at": "2021-01-01 00:00", "air": {"temperature": 3.5}, "wind": {"speeds": [7, 2.5]}}]
    rows += [{"at": "2021-01-01 01:00", "air.temperature": 4.5, "wind": {"speeds": [7]}}, {"at": "2021-01-01 02:00", "air": None}]
    server = serve(lambda _: Answer(json.dumps({"results": [{"series": {"values": rows}}]}).encode()))
    files = source(server, None, rows="results.0.series.values").fetch(station, start=None, end=END)
    frame, _ = parse(files, station, now=END)
    assert frame["T"].tolist()[:2] == [3.5, 4.5]
    assert frame["wv"].tolist()[:1] == [2.5]
    assert frame[["T", "wv"]].isna().sum().tolist() == [1, 2]


def test_a_period_may_be_asked_for_by_utc(serve: Callable[..., Answering], small: Station):
    station = small.changed(timestamp=small.timestamp.changed(utc_offset_hours=1))
    server = serve(lambda _: Answer(page(0)))
    url = "/rows?from={start_utc}&to={end_utc}&since={start_epoch}&until={end_epoch}"
    source(server, None, url=url).fetch(station, start=datetime(2021, 1, 1, 6), end=END)
    assert server.asked[0].query == {
        "from": "2021-01-01T05:00:00Z",
        "to": "2021-01-01T23:00:00Z",
        "since": "1609477200",
        "until": "1609542000",
    }
