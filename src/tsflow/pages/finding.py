"""Which page a DAG, a run or a task of Airflow's belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tsflow.errors import SettingsError
from tsflow.records.backtest import Backtest, BacktestPlan
from tsflow.records.decision import Decision
from tsflow.records.files import DATA_DOCS, INGEST, QUARANTINE
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.names import run_key
from tsflow.records.retention import why_gone
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning, TuningPlan
from tsflow.settings import settings
from tsflow.steps import ensembles_of, plan_refit, singles_of

_OF_DAG = {
    "retrain": "champions",
    "replay": "boards",
    "daily": "champions",
    "forecast": "forecast",
    "monitor": "champions",
    "ingest_weather": "data",
    "backtest": "backtests",
    "tune": "tunings",
    "retention": "data",
}
_FOLDERS = {"dataset": "runs/", "batch": "ingests/", "summary": "backtests/", "result": "tunings/"}  # what is not there any more
_VALIDATED = ("ingests", "runs", "backtests", "tunings")  # the folders whose pages of Data Docs are shown


@dataclass(frozen=True)
class Found:
    """A page with its query; None: there is none yet, with the reason."""

    page: str | None
    query: dict[str, str] = field(default_factory=dict)
    title: str = ""
    text: str = ""
    links: dict[str, str] = field(default_factory=dict)  # to choose from, by what they are called


@dataclass(frozen=True)
class Tab:
    """What a tab of Airflow's is about."""

    dag_id: str
    run_id: str | None = None
    task_id: str | None = None
    map_index: int = -1


def page_of(records: Records, tab: Tab) -> Found:
    """Return the page of what a tab of Airflow's is about."""
    if tab.dag_id not in _OF_DAG:
        return Found(None, title="Not one of tsflow's DAGs", text=f"This tab shows what tsflow knows of: {', '.join(_OF_DAG)}.")
    of_run = _OF_RUN.get(tab.dag_id)
    if tab.run_id is None or of_run is None:
        return Found(_OF_DAG[tab.dag_id])
    return of_run(records, run_key(tab.run_id), tab)


def _of_run(records: Records, run: str, tab: Tab) -> Found:
    planned = records.find(Run, run=run)
    if planned is None:
        return _not_yet("dataset")
    if tab.task_id == "build_dataset":
        return Found("validation", {"key": planned.docs})
    entrant = _entrant_of(records, planned, tab)
    if entrant is not None:
        of = "refit" if tab.task_id == "refit" else "run"
        return Found("entrant", {"run": run, "architecture": entrant, "of": of})
    if tab.task_id in {"decide", "publish", "question", "approve"}:
        return Found("champions", {"station": planned.station, "task": planned.task})
    if tab.task_id == "forecast":
        return Found("forecast", {"station": planned.station, "task": planned.task})
    return Found("board", {"run": run})


def _entrant_of(records: Records, run: Run, tab: Tab) -> str | None:
    """Return the entrant of a mapped task, by the list that the DAG is mapped over."""
    mapped = {"train": singles_of, "combine": ensembles_of}.get(tab.task_id or "")
    names = mapped(run) if mapped else _refitted(records, run) if tab.task_id == "refit" else []
    return names[tab.map_index] if 0 <= tab.map_index < len(names) else None


def _refitted(records: Records, run: Run) -> list[str]:
    board = records.newest(Leaderboard, run=run.run)
    decision = records.find_referred(Decision, run=run.run, number=board.number) if board else None
    return plan_refit(records, settings(), decision[1]) if decision else []


def _of_ingest(records: Records, run: str, tab: Tab) -> Found:
    """Return the Data Docs of a run's batch; of several, one a station, a choice: a task's number does not say whose it is."""
    refused = records.objects.folders(f"{QUARANTINE.prefix(ingest=run).removesuffix('/')}-")
    stations = sorted({*records.objects.folders(f"{INGEST.key(ingest=run)}-"), *refused})
    pages = {station: _of_batch(records, f"{run}-{station}", station, tab) for station in stations}
    if not pages:
        return _not_yet("batch")
    if len(pages) == 1:
        return next(iter(pages.values()))
    links = {station: f"{found.page}?{urlencode(found.query)}" for station, found in pages.items()}
    return Found(None, title="Several stations", text="This run has brought in a batch of each of these stations.", links=links)


def _of_batch(records: Records, ingest: str, station: str, tab: Tab) -> Found:
    docs = records.objects.keys(f"{INGEST.key(ingest=ingest)}/validation/")
    if docs and (tab.task_id is None or tab.task_id.endswith("validate")):  # of a batch that was refused, too
        return Found("validation", {"key": docs[0]})
    return Found("data", {"station": station})


def _of_backtest(records: Records, backtest: str, tab: Tab) -> Found:
    plan = records.find(BacktestPlan, backtest=backtest)
    if plan is not None and tab.task_id == "build":
        return Found("validation", {"key": plan.docs})
    return Found("backtest", {"backtest": backtest}) if records.listed(Backtest, backtest=backtest) else _not_yet("summary")


def _of_tuning(records: Records, tuning: str, tab: Tab) -> Found:
    plan = records.find(TuningPlan, tuning=tuning)
    if plan is not None and tab.task_id == "start":
        return Found("validation", {"key": plan.docs})
    return Found("tuning", {"tuning": tuning}) if records.listed(Tuning, tuning=tuning) else _not_yet("result")


def _not_yet(what: str) -> Found:
    text = f"This run has left no {what}. While it runs, this page renews itself; if it is red, the log of its red task says why. "
    text += f"Of an old run it may have been removed: {why_gone(_FOLDERS[what])}."
    return Found(None, title="Nothing to show", text=text)


_OF_RUN: dict[str, Callable[[Records, str, Tab], Found]] = {
    "retrain": _of_run,
    "replay": _of_run,
    "ingest_weather": _of_ingest,
    "backtest": _of_backtest,
    "tune": _of_tuning,
}


def require_docs(key: str) -> None:
    """Raise `SettingsError` unless a key is one of Data Docs: nothing else of the store is shown as it lies there."""
    plain = ".." not in key.split("/") and key.partition("/")[0] in _VALIDATED and key.endswith(".html")
    if DATA_DOCS.values(key) is None or not plain:
        msg = f"{key[:120]!r} is no page of Data Docs; open them from the page Data or from a run's tab"
        raise SettingsError(msg)
