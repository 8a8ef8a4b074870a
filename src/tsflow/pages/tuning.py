"""The page *Tunings*: what a search tried, and what it found."""

from dataclasses import dataclass

from tsflow.pages.figures import Figure, axis, plain
from tsflow.records.index import Listed
from tsflow.records.store import Records
from tsflow.records.tuning import Trial, Tuning, Values
from tsflow.tuning.finals import searched
from tsflow.tuning.reading import TUNINGS, newest_result
from tsflow.tuning.report import best_so_far


@dataclass(frozen=True)
class TuningView:
    """A result, its drawings, and the newest tunings beside it."""

    found: Tuning
    figures: list[Figure]
    others: list[Listed]

    def values_of(self, number: int) -> Values:
        """Return what a trial changed of the recipe."""
        return next((trial.values for trial in self.found.trials if trial.number == number), {})

    @property
    def changed(self) -> dict[str, tuple[object, object]]:
        """What the best trial has otherwise than the recipe: before and after, by key."""
        values = self.values_of(self.found.best)
        return {key: (self.found.own.get(key), value) for key, value in values.items() if value != self.found.own.get(key)}


def tuning_view(records: Records, tuning: str, *, most: int) -> TuningView:
    """Read a tuning's newest result; `SettingsError` if there is none. `most`: others in the choice."""
    found = newest_result(records, tuning)
    return TuningView(found, tuning_figures(found), TUNINGS.newest(records, found.station, found.task, most=most))


def tuning_figures(found: Tuning) -> list[Figure]:
    """Draw the course of the search, and how much each key mattered."""
    return [_course(found), *([_mattered(found)] if found.importances else [])]


def _course(found: Tuning) -> Figure:
    trials = searched(found.trials)
    complete = sorted((trial for trial in trials if trial.val_mae is not None), key=lambda trial: trial.number)
    steps = best_so_far(trials)
    return Figure(
        "course",
        "The course of the search",
        f"Validation MAE in {found.unit} of {len(complete)} complete trials, and the least so far; naive has {found.naive:.3f}.",
        [
            {
                "type": "scatter",
                "mode": "markers",
                "name": "a trial",
                "x": [trial.number for trial in complete],
                "y": plain([trial.val_mae for trial in complete]),
                "text": [_said(trial) for trial in complete],
                "marker": {"color": "--accent", "size": 8},
                "hovertemplate": "trial %{x}: %{y:.4f}<br>%{text}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "best so far",
                "x": [number for number, _ in steps],
                "y": plain([error for _, error in steps]),
                "line": {"color": "--good", "shape": "hv", "width": 2},
                "hoverinfo": "skip",
            },
        ],
        {"xaxis": axis("trial", dtick=max(1, len(trials) // 10)), "yaxis": axis(f"validation MAE ({found.unit})")},
    )


def _mattered(found: Tuning) -> Figure:
    keys = sorted(found.importances, key=lambda key: found.importances[key])
    return Figure(
        "importances",
        "How much each key mattered",
        f"Share of the differences between trials that a key explains; most: {keys[-1]}.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": [round(100 * found.importances[key], 1) for key in keys],
                "y": keys,
                "marker": {"color": "--accent"},
                "hovertemplate": "%{y}: %{x} %<extra></extra>",
            }
        ],
        {"xaxis": axis("percent"), "yaxis": {"automargin": True}, "showlegend": False},
        height=120 + 26 * len(keys),
    )


def _said(trial: Trial) -> str:
    return "<br>".join(f"{key}: {value}" for key, value in trial.values.items())
