"""What Great Expectations finds when it looks at one column after the other is what it finds when it looks at all at once."""

import gc
import json
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsflow.observations.by_column import _made_once, validated

ROWS = 2000


def test_sets_of_arguments_keep_the_names_that_great_expectations_gives_them():
    from great_expectations.core.id_dict import IDDict

    own = IDDict.to_id
    values = [True, 1, 1.0, None, "1", (True,), (1,), [1], [True], {"a": 1}, {"a": True}]
    arguments = [IDDict({"column": "a", "value": value}) for value in values]
    with _made_once():
        assert IDDict.to_id is not own
        for _ in range(2):
            assert [each.to_id() for each in arguments] == [own(each) for each in arguments]
        assert arguments[0].to_id(id_keys=["value"]) == own(arguments[0], id_keys=["value"])


def test_great_expectations_has_its_own_ways_back_also_after_an_error():
    from great_expectations.core.id_dict import IDDict
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    own = IDDict.to_id, Expectation.configuration, ExpectationConfiguration.to_domain_obj
    with pytest.raises(ZeroDivisionError), _made_once():
        raise ZeroDivisionError
    assert (IDDict.to_id, Expectation.configuration, ExpectationConfiguration.to_domain_obj) == own


@pytest.fixture
def frame() -> pd.DataFrame:
    """Three columns with some values missing, some that break what is expected, and one text."""
    noise = np.random.default_rng(0)
    columns = {name: np.where(noise.random(ROWS) < 0.01, np.nan, noise.normal(size=ROWS)) for name in ("a", "b", "c")}
    times = pd.date_range("2021-01-01", periods=ROWS, freq="10min", unit="us")
    return pd.DataFrame({"time": times, **columns, "word": np.where(np.arange(ROWS) % 7 == 0, "odd", "even")})


def on(column: str, kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_column_{kind}", "kwargs": {"column": column, **kwargs}, "meta": {}, "severity": "critical"}


ODD = {"type": "comparison", "column": {"name": "word"}, "operator": "==", "parameter": "odd"}  # rows chosen by another column
EXPECTATIONS = [
    {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": {"$PARAMETER": "least"}}, "meta": {}},
    on("time", "values_to_be_increasing", strictly=True),
    on("a", "values_to_be_between", min_value=-2, max_value=2),
    on("b", "values_to_be_between", min_value=-9, max_value=9),
    on("a", "values_to_be_between", min_value=-2, max_value=2, mostly=0.9),
    on("a", "values_to_not_be_null"),
    on("c", "values_to_be_null", mostly=0.5),
    on("c", "values_to_be_unique"),
    on("b", "mean_to_be_between", max_value=0.1),
    on("b", "mean_to_be_between", max_value=0.1, row_condition=ODD),
    on("word", "mean_to_be_between", max_value=0.1),  # cannot be computed
    on("absent", "mean_to_be_between", max_value=0.1),
    on("b", "values_to_be_of_type", type_="float64"),
    on("b", "values_to_be_between", max_value=0, row_condition=ODD),
    on("word", "values_to_be_in_set", value_set=["odd"]),
    on("word", "value_lengths_to_be_between", min_value=3, max_value=4),
    on("word", "values_to_be_between", min_value=3, max_value=4),  # cannot be computed
    on("absent", "values_to_not_be_null"),
    {"type": "expect_column_pair_values_a_to_be_greater_than_b", "kwargs": {"column_A": "a", "column_B": "b"}, "meta": {}},
    {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["a", "word"]}, "meta": {}},
]


def by_great_expectations_alone(frame: pd.DataFrame) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("tsflow").add_dataframe_asset("suite")
    batch = asset.add_batch_definition_whole_dataframe("frame").get_batch({"dataframe": frame})
    return batch.validate(
        gx.ExpectationSuite(name="suite", expectations=EXPECTATIONS),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": 5, "unexpected_index_column_names": ["time"]},
        expectation_parameters={"least": 10},
    )


def comparable(result: Any) -> dict[str, Any]:
    """Return what was found by expectation, without what differs from run to run."""
    found = {}
    for one in json.loads(json.dumps(result.to_json_dict()["results"])):
        config = one["expectation_config"]
        config["kwargs"].pop("batch_id", None)
        info = one.pop("exception_info")
        raised = [info] if "raised_exception" in info else info.values()
        said = sorted({str(each["exception_message"]).partition(";")[0] for each in raised})
        found[json.dumps([config["type"], config["kwargs"]])] = one["success"], one["result"], said
    return found


def test_what_is_found_is_what_great_expectations_finds_of_the_whole_frame(frame: pd.DataFrame):
    alone, ours = by_great_expectations_alone(frame), validated("suite", [(EXPECTATIONS, frame)], {"least": 10}, examples=5)
    assert comparable(ours) == comparable(alone)
    assert len(ours.results) == len(EXPECTATIONS)
    assert ours.statistics == alone.statistics
    assert {result.success for result in ours.results} == {True, False}
    assert not ours.success


def test_the_frame_stays_as_it_was(frame: pd.DataFrame):
    before = frame.copy(deep=True)
    validated("suite", [(EXPECTATIONS, frame)], {"least": 10}, examples=5)
    pd.testing.assert_frame_equal(frame, before)


def test_the_frame_is_let_go(frame: pd.DataFrame):
    given = frame.copy()
    held = weakref.ref(given)
    found = validated("suite", [(EXPECTATIONS, given)], {"least": 10}, examples=5)
    del given
    gc.collect()
    assert held() is None
    assert len(found.results) == len(EXPECTATIONS)


def test_great_expectations_is_left_as_it_was(frame: pd.DataFrame):
    from great_expectations.exceptions import SuiteParameterError
    from great_expectations.expectations.expectation import Expectation

    before = Expectation.configuration
    validated("suite", [(EXPECTATIONS[:3], frame)], {"least": 10}, examples=5)
    with pytest.raises(SuiteParameterError):
        validated("suite", [(EXPECTATIONS[:1], frame)], {}, examples=5)
    assert Expectation.configuration is before


def test_nothing_of_a_frame_stays_where_the_next_cannot_be_made(frame: pd.DataFrame):
    def stages(first: pd.DataFrame) -> Any:
        yield [on("a", "values_to_be_between", min_value=-99, max_value=99)], first
        raise LookupError

    given = frame.copy()
    held = weakref.ref(given)
    with pytest.raises(LookupError):
        validated("suite", stages(given), {}, examples=5)
    del given
    gc.collect()
    assert held() is None


def test_after_a_stage_that_fails_nothing_more_is_asked(frame: pd.DataFrame):
    def stages():
        yield EXPECTATIONS, frame
        pytest.fail("the frame of the next stage was made")

    found = validated("suite", stages(), {"least": 10}, examples=5)
    assert not found.success
    assert len(found.results) == len(EXPECTATIONS)


def test_stages_that_hold_come_into_one_result(frame: pd.DataFrame):
    holds = [on("a", "values_to_not_be_null", mostly=0)]
    found = validated("suite", [(holds, frame), (EXPECTATIONS, frame)], {"least": 10}, examples=5)
    assert found.statistics["evaluated_expectations"] == 1 + len(EXPECTATIONS)


def test_a_suite_may_expect_nothing(frame: pd.DataFrame):
    found = validated("suite", [([], frame)], {}, examples=5)
    assert found.success
    assert found.results == []


def wide(rows: int) -> pd.DataFrame:
    columns = {f"x{number}": np.full(rows, float(number)) for number in range(20)}
    frame = pd.DataFrame({"time": pd.date_range("2021-01-01", periods=rows, freq="10min", unit="us"), **columns})
    frame.loc[7, list(columns)] = np.nan
    return frame


@pytest.mark.parametrize("highest", [30, 10], ids=["all hold", "every row breaks half of them"])
def test_neither_is_the_frame_copied_nor_are_all_rows_listed(highest: float):
    frame = wide(200_000)
    expectations = [on(name, "values_to_be_between", min_value=0, max_value=highest) for name in frame.columns[1:]]
    validated("warm", [(expectations, frame.head(10))], {}, examples=5)
    tracemalloc.start()
    try:
        found = validated("suite", [(expectations, frame)], {}, examples=5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.success == (highest == 30)
    assert peak < frame.memory_usage().sum() / 2
