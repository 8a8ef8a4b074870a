"""What a run came to, in one sentence each: what Airflow's UI shows as the note of the run. Pure functions over records."""

from tsflow.names import MAIN
from tsflow.records.backtest import Backtest
from tsflow.records.decision import Decision
from tsflow.records.forecast import LatestForecast, Report
from tsflow.records.ingest import Ingested
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.retention import Collection
from tsflow.records.tuning import Tuning


def ingested(done: Ingested) -> str:
    """Return how many rows came into the store."""
    if not done.changed_something:
        return f"{done.station}: nothing new came in."
    changed = f", {_counted(done.changed_rows, 'changed row')}" if done.changed_rows else ""
    until = f", up to {done.last:%Y-%m-%d %H:%M} by the station's clock" if done.last else ""
    return f"{done.station}: {_counted(done.new_rows, 'new row')}{changed}{until}."


def refused(station: str, reason: Exception) -> str:
    """Return why a batch lies in quarantine; the first line of a reason says the whole, those below it the parts."""
    first = (str(reason).splitlines() or [type(reason).__name__])[0].rstrip(".")
    return f"{station}: nothing was stored, the batch lies in quarantine: {first}."


def ranked(board: Leaderboard) -> str:
    """Return who leads a board, and who has no result."""
    best = board.entrant(board.challenger)
    without = [entrant.architecture for entrant in board.entrants if entrant.status in {"failed", "skipped"}]
    lacking = f"; no result: {', '.join(without)}" if without else ""
    error = _error(best.val_mae, board.unit, board.naive.get("validation"))
    return f"{_place(board.station, board.task)}: as of {board.as_of:%Y-%m-%d}, {board.challenger} leads at {error}{lacking}."


def published(board: Leaderboard, decided: Decision, outcome: str, reason: str) -> str:
    """Return who leads a board, and what became of the model that went out: promoted, refreshed, or refused for a reason."""
    leads = ranked(board).rstrip(".")
    if outcome == "refused":
        return f"{leads}; refused: {reason.rstrip('.')}."
    reigning = decided.reigning.entrant if decided.reigning else None
    if decided.verdict == "first":
        return f"{leads}; {decided.outgoing} is the first champion."
    if decided.verdict == "change":
        who = "it" if decided.outgoing == board.challenger else decided.outgoing
        return f"{leads}; {who} takes the place of the champion {reigning}."
    doubt = "" if decided.outgoing == board.challenger else f"not clearly better than the champion {decided.outgoing}, "
    return f"{leads}, {doubt}{'which' if doubt else 'and'} stays, fitted anew."


def forecast(latest: LatestForecast) -> str:
    """Return what is forecast, or why nothing is."""
    place, made = _place(latest.station, latest.task), latest.forecast
    if latest.status == "none" or made is None:
        return f"{place}: no forecast, {latest.problem}: {latest.reason.rstrip('.')}."
    widest = max(made.intervals, key=lambda interval: interval.level, default=None)
    bounds = f" ({100 * widest.level:g} %: {widest.low:.1f} to {widest.high:.1f})" if widest else ""
    said = f"{made.target} at {made.target_time:%Y-%m-%d %H:%M} will be {made.value:.1f} {made.unit}{bounds}"
    return f"{place}: {said}, says {made.architecture}; as now would be {made.naive:.1f}."


def monitored(report: Report) -> str:
    """Return how the forecasts did, and what somebody should look at."""
    place = _place(report.station, report.task)
    if report.mae is None or report.naive_mae is None:
        said = "no forecast was scored yet"
    else:
        days = _counted(report.days, "day")
        said = f"over {days} the forecasts' error is {report.mae:.2f}, that of naive {report.naive_mae:.2f}"
    alerts = "; ".join(alert.text.rstrip(".") for alert in report.alerts)
    return f"{place}: {said}; {_counted(len(report.alerts), 'alert')}{f': {alerts}' if alerts else ''}."


def backtested(summary: Backtest) -> str:
    """Return who leads a backtest."""
    place, folds = _place(summary.station, summary.task), _counted(len(summary.folds), "fold")
    best = summary.entrant(summary.leader) if summary.leader else None
    if best is None or best.errors is None:
        return f"{place}: of {folds} no architecture has a result in each."
    return f"{place}: {best.architecture} leads over {folds} at {_error(best.errors.mae, summary.unit, summary.naive.mae)}."


def tuned(tuning: Tuning) -> str:
    """Return what a search found."""
    before = "the recipe as it is failed" if tuning.before is None else f"the recipe as it is by {tuning.before:.2f}"
    searched = sum(trial.repeats is None for trial in tuning.trials)
    error = f"the best of {_counted(searched, 'trial')} errs by {_error(tuning.after, tuning.unit, tuning.naive)}"
    sure = f" {tuning.gain.told(tuning.unit)}" if tuning.finalists else ""
    return f"{_place(tuning.station, tuning.task)}: {tuning.architecture}, {error}; {before}.{sure}"


def collected(found: Collection, freed: int | None) -> str:
    """Return how much went, and what the disk got back, in bytes."""
    if not found.removed:
        return f"{found.notes[0].rstrip('.')}." if found.notes else "Nothing was removed."
    kinds = ", ".join(f"{kind.kind} {kind.objects:,}" for kind in found.kinds if kind.objects)
    disk = "" if freed is None else f"; the disk got {freed / 1e6:,.1f} MB back"
    stay = f"{_counted(found.stay_objects, 'object')} of {found.stay_size / 1e6:,.1f} MB stay"
    doubts = f"; {_counted(len(found.notes), 'note')}: {found.notes[0].rstrip('.')}" if found.notes else ""
    if not kinds:
        return f"Nothing was due; {stay}{doubts}."
    return f"{_counted(found.objects, 'object')} of {found.size / 1e6:,.1f} MB went ({kinds}){disk}; {stay}{doubts}."


def _place(station: str, task: str) -> str:
    return station if task == MAIN else f"{station} {task}"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _error(error: float | None, unit: str, naive: float | None) -> str:
    compared = "" if naive is None else f" (naive {naive:.2f})"
    return f"{'an unknown error' if error is None else f'{error:.2f} {unit}'}{compared}"
