import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from tsflow.errors import DataError
from tsflow.uncertainty.long_run import Estimate, differences
from tsflow.uncertainty.verdicts import ITSELF, bounds, compare, holm, intervals_of, may_be_best


def weather(random: np.random.Generator, days: int) -> np.ndarray:
    """Errors as forecasts 24 hours ahead have them: those of neighbouring hours resemble each other."""
    return np.convolve(random.normal(size=days * 24 + 23), np.ones(24) / 5, "valid")


def frame(errors: np.ndarray, start: str = "2020-01-01T00:40") -> pd.DataFrame:
    origins = np.datetime64(start) + np.arange(len(errors)) * np.timedelta64(1, "h")
    return pd.DataFrame({"origin": origins, "truth": 7.0, "forecast": 7.0 + errors})


def forecasts(days: int = 120) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(8)
    shared, one, another, worse = (weather(random, days) for _ in range(4))
    return {
        "best": frame(shared + 0.2 * one),
        "tie": frame(shared + 0.2 * another),
        "loser": frame(1.2 * shared + 0.2 * worse),
    }


def test_holm_is_that_of_statsmodels():
    p_values = np.array([0.01, 0.04, 0.03, 0.005, 0.5, 0.01])
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])
    assert holm(np.array([])).tolist() == []


def test_a_known_winner_and_a_known_tie():
    shown = forecasts()
    found = compare({name: shown[name] for name in ("tie", "loser")}, shown["best"])
    assert {name: each.verdict for name, each in found.items()} == {"tie": "tie", "loser": "worse"}
    assert found["tie"].difference.low < 0 < found["tie"].difference.high
    assert found["loser"].difference.low > 0
    assert compare({"best": shown["best"]}, shown["loser"])["best"].verdict == "better"


def test_verdicts_are_by_the_p_values_of_all_lines_together():
    shown = forecasts()
    lines = {f"again{number}": shown["tie"] for number in range(9)} | {"loser": shown["loser"]}
    found = compare(lines, shown["best"])
    alone = compare({"loser": shown["loser"]}, shown["best"])["loser"]
    assert found["loser"].p_value == alone.p_value == alone.p_adjusted
    assert found["loser"].p_adjusted == pytest.approx(10 * alone.p_value)
    assert found["loser"].difference == alone.difference


def test_entrants_are_compared_on_the_origins_that_both_have():
    shown = forecasts()
    part = shown["loser"].iloc[24 * 30 :]
    found = compare({"loser": part}, shown["best"])["loser"]
    errors = np.stack(
        [(each["forecast"] - each["truth"]).to_numpy()[24 * 30 :] for each in (shown["loser"], shown["best"])], axis=1
    )
    assert found.difference == differences(errors, part["origin"].to_numpy(), 1).estimates()[0]


def test_too_few_days_are_a_verdict_of_their_own():
    shown = {name: each.head(24 * 55) for name, each in forecasts().items()}
    found = compare({"loser": shown["loser"]}, shown["best"])["loser"]
    numbers = ("difference", "difference_low", "difference_high", "p_value", "p_adjusted")
    assert found.fields() == {**dict.fromkeys(numbers), "verdict": "unknown"}
    assert intervals_of(shown) == dict.fromkeys(shown)
    assert may_be_best(shown) == dict.fromkeys(shown)
    assert bounds(None) == {}
    apart = compare({"loser": frame(np.ones(24 * 60), "2031-01-01T00:40")}, shown["best"])["loser"]
    assert apart.verdict == "unknown", "no origin in common"


def test_an_entrant_that_is_much_worse_is_surely_not_the_best():
    found = may_be_best(forecasts())
    assert found["loser"] < 0.05 < min(found["best"], found["tie"])


def test_a_line_holds_what_was_found():
    assert ITSELF.fields()["difference"] == 0.0
    assert bounds(Estimate(2.0, 1.5, 2.5)) == {"mae_low": 1.5, "mae_high": 2.5}


def test_origins_out_of_order_are_refused():
    shown = forecasts()
    with pytest.raises(DataError, match="origin times do not rise"):
        compare({"loser": shown["loser"].iloc[::-1]}, shown["best"])
