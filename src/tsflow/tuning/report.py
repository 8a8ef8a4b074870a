"""What a tuning found: its trials as a table and as a page that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tsflow.evaluation.page import fraction_from_top, plain, render
from tsflow.records.tuning import Trial, Tuning

_WIDTH, _HEIGHT = 640, 180


@dataclass(frozen=True)
class Drawing:
    """The course of a search in one box."""

    low: float
    high: float
    line: str  # of the least error so far, in steps, as SVG writes points
    dots: list[tuple[float, float, Trial]]
    width: int = _WIDTH
    height: int = _HEIGHT


def table(result: Tuning) -> pd.DataFrame:
    """Return one row a trial, best first, with a column for each key that was searched; lists as JSON."""
    rows = []
    for trial in result.trials:
        facts = trial.model_dump(exclude={"values", "curve"})
        used = {**result.own, **trial.values}
        rows.append({**facts, "epochs": len(trial.curve), "reached": trial.reached, **{k: plain(v) for k, v in used.items()}})
    frame = pd.DataFrame(rows)
    mixed = [key for key in result.own if len({type(value) for value in frame[key]}) > 1]
    return frame.astype(dict.fromkeys(mixed, str))  # Parquet wants one type a column


def best_so_far(trials: list[Trial]) -> list[tuple[int, float]]:
    """Return (trial, least validation MAE up to it) for each complete trial, in order of their numbers."""
    found: list[tuple[int, float]] = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.val_mae is not None:
            found.append((trial.number, min(trial.val_mae, found[-1][1]) if found else trial.val_mae))
    return found


def drawing(trials: list[Trial]) -> Drawing:
    """Return the course of the search in one box: a dot a complete trial, and the best-so-far as a line of steps."""
    complete = [trial for trial in trials if trial.val_mae is not None]
    errors = sorted(trial.val_mae for trial in complete if trial.val_mae is not None)
    low, high = errors[0], errors[-1]
    across = _WIDTH / max(*(trial.number for trial in trials), 1)

    def place(number: int, error: float) -> tuple[float, float]:
        return round(number * across, 1), round(_HEIGHT * fraction_from_top(error, low, high), 1)

    line: list[tuple[float, float]] = []
    for number, error in best_so_far(trials):
        x, y = place(number, error)
        line += [(x, line[-1][1]), (x, y)] if line else [(x, y)]
    line.append((_WIDTH, line[-1][1]))
    dots = [(*place(trial.number, trial.val_mae), trial) for trial in complete if trial.val_mae is not None]
    return Drawing(low, high, " ".join(f"{x},{y}" for x, y in line), dots)


def html(found: Tuning) -> bytes:
    """Return the page of a tuning."""
    return render("tuning", "tuning.html.j2", found=found, drawing=drawing(found.trials))
