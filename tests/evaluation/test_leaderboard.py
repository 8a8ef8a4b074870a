import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from tsflow.cli.output import console, show_board
from tsflow.errors import TrainingError
from tsflow.evaluation.leaderboard import judge
from tsflow.evaluation.metrics import bias, mae, rmse, skill
from tsflow.evaluation.scores import Judged, naive_errors
from tsflow.pages.board import BoardView, curves_figure, errors_figure
from tsflow.pages.report import standalone
from tsflow.records.candidate import Epoch, Failure, StoredCandidate
from tsflow.records.dataset import PARTS, HourlyReport, Part
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.record import Reference
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


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
        challenger=entrants[0].architecture,
        entrants=entrants,
    )


def test_metrics_by_hand():
    truth, forecast = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
    assert mae(truth, forecast) == pytest.approx(1.0)
    assert rmse(truth, forecast) == pytest.approx(np.sqrt(5 / 3))
    assert bias(truth, forecast) == pytest.approx(-1 / 3)
    assert skill(2.0, 2.5) == pytest.approx(0.2)
    assert skill(1.0, 0.0) is None
    assert skill(None, 2.0) is None


@pytest.fixture
def dataset() -> Dataset:
    frame = hourly_rows(24 * 300).assign(segment=0)
    task = Task(target="T", context_hours=24, horizon_hours=6)
    return Dataset("small", task, {"T": "degC"}, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())


def judged(dataset: Dataset, name: str, noise: float, *, parts: tuple[Part, ...] = PARTS, bias_degc: float = 0.0) -> Judged:
    """A candidate whose forecasts are the truth and noise."""
    random = np.random.default_rng(len(name) + int(100 * noise))
    frames = []
    for part in parts:
        origins, truth = dataset.origins(part), dataset.targets(part)
        columns = {"part": part, "origin": dataset.times[origins], "target_time": dataset.times[origins + 6], "truth": truth}
        frames.append(pd.DataFrame({**columns, "forecast": truth + bias_degc + random.normal(0, noise, len(truth))}))
    stored = StoredCandidate(
        run="r1",
        architecture=name,
        title=name.title(),
        settings={},
        parameters=10,
        epochs=0,
        best_epoch=0,
        train_seconds=1.0,
        libraries={},
        git_commit=None,
        files={},
    )
    return Judged(stored, Reference(key=f"runs/r1/candidates/{name}.json", sha256="0"), pd.concat(frames, ignore_index=True))


BOOM = Failure(status="failed", reason="TrainingError: the loss is not finite")


def test_entrants_are_ranked_by_validation_error_and_failed_ones_come_last(dataset: Dataset):
    lines = judge(
        "r1", dataset, {name: judged(dataset, name, noise) for name, noise in (("a", 2.0), ("c", 0.5))}, {"b": ("B", BOOM)}
    )
    assert [(line.rank, line.architecture) for line in lines] == [(1, "c"), (2, "a"), (None, "b")]
    assert [line.verdict for line in lines] == ["challenger", "worse", None]
    best = lines[0]
    frame = judged(dataset, "c", 0.5).forecasts.query("part == 'validation'")
    assert best.val_mae == pytest.approx((frame["forecast"] - frame["truth"]).abs().mean())
    assert best.mae_low < best.test_mae < best.mae_high
    assert best.candidate == Reference(key="runs/r1/candidates/c.json", sha256="0")


def test_a_board_without_any_trained_entrant_is_an_error(dataset: Dataset):
    with pytest.raises(TrainingError, match="no entrant could be trained: a: TrainingError"):
        judge("r1", dataset, {}, {"a": ("A", BOOM)})


def test_skill_is_on_test_and_on_validation_where_there_is_no_test(dataset: Dataset):
    naive = naive_errors(dataset)
    (line,) = judge("r1", dataset, {"a": judged(dataset, "a", 0.5)}, {})
    assert line.skill == line.test_skill == pytest.approx(1 - line.test_mae / naive["test"])
    (line,) = judge("r1", dataset, {"a": judged(dataset, "a", 0.5, parts=("train", "validation"))}, {})
    assert line.test_mae is None
    assert line.skill == line.val_skill == pytest.approx(1 - line.val_mae / naive["validation"])


def test_a_perfect_naive_leaves_skill_out_instead_of_ending_the_board(dataset: Dataset):
    still = replace(dataset, frame=dataset.frame.assign(T=7.0))
    (line,) = judge("r1", still, {"a": judged(still, "a", 0.5)}, {})
    assert (line.skill, line.val_skill, line.test_skill) == (None, None, None)
    written = board([line])
    assert Leaderboard.read(written.changed(number=1).body(), "runs/r1/leaderboard/001/leaderboard.json").entrants[0].skill is None
    assert "not defined" in html(written).decode()
    with console.capture() as shown:
        show_board(written.changed(naive={"train": 0.0, "validation": 0.0, "test": 0.0}))
    assert "not defined" in shown.get()
    assert "naive makes no error here" in shown.get()


def test_nobody_is_compared_on_the_part_that_picked_the_challenger(dataset: Dataset):
    parts: tuple[Part, ...] = ("train", "validation")
    lines = judge("r1", dataset, {name: judged(dataset, name, noise, parts=parts) for name, noise in (("a", 2.0), ("c", 0.5))}, {})
    assert [(line.verdict, line.difference, line.p_adjusted) for line in lines] == [(None, None, None)] * 2
    assert all(line.mae_low < line.val_mae < line.mae_high for line in lines)
    assert html(board(lines)).decode().count("not compared") == 2


def test_too_few_days_of_test_are_a_verdict_that_page_and_terminal_say(dataset: Dataset):
    short = replace(dataset, frame=dataset.frame.head(24 * 200))
    lines = judge("r1", short, {name: judged(short, name, noise) for name, noise in (("a", 2.0), ("c", 0.5))}, {})
    assert [(line.verdict, line.mae_low, line.difference) for line in lines] == [("challenger", None, 0.0), ("unknown", None, None)]
    page = html(board(lines)).decode()
    assert '<span class="tag ">not enough data to say</span>' in page
    assert "fewer than 56 days with origins (8 weeks) tell neither how sure an error is nor who differs." in page
    with console.capture() as shown:
        show_board(board(lines))
    assert "too few days" in shown.get()
    assert "fewer than 56 days" in shown.get()


def test_a_board_of_format_1_says_that_its_lines_were_judged_one_by_one(dataset: Dataset):
    lines = judge("r1", dataset, {name: judged(dataset, name, noise) for name, noise in (("a", 2.0), ("c", 0.5), ("b", 1))}, {})
    written = json.loads(board(lines).changed(number=1).body())
    for line in written["entrants"]:
        del line["p_adjusted"]
    written["entrants"][1]["verdict"] = None
    old = Leaderboard.read(json.dumps({**written, "format": 1}).encode(), "runs/r1/leaderboard/001/leaderboard.json")
    assert [line.verdict for line in old.entrants] == ["challenger", "unknown", "worse"]
    assert "An older tsflow judged each line of this board by itself" in html(old).decode()


def test_an_entrant_says_which_run_trained_it(dataset: Dataset):
    (line,) = judge("r2", dataset, {"a": judged(dataset, "a", 0.5)}, {})
    assert line.reused_from == "r1"


def html(shown: Leaderboard) -> bytes:
    figures = [figure for figure in (errors_figure(shown, "test"), curves_figure(shown)) if figure]
    return standalone("board", BoardView(shown, None, None, figures, [], "test"), None)


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_an_entrant_without_a_result_has_a_reason(status: str):
    with pytest.raises(ValueError, match="goes with a reason"):
        Entrant(architecture="a", title="a", status=status)


def test_a_skipped_entrant_is_shown_as_skipped_with_its_reason():
    skipped = Entrant(architecture="prophet", title="Prophet", status="skipped", reason="prophet is not installed")
    ranked = [entrant("lstm", 2.1), skipped]
    page = html(board(ranked)).decode()
    assert '<span class="tag warn">skipped</span> prophet is not installed' in page
    assert ">failed<" not in page
    with console.capture() as shown:
        show_board(board(ranked))
    assert "prophet skipped: prophet is not installed" in shown.get()


def test_the_report_is_one_page_that_loads_nothing_and_escapes_what_it_shows():
    curve = [Epoch(epoch=i, of=3, loss=1.0, mae=3 - i * 0.1, val_mae=3 - i * 0.05, seconds=1.0) for i in range(1, 4)]
    page = html(board([entrant("lstm", 2.1, curve=curve), failed("gru", "boom <script>alert(1)</script>")])).decode()
    assert "2.100" in page
    assert page.count("data-figure=") == 2
    assert "boom &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "src=" not in page.partition("<body>")[2]
