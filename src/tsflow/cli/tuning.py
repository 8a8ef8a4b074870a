"""`tsflow tune`: a tuning in this process, shown trial by trial."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from tsflow.cli.local import bring_in, source_of
from tsflow.cli.output import console
from tsflow.errors import SettingsError, StorageUnavailable
from tsflow.settings import settings
from tsflow.stack import object_store
from tsflow.stations.station import load_station
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch
from tsflow.tuning.search import Trial


def tune(given: dict[str, Any], *, sources: list[str], resume: str | None, output: Path | None) -> None:
    """Start a tuning, or go on with one, until its budget is spent; write the best recipe to `output`."""
    from tsflow import steps

    content = given if resume else {"station": settings().station, **given}
    name = steps.tuned_name(content["architecture"])
    _check_output(output, name)
    with object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        tuning = _resumed(objects, resume, content) if resume else _started(objects, content, sources)
        recipe = f"tsflow tune {content['architecture']}"
        console.print(f"tuning {tuning['tuning']}; if it is cut off: {recipe} --resume {tuning['tuning']}", markup=False)
        worker = f"{platform.node()}-{os.getpid()}"
        threads = settings().training.threads
        steps.tune_worker(objects, tuning["tuning"], worker, threads=threads, on_epoch=_show_epoch, on_trial=_show_trial)
        found = steps.finish_tuning(objects, tuning["tuning"])
        text = objects.get(found["recipe"])
        addresses = {kind: objects.address(found[kind]) for kind in ("recipe", "table", "report")}
    before = "-" if found["before"] is None else f"{found['before']:.4f}"
    console.print(f"{found['trials']} trials ({found['counts']}) in {found['spent_minutes']:.1f} minutes")
    console.print(f"validation MAE before {before}, after {found['after']:.4f} (trial {found['best']})")
    for kind, address in addresses.items():
        console.print(f"{kind:<7} {address}", markup=False)
    if output is None:
        console.print(f"\n# save as include/architectures/{name}.yaml\n{text.decode()}", markup=False)
    else:
        _write(output, text)


def _started(objects: ObjectStore, content: dict[str, Any], sources: list[str]) -> dict[str, Any]:
    from tsflow import steps

    request = steps.TuneRequest.of(content).checked()
    station = load_station(request.station)
    source = source_of(station, sources)
    tuning_id = f"{request.architecture}-{station.station}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    request = bring_in(objects, request, source, f"tune-{tuning_id}")
    return steps.start_tuning(objects, request, tuning_id)


def _resumed(objects: ObjectStore, tuning_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a tuning of old; what is given beside its name must be what it was started with."""
    from tsflow import steps

    tuning = steps.read_tuning(objects, tuning_id)
    before = tuning["request"]
    asked = steps.TuneRequest.of({**before, **content}).model_dump(mode="json")
    of_files = {"as_of"} if before["start"] else set()  # files end where they end, whatever as-of was given
    if differing := [name for name in content if name not in of_files and asked[name] != before[name]]:
        found = ", ".join(f"{name} {before[name]} (given: {asked[name]})" for name in differing)
        msg = f"tuning {tuning_id} was started with {found}; leave that out to go on, or start another without --resume"
        raise SettingsError(msg)
    return tuning


def _check_output(output: Path | None, name: str) -> None:
    """Refuse a file that no run could load, before the work."""
    if output is None:
        return
    if output.name != f"{name}.yaml":
        msg = f"--output {output}: the tuned recipe is called {name}, and a recipe's file bears its name: end with {name}.yaml"
        raise SettingsError(msg)
    if not output.parent.is_dir():
        msg = f"--output {output}: there is no folder {output.parent}; create it, or name another"
        raise SettingsError(msg)


def _write(output: Path, text: bytes) -> None:
    try:
        output.write_bytes(text)
    except OSError as error:
        msg = f"--output {output}: cannot be written ({error}); the recipe itself is in the object store, at the address above"
        raise StorageUnavailable(msg) from error
    console.print(f"written {output}", markup=False)


def _show_epoch(trial: Trial, epoch: Epoch) -> None:
    console.print(f"  trial {trial.number}: epoch {epoch.epoch} of {epoch.of}, validation MAE {epoch.val_mae:.3f}")


def _show_trial(trial: Trial) -> None:
    changed = ", ".join(f"{key}={value}" for key, value in trial.values.items()) or "the recipe as it is"
    end = f"validation MAE {trial.val_mae:.4f}" if trial.val_mae is not None else f"{trial.state}: {trial.reason}"
    console.print(f"trial {trial.number} {end} ({changed})", markup=False)
