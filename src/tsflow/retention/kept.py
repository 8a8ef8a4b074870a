"""What must stay: everything that can be reached from champions that may come back, and from what is under way or young.

::

    pointer, newest champions of the history ──> bundle ──> manifest ──> dataset
                                                               └──> candidate of its run ──> model, forecasts
    young runs, folds of backtests ──> candidates ──> files, which may lie in the folder of an older run that trained them
    young runs, backtests, tunings ──> dataset

What cannot be read says nothing of what it names: then nothing goes that it might have named.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from tsflow.bundle.manifest import Manifest
from tsflow.bundle.places import bundle_folder, champions
from tsflow.champion.history import History
from tsflow.errors import IntegrityError
from tsflow.names import LOCAL, MAIN, PRODUCTION, Stage
from tsflow.records.backtest import BacktestPlan
from tsflow.records.candidate import StoredCandidate
from tsflow.records.files import RUN
from tsflow.records.record import Record, Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.tuning import TuningPlan
from tsflow.retention.look import Look
from tsflow.storage.objects import ObjectMissing, Stored

_AT_ONCE = 8  # requests
_MAKING = timedelta(hours=1)  # from the Data Docs of its hours to a run's own record; what takes longer has failed
_PLANS: dict[str, type[Run | BacktestPlan | TuningPlan]] = {"runs": Run, "backtests": BacktestPlan, "tunings": TuningPlan}


@dataclass
class Kept:
    """What must stay; `doubts`: what could not be read; `making`: what is being made, and is about to name a dataset."""

    runs: set[str] = field(default_factory=set)
    bundles: set[str] = field(default_factory=set)  # folders, or the one above them where the history cannot be read
    files: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)
    making: list[str] = field(default_factory=list)

    def has_bundle(self, key: str) -> bool:
        """Say whether a key is of a bundle that stays."""
        folder = key.rpartition("/")[0]
        return f"{folder}/" in self.bundles or f"{folder.rpartition('/')[0]}/" in self.bundles


@dataclass(frozen=True)
class Line:
    """A task of a station, in one stage: what has a history and a pointer."""

    stage: Stage
    station: str
    task: str


def lines(seen: Look) -> set[Line]:
    """Return all of which there is a history or a pointer."""
    stages: dict[str, Stage] = {"champions": PRODUCTION, "local": LOCAL}
    found = set()
    for root, stage in stages.items():
        for one in seen.folders[root]:
            parts = one.key.split("/")
            if parts[2] in {"history", "champion.json"}:
                found.add(Line(stage, parts[1], MAIN))
            elif parts[3:] and parts[3] in {"history", "champion.json"}:
                found.add(Line(stage, parts[1], parts[2]))
    return found


def kept_of(records: Records, seen: Look) -> Kept:
    """Return what must stay of what was seen."""
    kept = Kept()
    _each(kept, sorted(lines(seen), key=str), lambda line: _of_champions(records, seen, kept, line))
    for folder, kind in _PLANS.items():
        _of_plans(records, seen, kept, folder, kind)
    _each(kept, _young_candidates(seen), lambda key: _of_candidate(records, kept, key))
    return kept


def _each(kept: Kept, things: Iterable[Line | str], do: Callable[..., None]) -> None:
    """Do something with each of many things; what is damaged becomes a doubt, what is gone meanwhile is no matter."""

    def done(thing: Line | str) -> None:
        try:
            do(thing)
        except ObjectMissing:
            return
        except IntegrityError as damage:
            kept.doubts.append(str(damage).splitlines()[0])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(done, things))


def _of_champions(records: Records, seen: Look, kept: Kept, line: Line) -> None:
    """Keep the bundles that may be a task's champion again, with all that they need to be one."""
    history = History(records, line.station, line.task, line.stage)
    try:
        versions = champions_kept(history, seen)
    except IntegrityError:
        kept.bundles.add(f"{champions(line.station, line.task, line.stage)}/")
        raise
    kept.bundles |= {bundle_folder(line.station, line.task, version, line.stage) for version in versions}
    _each(kept, versions, lambda version: _of_manifest(records, kept, history, versions[version]))


def champions_kept(history: History, seen: Look) -> dict[str, Reference]:
    """Return the versions that may be champion again with their manifests: the present one, and the newest before it."""
    pointer = history.as_it_lies().pointer
    found = {pointer.version: Reference(key=pointer.manifest_key, sha256=pointer.manifest_sha256)} if pointer else {}
    since = seen.now - timedelta(days=seen.settings.bundles_days)
    for entry in history.entries():
        if len(found) >= seen.settings.bundles and entry.at < since:
            break
        if entry.pointer is not None and entry.version and entry.manifest:
            found.setdefault(entry.version, entry.manifest)
    return found


def _of_manifest(records: Records, kept: Kept, history: History, reference: Reference) -> None:
    manifest: Manifest = history.manifest_of(reference)
    kept.runs.add(manifest.run)
    kept.datasets.add(manifest.fingerprint)
    _of_candidate(records, kept, StoredCandidate.TEMPLATE.key(folder=RUN.key(run=manifest.run), architecture=manifest.architecture))


def _of_candidate(records: Records, kept: Kept, key: str) -> None:
    candidate = StoredCandidate.read(records.objects.get(key), key)
    kept.files |= {file.key for file in candidate.files.values()}


def _of_plans(records: Records, seen: Look, kept: Kept, folder: str, kind: type[Run | BacktestPlan | TuningPlan]) -> None:
    """Keep the datasets of young runs, backtests or tunings."""
    young = {name: there for name, there in seen.groups(folder).items() if not seen.older(there, seen.settings.datasets_days)}
    planned = {name: kind.TEMPLATE.key(**{kind.TEMPLATE.holes[0]: name}) for name in young}
    for name, there in young.items():
        if planned[name] not in seen.keys and max(one.modified for one in there) > seen.now - _MAKING:
            kept.making.append(f"{folder}/{name}")  # its Data Docs are written before its dataset is looked up
    _each(kept, [key for key in planned.values() if key in seen.keys], lambda key: _of_plan(records, kept, kind, key))


def _of_plan(records: Records, kept: Kept, kind: type[Record], key: str) -> None:
    plan = kind.read(records.objects.get(key), key)
    kept.datasets.add(plan.fingerprint)  # type: ignore[attr-defined]  # each of the plans has one


def _young_candidates(seen: Look) -> list[str]:
    """Return the keys of the candidates of young runs and backtests, whose files may lie elsewhere."""
    young: list[Stored] = []
    for folder in ("runs", "backtests"):
        groups = seen.groups(folder).values()
        young += [one for there in groups if not seen.older(there, seen.settings.candidates_days) for one in there]
    return [one.key for one in young if StoredCandidate.TEMPLATE.values(one.key) is not None]
