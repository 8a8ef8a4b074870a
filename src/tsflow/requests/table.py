"""The requests as the tables of docs/requests.md: `python -m tsflow.requests.table > docs/requests.md`."""

from tsflow.requests.knobs import Knob, knobs
from tsflow.requests.models import BacktestRequest, IngestRequest, Request, RetrainRequest, TuneRequest

FACES: dict[str, type[Request]] = {
    "ingest": IngestRequest,
    "run": RetrainRequest,
    "backtest": BacktestRequest,
    "tune": TuneRequest,
}
_DAGS = {"ingest": "ingest_weather", "run": "retrain"}
_HEAD = """# What can be asked

Made from the request models by `make docs`; the forms in the Airflow UI and the options of the command line are made
from the same fields. A field that stays empty takes its default. Defaults that a setting decides are named by it.
"""
_BY_SETTING = {
    "station": "`station`",
    "profile": "`schedule.profile`",
    "split": "`schedule.split`",
    "workers": "`training.pool_slots`",
}


def document() -> str:
    """Return the whole text."""
    return "\n".join([_HEAD, *(_section(command, request) for command, request in FACES.items())])


def _section(command: str, request: type[Request]) -> str:
    lines = [
        f"## `tsflow {command}`, DAG `{_DAGS.get(command, command)}`",
        "",
        "| option | field | default | takes | what it does |",
        "|---|---|---|---|---|",
        *(_line(knob) for knob in knobs(request)),
        "",
    ]
    return "\n".join(lines)


def _line(knob: Knob) -> str:
    option = knob.name.upper() if knob.name == "architecture" else knob.option
    return f"| `{option}` | `{knob.name}` | {_default(knob)} | {_takes(knob)} | {knob.sentence} |"


def _default(knob: Knob) -> str:
    if knob.required:
        return "required"
    if knob.default in (None, []):
        return "empty"
    return f"setting {_BY_SETTING[knob.name]}" if knob.name in _BY_SETTING else f"`{str(knob.default).lower()}`"


def _takes(knob: Knob) -> str:
    bounds = (("from", knob.minimum), ("above", knob.above), ("to", knob.maximum))
    limits = [f"{word} {limit:.10g}" for word, limit in bounds if limit is not None]
    named = {"station": "a station", "architecture": "a recipe", "architectures": "recipes, separated by commas"}
    kind = "date or time" if knob.kind == "date-time" else knob.kind
    return " ".join([named.get(knob.name) or " or ".join(knob.choices or [kind]), *limits])
