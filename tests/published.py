"""Champions as tests make them: a bundle's pointer moved through the history, without a gate."""

from dataclasses import replace
from datetime import datetime

from tsflow.bundle.calendar import CALENDAR
from tsflow.bundle.manifest import (
    FORMAT,
    Column,
    Hours,
    Manifest,
    Metrics,
    PartFacts,
    Pointer,
    Scaler,
    Split,
    Target,
)
from tsflow.champion.clock import utc_now
from tsflow.champion.history import History, Standing
from tsflow.records.history import Entry, PointerFacts
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectStore

CALENDAR_FEATURES = [Column(name, unit) for name, unit in CALENDAR.items()]


def manifest(version: str = "v1", station: str = "small", task: str = "main") -> Manifest:
    part = PartFacts(10, 5, "2021-01-01", "2021-02-01")
    errors = {f"{short}_{metric}": 1.0 for short in ("train", "val", "test") for metric in ("mae", "rmse")}
    return Manifest(
        format=FORMAT,
        station=station,
        version=version,
        run="r",
        architecture="naive",
        title="Naive",
        settings={},
        features=[Column("T", "degC"), Column("f1", "m/s"), *CALENDAR_FEATURES],
        target=Target("T", "degC", task),
        context_hours=120,
        horizon_hours=24,
        hourly=Hours("subsample", "PT1H"),
        scaler=Scaler([0, 0], [1, 1]),
        split=Split("book", dict.fromkeys(("train", "validation", "test"), part)),
        fingerprint="abc",
        as_of="2021-02-01",
        created_at="2021-02-01",
        seed=1,
        metrics=Metrics(**errors, naive={"train": 1.0, "validation": 1.0, "test": 1.0}),
        libraries={},
        git_commit=None,
        files={},
    )


def described(version: str, **changes: object) -> Manifest:
    """A manifest with ranges, a clock an hour east of UTC, and -9999 for a missing value."""
    found = manifest(version)
    columns = [replace(column, range={"T": (-40.0, 45.0), "f1": (-10.0, 10.0)}.get(column.name)) for column in found.features]
    hours = replace(found.hourly, utc_offset_hours=1.0, missing=[-9999.0])
    return replace(found, features=columns, hourly=hours, **changes)


def promote(objects: ObjectStore, manifest: Manifest, key: str, sha256: str, *, now: datetime | None = None) -> Entry:
    """Make a bundle the champion; promoting the present one changes nothing."""

    def entry(standing: Standing) -> Entry:
        if standing.last and standing.pointer and standing.pointer.version == manifest.version:
            return standing.last
        at, number = now or utc_now(), standing.next_number
        return Entry(
            number=number,
            station=manifest.station,
            task=manifest.target.task,
            kind="promotion",
            at=at,
            actor="a test",
            reason="to have a champion",
            version=manifest.version,
            architecture=manifest.architecture,
            manifest=Reference(key=key, sha256=sha256),
            run=manifest.run,
            pointer=PointerFacts(
                format=FORMAT,
                station=manifest.station,
                version=manifest.version,
                manifest_key=key,
                manifest_sha256=sha256,
                promoted_at=at.isoformat(),
                sequence=number,
            ),
        )

    return History(Records(objects), manifest.station, manifest.target.task).add(entry)


def current(objects: ObjectStore, station: str, task: str = "main") -> Pointer | None:
    """Return what the pointer says."""
    return History(Records(objects), station, task).standing().pointer
