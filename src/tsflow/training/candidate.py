"""What a training gives: a candidate."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tsflow.records.candidate import Epoch
from tsflow.records.dataset import Part
from tsflow.records.found import Found, Nothing


@dataclass(frozen=True)
class Candidate:
    """A trained entrant: its forecasts, its learning curve and its model in portable form."""

    parameters: int
    epochs: int
    best_epoch: int
    train_seconds: float
    curve: list[Epoch]  # of the first seed
    forecasts: dict[Part, NDArray[np.float64]]  # degC, [n_windows] of each part that was asked for
    files: dict[str, bytes] = field(repr=False)  # model.onnx, and the family's own form; none if it is not served
    found: Found = field(default_factory=Nothing)  # what validation decided
    lead_hours: tuple[int, ...] = ()
    leads: dict[Part, NDArray[np.float64]] = field(default_factory=dict)  # degC, [n_windows, n_leads]
    quantile_levels: tuple[float, ...] = ()
    quantiles: dict[Part, NDArray[np.float64]] = field(default_factory=dict)  # degC, [n_windows, n_levels], rows rising
    memory: list[float] = field(default_factory=list)  # see `memory_profile`
