"""Fitting one entrant, whatever its family; what comes out is a candidate."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network import Network
from tsflow.architectures.registry import Architecture, Estimator, Judged, Leading, Spreading
from tsflow.errors import TrainingError
from tsflow.libraries import load_tensorflow
from tsflow.records.candidate import Epoch
from tsflow.records.dataset import PARTS, Part
from tsflow.training.candidate import Candidate
from tsflow.training.epochs import EpochStore
from tsflow.training.export import PARITY_DEGC, check_parity
from tsflow.training.networks import train_network
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Starts

log = logging.getLogger(__name__)

_PARITY_WINDOWS = 256  # of all seasons that the part holds


def set_up_tensorflow(threads: int) -> None:
    """Fix the threads of TensorFlow and of linear algebra, and make its operations repeatable; call it before the first tensor.

    Trainings run side by side; more threads than free cores wait for each other. `threads`: 0 leaves both to themselves.
    """
    load_tensorflow()
    import tensorflow as tf
    from threadpoolctl import threadpool_limits

    if threads:
        threadpool_limits(limits=threads, user_api="blas")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        log.debug("TensorFlow runs already; its threads stay as they are")
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel(logging.ERROR)  # each entrant is a graph of its own; TensorFlow warns of every one


def require(architecture: Architecture, dataset: Dataset) -> None:
    """Raise unless an architecture can be trained on a dataset, here.

    Raises
    ------
    EntrantSkipped
        If the station lacks a variable that it needs, or the machine a library.
    SettingsError
        If it does not fit the task.
    """
    architecture.require_libraries()
    architecture.require_variables(dataset.station, dataset.units, dataset.quantities)
    architecture.require_task(dataset.task)


def train(
    architecture: Architecture,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    served: bool = True,
    parts: Sequence[Part] = PARTS,
) -> Candidate:
    """Train one architecture and forecast parts of the split.

    A training that was cut off goes on after its last complete epoch in `epochs`. The weights kept are those of
    the epoch with the least validation MAE.

    Parameters
    ----------
    served
        Whether the model may be served; if not, as in a search, it is only judged, and no file made.
    parts
        What is forecast; of a model that is served some of it has windows, by which its file is checked.

    Raises
    ------
    TrainingError
        If the loss or a forecast is not finite.
    EntrantSkipped, SettingsError
        As `require` says.
    """
    require(architecture, dataset)
    architecture = architecture.on(dataset)
    if isinstance(architecture, Network):
        candidate = train_network(
            architecture, dataset, epochs, seed=seed, max_epochs=max_epochs, on_epoch=on_epoch, parts=parts, served=served
        )
    elif isinstance(architecture, Estimator):
        candidate = _fit_estimator(architecture, dataset, seed=seed, parts=parts, served=served)
    else:
        msg = f"{architecture.architecture}: family {architecture.builder!r} is neither a Network nor an Estimator"
        raise TrainingError(msg)
    _all_finite(architecture, candidate.forecasts)
    _all_finite(architecture, candidate.quantiles)
    if not served:
        return candidate
    unseen_first: tuple[Part, ...] = ("validation", "test", "train")
    part = next(part for part in unseen_first if part in parts and len(dataset.starts(part)))
    onnx, forecasts = candidate.files["model.onnx"], candidate.forecasts[part]
    check(onnx, dataset, dataset.starts(part), forecasts, candidate.quantiles.get(part))
    return candidate


def _fit_estimator(architecture: Estimator, dataset: Dataset, *, seed: int, parts: Sequence[Part], served: bool) -> Candidate:
    began = time.perf_counter()
    fitted = architecture.fit(dataset, seed=seed)
    seconds = time.perf_counter() - began
    forecasts: dict[Part, list[NDArray[np.float64]]] = {part: [] for part in parts}
    spread: dict[Part, list[NDArray[np.float64]]] = {part: [] for part in parts}
    for part in parts:
        for contexts in dataset.batches(part):
            forecasts[part].append(fitted.predict(contexts))
            if isinstance(fitted, Spreading):
                spread[part].append(fitted.predict_quantiles(contexts, forecasts[part][-1]))
    joined = {part: _joined(chunks) for part, chunks in forecasts.items()}
    files = {"model.onnx": fitted.to_onnx()} if served else {}
    candidate = Candidate(fitted.parameters, 0, 0, seconds, [], joined, files)
    if isinstance(fitted, Judged):
        candidate = replace(candidate, found=fitted.found)
    if isinstance(fitted, Spreading):
        quantiles = {part: np.concatenate(chunks) for part, chunks in spread.items() if chunks}
        candidate = replace(candidate, quantile_levels=fitted.quantile_levels, quantiles=quantiles)
    if isinstance(fitted, Leading) and fitted.lead_hours:
        ahead: dict[Part, NDArray[np.float64]] = {
            part: np.concatenate([fitted.predict_leads(c) for c in dataset.batches(part)])
            for part in parts
            if part != "train" and len(dataset.starts(part))
        }
        candidate = replace(candidate, lead_hours=fitted.lead_hours, leads=ahead)
    return candidate


def _joined(chunks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.empty(0), *chunks]).astype(np.float64)


def _all_finite(architecture: Architecture, forecasts: dict[Part, NDArray[np.float64]]) -> None:
    for part, values in forecasts.items():
        if not np.isfinite(values).all():
            msg = f"{architecture.architecture}: {int((~np.isfinite(values)).sum())} forecasts of the {part} part are not finite"
            raise TrainingError(msg)


def check(
    onnx: bytes,
    dataset: Dataset,
    starts: Starts,
    forecasts: NDArray[np.float64],
    quantiles: NDArray[np.float64] | None = None,
    *,
    at_most: float = PARITY_DEGC,
) -> None:
    """Raise `IntegrityError` if an exported model does not forecast as the trained one did, by some windows spread over all.

    `starts`: where windows begin, [n_windows]; `forecasts`: [n_windows]; `quantiles`: [n_windows, n_levels], where there are any.
    """
    spread = np.unique(np.linspace(0, len(starts) - 1, _PARITY_WINDOWS).astype(np.int64))
    expected = {"forecast": forecasts[spread, None], **({} if quantiles is None else {"quantiles": quantiles[spread]})}
    check_parity(onnx, dataset.contexts(starts[spread]), expected, at_most=at_most)
