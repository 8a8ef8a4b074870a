"""What may go of what was seen: too old by its setting, and not among what must stay."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tsflow.errors import IntegrityError
from tsflow.records.candidate import StoredCandidate, Training
from tsflow.records.files import BOARD_FILE, CANDIDATE_FILE, SUMMARY_FILE
from tsflow.records.index import Listed
from tsflow.records.retention import Collected
from tsflow.records.store import Records
from tsflow.records.template import Template
from tsflow.retention.kept import Kept
from tsflow.retention.look import Look
from tsflow.retention.small import of_days, superseded
from tsflow.storage.objects import ObjectMissing, Stored

_AT_ONCE = 8  # requests
_TUNING_PAGE = Template("tunings/{tuning}/results/{number:04d}/tuning.html")  # of 49384e5, as those of boards and summaries
_TARGETS = {"board": ("runs",), "backtest": ("backtests",), "tuning": ("tunings",), "ingest": ("ingests", "quarantine")}


@dataclass(frozen=True)
class Due:
    """Objects of one kind that may go; `names`: by which others are found, so that they go first."""

    kind: str
    setting: str
    why: str
    objects: list[Stored]
    names: bool = False

    def told(self) -> Collected:
        """Return it in figures."""
        oldest = min((one.modified for one in self.objects), default=None)
        size = sum(one.size for one in self.objects)
        return Collected(kind=self.kind, setting=self.setting, why=self.why, objects=len(self.objects), size=size, oldest=oldest)


def due(records: Records, seen: Look, kept: Kept) -> list[Due]:
    """Return what may go, in the order in which it goes; where something is in doubt, nothing that it might need."""
    days, whole = seen.settings, _whole(seen, kept)
    gone = {one.key for there in whole.values() for one in there}
    lately = f"older than {days.bundles_days:g} days, and not among the newest {days.bundles} champions of its task"
    unused = f"not used again for {days.candidates_days:g} days, and their models go"
    models = f"models and forecasts of entrants, older than {days.candidates_days:g} days, of no champion that may come back"
    found = [
        Due("index", "runs_days", "entries of what is gone or goes", list(_index(seen, gone)), names=True),
        Due("trainings", "candidates_days", unused, _trainings(records, seen, kept, gone), names=True),
        Due("bundles", "bundles_days", lately, list(_bundles(seen, kept))),
        Due(
            "datasets", "datasets_days", f"nothing of the last {days.datasets_days:g} days learnt from them", _datasets(seen, kept)
        ),
        Due("candidates", "candidates_days", models, list(_models(seen, kept, gone))),
        Due("epochs", "grace_hours", "checkpoints of trainings that ended or died", list(_epochs(seen, gone))),
        Due("pages", "grace_hours", "HTML pages of older versions of tsflow", list(_pages(seen, gone))),
    ]
    for kind in ("runs", "backtests", "tunings"):
        why = f"older than {getattr(days, f'{kind}_days'):g} days, and not among the newest {days.runs} of its task"
        found.append(Due(kind, f"{kind}_days", why, whole[kind]))
    by_age = [*((kind, f"{kind}_days", whole[kind]) for kind in ("ingests", "quarantine")), *of_days(seen)]
    found += [Due(kind, setting, f"older than {getattr(days, setting):g} days", there) for kind, setting, there in by_age]
    return [*found, Due("superseded", "ingests_days", "notes of which there is a newer one", list(superseded(seen)))]


def _whole(seen: Look, kept: Kept) -> dict[str, list[Stored]]:
    """Return what is due as a whole, by folder; of a run but for files that others name."""
    days = seen.settings
    of = {"runs": "board", "backtests": "backtest", "tunings": "tuning"}

    def stays(folder: str, name: str) -> bool:
        if folder not in of:
            return False
        named = folder == "runs" and (name in kept.runs or bool(kept.doubts))
        unknown = f"index/{of[folder]}/begun.json" not in seen.keys  # of a tsflow without an index: which are the newest?
        return named or unknown or (of[folder], name) in seen.newest

    return {
        folder: [
            one
            for name, there in seen.groups(folder).items()
            if seen.older(there, limit) and not stays(folder, name)
            for one in there
            if one.key not in kept.files
        ]
        for folder, limit in {
            "runs": days.runs_days,
            "backtests": days.backtests_days,
            "tunings": days.tunings_days,
            "ingests": days.ingests_days,
            "quarantine": days.quarantine_days,
        }.items()
    }


def _index(seen: Look, gone: set[str]) -> Iterator[Stored]:
    """Yield the entries of which nothing is left, or will be."""
    for one in seen.folders["index"]:
        place = Listed.TEMPLATE.values(one.key)
        if place is None or place["of"] not in _TARGETS or not seen.older([one]):
            continue
        left = [item for folder in _TARGETS[str(place["of"])] for item in seen.groups(folder).get(str(place["id"]), [])]
        if all(item.key in gone for item in left):
            yield one


def _trainings(records: Records, seen: Look, kept: Kept, gone: set[str]) -> list[Stored]:
    """Return the trainings that nobody may reuse any more: old, and not all of their files stay for others."""
    if kept.doubts:
        return []
    old = [one for one in seen.folders["trainings"] if seen.older([one], seen.settings.candidates_days)]
    going = gone | {one.key for one in _models(seen, kept, gone)}

    def ends(one: Stored) -> bool:
        try:
            files = Training.read(records.objects.get(one.key), one.key).files.values()
        except ObjectMissing:
            return False
        except IntegrityError:  # damaged: it would only keep others from training
            return True
        return any(file.key in going or file.key not in seen.keys for file in files)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ended = list(pool.map(ends, old))
    return [one for one, is_over in zip(old, ended, strict=True) if is_over]


def _datasets(seen: Look, kept: Kept) -> list[Stored]:
    if kept.doubts or kept.making:
        return []
    groups = seen.groups("datasets").items()
    return [one for name, there in groups if name not in kept.datasets and seen.older(there) for one in there]


def _models(seen: Look, kept: Kept, gone: set[str]) -> Iterator[Stored]:
    """Yield the files of candidates that are old, of runs and backtests whose records stay."""
    if kept.doubts:
        return
    for folder in ("runs", "backtests"):
        for there in seen.groups(folder).values():
            if seen.older(there, seen.settings.candidates_days):
                yield from (
                    one
                    for one in there
                    if CANDIDATE_FILE.values(one.key) is not None and one.key not in kept.files and one.key not in gone
                )


def _epochs(seen: Look, gone: set[str]) -> Iterator[Stored]:
    """Yield the epochs of trainings that have ended, and of those that died long ago."""
    trainings: dict[str, list[Stored]] = {}  # by the key of what says that it ended
    for folder in ("runs", "backtests", "tunings"):
        for one in seen.folders[folder]:
            if (end := _end_of_training(one.key)) is not None and one.key not in gone:
                trainings.setdefault(end, []).append(one)
    for end, there in trainings.items():
        if seen.older(there, 0.0 if end in seen.keys else seen.settings.candidates_days):
            yield from there


def _end_of_training(key: str) -> str | None:
    """Return the key of what a training writes at its end, for a key of its epochs; None for other keys."""
    parts = key.split("/")
    if parts[0] == "tunings" and parts[2] == "epochs" and parts[4:]:
        return f"tunings/{parts[1]}/trials/{parts[3]}/result.json"
    folder, between, rest = key.partition("/progress/")
    return StoredCandidate.TEMPLATE.key(folder=folder, architecture=rest.split("/")[0]) if between else None


def _pages(seen: Look, gone: set[str]) -> Iterable[Stored]:
    before: list[Callable[[str], object]] = [template.values for template in (BOARD_FILE, SUMMARY_FILE, _TUNING_PAGE)]
    for folder in ("runs", "backtests", "tunings"):
        for one in seen.folders[folder]:
            is_page = one.key.endswith(".html") and any(is_one(one.key) for is_one in before)
            if is_page and one.key not in gone and seen.older([one]):
                yield one


def _bundles(seen: Look, kept: Kept) -> Iterator[Stored]:
    """Yield the bundles that are old and no champion's, of any task and stage; pointers and histories stay."""
    bundles: dict[str, list[Stored]] = {}
    for one in [*seen.folders["champions"], *seen.folders["local"]]:
        parts = one.key.split("/")
        if parts[-2][:1].isdigit() and len(parts) in {4, 5}:
            bundles.setdefault(one.key.rpartition("/")[0], []).append(one)
    for there in bundles.values():
        if seen.older(there, seen.settings.bundles_days) and not kept.has_bundle(there[0].key):
            yield from there
