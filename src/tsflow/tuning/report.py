"""What a tuning found: its trials as a table, and the best so far."""

from __future__ import annotations

import json

import pandas as pd

from tsflow.records.tuning import Trial, Tuning
from tsflow.tuning.finals import searched


def table(result: Tuning) -> pd.DataFrame:
    """Return one row a trial, best first, with a column for each key that was searched; lists as JSON."""
    rows = []
    for trial in result.trials:
        facts = trial.model_dump(exclude={"values", "curve", "daily"})
        used = {**result.own, **trial.values}
        rows.append({**facts, "epochs": len(trial.curve), "reached": trial.reached, **{k: _plain(v) for k, v in used.items()}})
    frame = pd.DataFrame(rows)
    mixed = [key for key in result.own if len({type(value) for value in frame[key]}) > 1]
    return frame.astype(dict.fromkeys(mixed, str))  # Parquet wants one type a column


def best_so_far(trials: list[Trial]) -> list[tuple[int, float]]:
    """Return (trial, least validation MAE up to it) for each complete trial of the search, in order of their numbers."""
    found: list[tuple[int, float]] = []
    for trial in sorted(searched(trials), key=lambda trial: trial.number):
        if trial.val_mae is not None:
            found.append((trial.number, min(trial.val_mae, found[-1][1]) if found else trial.val_mae))
    return found


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else value
