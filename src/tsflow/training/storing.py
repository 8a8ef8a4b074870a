"""A candidate in the object store: its files, its forecasts, and the record that names them."""

from uuid import uuid4

import numpy as np
import pandas as pd

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.registry import Architecture
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import PARTS, Part
from tsflow.records.files import CANDIDATE_FILE
from tsflow.records.store import Records
from tsflow.storage.codecs import from_parquet, to_parquet
from tsflow.training.candidate import Candidate
from tsflow.training.learnt import learnt
from tsflow.training.provenance import git_commit, libraries
from tsflow.windows.dataset import Dataset

FORECASTS = "predictions.parquet"
QUANTILE = "quantile_"  # before its level: the name of a column


def store_candidate(
    records: Records, folder: str, run: str, recipe: Architecture, candidate: Candidate, *, dataset: Dataset
) -> StoredCandidate:
    """Store a candidate's files in a folder of this attempt's own, then the record that names them; return the one that counts."""
    attempt = uuid4().hex[:12]
    bodies = {**candidate.files, FORECASTS: to_parquet(forecasts(dataset, candidate))}
    place = {"folder": folder, "architecture": recipe.architecture, "attempt": attempt}
    files = {name: records.keep(CANDIDATE_FILE, body, **place, name=name) for name, body in bodies.items()}
    stored = StoredCandidate(
        run=run,
        architecture=recipe.architecture,
        title=recipe.title,
        published_mae=recipe.published_mae,
        settings=recipe.identity(),
        parameters=candidate.parameters,
        epochs=candidate.epochs,
        best_epoch=candidate.best_epoch,
        train_seconds=round(candidate.train_seconds, 3),
        curve=candidate.curve,
        found=candidate.found,
        memory=candidate.memory,
        learnt=None if isinstance(recipe, Ensemble) else learnt(dataset),
        libraries=libraries(),
        git_commit=git_commit(),
        files=files,
    )
    return records.first(stored, folder=folder)


def forecasts(dataset: Dataset, candidate: Candidate) -> pd.DataFrame:
    """Return a candidate's forecasts: part, origin, target time; truth, forecast, quantiles and leads in the target's unit.

    A part that was not forecast has no rows: the training part of an ensemble, most parts of a refit.
    """
    made = [part for part in PARTS if part in candidate.forecasts and np.isfinite(candidate.forecasts[part]).all()]
    return pd.concat([_of_part(dataset, candidate, part) for part in made], ignore_index=True)


def _of_part(dataset: Dataset, candidate: Candidate, part: Part) -> pd.DataFrame:
    origins = dataset.origins(part)
    ahead = candidate.leads.get(part) if len(origins) else None
    leads = {} if ahead is None else {f"lead_{hours}": ahead[:, place] for place, hours in enumerate(candidate.lead_hours)}
    spread = candidate.quantiles.get(part)
    quantiles = (
        {}
        if spread is None
        else {f"{QUANTILE}{level:g}": spread[:, place] for place, level in enumerate(candidate.quantile_levels)}
    )
    columns = {
        "part": np.full(len(origins), part),
        "origin": dataset.times[origins],
        "target_time": dataset.times[origins + dataset.task.horizon_hours],
        "truth": dataset.targets(part),
        "forecast": candidate.forecasts[part],
    }
    return pd.DataFrame({**columns, **quantiles, **leads})


def quantile_columns(forecasts: pd.DataFrame) -> dict[float, str]:
    """Return the columns of forecast quantiles by their levels, rising; those with a hole are left out."""
    found = {float(name.removeprefix(QUANTILE)): name for name in map(str, forecasts.columns) if name.startswith(QUANTILE)}
    return {level: name for level, name in sorted(found.items()) if np.isfinite(forecasts[name].to_numpy(dtype=np.float64)).all()}


def stored_forecasts(records: Records, candidate: StoredCandidate) -> pd.DataFrame:
    """Return a candidate's forecasts, as `forecasts` gave them; `IntegrityError` if they are not those that were written."""
    file = candidate.files[FORECASTS]
    return from_parquet(records.opened(file), file.key)
