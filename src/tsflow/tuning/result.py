"""What a tuning came to: the best trial, and its recipe as a file."""

from datetime import UTC, datetime

import yaml

from tsflow.architectures.registry import Architecture
from tsflow.architectures.space import with_values
from tsflow.evaluation.scores import naive_errors
from tsflow.records.tuning import Trial, Tuning, TuningPlan
from tsflow.tuning.plan import recipe_of, space_of, tuned_name
from tsflow.tuning.search import importances, ordered
from tsflow.windows.dataset import Dataset


def result_of(plan: TuningPlan, dataset: Dataset, trials: list[Trial], chosen: Trial, spent_minutes: float) -> Tuning:
    """Return the result after the trials that have ended; those still running are shown as such."""
    recipe = recipe_of(plan)
    space, own = space_of(recipe)
    first = next((trial for trial in trials if trial.number == 0), None)
    result = Tuning(
        tuning=plan.tuning,
        number=len([trial for trial in trials if trial.state != "running"]),
        architecture=recipe.architecture,
        tuned=tuned_name(recipe.architecture),
        station=plan.station,
        task=plan.task,
        target=dataset.target,
        unit=dataset.units[dataset.target],
        as_of=plan.as_of,
        split=plan.split,
        profile=plan.profile,
        seed=plan.seed,
        fingerprint=plan.fingerprint,
        created_at=datetime.now(UTC).replace(microsecond=0),
        minutes=plan.budget.minutes,
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
    return result.changed(recipe=_file(recipe, result, chosen))


def _file(recipe: Architecture, result: Tuning, chosen: Trial) -> str:
    """Return the text of the tuned recipe's file."""
    title = recipe.title.removesuffix(", tuned") + ", tuned"
    tuned = with_values(recipe, {**chosen.values, "architecture": result.tuned, "title": title})
    before = "unknown" if result.before is None else f"{result.before:.4f}"
    changed = ", ".join(f"{key} {value}" for key, value in chosen.values.items() if value != result.own[key])
    header = (
        f"# Found by `tsflow tune {result.architecture}` on {result.created_at:%Y-%m-%d}, tuning {result.tuning}.\n"
        f"# {len(result.trials)} trials ({result.counts}) in {result.spent_minutes:.1f} minutes; this is trial {chosen.number}.\n"
        f"# Validation MAE before {before}, after {result.after:.4f} {result.unit} "
        f"(station {result.station}, split {result.split}, profile {result.profile}, seed {result.seed}).\n"
        f"# Changed: {changed or 'nothing; no trial was better than the recipe as it is'}.\n"
    )
    content = tuned.model_dump(mode="json", exclude_unset=True)
    return header + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
