"""Whether everything of a champion is as it was written: pointer, history, every bundle, and what belongs to none."""

from dataclasses import asdict, dataclass, field

from tsflow.bundle.manifest import Pointer
from tsflow.bundle.reading import read_bundle
from tsflow.champion.history import History
from tsflow.errors import IntegrityError
from tsflow.storage.objects import ObjectMissing


@dataclass
class Audit:
    """What was found."""

    entries: int = 0
    whole: list[str] = field(default_factory=list)  # versions
    collected: list[str] = field(default_factory=list)  # versions of the history whose bundle is gone
    orphans: list[str] = field(default_factory=list)  # bundles that no entry names: of a publishing that died on the way
    damage: list[str] = field(default_factory=list)


def audit(history: History) -> Audit:
    """Read every entry and every bundle of a task's history; what is wrong is told, not raised."""
    found = Audit()
    try:
        pointer = history.as_it_lies().pointer
        entries = list(history.entries())
    except IntegrityError as error:
        found.damage.append(str(error))
        return found
    found.entries = len(entries)
    manifests = {str(entry.version): entry.manifest for entry in reversed(entries) if entry.version and entry.manifest}
    champion = pointer.version if pointer else None
    for version, manifest in manifests.items():
        try:
            read_bundle(
                history.records.objects,
                Pointer(1, history.station, version, manifest.key, manifest.sha256, "", 0),
                history.station,
                history.task,
                history.stage,
            )
        except ObjectMissing as error:
            if version == champion:
                found.damage.append(f"the champion {version}: {error}")
            else:
                found.collected.append(version)
        except IntegrityError as error:
            found.damage.append(f"version {version}: {error}")
        else:
            found.whole.append(version)
    _compare(history, pointer, found)
    found.orphans = [version for version in _folders(history) if version not in manifests]
    return found


def _compare(history: History, pointer: Pointer | None, found: Audit) -> None:
    """Compare the pointer with the entry that made it."""
    if pointer is None:
        return
    made = history.entry(pointer.sequence).pointer
    if made is None or made.model_dump() != asdict(pointer):
        found.damage.append(f"the pointer says version {pointer.version}, entry {pointer.sequence} of the history says another one")


def _folders(history: History) -> list[str]:
    """Return the versions of which there is a file."""
    prefix = f"{history.folder}/"
    names = dict.fromkeys(key.removeprefix(prefix).split("/")[0] for key in history.records.objects.keys(prefix))
    return [name for name in names if name[:1].isdigit()]  # tasks begin with a letter
