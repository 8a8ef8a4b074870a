import numpy as np
import pytest

from tsflow.cli.output import console, show_board
from tsflow.errors import TrainingError
from tsflow.evaluation.leaderboard import Entrant, Leaderboard, rank, with_skill
from tsflow.evaluation.metrics import bias, mae, rmse, skill
from tsflow.evaluation.report import html


def entrant(name: str, val_mae: float, **more: object) -> Entrant:
    facts = {"test_mae": val_mae, "val_rmse": val_mae, "test_rmse": val_mae, "test_bias": 0.1, "skill": 0.1}
    counts = {"parameters": 10, "epochs": 2, "best_epoch": 1, "train_seconds": 1.0}
    return Entrant(architecture=name, title=name.title(), status="ok", val_mae=val_mae, **{**facts, **counts, **more})


def failed(name: str, reason: str = "TrainingError: the loss is not finite") -> Entrant:
    return Entrant(architecture=name, title=name, status="failed", reason=reason)


def board(entrants: list[Entrant]) -> Leaderboard:
    part = {"rows": 10, "windows": 5, "first": "2021-01-01 00:00:00", "last": "2021-02-01 00:00:00"}
    return Leaderboard(
        station="small",
        run="r1",
        split="book",
        profile="full",
        seed=1,
        fingerprint="abc",
        as_of="2021-02-01T00:00:00",
        created_at="2021-02-01T01:00:00+00:00",
        horizon_hours=24,
        target="T",
        unit="degC",
        parts=dict.fromkeys(("train", "validation", "test"), part),
        naive={"train": 2.0, "validation": 2.5, "test": 2.4},
        champion=entrants[0].architecture,
        entrants=entrants,
    )


def test_metrics_by_hand():
    truth, forecast = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
    assert mae(truth, forecast) == pytest.approx(1.0)
    assert rmse(truth, forecast) == pytest.approx(np.sqrt(5 / 3))
    assert bias(truth, forecast) == pytest.approx(-1 / 3)
    assert skill(2.0, 2.5) == pytest.approx(0.2)
    assert np.isnan(skill(1.0, 0.0))


def test_entrants_are_ranked_by_validation_error_and_failed_ones_come_last():
    ranked = rank(["a", "b", "c"], [entrant("a", 2.5), failed("b"), entrant("c", 2.1)])
    assert [(e.rank, e.architecture) for e in ranked] == [(1, "c"), (2, "a"), (None, "b")]


def test_fewer_entrants_than_expected_is_an_error():
    with pytest.raises(TrainingError, match="lacks b: expected 2 entrants, found 1"):
        rank(["a", "b"], [entrant("a", 2.5)])


def test_a_board_without_any_trained_entrant_is_an_error():
    with pytest.raises(TrainingError, match="no entrant could be trained: a: TrainingError"):
        rank(["a"], [failed("a")])


def test_skill_is_on_test_and_on_validation_where_there_is_no_test():
    errors = {"val_mae": 2.0, "test_mae": 1.8}
    assert with_skill(errors, {"validation": 2.5, "test": 2.0})["skill"] == pytest.approx(0.1)
    assert with_skill({"val_mae": 2.0, "test_mae": None}, {"validation": 2.5})["skill"] == pytest.approx(0.2)


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_an_entrant_without_a_result_has_a_reason(status: str):
    with pytest.raises(ValueError, match="goes with a reason"):
        Entrant(architecture="a", title="a", status=status)


def test_a_skipped_entrant_is_shown_as_skipped_with_its_reason():
    skipped = Entrant(architecture="prophet", title="Prophet", status="skipped", reason="prophet is not installed")
    ranked = rank(["lstm", "prophet"], [skipped, entrant("lstm", 2.1)])
    assert [(e.rank, e.status) for e in ranked] == [(1, "ok"), (None, "skipped")]
    page = html(board(ranked)).decode()
    assert "skipped: prophet is not installed" in page
    assert "failed:" not in page
    with console.capture() as shown:
        show_board(board(ranked))
    assert "prophet skipped: prophet is not installed" in shown.get()


def test_a_run_of_skipped_entrants_alone_is_an_error():
    skipped = Entrant(architecture="prophet", title="Prophet", status="skipped", reason="prophet is not installed")
    with pytest.raises(TrainingError, match="no entrant could be trained: prophet: prophet is not installed"):
        rank(["prophet"], [skipped])


def test_the_report_is_one_page_that_loads_nothing_and_escapes_what_it_shows():
    curve = [{"epoch": i, "mae": 3 - i * 0.1, "val_mae": 3 - i * 0.05} for i in range(1, 4)]
    page = html(
        board([entrant("lstm", 2.1, curve=curve), failed("gru", "boom <script>alert(1)</script>")]), {"Docs": "a.html"}
    ).decode()
    assert "2.100" in page
    assert page.count("<polyline") == 2
    assert "boom &lt;script&gt;" in page
    assert "<script" not in page
    assert "http" not in page
