"""The last step of a tuning: the best recipe as a file, and what led to it."""

from datetime import UTC, datetime
from typing import Any

import yaml

from tsflow.architectures.registry import Architecture
from tsflow.architectures.space import with_values
from tsflow.errors import TrainingError
from tsflow.evaluation.leaderboard import naive_errors
from tsflow.steps.run import first_result
from tsflow.steps.tune import read_tuning, recipe_of, space_of
from tsflow.storage import keys
from tsflow.storage.codecs import to_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.tuning import report as evaluation
from tsflow.tuning.search import Trial, best, importances, ordered
from tsflow.tuning.sessions import Sessions
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset

_SUFFIX = "_tuned"


def tuned_name(architecture: str) -> str:
    """Return what the tuned recipe of an architecture is called."""
    return architecture.removesuffix(_SUFFIX) + _SUFFIX


def finish_tuning(objects: ObjectStore, tuning_id: str) -> dict[str, Any]:
    """Write the best recipe as YAML, the trials as JSON and Parquet, and a page; return where they lie and the figures.

    Finishing again after further trials writes a further result; trials still running are shown as such.

    Raises
    ------
    TrainingError
        If no trial is complete.
    """
    tuning = read_tuning(objects, tuning_id)
    trials = TrialStore(objects, tuning_id).trials()
    ended = [trial for trial in trials if trial.state != "running"]
    chosen = best(trials)
    if chosen is None:
        reasons = "; ".join(f"trial {trial.number}: {trial.reason}" for trial in ended) or "none has ended"
        msg = f"tuning {tuning_id}: no trial is complete: {reasons}"
        raise TrainingError(msg)
    folder = keys.tuning(tuning_id, f"results/{len(ended):04d}/")
    spent = Sessions(objects, tuning_id).spent_seconds() / 60
    fresh = _result(tuning, Dataset.load(objects, tuning["fingerprint"]), trials, chosen, spent)
    written = first_result(objects, f"{folder}tuning.json", fresh.model_dump(mode="json"))
    found = evaluation.Tuning.model_validate(written)
    objects.put_new(f"{folder}{found.tuned}.yaml", found.recipe.encode(), "application/yaml")
    objects.put_new(f"{folder}trials.parquet", to_parquet(found.table()))
    objects.put_new(f"{folder}tuning.html", evaluation.html(found), "text/html")
    facts = {name: getattr(found, name) for name in ("tuning", "architecture", "tuned", "before", "after", "best", "counts")}
    files = {"recipe": f"{folder}{found.tuned}.yaml", "table": f"{folder}trials.parquet", "report": f"{folder}tuning.html"}
    return {**facts, "trials": len(trials), "spent_minutes": found.spent_minutes, **files}


def _result(
    tuning: dict[str, Any], dataset: Dataset, trials: list[Trial], chosen: Trial, spent_minutes: float
) -> evaluation.Tuning:
    recipe = recipe_of(tuning)
    space, own = space_of(recipe)
    first = next((trial for trial in trials if trial.number == 0), None)
    found = evaluation.Tuning(
        tuning=tuning["tuning"],
        architecture=recipe.architecture,
        tuned=tuned_name(recipe.architecture),
        station=tuning["station"],
        target=dataset.target,
        unit=dataset.units[dataset.target],
        as_of=tuning["as_of"],
        split=tuning["split"],
        profile=tuning["profile"],
        seed=tuning["seed"],
        fingerprint=tuning["fingerprint"],
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        minutes=tuning["request"]["minutes"],
        spent_minutes=round(spent_minutes, 3),
        naive=naive_errors(dataset)["validation"],
        before=first.val_mae if first else None,
        after=chosen.val_mae,
        best=chosen.number,
        importances=importances(space, trials, own=own),
        recipe="",
        own=own,
        trials=ordered(trials),
    )
    return found.model_copy(update={"recipe": _file(recipe, found, chosen)})


def _file(recipe: Architecture, found: evaluation.Tuning, chosen: Trial) -> str:
    """Return the text of the tuned recipe's file."""
    title = recipe.title.removesuffix(", tuned") + ", tuned"
    tuned = with_values(recipe, {**chosen.values, "architecture": found.tuned, "title": title})
    before = "unknown" if found.before is None else f"{found.before:.4f}"
    changed = ", ".join(f"{key} {value}" for key, value in chosen.values.items() if value != found.own[key])
    header = (
        f"# Found by `tsflow tune {found.architecture}` on {found.created_at[:10]}, tuning {found.tuning}.\n"
        f"# {len(found.trials)} trials ({found.counts}) in {found.spent_minutes:.1f} minutes; this is trial {chosen.number}.\n"
        f"# Validation MAE before {before}, after {found.after:.4f} {found.unit} "
        f"(station {found.station}, split {found.split}, profile {found.profile}, seed {found.seed}).\n"
        f"# Changed: {changed or 'nothing; no trial was better than the recipe as it is'}.\n"
    )
    content = tuned.model_dump(mode="json", exclude_unset=True)
    return header + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
