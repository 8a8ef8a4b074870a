"""When an exported model counts as the one that was trained."""

import numpy as np
import pytest

from tsflow.architectures.baselines import Persistence
from tsflow.errors import IntegrityError
from tsflow.training.export import check_parity

WINDOWS = 256
MODEL = Persistence(context_hours=2, columns=1, target_index=0)
CONTEXTS = np.random.default_rng(1).normal(size=(WINDOWS, 2, 1)).astype(np.float32)


def checked(off_by: float, windows: int) -> None:
    """Check a model that differs so much in so many windows."""
    expected = MODEL.predict(CONTEXTS)[:, None]
    expected[:windows] += off_by
    check_parity(MODEL.to_onnx(), CONTEXTS, {"forecast": expected})


@pytest.mark.parametrize(("off_by", "windows"), [(0.0, 0), (0.0005, WINDOWS), (0.002, 1), (0.04, 4)])
def test_a_model_may_differ_by_the_last_digits_or_in_a_few_windows_by_a_branch(off_by: float, windows: int):
    checked(off_by, windows)


@pytest.mark.parametrize(("off_by", "windows"), [(0.002, 5), (0.06, 1), (np.nan, 1), (0.002, WINDOWS)])
def test_more_windows_or_more_than_a_branch_are_refused_with_both_figures(off_by: float, windows: int):
    with pytest.raises(IntegrityError, match=rf"in {windows} of 256 windows.*not published"):
        checked(off_by, windows)
