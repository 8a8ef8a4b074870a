"""Who gets in, what they may do, and what becomes of bad input."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from fastapi.routing import APIRoute

import requests
from pages.conftest import HOSTILE, changer, person, served
from tsflow.champion.history import History
from tsflow.errors import StorageUnavailable
from tsflow.pages.app import create_app
from tsflow.pages.guards import Guards
from tsflow.records.files import DATA_DOCS
from tsflow.records.store import Records

ADMIN, VIEWER = {"x-who": "admin"}, {"x-who": "viewer"}


def get(pages: str, path: str, who: dict[str, str] = ADMIN, **options: object) -> requests.Response:
    return requests.get(f"{pages}/{path}", headers=who, timeout=30, allow_redirects=False, **options)  # type: ignore[arg-type]


def routes() -> list[tuple[str, str]]:
    app = create_app(Guards(person, changer, lambda: pytest.fail("read"), lambda: pytest.fail("wrote"), b""))
    found = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(found) == len(app.routes), "a route that no dependency guards"
    return [(method, route.path) for route in found for method in route.methods]


@pytest.mark.parametrize(("method", "path"), routes())
def test_nobody_gets_in_without_a_name(pages: str, method: str, path: str):
    concrete = path.replace("{name}", "tsflow.css").replace("{key:path}", "runs/r1/validation/hourly.html")
    answer = requests.request(method, f"{pages}{concrete}", timeout=30)
    assert answer.status_code == 401
    assert "Log in" in answer.text
    assert requests.request(method, f"{pages}{concrete}", headers={"x-who": "stranger"}, timeout=30).status_code == 403


def test_a_viewer_sees_no_way_to_change_and_has_none(pages: str, life: Records):
    page = get(pages, "champions", VIEWER).text
    assert "change?" not in page
    assert "change?" in get(pages, "champions").text
    before = [entry.number for entry in History(life, "demo").entries()]
    assert get(pages, "change?action=pin&station=demo&task=main", VIEWER).status_code == 403
    form = {"action": "pin", "station": "demo", "task": "main", "reason": "x", "seen": "0", "token": "x"}
    assert requests.post(f"{pages}/change", data=form, headers=VIEWER, timeout=30).status_code == 403
    assert [entry.number for entry in History(life, "demo").entries()] == before


def form_of(pages: str, path: str, who: dict[str, str] = ADMIN) -> dict[str, str]:
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', get(pages, path, who).text))


def test_a_change_needs_the_form_of_these_pages_for_this_person_and_this_change(pages: str, life: Records):
    form = form_of(pages, "change?action=pin&station=demo&task=main")
    before = [entry.number for entry in History(life, "demo").entries()]

    def refused(data: dict[str, str], headers: dict[str, str] = ADMIN) -> str:
        answer = requests.post(f"{pages}/change", data=data, headers=headers, timeout=30)
        assert answer.status_code == 403
        return answer.text

    asked = {**form, "reason": "a heat wave"}
    assert "Nothing was changed" in refused({**asked, "token": ""})
    refused({**asked, "token": form["token"][:-3] + "abc"})
    refused({**asked, "action": "unpin"})
    refused({**asked, "station": "mast"})
    refused(asked, {**ADMIN, "sec-fetch-site": "cross-site"})
    assert [entry.number for entry in History(life, "demo").entries()] == before


def test_pin_unpin_and_roll_back_by_the_forms(pages: str, life: Records):
    history = History(life, "mast")
    former = [entry.version for entry in history.entries() if entry.pointer][1]

    def change(action: str, reason: str, **version: str) -> requests.Response:
        query = "&".join(
            f"{name}={value}" for name, value in {"action": action, "station": "mast", "task": "main", **version}.items()
        )
        form = {**form_of(pages, f"change?{query}"), "reason": reason}
        return requests.post(f"{pages}/change", data=form, headers=ADMIN, timeout=30, allow_redirects=False)

    assert change("pin", "a heat wave").status_code == 303
    held = change("rollback", "worse since Monday", version=str(former))
    assert held.status_code == 409
    assert "is pinned by admin (a heat wave)" in held.text
    assert ">worse since Monday</textarea>" in held.text, "what was typed is not lost"
    assert "Lift the pin" in held.text
    assert change("unpin", "it is over").status_code == 303
    assert change("rollback", "  ", version=str(former)).status_code == 409  # a reason is needed
    assert change("rollback", "worse since Monday", version=str(former)).status_code == 303
    newest = next(history.entries())
    assert (newest.kind, newest.actor, newest.reason, newest.version) == ("rollback", "admin", "worse since Monday", former)
    pointer = history.as_it_lies().pointer
    assert pointer is not None
    assert pointer.version == former


def test_who_was_not_first_is_told_so(pages: str, life: Records):
    form = form_of(pages, "change?action=pin&station=mast&task=main")
    requests.post(f"{pages}/change", data={**form, "reason": "one"}, headers=ADMIN, timeout=30)
    late = requests.post(f"{pages}/change", data={**form, "reason": "two"}, headers=ADMIN, timeout=30)
    assert late.status_code == 409
    assert "was changed meanwhile" in late.text
    lifted = form_of(pages, "change?action=unpin&station=mast&task=main")
    assert requests.post(f"{pages}/change", data={**lifted, "reason": "three"}, headers=ADMIN, timeout=30).status_code == 200


HOSTILE_PAGES = [
    "forecast?station=mast",
    "champions?station=mast",
    "data?station=mast",
    "board?run=r1",
    "entrant?run=r1&architecture=conv1d",
]


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_what_comes_from_data_stays_text(pages: str, path: str):
    page = get(pages, path).text
    assert HOSTILE not in page
    assert "<img" not in page
    assert "onerror" in page


BAD = [
    ("board?run=gone", 404, "there is no run"),
    ("board?run=../../champions/demo", 404, "cannot stand in a key"),
    ("board?run=%3Cscript%3Ealert(1)%3C/script%3E", 404, ""),
    ("board?run=" + "x" * 10_000, 400, "at most 250 characters"),
    ("board", 400, "Field required"),
    ("entrant?run=r1&architecture=gone", 404, "has no entrant"),
    ("entrant?run=r1&architecture=../dense", 404, ""),
    ("entrant?run=r1&architecture=dense&week=tomorrow", 400, "week"),
    ("entrant?run=r1&architecture=dense&of=nothing", 400, "of"),
    ("entrant?run=r1&architecture=dense&week=1901-01-01", 200, ""),
    ("entrant-file?run=r1&architecture=dense&name=../../run.json", 404, "has no file"),
    ("forecast?station=atlantis", 404, "atlantis"),
    ("forecast?station=demo&task=gone", 404, "gone"),
    ("forecast?days=0", 400, "days"),
    ("forecast?nonsense=1", 400, "nonsense"),
    ("champions?station=%00", 404, ""),
    ("compare?station=demo&first=a&second=b", 404, "has no version"),
    ("data?variable=gone", 404, "has no variable"),
    ("data?station=jena", 200, "Nothing is stored"),
    ("backtest?backtest=gone", 404, ""),
    ("tuning?tuning=gone", 404, ""),
    ("validation?key=champions/demo/champion.json", 404, "no page of Data Docs"),
    ("docs/champions/demo/champion.json", 404, "no page of Data Docs"),
    ("docs/observations/station=demo/validation/x.html", 404, "no page of Data Docs"),
    ("docs/runs/r1/../../champions/validation/x.html", 404, ""),
    ("docs/runs/gone/validation/hourly.html", 502, "no such object"),
    ("change?action=destroy&station=demo&task=main", 400, "action"),
    ("change?action=rollback&station=demo&task=main&version=gone", 200, ""),
    ("static/../app.py", 404, ""),
    ("static/app.py", 404, "no file"),
    ("nothing", 404, "no such page"),
]


@pytest.mark.parametrize(("path", "status", "told"), BAD, ids=[path[:40] for path, _, _ in BAD])
def test_bad_input_gets_a_page_that_says_what_is_wrong(pages: str, path: str, status: int, told: str):
    answer = get(pages, path)
    assert answer.status_code == status, answer.text
    assert told in answer.text
    assert "Traceback" not in answer.text
    assert "<script>alert" not in answer.text
    assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "up"), [("nothing", ""), ("nothing/", "../"), ("docs/runs/gone/validation/hourly.html", "../../../../")]
)
def test_a_page_that_is_not_there_looks_like_the_others_and_leads_to_them_however_deep_it_is_asked_for(
    pages: str, path: str, up: str
):
    told = get(pages, path).text
    for way in re.findall(r'(?:href|src)="([^"#]*(?:static/[a-z.]+|forecast))', told):
        assert way.startswith(up)
        assert requests.get(urljoin(f"{pages}/{path}", way), headers=ADMIN, timeout=30).status_code == 200, way
    assert f'href="{up}static/tsflow.css' in told


def test_a_form_that_the_browser_has_already_is_not_sent_empty(pages: str):
    first = get(pages, "change?action=pin&station=demo&task=main")
    again = get(pages, "change?action=pin&station=demo&task=main", {**ADMIN, "if-none-match": first.headers["etag"]})
    assert (again.status_code, bool(again.content)) in {(304, False), (200, True)}


def test_an_answer_is_tagged_and_lets_nothing_in_from_elsewhere(pages: str):
    first = get(pages, "board?run=r1")
    assert get(pages, "board?run=r1", {**ADMIN, "if-none-match": first.headers["etag"]}).status_code == 304
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert set(re.findall(r'(?:src|href|action)="(\w+:|//)', first.text)) <= {"data:"}
    docs = get(pages, "docs/runs/r1/validation/hourly.html")
    assert docs.status_code == 200
    assert "sandbox" in docs.headers["content-security-policy"]


def test_a_file_is_what_was_stored(pages: str):
    answer = get(pages, "entrant-file?run=r1&architecture=dense&name=model.onnx")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="dense-model.onnx"'


@pytest.fixture
def away() -> Iterator[str]:
    """Pages whose store does not answer."""

    def gone() -> Records:
        msg = "object store: not reachable; start it (`tsflow up`)"
        raise StorageUnavailable(msg)

    yield from served(Guards(person, changer, gone, gone, b""))


def test_a_store_that_is_away_is_said(away: str):
    answer = get(away, "forecast")
    assert answer.status_code == 503
    assert "start it" in answer.text


@pytest.fixture
def broken() -> Iterator[str]:
    def mistaken() -> Records:
        raise KeyError

    yield from served(Guards(person, changer, mistaken, mistaken, b""))


def test_a_mistake_of_ours_is_a_page_too(broken: str):
    answer = get(broken, "forecast")
    assert answer.status_code == 500
    assert "report it" in answer.text


@pytest.fixture
def two_stations(life: Records) -> None:
    for station in ("demo", "mast"):
        life.page(DATA_DOCS, b"<p>docs</p>", folder=f"ingests/hourly-{station}", name="observations.html")


def test_an_ingest_of_several_stations_lets_one_choose(pages: str, two_stations: None):
    answer = get(pages, "tab?dag_id=ingest_weather&run_id=hourly&task_id=ingest.validate&map_index=1")
    assert "validation?key=ingests%2Fhourly-mast%2Fvalidation%2Fobservations.html" in answer.text
    assert "validation?key=ingests%2Fhourly-demo%2Fvalidation%2Fobservations.html" in answer.text


TABS = [
    ("dag_id=retrain", "champions"),
    ("dag_id=ingest_weather", "data"),
    ("dag_id=retrain&run_id=r1", "board?run=r1"),
    ("dag_id=retrain&run_id=r1&task_id=train&map_index=0", "entrant?run=r1&architecture=conv1d&of=run"),
    ("dag_id=retrain&run_id=r1&task_id=build_dataset&map_index=-1", "validation?key=runs%2Fr1%2Fvalidation%2Fhourly.html"),
    ("dag_id=retrain&run_id=r1&task_id=publish&map_index=", "champions?station=demo&task=main"),
    ("dag_id=retrain&run_id=r1&task_id=forecast&map_index={MAP_INDEX}", "forecast?station=demo&task=main"),  # as Airflow leaves it
    ("dag_id=ingest_weather&run_id=refused&task_id=ingest.fetch", "data?station=demo"),
    ("dag_id=backtest&run_id=b1", "backtest?backtest=b1"),
    ("dag_id=tune&run_id=t1", "tuning?tuning=t1"),
    ("dag_id=forecast&run_id=any", "forecast"),
]


@pytest.mark.parametrize(("query", "page"), TABS)
def test_a_tab_of_airflow_leads_to_its_page(pages: str, query: str, page: str):
    answer = get(pages, f"tab?{query}")
    assert answer.status_code == 307
    place, _, said = answer.headers["location"].partition("?")
    assert (place, said.partition("&architecture")[0]) == (
        page.partition("?")[0],
        page.partition("?")[2].partition("&architecture")[0],
    )
    assert get(pages, answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("query", ["dag_id=retrain&run_id=not-yet", "dag_id=tune&run_id=gone", "dag_id=somebody_elses"])
def test_a_tab_without_a_page_says_why(pages: str, query: str):
    answer = get(pages, f"tab?{query}")
    assert answer.status_code == 200
    assert "Nothing to show" in answer.text or "Not one of tsflow" in answer.text
