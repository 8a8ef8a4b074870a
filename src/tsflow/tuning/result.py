"""What a tuning came to: the best trial, and its recipe as a file."""

from datetime import UTC, datetime

import yaml

from tsflow.architectures.registry import Architecture
from tsflow.architectures.space import with_values
from tsflow.architectures.tuned_on import TunedOn
from tsflow.errors import NotEnoughData
from tsflow.evaluation.scores import naive_errors
from tsflow.records.tuning import Trial, Tuning, TuningPlan
from tsflow.tuning.finals import compared, judged, searched
from tsflow.tuning.plan import recipe_of, space_of, tuned_name
from tsflow.tuning.search import importances, ordered
from tsflow.windows.dataset import Dataset


def result_of(plan: TuningPlan, dataset: Dataset, trials: list[Trial], chosen: Trial, spent_minutes: float) -> Tuning:
    """Return the result after the trials that have ended; those still running are shown as such."""
    recipe = recipe_of(plan)
    space, own = space_of(recipe)
    by = {trial.number: trial for trial in trials}
    found = judged(trials)
    finalists = {each.number: each for each in found}
    best = next(iter(finalists), chosen.number)
    before, after = ((finalists or by).get(number) for number in (0, best))  # of the same seeds both, or neither is of others
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
        before=before.val_mae if before else None,
        after=after.val_mae if after else None,
        best=best,
        finalists=found,
        gain=compared(found),
        importances=importances(space, searched(trials), own=own),
        recipe="",
        own=own,
        trials=ordered(trials),
    )
    return result.changed(recipe=_file(recipe, result, by[best], _hours(plan, dataset)))


def _hours(plan: TuningPlan, dataset: Dataset) -> TunedOn:
    times = dataset.parts().validation
    if times.first is None or times.last is None:  # a trial is complete, so there are validation windows
        msg = f"tuning {plan.tuning}: its dataset has no validation part"
        raise NotEnoughData(msg)
    return TunedOn(tuning=plan.tuning, station=plan.station, first=times.first.date(), last=times.last.date())


def _seeds(result: Tuning) -> str:
    """Return over how many other seeds the errors are means, in words."""
    if not result.finalists:
        return ""
    seeds = len(result.finalists[0].errors)
    return f", of {len(result.finalists)} recipes trained with {seeds} other seed{'' if seeds == 1 else 's'}"


def _file(recipe: Architecture, result: Tuning, chosen: Trial, hours: TunedOn) -> str:
    """Return the text of the tuned recipe's file."""
    title = recipe.title.removesuffix(", tuned") + ", tuned"
    tuned_on = [each.model_dump(mode="json") for each in [*recipe.tuned_on, hours]]
    tuned = with_values(recipe, {**chosen.values, "architecture": result.tuned, "title": title, "tuned_on": tuned_on})
    before = "unknown" if result.before is None else f"{result.before:.4f}"
    changed = ", ".join(f"{key} {value}" for key, value in chosen.values.items() if value != result.own[key])
    header = (
        f"# Found by `tsflow tune {result.architecture}` on {result.created_at:%Y-%m-%d}, tuning {result.tuning}.\n"
        f"# {len(result.trials)} trials ({result.counts}) in {result.spent_minutes:.1f} minutes; this is trial {chosen.number}.\n"
        f"# Validation MAE before {before}, after {result.after:.4f} {result.unit}"
        f"{_seeds(result)} (station {result.station}, split {result.split}, profile {result.profile}, seed {result.seed}).\n"
        f"# Changed: {changed or 'nothing; no other was better than the recipe as it is'}.\n"
    )
    content = tuned.model_dump(mode="json", exclude_unset=True)
    return header + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
