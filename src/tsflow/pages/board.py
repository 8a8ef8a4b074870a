"""The page *Leaderboard*: a run's entrants, best first, or how far they are while they train."""

from dataclasses import dataclass
from typing import Literal

from tsflow.errors import SettingsError
from tsflow.evaluation.boards import BOARDS
from tsflow.pages.calibration import reliability_figure
from tsflow.pages.figures import Figure, Layout, Trace, axis, line, plain
from tsflow.records.candidate import Failure, StoredCandidate, StoredEpoch
from tsflow.records.decision import Decision
from tsflow.records.files import RUN
from tsflow.records.index import Listed
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.retention import why_gone
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.template import Value

RUNS_SHOWN = 40
_COLOURS = [f"--s{number}" for number in range(1, 9)]


@dataclass(frozen=True)
class BoardView:
    """A leaderboard, the gate's decision about it, its drawings, and the newest runs beside it."""

    board: Leaderboard
    decision: Decision | None
    docs: str | None  # the key of the Data Docs of its hours
    figures: list[Figure]
    runs: list[Listed]
    judged_on: Literal["test", "validation"]

    @property
    def learnt_less(self) -> str:
        """Who learnt a part of the training windows, and which; empty where nobody did."""
        of: dict[str, list[str]] = {}
        for entrant in self.board.entrants:
            if entrant.learnt and entrant.learnt.windows < self.board.parts.train.windows:
                told = f"the {entrant.learnt.windows:,} windows from {entrant.learnt.first:%Y-%m-%d} on"
                of.setdefault(told, []).append(entrant.architecture)
        return "; ".join(f"{told}: {', '.join(names)}" for told, names in of.items())


@dataclass(frozen=True)
class Progress:
    """How far one entrant is."""

    architecture: str
    status: Literal["trained", "failed", "skipped", "training", "waiting"]
    epochs: int = 0
    reason: str = ""


@dataclass(frozen=True)
class RunView:
    """A run that has no leaderboard yet."""

    run: Run
    progress: list[Progress]

    @property
    def done(self) -> int:
        """How many entrants have come to an end."""
        return sum(each.status in {"trained", "failed", "skipped"} for each in self.progress)


def board_view(records: Records, run: str) -> BoardView | RunView:
    """Return a run's newest leaderboard, or how far it is; `SettingsError` if there is no such run."""
    planned = records.find(Run, run=run)
    board = records.newest(Leaderboard, run=run)
    if board is None:
        if planned is None:
            msg = (
                f"there is no run {run!r}, or it has not got as far as its dataset; choose one on the page Leaderboard. "
                f"It may have been removed: {why_gone('runs/')}"
            )
            raise SettingsError(msg)
        return RunView(planned, _progress(records, planned))
    judged_on: Literal["test", "validation"] = "test" if board.parts.test.windows else "validation"
    return BoardView(
        board=board,
        decision=records.find(Decision, run=run, number=board.number),
        docs=planned.docs if planned else None,
        figures=[figure for figure in _figures(board, judged_on) if figure],
        runs=BOARDS.newest(records, board.station, board.task, most=RUNS_SHOWN),
        judged_on=judged_on,
    )


def _figures(board: Leaderboard, judged_on: Literal["test", "validation"]) -> list[Figure | None]:
    best = {entrant.architecture: entrant.pit for entrant in board.entrants if entrant.pit}
    calibration = reliability_figure(dict(list(best.items())[: len(_COLOURS)]), _COLOURS)
    return [errors_figure(board, judged_on), calibration, curves_figure(board), leads_figure(board)]


def _progress(records: Records, run: Run) -> list[Progress]:
    """Say of each entrant how it stands, from the keys that are there; only the reasons of failures are read."""
    folder = RUN.key(run=run.run)
    trained = {str(place["architecture"]) for place in records.listed(StoredCandidate, folder=folder)}
    failed = {str(place["architecture"]): place for place in records.listed(Failure, folder=folder)}
    epochs: dict[str, int] = {}
    for place in records.listed(StoredEpoch, folder=folder):
        epochs[str(place["architecture"])] = max(epochs.get(str(place["architecture"]), 0), int(place["epoch"]))
    return [_of_entrant(records, name, trained, failed, epochs.get(name, 0)) for name in run.entrants]


def _of_entrant(records: Records, name: str, trained: set[str], failed: dict[str, dict[str, Value]], epochs: int) -> Progress:
    if name in trained:
        return Progress(name, "trained")
    if name in failed:
        failure = records.read(Failure, **failed[name])
        return Progress(name, failure.status, epochs, failure.reason)
    return Progress(name, "training" if epochs else "waiting", epochs)


def _error(entrant: Entrant, judged_on: str) -> float | None:
    return entrant.test_mae if judged_on == "test" else entrant.val_mae


def errors_figure(board: Leaderboard, judged_on: Literal["test", "validation"]) -> Figure | None:
    """Draw the error of each entrant with its interval, best at the top, and naive as a line."""
    shown = [entrant for entrant in reversed(board.entrants) if _error(entrant, judged_on) is not None]
    if not shown:
        return None
    naive = board.naive.get(judged_on)
    beaten = sum(naive is not None and (_error(entrant, judged_on) or 0.0) < naive for entrant in shown)
    said = "unknown error" if naive is None else f"{naive:.3f}"
    ranked_by = [_points(board, shown)] if judged_on == "test" else []
    return Figure(
        "errors",
        f"Error of each entrant on the {judged_on} part",
        f"Mean absolute error in {board.unit}, best at the top; {beaten} of {len(shown)} are below naive's {said}. "
        f"The table below has the same figures.",
        [_judged(board, shown, judged_on), *ranked_by],
        {
            "xaxis": axis(f"MAE ({board.unit})"),
            "yaxis": {"automargin": True},
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
            "margin": {"t": 24, "r": 12, "b": 88},
            **({} if naive is None else _rule(naive)),
        },
        height=160 + 24 * len(shown),
    )


def _judged(board: Leaderboard, shown: list[Entrant], judged_on: str) -> Trace:
    """Return a point an entrant, with its interval."""
    values = [_error(entrant, judged_on) or 0.0 for entrant in shown]
    pairs = list(zip(shown, values, strict=True))
    return {
        "type": "scatter",
        "mode": "markers",
        "orientation": "h",
        "x": plain(values),
        "y": [entrant.architecture for entrant in shown],
        "name": f"{judged_on}, with its 95 % interval",
        "marker": {"color": ["--good" if each.architecture == board.challenger else "--accent" for each in shown], "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": plain([(entrant.mae_high or value) - value for entrant, value in pairs]),
            "arrayminus": plain([value - (entrant.mae_low or value) for entrant, value in pairs]),
            "color": "--quiet",
            "thickness": 1.5,
        },
        "hovertemplate": f"%{{y}}: %{{x:.3f}} {board.unit}<extra></extra>",
    }


def _points(board: Leaderboard, shown: list[Entrant]) -> Trace:
    """Return the error by which they are ranked."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": plain([entrant.val_mae for entrant in shown]),
        "y": [entrant.architecture for entrant in shown],
        "name": "validation, which ranks them",
        "marker": {"color": "--quiet", "symbol": "diamond-open", "size": 8},
        "hovertemplate": f"%{{y}}: %{{x:.3f}} {board.unit} on validation<extra></extra>",
    }


def _rule(naive: float) -> Layout:
    """Return naive's error as a line across the drawing, with its name."""
    across = {"yref": "paper", "y0": 0, "y1": 1, "line": {"color": "--bad", "dash": "dash"}}
    name = {"yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False, "font": {"color": "--bad"}}
    return {
        "shapes": [{"type": "line", "x0": naive, "x1": naive, **across}],
        "annotations": [{"x": naive, "text": "naive", **name}],
    }


def curves_figure(board: Leaderboard) -> Figure | None:
    """Draw validation MAE by epoch of all that have epochs; each can be hidden by its name."""
    shown = [entrant for entrant in board.entrants if any(epoch.val_mae is not None for epoch in entrant.curve)]
    if not shown:
        return None
    traces = [
        line(
            [epoch.epoch for epoch in entrant.curve],
            [epoch.val_mae for epoch in entrant.curve],
            entrant.architecture,
            _COLOURS[place % len(_COLOURS)],
            hovertemplate=f"{entrant.architecture}, epoch %{{x}}: %{{y:.3f}} {board.unit}<extra></extra>",
        )
        for place, entrant in enumerate(shown)
    ]
    return Figure(
        "curves",
        "Learning curves: validation error by epoch",
        f"One line for each of {len(shown)} networks, in {board.unit}; a click on a name hides its line.",
        traces,
        {
            "xaxis": axis("epoch", dtick=max(1, max(len(entrant.curve) for entrant in shown) // 10)),
            "yaxis": axis(f"validation MAE ({board.unit})"),
        },
        height=380,
    )


def leads_figure(board: Leaderboard) -> Figure | None:
    """Draw the error by hours ahead, of the entrants that forecast the way to the horizon too."""
    shown = [entrant for entrant in board.entrants if entrant.lead_errors]
    if not shown:
        return None
    on_test = board.parts.test.windows > 0
    traces = []
    for place, entrant in enumerate(shown):
        hours = [each.hours for each in entrant.lead_errors]
        errors = [each.test if on_test else each.validation for each in entrant.lead_errors]
        traces.append(line(hours, errors, entrant.architecture, _COLOURS[place % len(_COLOURS)]))
    most = max(shown, key=lambda entrant: len(entrant.lead_errors)).lead_errors
    naive = [each.naive_test if on_test else each.naive_validation for each in most]
    traces.append({**line([each.hours for each in most], naive, "naive", "--naive"), "line": {"color": "--naive", "dash": "dash"}})
    return Figure(
        "leads",
        "Error by hours ahead",
        f"MAE in {board.unit} of {', '.join(entrant.architecture for entrant in shown)} and of naive, by lead time; only that of "
        f"{board.horizon_hours} hours is ranked.",
        traces,
        {"xaxis": axis("hours ahead"), "yaxis": axis(f"MAE ({board.unit})", rangemode="tozero")},
    )
