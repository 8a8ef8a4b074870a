"""One entrant of a run: how it learnt, what it forecast, where it errs, what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml

from tsflow.backtesting.grouped import SEASONS, mae_by, seasons
from tsflow.bundle.intervals import hour_of_day
from tsflow.errors import SettingsError
from tsflow.pages.calibration import pit_figure, reliability_figure
from tsflow.pages.figures import Figure, Layout, axis, line, plain
from tsflow.records.candidate import Epoch, Failure, StoredCandidate, StoredEpoch
from tsflow.records.dataset import StoredDataset
from tsflow.records.files import REFITS, RUN
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectMissing
from tsflow.training.storing import stored_forecasts

Of = Literal["run", "refit"]
_BINS = 60


@dataclass(frozen=True)
class EntrantView:
    """What there is of an entrant; a training that goes on has its epochs so far alone."""

    run: Run
    architecture: str
    of: Of
    unit: str
    target: str
    candidate: StoredCandidate | None
    line: Entrant | None  # of the board, where there is one
    failure: Failure | None
    epochs: list[Epoch]
    settings: str  # as YAML
    figures: list[Figure]
    first: datetime | None = None  # of the weeks that can be shown
    last: datetime | None = None
    week: datetime | None = None
    removed: str = ""  # why its forecasts are not there any more

    @property
    def under_way(self) -> bool:
        """Whether it may still get further."""
        return self.candidate is None and self.failure is None


def entrant_view(records: Records, run: str, architecture: str, week: datetime | None, of: Of = "run") -> EntrantView:
    """Read what there is of an entrant.

    Parameters
    ----------
    week
        From when on the forecasts are drawn; None: the last week that was judged.
    of
        Of the run itself, or of the fit on everything that goes out.

    Raises
    ------
    SettingsError
        If there is no such run, or it has no such entrant.
    """
    planned = records.read(Run, run=run)
    if architecture not in planned.entrants:
        msg = f"run {run} has no entrant {architecture[:80]!r}; it has: {', '.join(planned.entrants)}"
        raise SettingsError(msg)
    folder = (RUN if of == "run" else REFITS).key(run=run)
    candidate = records.find(StoredCandidate, folder=folder, architecture=architecture)
    board = records.newest(Leaderboard, run=run)
    dataset = records.find(StoredDataset, fingerprint=planned.fingerprint)
    target = dataset.target if dataset else "target"
    unit = dict(dataset.units).get(target, "") if dataset else ""
    epochs = candidate.curve if candidate else _epochs(records, folder, architecture)
    view = EntrantView(
        run=planned,
        architecture=architecture,
        of=of,
        unit=unit,
        target=target,
        candidate=candidate,
        line=board.entrant(architecture) if board and of == "run" else None,
        failure=None if candidate else records.newest(Failure, folder=folder, architecture=architecture),
        epochs=epochs,
        settings=yaml.safe_dump(planned.recipes.get(architecture, {}), sort_keys=False, allow_unicode=True),
        figures=[figure for figure in [curve_figure(epochs, unit)] if figure],
    )
    if candidate is None:
        return view
    try:
        forecasts = stored_forecasts(records, candidate)
    except ObjectMissing as gone:
        return replace(view, removed=str(gone))
    return _with_forecasts(view, forecasts, candidate, week)


def _epochs(records: Records, folder: str, architecture: str) -> list[Epoch]:
    """Return the epochs of the newest training, of its first seed."""
    there = records.listed(StoredEpoch, folder=folder, architecture=architecture)
    first = [place for place in there if "/seed-" not in str(place["training"])]
    newest = [place for place in first if place["training"] == first[-1]["training"]]
    return [records.read(StoredEpoch, **place) for place in newest]


def _with_forecasts(view: EntrantView, forecasts: pd.DataFrame, candidate: StoredCandidate, week: datetime | None) -> EntrantView:
    judged = forecasts[forecasts["part"] != "train"].sort_values("target_time")
    if judged.empty:
        return view
    first, last = (judged["target_time"].iloc[place].to_pydatetime() for place in (0, -1))
    begin = min(max(week or last - timedelta(days=7), first), last).replace(hour=0, minute=0, second=0)
    last_part = judged["part"].iloc[-1]
    figures = [
        *view.figures,
        week_figure(judged, begin, view),
        *grouped_figures(judged[judged["part"] == last_part], str(last_part), view),
        *_calibration(view),
        *([memory_figure(candidate.memory)] if candidate.memory else []),
    ]
    return replace(view, figures=figures, first=first, last=last, week=begin)


def _calibration(view: EntrantView) -> list[Figure]:
    shares = view.line.pit if view.line else []
    return [figure for figure in (pit_figure(shares), reliability_figure({view.architecture: shares}, ["--accent"])) if figure]


def curve_figure(epochs: list[Epoch], unit: str) -> Figure | None:
    """Draw training and validation error by epoch."""
    if not epochs:
        return None
    numbers = [epoch.epoch for epoch in epochs]
    traces = [line(numbers, [epoch.mae for epoch in epochs], "training", "--naive", mode="lines+markers")]
    if any(epoch.val_mae is not None for epoch in epochs):
        traces.append(line(numbers, [epoch.val_mae for epoch in epochs], "validation", "--accent", mode="lines+markers"))
    last = epochs[-1]
    said = f", validation {last.val_mae:.3f}" if last.val_mae is not None else ""
    return Figure(
        "curve",
        "Learning curve",
        f"MAE in {unit} by epoch; after epoch {last.epoch} of at most {last.of}: training {last.mae:.3f}{said}.",
        traces,
        {
            "xaxis": axis("epoch", range=[0.5, max(last.of, last.epoch) + 0.5], dtick=max(1, last.of // 10)),
            "yaxis": axis(f"MAE ({unit})"),
        },
    )


def week_figure(judged: pd.DataFrame, begin: datetime, view: EntrantView) -> Figure:
    """Draw forecast against truth of one week."""
    inside = judged[(judged["target_time"] >= begin) & (judged["target_time"] < begin + timedelta(days=7))]
    times = list(inside["target_time"])
    return Figure(
        "week",
        f"Forecast and truth, the week from {begin:%Y-%m-%d}",
        f"{view.target} in {view.unit} by the time that was forecast, {len(inside)} hours.",
        [line(times, list(inside["truth"]), "observed", "--ink"), line(times, list(inside["forecast"]), "forecast", "--accent")],
        {"xaxis": axis("time by the station's clock"), "yaxis": axis(f"{view.target} ({view.unit})"), "hovermode": "x unified"},
    )


def grouped_figures(rows: pd.DataFrame, part: str, view: EntrantView) -> list[Figure]:
    """Draw the errors by hour of the day, by season and by lead, and the residuals."""
    truth, forecast = (rows[name].to_numpy(dtype=np.float64) for name in ("truth", "forecast"))
    times, residual = rows["target_time"].to_numpy(), forecast - truth
    by_hour, by_season = mae_by(np.abs(residual), hour_of_day(times)), mae_by(np.abs(residual), seasons(times))
    unit, there = view.unit, [season for season in SEASONS if season in by_season]
    counts, edges = np.histogram(residual, bins=_BINS)
    said = f"MAE on {part}, in {unit}"
    figures = [
        bars("hours", "Error by hour of the day", said, by_hour, axis("hour of the target")),
        bars(
            "seasons",
            "Error by season; DJF is December to February",
            said,
            {each: by_season[each] for each in there},
            axis("season"),
        ),
        Figure(
            "residuals",
            f"Residuals on {part}",
            f"Forecast less truth, in {unit}: mean {residual.mean():+.3f}, half of them between {np.quantile(residual, 0.25):+.2f} "
            f"and {np.quantile(residual, 0.75):+.2f}.",
            [
                {
                    "type": "bar",
                    "x": plain((edges[:-1] + edges[1:]) / 2),
                    "y": plain(counts),
                    "marker": {"color": "--accent"},
                    "name": "",
                }
            ],
            {"xaxis": axis(f"forecast less truth ({unit})"), "yaxis": axis("forecasts"), "bargap": 0.05, "showlegend": False},
        ),
    ]
    leads = view.line.lead_errors if view.line else []
    if leads:
        errors = [(each.test if part == "test" else each.validation) for each in leads]
        naive = [(each.naive_test if part == "test" else each.naive_validation) for each in leads]
        hours = [each.hours for each in leads]
        traces = [line(hours, errors, view.architecture, "--accent"), line(hours, naive, "naive", "--naive")]
        title = {"xaxis": axis("hours ahead"), "yaxis": axis(f"MAE ({unit})", rangemode="tozero")}
        figures.append(Figure("lead", "Error by hours ahead", f"MAE on {part}, in {unit}.", traces, title))
    return figures


def bars(name: str, title: str, words: str, values: Mapping[Any, float], groups: Layout) -> Figure:
    """Draw a bar a group; `groups` is their axis."""
    worst = max(values, key=lambda group: values[group])
    return Figure(
        name,
        title,
        f"{words}; the largest is {values[worst]:.3f} at {worst}.",
        [{"type": "bar", "x": plain(values), "y": plain(values.values()), "marker": {"color": "--accent"}, "name": ""}],
        {"xaxis": groups, "yaxis": axis("MAE"), "showlegend": False},
    )


def memory_figure(memory: list[float]) -> Figure:
    """Draw how much each hour of the context moves the forecast."""
    hours = list(range(len(memory)))
    return Figure(
        "memory",
        "Memory: how much each past hour moves the forecast",
        "Mean absolute gradient of the forecast by hours before the origin, on a logarithmic scale; right is now.",
        [line([-hour for hour in hours], [value or None for value in memory], "gradient", "--accent")],
        {"xaxis": axis("hours before the origin"), "yaxis": axis("gradient", type="log"), "showlegend": False},
    )


def file_of(records: Records, run: str, architecture: str, name: str, of: Of = "run") -> bytes:
    """Return one of an entrant's files; `SettingsError` if it has none of that name, `IntegrityError` if it was changed."""
    candidate = records.read(StoredCandidate, folder=(RUN if of == "run" else REFITS).key(run=run), architecture=architecture)
    if name not in candidate.files:
        msg = f"{architecture} of run {run} has no file {name[:80]!r}; it has: {', '.join(candidate.files)}"
        raise SettingsError(msg)
    return records.opened(candidate.files[name])
