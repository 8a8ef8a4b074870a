"""The model that goes out: the chosen candidate, or the candidate trained once more on everything that its split allows.

::

    split recent   |---- train ----|- validation -|- test -|      selection: what is reported is the error here
                   |------------- refit -------------------|      goes out: has seen the newest row, so it cannot be judged
    split book     |---- train ----|- validation -|- test -|
                   |------------ refit -----------|- test -|      its test part stays unseen, and is reported too

A refit that cannot be judged is held against the candidate on windows that it has even learnt: one that is worse there is broken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsflow.architectures.ensembles import Weights
from tsflow.bundle.manifest import FitFacts, TestErrors
from tsflow.evaluation.scores import PartErrors
from tsflow.records import found
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import Part
from tsflow.records.store import Records
from tsflow.training.combining import MODEL, Spreads, ensemble_parity, joined_onnx
from tsflow.training.fit import check
from tsflow.training.learnt import learnt
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset
from tsflow.windows.refit import for_refit

RULE = "epochs and penalty as validation found them; boosted rounds times the growth of the windows"


@dataclass(frozen=True)
class Outgoing:
    """The files of a model, what it was fitted on, and its errors on the test part if it has not seen that."""

    files: dict[str, bytes]
    fit: FitFacts
    errors: TestErrors | None = None


def members_of(candidate: StoredCandidate) -> list[str]:
    """Return which entrants are to be trained once more for a candidate: itself, or its members."""
    chosen = candidate.found
    return list(chosen.weights) if isinstance(chosen, found.Weights) else [candidate.architecture]


def growth(dataset: Dataset) -> float:
    """Return how many times more windows a refit learns from than the candidate did."""
    return len(for_refit(dataset).starts("train")) / len(dataset.starts("train"))


def part_of_refit(refit: Dataset) -> Part:
    """Return what a refit forecasts: the test part if it stays unseen, else what it learnt, by which its file is checked."""
    return "test" if len(refit.starts("test")) else "train"


def model_files(records: Records, candidate: StoredCandidate) -> dict[str, bytes]:
    """Return a candidate's model in all its forms, by file name."""
    return {name: records.opened(file) for name, file in candidate.files.items() if name.startswith("model.")}


def outgoing(records: Records, candidate: StoredCandidate, refits: Mapping[str, StoredCandidate], dataset: Dataset) -> Outgoing:
    """Return the model to publish. `refits`: the trainings on everything, by architecture; none: no refit."""
    if not refits:
        facts = _facts(dataset, "as it was selected: fitted on the training part", candidate)
        return Outgoing(model_files(records, candidate), facts)
    refit = for_refit(dataset)
    facts = _facts(refit, RULE, *refits.values())
    if not isinstance(candidate.found, found.Weights):
        only = refits[candidate.architecture]
        rows = _of_part(records, only, "test")
        truth, forecasts = (rows[name].to_numpy(dtype=np.float64) for name in ("truth", "forecast"))
        return Outgoing(model_files(records, only), facts, _as_published(PartErrors.of(truth, forecasts)))
    weights = candidate.found.weights
    part = part_of_refit(refit)
    made = {name: _of_part(records, refits[name], part) for name in weights}
    since = max(table["origin"].iloc[0] for table in made.values())  # networks may have learnt the last days alone
    tables = {name: table[table["origin"] >= since] for name, table in made.items()}
    shared = refit.times[refit.origins(part)] >= since.to_datetime64()
    spread = Spreads.of(tables)
    onnx = joined_onnx({name: records.opened(refits[name].files[MODEL]) for name in weights}, weights, dataset, spread)
    members = np.stack([table["forecast"].to_numpy(dtype=np.float64) for table in tables.values()], axis=-1)
    now = refit.values[refit.origins(part)[shared], refit.target_index]
    forecasts = Weights(np.array(list(weights.values()))).forecast(members, now)  # [n_windows]
    quantiles = spread.around(forecasts, tables, weights, part)
    check(onnx, refit, refit.starts(part)[shared], forecasts, quantiles, at_most=ensemble_parity(len(weights)))
    errors = _as_published(PartErrors.of(refit.targets("test"), forecasts)) if part == "test" else None
    return Outgoing({MODEL: onnx}, facts, errors)


def _of_part(records: Records, refit: StoredCandidate, part: Part) -> pd.DataFrame:
    rows = stored_forecasts(records, refit)
    return rows[rows["part"] == part]


def _facts(dataset: Dataset, rule: str, *fits: StoredCandidate) -> FitFacts:
    """Say what was learnt; of several fits, what the one with the most windows learnt."""
    whole = learnt(dataset)
    most = max((fit.learnt or whole for fit in fits), key=lambda each: each.windows, default=whole)
    return FitFacts(most.first.isoformat(), most.last.isoformat(), most.windows, rule)


def _as_published(errors: PartErrors | None) -> TestErrors | None:
    return TestErrors(errors.mae, errors.rmse, errors.bias) if errors else None
