"""What a tuning found: its trials as a table and as a page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from tsflow.evaluation.page import plain, render
from tsflow.model import Strict
from tsflow.tuning.search import Trial

_WIDTH, _HEIGHT = 640, 180


class Tuning(Strict):
    """A tuning's result. Errors in the target's unit, on the validation part."""

    tuning: str
    architecture: str
    tuned: str  # the name of the recipe that was found
    station: str
    target: str
    unit: str
    as_of: str
    split: str
    profile: str
    seed: int
    fingerprint: str  # of the dataset, which holds no test part
    created_at: str
    minutes: float  # asked for
    spent_minutes: float
    naive: float  # MAE of 'in 24 h as now'
    before: float | None  # MAE of the recipe as it is; None: it failed, or has not ended
    after: float  # MAE of the best trial
    best: int
    importances: dict[str, float]
    recipe: str  # the file of the tuned recipe, as it is to be saved
    own: dict[str, Any]  # what the recipe itself says under the keys that were searched
    trials: list[Trial]  # best first

    @property
    def counts(self) -> str:
        """How many trials ended how, in words."""
        states = Counter(trial.state for trial in self.trials)
        return ", ".join(f"{states[state]} {state}" for state in ("complete", "pruned", "failed", "running") if states[state])

    def table(self) -> pd.DataFrame:
        """Return one row a trial, best first, with a column for each key that was searched; lists as JSON."""
        rows = []
        for trial in self.trials:
            facts = trial.model_dump(exclude={"values", "curve"})
            used = {**self.own, **trial.values}
            rows.append({**facts, "epochs": len(trial.curve), "reached": trial.reached, **{k: plain(v) for k, v in used.items()}})
        frame = pd.DataFrame(rows)
        mixed = [key for key in self.own if len({type(value) for value in frame[key]}) > 1]
        return frame.astype(dict.fromkeys(mixed, str))  # Parquet wants one type a column


def best_so_far(trials: list[Trial]) -> list[tuple[int, float]]:
    """Return (trial, least validation MAE up to it) for each complete trial, in order of their numbers."""
    found: list[tuple[int, float]] = []
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.val_mae is not None:
            found.append((trial.number, min(trial.val_mae, found[-1][1]) if found else trial.val_mae))
    return found


def drawing(trials: list[Trial]) -> dict[str, Any]:
    """Return the course of the search in one box: a dot a complete trial, and the best-so-far as a line of steps."""
    complete = [trial for trial in trials if trial.val_mae is not None]
    errors = sorted(trial.val_mae for trial in complete if trial.val_mae is not None)
    low, high = errors[0], errors[-1]
    across = _WIDTH / max(*(trial.number for trial in trials), 1)

    def place(number: int, error: float) -> tuple[float, float]:
        return round(number * across, 1), round(_HEIGHT - (error - low) / ((high - low) or 1) * _HEIGHT, 1)

    line: list[tuple[float, float]] = []
    for number, error in best_so_far(trials):
        x, y = place(number, error)
        line += [(x, line[-1][1]), (x, y)] if line else [(x, y)]
    line.append((_WIDTH, line[-1][1]))
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "low": low,
        "high": high,
        "line": " ".join(f"{x},{y}" for x, y in line),
        "dots": [(*place(trial.number, trial.val_mae), trial) for trial in complete if trial.val_mae is not None],
    }


def html(found: Tuning) -> bytes:
    """Return the page of a tuning."""
    return render("tuning", "tuning.html.j2", found=found, drawing=drawing(found.trials))
