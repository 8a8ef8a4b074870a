"""What a person does with a champion: promote, roll back, refuse, pin, unpin; each with a reason, each in the history."""

from tsflow.bundle.manifest import FORMAT, Manifest, Pointer, read_manifest
from tsflow.bundle.places import manifest_key
from tsflow.champion.clock import utc_now
from tsflow.champion.history import History, Standing
from tsflow.champion.trial import loaded
from tsflow.errors import IntegrityError, NoChampion, PointerConflict, SettingsError
from tsflow.records.history import Entry, Kind
from tsflow.records.record import Reference
from tsflow.storage.codecs import digest
from tsflow.storage.objects import ObjectMissing

_SHOWN = 10


def promote(history: History, version: str, *, actor: str, reason: str, seen: int | None = None) -> Entry:
    """Make a version the champion, whatever the gate said of it; `seen`: the newest entry that the person knows.

    Raises
    ------
    SettingsError
        If there is no such version, a person refused it, the champion is pinned, or the reason is empty.
    IntegrityError
        If its bundle is damaged.
    PointerConflict
        If another entry was written since `seen`.
    """
    return _move(history, "promotion", version, actor=actor, reason=reason, seen=seen)


def rollback(history: History, version: str, *, actor: str, reason: str, seen: int | None = None) -> Entry:
    """Make a version that was champion before the champion again; errors as of `promote`."""
    earlier = [entry.version for entry in history.entries() if entry.pointer is not None]
    if version not in earlier:
        known = ", ".join(dict.fromkeys(str(each) for each in earlier)) or "none"
        msg = f"version {version!r} was never champion of {_of(history)}; its champions were: {known}. Another one: `promote`"
        raise SettingsError(msg)
    return _move(history, "rollback", version, actor=actor, reason=reason, seen=seen)


def refuse(history: History, version: str, *, actor: str, reason: str, seen: int | None = None) -> Entry:
    """Keep a version from ever becoming champion; errors as of `promote`, and `SettingsError` if it is the champion."""
    reference, manifest = _known(history, version)

    def entry(standing: Standing) -> Entry:
        _require_seen(standing, seen, history)
        if standing.pointer is not None and standing.pointer.version == version:
            msg = f"version {version} is the champion of {_of(history)}; roll back to another one first, then refuse it"
            raise SettingsError(msg)
        return _about(history, standing, "refusal", manifest, reference, actor=actor, reason=reason)

    return history.add(entry)


def pin(history: History, *, actor: str, reason: str, seen: int | None = None) -> Entry:
    """Hold the champion there is until `unpin`: no run and no other person moves it meanwhile."""
    return _hold(history, "pin", actor=actor, reason=reason, seen=seen)


def unpin(history: History, *, actor: str, reason: str, seen: int | None = None) -> Entry:
    """Lift a pin."""
    return _hold(history, "unpin", actor=actor, reason=reason, seen=seen)


def _hold(history: History, kind: Kind, *, actor: str, reason: str, seen: int | None) -> Entry:
    def entry(standing: Standing) -> Entry:
        _require_seen(standing, seen, history)
        if standing.pointer is None:
            msg = f"{_of(history)} has no champion to {kind}; publish one with `tsflow run --station {history.station}`"
            raise NoChampion(msg)
        pinned = standing.state.pinned
        if (kind == "pin") == (pinned is not None):
            found = f"is pinned already by entry {pinned}" if pinned else "is not pinned"
            msg = f"the champion of {_of(history)} {found}; see `tsflow champion history --station {history.station}`"
            raise SettingsError(msg)
        pointer = standing.pointer
        reference = Reference(key=pointer.manifest_key, sha256=pointer.manifest_sha256)
        return _about(history, standing, kind, history.manifest(pointer), reference, actor=actor, reason=reason)

    return history.add(entry)


def _move(history: History, kind: Kind, version: str, *, actor: str, reason: str, seen: int | None) -> Entry:
    reference, manifest = _known(history, version)
    pointer = Pointer(FORMAT, history.station, version, reference.key, reference.sha256, "", 0)
    history.records.objects.renew(reference.key)  # retention leaves a bundle whose manifest is young
    loaded(history.records.objects, pointer, history.task, history.stage)

    def entry(standing: Standing) -> Entry:
        _require_seen(standing, seen, history)
        if standing.state.pinned is not None:
            pinned = history.entry(standing.state.pinned)
            msg = f"the champion of {_of(history)} is pinned by {pinned.actor} ({pinned.reason}); `tsflow champion unpin` lifts it"
            raise SettingsError(msg)
        if version in standing.state.refused:
            msg = f"version {version} of {_of(history)} was refused by a person, for good; see its history, train anew"
            raise SettingsError(msg)
        if standing.pointer is not None and standing.pointer.version == version:
            msg = f"version {version} is the champion of {_of(history)} already"
            raise SettingsError(msg)
        found = _about(history, standing, kind, manifest, reference, actor=actor, reason=reason)
        facts = history.pointer_facts(version, reference, found.at, found.number)
        return found.changed(pointer=facts)

    return history.add(entry)


def _known(history: History, version: str) -> tuple[Reference, Manifest]:
    """Return a version's manifest, as the history knows it; of one from before there were histories as it lies there."""
    named = next((entry.manifest for entry in history.entries() if entry.version == version and entry.manifest), None)
    key = manifest_key(history.station, history.task, version, history.stage)
    try:
        body = history.records.bytes_of(named) if named else history.records.objects.get(key)
    except ObjectMissing as error:
        if named:
            msg = f"version {version} of {_of(history)} was removed: {error}. Choose another one"
        else:
            versions = dict.fromkeys(str(entry.version) for entry in history.entries() if entry.version)
            known = ", ".join(list(versions)[:_SHOWN]) or "none"
            msg = f"{_of(history)} has no version {version!r}; the newest are: {known}"
        raise SettingsError(msg) from error
    manifest = read_manifest(body, key)
    if (manifest.station, manifest.target.task, manifest.version) != (history.station, history.task, version):
        found = f"station {manifest.station}, task {manifest.target.task}, version {manifest.version}"
        msg = f"{key} is of {found}; it was copied there"
        raise IntegrityError(msg)
    return Reference(key=key, sha256=digest(body)), manifest


def _about(
    history: History, standing: Standing, kind: Kind, manifest: Manifest, reference: Reference, *, actor: str, reason: str
) -> Entry:
    if not reason.strip():
        msg = "a reason is needed: whoever reads the history later asks for it; give --reason"
        raise SettingsError(msg)
    return Entry(
        number=standing.next_number,
        station=history.station,
        task=history.task,
        stage=history.stage,
        kind=kind,
        at=utc_now(),
        actor=actor,
        reason=reason.strip(),
        version=manifest.version,
        architecture=manifest.architecture,
        manifest=reference,
        val_mae=manifest.metrics.val_mae,
        test_mae=manifest.metrics.test_mae,
    )


def _require_seen(standing: Standing, seen: int | None, history: History) -> None:
    last = standing.last
    if seen is not None and last is not None and last.number != seen:
        msg = (
            f"the champion of {_of(history)} was changed meanwhile: entry {last.number}, {last.kind} by {last.actor} "
            f"({last.reason}); look at it, and say again what you want"
        )
        raise PointerConflict(msg)


def _of(history: History) -> str:
    return f"station {history.station}, task {history.task}"
