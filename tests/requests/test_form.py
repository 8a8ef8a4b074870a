"""The form that Airflow makes of a request: what it demands, what it offers, and what it says of an empty field."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from tsflow.errors import SettingsError
from tsflow.requests import BacktestRequest, ForecastRequest, IngestRequest, Request, RetrainRequest, TuneRequest
from tsflow.requests.form import form
from tsflow.settings import settings

REQUESTS = [BacktestRequest, ForecastRequest, IngestRequest, RetrainRequest, TuneRequest]


@pytest.mark.parametrize("request_", REQUESTS)
def test_only_what_has_no_default_is_demanded(request_: type[Request]):
    demanded = [name for name, (_, schema) in form(request_).items() if "null" not in schema["type"]]
    assert demanded == (["architecture"] if request_ is TuneRequest else [])


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_form_whose_fields_were_all_cleared_asks_for_the_defaults(request_: type[Request]):
    needed = {"architecture": "lstm"} if request_ is TuneRequest else {}
    assert request_.of({**dict.fromkeys(form(request_)), **needed}) == request_.of(needed)


def test_what_is_asked_first_stands_unfolded_and_what_belongs_together_under_one_heading():
    sections: dict[str | None, list[str]] = {}
    for name, (_, schema) in form(RetrainRequest).items():
        sections.setdefault(schema.get("section"), []).append(name)
    assert sections == {
        None: ["station", "task", "profile", "architectures"],
        "Which rows count": ["as_of", "start", "end", "late_rows"],
        "How it is trained": ["split", "seed", "rest"],
    }


@pytest.mark.parametrize("given", ["2026-06-30", "2026-06-30T12:00", "2026-06-30 12:00:30", "2026-06-30T12:00:00Z"])
def test_a_moment_is_text_that_no_browser_converts(given: str):
    _, schema = form(RetrainRequest)["as_of"]
    assert "format" not in schema, "the form's calendar would turn midnight in Berlin into the evening before"
    assert re.match(schema["pattern"], given)
    assert RetrainRequest.of({"as_of": given}).as_of is not None


@pytest.mark.parametrize("given", ["30.6.2026", "2026-06-30T12:00+02:00", "yesterday", "2026-6-30"])
def test_a_form_refuses_what_is_no_moment_by_the_stations_clock(given: str):
    _, schema = form(RetrainRequest)["as_of"]
    assert not re.match(schema["pattern"], given)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"as_of": "0001-01-01"}, "no station measured before 1750"),
        ({"as_of": "9999-12-31T23:00"}, "none will after 2999"),
        ({"start": "2026-01-01", "end": "2025-01-01"}, "is not before end 2025-01-01 00:00:00: no row lies between them"),
    ],
)
def test_moments_between_which_no_row_can_lie_are_refused(content: dict[str, str], says: str):
    with pytest.raises(SettingsError) as caught:
        RetrainRequest.of(content)
    assert says in str(caught.value)


def test_a_form_takes_what_the_command_line_sends():
    asked = RetrainRequest.of({"as_of": "2026-06-30T12:00", "end": "2026-06-29", "architectures": ["ridge"]})
    schemas = form(RetrainRequest)
    for name, value in asked.model_dump(mode="json").items():
        jsonschema.validate(value, schemas[name][1])


def test_a_choice_of_none_says_what_happens_then():
    _, station = form(IngestRequest)["station"]
    assert station["values_display"]["null"] == "(every station of the setting schedule.stations)"
    default, profile = form(RetrainRequest)["profile"]
    assert profile["values_display"]["null"] == f"(the default: {default})"
    assert profile["enum"][0] is None


def test_profiles_and_splits_are_shown_with_what_the_settings_make_of_them(home: Path):
    changed = {"profiles": {"smoke": {"history_days": 30, "max_epochs": 2}}, "splits": {"recent": {"test_days": 7}}}
    (home / "include" / "tsflow.yaml").write_text(yaml.safe_dump(changed))
    settings.cache_clear()
    shown = form(RetrainRequest)["profile"][1]["values_display"]
    assert shown["smoke"].startswith("smoke: 30 days, 2 epochs at most")
    assert shown["full"] == "full: the whole record, all epochs, all recipes"
    splits = form(RetrainRequest)["split"][1]["values_display"]
    assert splits["recent"] == "recent: the last 7 days test, the 180 before them validate"
    assert splits["book"] == "book: 50% train, 25% validate, 25% test"


def test_only_recipes_with_a_search_space_are_offered_to_be_tuned(home: Path):
    offered = form(TuneRequest)["architecture"][1]["enum"]
    assert "lstm" in offered
    assert "naive" not in offered
    naive = home / "include" / "architectures" / "naive.yaml"
    naive.write_text(naive.read_text() + "search: {}\n")
    assert "naive" in form(TuneRequest)["architecture"][1]["enum"]
