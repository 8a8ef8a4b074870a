"""One request, three faces: form, command line and table say the same of every field, and refuse the same in the same words."""

from pathlib import Path

import click
import pytest

from conftest import REPOSITORY, result_of
from tsflow.cli.main import app
from tsflow.errors import SettingsError
from tsflow.folders import names_in
from tsflow.requests import BacktestRequest, IngestRequest, Request, RetrainRequest, TuneRequest
from tsflow.requests.knobs import Knob, knobs
from tsflow.requests.table import document

FACES: list[tuple[str, str, type[Request]]] = [
    ("ingest_weather", "ingest", IngestRequest),
    ("retrain", "run", RetrainRequest),
    ("backtest", "backtest", BacktestRequest),
    ("tune", "tune", TuneRequest),
]
FIELDS = [(dag, command, knob) for dag, command, request in FACES for knob in knobs(request)]
FORMS = f"""
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({str(REPOSITORY / "dags")!r}, bundle_name="dags-folder")
forms = {{id: {{name: dag.params.get_param(name).dump() for name in dag.params}} for id, dag in bag.dags.items()}}
print("RESULT" + json.dumps(forms))
"""


@pytest.fixture(scope="module")
def forms(airflow_environment: dict[str, str]) -> dict[str, dict[str, dict]]:
    """The forms as Airflow has them."""
    return result_of(FORMS, airflow_environment)


def option(command: str, knob: Knob) -> click.Parameter:
    return next(parameter for parameter in app.commands[command].params if parameter.name == knob.name)


@pytest.mark.parametrize(("dag", "command", "knob"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_a_field_is_the_same_on_every_face(forms: dict, dag: str, command: str, knob: Knob):
    field = forms[dag][knob.name]
    assert field["schema"]["title"] == knob.title
    assert field["description"] == knob.sentence
    assert field["value"] == knob.default
    limits = {"minimum": knob.minimum, "exclusiveMinimum": knob.above, "maximum": knob.maximum, "pattern": knob.pattern}
    assert {name: field["schema"].get(name) for name in limits} == limits
    assert ("null" in field["schema"]["type"]) != knob.required, "what may stay empty, or has a default, is not demanded"
    assert field["schema"].get("section") == knob.section
    choices = field["schema"].get("enum") or field["schema"].get("items", {}).get("enum")
    assert [choice for choice in choices or [] if choice is not None] == (knob.choices or [])

    parameter = option(command, knob)
    if knob.required:
        assert isinstance(parameter, click.Argument)
    else:
        assert isinstance(parameter, click.Option)
        assert parameter.opts == [knob.option]
        assert str(parameter.help).startswith(knob.sentence)
        assert f"`{knob.option}` | `{knob.name}`" in (REPOSITORY / "docs" / "requests.md").read_text()
    assert knob.sentence in (REPOSITORY / "docs" / "requests.md").read_text()


@pytest.mark.parametrize(("dag", "command", "request_"), FACES, ids=str)
def test_no_face_has_a_field_that_another_lacks(forms: dict, dag: str, command: str, request_: type[Request]):
    names = {knob.name for knob in knobs(request_)}
    assert set(forms[dag]) == names == set(request_.model_fields)
    how = {
        "here",
        "run_locally",
        "publish",
        "json_out",
        "assignments",
        "files",
        "source",
        "show_newest",
        "run_id",
        "resume",
        "output",
    }
    assert {parameter.name for parameter in app.commands[command].params} - how == names - {"source"}


@pytest.mark.parametrize(("dag", "command", "knob"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_a_sentence_stands_alone(dag: str, command: str, knob: Knob):
    assert knob.sentence.endswith(".")
    assert len(knob.sentence.split()) >= 6
    assert not knob.sentence.lower().startswith(("before", "of ", "those", "them", "it ", "at most"))
    assert (knob.default is None and not knob.required) == ("Empty:" in knob.sentence) or knob.kind == "list"


def test_the_table_in_the_docs_is_the_one_that_is_made():
    assert (REPOSITORY / "docs" / "requests.md").read_text() == document(), "run `make docs`"


WRONG = [
    (BacktestRequest, "folds", 0, "folds: 0 is less than the minimum of 1"),
    (TuneRequest, "minutes", 0, "minutes: 0 is less than or equal to the minimum of 0"),
    (TuneRequest, "workers", 65, "workers: 65 is greater than the maximum of 64"),
    (RetrainRequest, "seed", "many", "seed: 'many' is not of type 'integer'"),
    (RetrainRequest, "seed", -1, "seed: -1 is less than the minimum of 0"),
]


@pytest.mark.parametrize(("request_", "field", "value", "says"), WRONG)
def test_what_is_out_of_bounds_is_refused_in_the_same_words_by_form_and_by_request(
    request_: type[Request], field: str, value: object, says: str
):
    import jsonschema

    from tsflow.requests.form import form

    with pytest.raises(SettingsError, match=says):
        request_.of({"station": "demo", "architecture": "lstm", field: value} if request_ is TuneRequest else {field: value})
    _, schema = form(request_)[field]
    with pytest.raises(jsonschema.ValidationError) as caught:  # what Airflow asks of a form and of a conf
        jsonschema.validate(value, schema)
    assert caught.value.message.replace("'null', ", "") == says.partition(": ")[2]  # a form takes an empty field as well


def test_an_unknown_field_is_refused_and_an_empty_one_counts_as_not_given():
    with pytest.raises(SettingsError, match="RetrainRequest: colour: unknown key"):
        RetrainRequest.of({"colour": "red"})
    assert RetrainRequest.of({"as_of": None, "task": None}) == RetrainRequest()


def test_names_are_those_that_exist_when_the_form_is_made(home: Path):
    (home / "include" / "stations" / "roof.yaml").write_text("station: roof\n")
    (station,) = [knob for knob in knobs(RetrainRequest) if knob.name == "station"]
    assert station.choices == names_in("stations")
    assert "roof" in station.choices
