"""The page *Backtests*: how each entrant would have done at several ends of the record."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tsflow.backtesting.grouped import SEASONS
from tsflow.backtesting.reading import BACKTESTS, summary_of
from tsflow.pages.figures import Figure, Trace, axis, line
from tsflow.records.backtest import Backtest, BacktestEntrant, BacktestPlan
from tsflow.records.dataset import PARTS
from tsflow.records.index import Listed
from tsflow.records.store import Records

_COLOURS = {"train": "--soft", "validation": "--warn", "test": "--accent"}


@dataclass(frozen=True)
class BacktestView:
    """A summary, its drawings, and the newest backtests beside it."""

    summary: Backtest
    docs: str | None
    figures: list[Figure]
    others: list[Listed]


def backtest_view(records: Records, backtest: str, *, most: int) -> BacktestView:
    """Read a backtest's newest summary; `SettingsError` if there is none. `most`: others in the choice."""
    summary = summary_of(records, backtest)
    plan = records.find(BacktestPlan, backtest=backtest)
    others = BACKTESTS.newest(records, summary.station, summary.task, most=most)
    return BacktestView(summary, plan.docs if plan else None, backtest_figures(summary), others)


def backtest_figures(summary: Backtest) -> list[Figure]:
    """Draw the folds in time, the skill by fold and by season, and the error by hour and by lead."""
    shown = [entrant for entrant in summary.entrants if entrant.errors is not None]
    found = [_folds(summary)]
    if shown:
        found += [
            _heat(
                "by_fold", "Skill by fold", "a fold is named by the day on which its test part begins", shown, list(summary.folds)
            ),
            _heat("by_season", "Skill by season of the target", "DJF is December to February", shown, SEASONS),
            _lines("by_hour", "Error by hour of the day", summary, shown, "hour of the target"),
        ]
        if len({hour for entrant in shown if entrant.errors for hour in entrant.errors.by_lead}) > 1:
            found.append(_lines("by_lead", "Error by hours ahead", summary, shown, "hours ahead"))
    return found


def _folds(summary: Backtest) -> Figure:
    traces: list[Trace] = []
    for part in PARTS:
        facts = {name: fold.of(part) for name, fold in summary.folds.items()}
        there = {name: fact for name, fact in facts.items() if fact.first is not None and fact.last is not None}
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": part,
                "y": list(there),
                "base": [fact.first.isoformat() if fact.first else "" for fact in there.values()],
                "x": [
                    (fact.last - fact.first).total_seconds() * 1000 if fact.first and fact.last else 0 for fact in there.values()
                ],
                "marker": {"color": _COLOURS[part]},
                "customdata": [[fact.windows, f"{fact.first:%Y-%m-%d}", f"{fact.last:%Y-%m-%d}"] for fact in there.values()],
                "hovertemplate": f"{part}: %{{customdata[0]:,}} windows, %{{customdata[1]}} to %{{customdata[2]}}<extra></extra>",
            }
        )
    return Figure(
        "folds",
        "Folds in time",
        f"What each of {len(summary.folds)} folds trains on, is validated and is tested on.",
        traces,
        {"barmode": "overlay", "xaxis": axis("time", type="date"), "yaxis": {"type": "category", "automargin": True}},
        height=120 + 34 * len(summary.folds),
    )


def _heat(by: str, title: str, words: str, shown: list[BacktestEntrant], groups: Sequence[Hashable]) -> Figure:
    skills = [[_skill(entrant, by, group) for group in groups] for entrant in reversed(shown)]
    there = [skill for row in skills for skill in row if skill is not None]
    most = max((abs(skill) for skill in there), default=1.0) or 1.0
    better = sum(skill > 0 for skill in there)
    return Figure(
        by,
        title,
        f"Skill over naive on the same origins, in percent; {better} of {len(there)} cells are better than naive; {words}.",
        [
            {
                "type": "heatmap",
                "x": list(groups),
                "y": [entrant.architecture for entrant in reversed(shown)],
                "z": skills,
                "zmin": -most,
                "zmax": most,
                "text": [["" if skill is None else f"{skill:.1f}" for skill in row] for row in skills],
                "texttemplate": "%{text}",
                "colorscale": [[0, "--bad-back"], [0.5, "--paper"], [1, "--good-back"]],
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "hovertemplate": "%{y}, %{x}: %{z:.1f} %<extra></extra>",
            }
        ],
        {"xaxis": {"type": "category"}, "yaxis": {"type": "category", "automargin": True}},
        height=120 + 28 * len(shown),
    )


def _skill(entrant: BacktestEntrant, by: str, group: Hashable) -> float | None:
    own: Mapping[Any, float] = getattr(entrant.errors, by, {})
    naive: Mapping[Any, float] = getattr(entrant.naive, by, {})
    if group not in own or not naive.get(group):
        return None
    return round(100 * (1 - own[group] / naive[group]), 2)


def _lines(by: str, title: str, summary: Backtest, shown: list[BacktestEntrant], label: str) -> Figure:
    traces: list[Trace] = []
    for place, entrant in enumerate(shown):
        errors = dict(sorted(getattr(entrant.errors, by).items()))
        traces.append(line(list(errors), list(errors.values()), entrant.architecture, f"--s{place % 8 + 1}"))
    naive = dict(sorted(getattr(summary.naive, by).items()))
    traces.append({**line(list(naive), list(naive.values()), "naive", "--naive"), "line": {"color": "--naive", "dash": "dash"}})
    return Figure(
        by,
        title,
        f"MAE in {summary.unit} of {len(shown)} entrants and of naive, over all folds.",
        traces,
        {"xaxis": axis(label), "yaxis": axis(f"MAE ({summary.unit})", rangemode="tozero")},
    )
