"""The page *Champions*: who reigns, how that came about, how it does, and what a person may do about it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import islice
from typing import Literal

from tsflow.bundle.manifest import Manifest, Pointer, read_manifest
from tsflow.bundle.places import bundle_folder
from tsflow.champion import actions
from tsflow.champion.history import History, Standing
from tsflow.errors import SettingsError
from tsflow.monitoring.scoring import days_scored
from tsflow.pages.figures import Figure, Trace, axis, line, plain
from tsflow.pages.place import Place
from tsflow.records.forecast import DayScore
from tsflow.records.history import MOVES, Entry
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectMissing

Action = Literal["promote", "rollback", "refuse", "pin", "unpin"]
ENTRIES_SHOWN = 50
SCORED_DAYS = 60
_MARGIN = timedelta(days=1)  # beside the first and the last entry of a drawing
_ABOUT_A_VERSION: frozenset[Action] = frozenset({"promote", "rollback", "refuse"})
SAID: dict[Action, str] = {
    "promote": "Make it the champion, whatever the gate said of it.",
    "rollback": "Make it the champion again.",
    "refuse": "Keep it from ever becoming champion.",
    "pin": "Hold the present champion: no run and no person moves it until the pin is lifted.",
    "unpin": "Lift the pin: runs may change the champion again.",
}


@dataclass(frozen=True)
class ChampionsView:
    """What holds, the newest entries of the history, and the scores of what was forecast."""

    place: Place
    standing: Standing
    manifest: Manifest | None
    card: str  # of the champion, in Markdown
    entries: list[Entry]
    figures: list[Figure]
    more: bool  # whether there are older entries

    @property
    def champion(self) -> int | None:
        """The number of the entry that made the champion."""
        return self.standing.state.champion

    @property
    def versions(self) -> list[str]:
        """The versions of the entries that are shown, the newest first."""
        return list(dict.fromkeys(entry.version for entry in self.entries if entry.version))

    def possible(self, entry: Entry) -> list[Action]:
        """Return what a person may do with the version of an entry."""
        state, version = self.standing.state, entry.version
        reigns = self.standing.pointer is not None and self.standing.pointer.version == version
        if version is None or reigns or version in state.refused:
            return []
        reigned = any(each.kind in MOVES and each.version == version for each in self.entries)
        found: list[Action] = [] if state.pinned else ["rollback" if reigned else "promote"]
        return [*found, "refuse"]


def champions_view(records: Records, place: Place) -> ChampionsView:
    """Read what holds for a task of a station."""
    history = History(records, place.name, place.task_name)
    standing = history.as_it_lies()
    newest = list(islice(history.entries(), ENTRIES_SHOWN + 1))
    manifest = history.manifest(standing.pointer) if standing.pointer else None
    return ChampionsView(
        place=place,
        standing=standing,
        manifest=manifest,
        card=_card(records, place, standing.pointer),
        entries=newest[:ENTRIES_SHOWN],
        figures=_figures(place, days_scored(records, place.name, place.task_name, last=SCORED_DAYS), newest),
        more=len(newest) > ENTRIES_SHOWN,
    )


def _card(records: Records, place: Place, pointer: Pointer | None) -> str:
    if pointer is None:
        return ""
    body = records.objects.find(bundle_folder(place.name, place.task_name, pointer.version) + "card.md")
    return body.decode() if body else ""


def _figures(place: Place, scores: list[DayScore], entries: list[Entry]) -> list[Figure]:
    figures = [_timeline(entries)] if entries else []
    if scores:
        days = [score.day for score in scores]
        traces = [
            line(days, [score.mae for score in scores], "champion", "--accent", mode="lines+markers"),
            line(days, [score.naive_mae for score in scores], "naive", "--naive", mode="lines+markers"),
        ]
        better = sum(score.mae < score.naive_mae for score in scores)
        figures.append(
            Figure(
                "scores",
                "Live score: the error of the forecasts that were made",
                f"MAE of each day's forecasts in {place.unit}, champion and naive; better than naive on {better} of the "
                f"last {len(scores)} days that were scored.",
                traces,
                {"xaxis": axis("day that was forecast"), "yaxis": axis(f"MAE ({place.unit})", rangemode="tozero")},
            )
        )
    return figures


def _timeline(entries: list[Entry]) -> Figure:
    colours = {"promotion": "--good", "refresh": "--accent", "refusal": "--bad", "rollback": "--warn", "adoption": "--good"}
    kinds = list(dict.fromkeys(entry.kind for entry in entries))
    traces: list[Trace] = []
    for kind in kinds:
        own = [entry for entry in entries if entry.kind == kind]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": kind,
                "x": [entry.at.isoformat() for entry in own],
                "y": [entry.architecture or "" for entry in own],
                "text": [f"{entry.number}: {entry.reason[:120]}" for entry in own],
                "marker": {"size": 11, "color": colours.get(kind, "--quiet"), "symbol": "circle" if kind in MOVES else "x"},
                "hovertemplate": "%{x}<br>%{y}<br>%{text}<extra></extra>",
            }
        )
    recipes = len({entry.architecture for entry in entries})
    span = [min(entry.at for entry in entries) - _MARGIN, max(entry.at for entry in entries) + _MARGIN]
    return Figure(
        "timeline",
        "Promotions, refusals, rollbacks",
        f"The {len(entries)} newest entries of the history by time (UTC) and recipe; the table below says why.",
        traces,
        {"xaxis": axis("time (UTC)", range=plain(span), nticks=4, tickangle=0), "yaxis": {"automargin": True, "type": "category"}},
        height=170 + 26 * recipes,
    )


@dataclass(frozen=True)
class Line:
    """One fact of two versions side by side."""

    name: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether they are not the same there."""
        return self.first != self.second


def side_by_side(records: Records, place: Place, first: str, second: str) -> list[Line]:
    """Return what two versions are, line by line; `SettingsError` if one of them does not exist."""
    known = {entry.version: entry.manifest for entry in History(records, place.name, place.task_name).entries() if entry.manifest}
    facts = [_facts(_manifest(records, place, version, known.get(version))) for version in (first, second)]
    return [Line(name, facts[0].get(name, ""), facts[1].get(name, "")) for name in {**facts[0], **facts[1]}]


def _manifest(records: Records, place: Place, version: str, reference: Reference | None) -> Manifest:
    if reference is None:
        msg = f"station {place.name}, task {place.task_name}, has no version {version[:80]!r}; choose two of its history"
        raise SettingsError(msg)
    try:
        return read_manifest(records.bytes_of(reference), reference.key)
    except ObjectMissing as gone:
        msg = f"version {version} was removed: {gone}. Choose another one"
        raise SettingsError(msg) from gone


def _facts(manifest: Manifest) -> dict[str, str]:
    metrics = manifest.metrics
    errors = {field.name: getattr(metrics, field.name) for field in fields(metrics)}
    shown = {name.replace("_", " "): f"{value:.4f}" for name, value in errors.items() if isinstance(value, float)}
    return {
        "architecture": manifest.architecture,
        "title": manifest.title,
        "data as of": manifest.as_of,
        "made (UTC)": manifest.created_at,
        "run": manifest.run,
        "inputs": ", ".join(f"{column.name} ({column.unit})" for column in manifest.features),
        "context and horizon": f"{manifest.context_hours} h, {manifest.horizon_hours} h",
        "split": manifest.split.name,
        **shown,
        **{
            f"{100 * each.level:g} % interval": f"covers {100 * each.coverage:.1f} %, {each.width:.2f} {manifest.target.unit} wide"
            for each in metrics.intervals
        },
        "seed": str(manifest.seed),
        "fingerprint of the data": manifest.fingerprint,
        "git commit": manifest.git_commit or "unknown",
        "libraries": ", ".join(f"{name} {version}" for name, version in manifest.libraries.items()),
    }


def change(history: History, action: Action, version: str | None, *, actor: str, reason: str, seen: int | None) -> Entry:
    """Do what a person asks for; errors as of `champion/actions.py`.

    Raises
    ------
    SettingsError
        If the action is about a version and none is named.
    """
    done: Callable[..., Entry] = getattr(actions, action)
    if action not in _ABOUT_A_VERSION:
        return done(history, actor=actor, reason=reason, seen=seen)
    if not version:
        msg = f"{action} is about a version, and none was named; choose one in the history"
        raise SettingsError(msg)
    return done(history, version, actor=actor, reason=reason, seen=seen)
