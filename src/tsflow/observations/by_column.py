"""Great Expectations made to look at one column after the other, without a copy of all the others.

It takes a copy of the whole frame several times an expectation, makes lists of the rows that break it where none does, and
keeps what it found in all rows until the last expectation is done. With 45 columns of 8 years of rows that is 15 s and 500 MB.

This module imports Great Expectations, which takes seconds, so it is imported where it is used.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Literal

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
from great_expectations.core.batch import BatchMarkers
from great_expectations.core.id_dict import IDDict
from great_expectations.datasource.fluent import PandasDatasource
from great_expectations.datasource.fluent.pandas_datasource import DataFrameAsset
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.execution_engine.pandas_batch_data import PandasBatchData
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.validator import calc_validation_statistics
from pandas.api.types import is_numeric_dtype

from tsflow.libraries import keep_loaded
from tsflow.observations.expectations import GxDocument

keep_loaded()  # at once after the import: what a validation makes is not to be kept

_ROWS_BY = "time"
_OF_COLUMN = "of_column"  # in a domain: what it is cut down to, also where its own column was taken out
_LISTS = (".unexpected_values", ".unexpected_index_list")
_MEAN = "column.mean"
_ONE_AT_A_TIME = threading.Lock()


class _ColumnEngine(PandasExecutionEngine):  # type: ignore[misc] # Great Expectations has no types
    """Computes what is asked of a column from that column, and the times where rows are named."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "caching": False})

    def get_batch_data_and_markers(self, batch_spec: Any) -> tuple[PandasBatchData, BatchMarkers]:
        """Take the frame as it is; GX hashes it besides, which nobody reads."""
        frame, batch_spec.batch_data = batch_spec.batch_data, "PandasDataFrame"
        return PandasBatchData(self, frame), BatchMarkers({"ge_load_time": f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"})

    def get_compute_domain(self, domain_kwargs: GxDocument, domain_type: Any, accessor_keys: Any = None) -> tuple[Any, ...]:
        """Return what a metric is computed from; of the domain GX takes the column out, so here it is put down again."""
        data, compute, accessor = super().get_compute_domain(domain_kwargs, domain_type, accessor_keys)
        if "column" in accessor:
            compute[_OF_COLUMN] = accessor["column"]
        return data, compute, accessor

    def get_domain_records(self, domain_kwargs: GxDocument) -> pd.DataFrame:
        """Return the rows of a domain, with the columns that are looked at."""
        data: pd.DataFrame = super().get_domain_records(domain_kwargs)
        column = domain_kwargs.get("column", domain_kwargs.get(_OF_COLUMN))
        if column not in data:
            return data
        rows_are_named = "column" in domain_kwargs and _OF_COLUMN in domain_kwargs
        beside = [_ROWS_BY] if rows_are_named and _ROWS_BY in data and column != _ROWS_BY else []
        return pd.DataFrame({name: data[name] for name in [*beside, column]}, copy=False)

    def resolve_metrics(
        self, metrics_to_resolve: Iterable[Any], metrics: dict[Any, Any] | None = None, runtime_configuration: Any = None
    ) -> dict[Any, Any]:
        """Compute metrics; GX lists all the rows that break an expectation before it takes the first ones."""
        known: dict[Any, Any] = metrics or {}
        found: dict[Any, Any] = {one.id: mean for one in metrics_to_resolve if (mean := self._mean(one)) is not None}
        listed = [one for one in metrics_to_resolve if one.metric_name.endswith(_LISTS) and _condition(one) in known]
        for one in listed:
            broken, *domain = known[_condition(one)]
            at = np.flatnonzero(broken.to_numpy(dtype=np.bool_, na_value=False))
            if len(at) == 0:
                found[one.id] = []
            elif len(at) > (shown := one.metric_value_kwargs["result_format"]["partial_unexpected_count"]):
                first = pd.Series(False, index=broken.index)
                first.iloc[at[:shown]] = True
                found |= super().resolve_metrics([one], {**known, _condition(one): (first, *domain)}, runtime_configuration)
        left = {one for one in metrics_to_resolve if one.id not in found}
        return {**found, **(super().resolve_metrics(left, metrics, runtime_configuration) if left else {})}

    def _mean(self, metric: Any) -> float | None:
        """Return the mean that is asked for of numbers; GX looks at each of them first, whether it is a decimal of Python's."""
        if metric.metric_name != _MEAN:
            return None
        column = metric.metric_domain_kwargs["column"]
        data = self.get_domain_records(metric.metric_domain_kwargs)
        return float(data[column].mean()) if column in data and is_numeric_dtype(data[column]) else None


def _condition(metric: Any) -> Any:
    """Return the id of what says which rows break the expectation that a metric is of; None if nothing does."""
    condition = metric.metric_dependencies.get("unexpected_condition")
    return condition and condition.id


class ColumnDatasource(PandasDatasource):  # type: ignore[misc] # Great Expectations has no types
    """Frames that this engine looks at; GX makes `add_tsflow` of its type, unless its name begins with an underscore."""

    type: Literal["tsflow"] = "tsflow"
    execution_engine_override: ClassVar[Any] = _ColumnEngine


def validated(
    suite: str, stages: Iterable[tuple[list[GxDocument], pd.DataFrame]], parameters: dict[str, object], examples: int
) -> ExpectationSuiteValidationResult:
    """Return GX's result of expectations on frames, with so many examples of what breaks each.

    Parameters
    ----------
    stages
        Expectations and what they are held against, asked for one after the other until one of a stage does not hold.
    """
    form = {"result_format": "SUMMARY", "partial_unexpected_count": examples, "return_unexpected_index_query": False}
    found: list[ExpectationSuiteValidationResult] = []
    with _made_once(), _asset(suite) as asset:
        for number, (expectations, frame) in enumerate(stages):
            batch = asset.add_batch_definition_whole_dataframe(f"stage {number}").get_batch({"dataframe": frame})
            rows_by_time = {"unexpected_index_column_names": [_ROWS_BY]} if _ROWS_BY in frame.columns else {}
            for those in _by_column(expectations):
                asked = gx.ExpectationSuite(name=suite, expectations=those)
                found.append(batch.validate(asked, result_format={**form, **rows_by_time}, expectation_parameters=parameters))
            if not all(one.success for one in found):
                break
    results = [result for one in found for result in one.results]
    statistics = calc_validation_statistics(results)
    run = RunIdentifier(run_time=datetime.now(UTC))
    return ExpectationSuiteValidationResult(
        success=statistics.success,
        results=results,
        suite_name=suite,
        statistics={name: value for name, value in statistics._asdict().items() if name != "success"},
        meta={**found[0].meta, "run_id": run, "validation_time": run.run_time},
    )


@contextmanager
def _asset(name: str) -> Iterator[DataFrameAsset]:
    """Put up a place of GX's for frames, and take it away again: GX keeps the last context, and with it what lies there."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    try:
        yield context.data_sources.add_tsflow(name="tsflow").add_dataframe_asset(name)
    finally:
        context.data_sources.delete("tsflow")


@contextmanager
def _made_once() -> Iterator[None]:
    """Let GX keep what it makes anew again and again, which is most of what it does.

    That is the configuration of each expectation and an expectation of each configuration, a hundred times while it is run, and the
    names of a hundred sets of arguments, ten thousand times.
    """
    with _ONE_AT_A_TIME:
        kept: dict[int, tuple[Any, Any]] = {}  # what something was made of is held beside it, so that its id stays its own
        names: dict[object, Any] = {}
        made, remade, named = Expectation.configuration, ExpectationConfiguration.to_domain_obj, IDDict.to_id

        def once(make: Callable[[Any], Any], source: Any) -> Any:
            if id(source) not in kept:
                kept[id(source)] = source, make(source)
            return kept[id(source)][1]

        def to_id(arguments: IDDict, id_keys: Any = None, id_ignore_keys: Any = None) -> Any:
            if id_keys is not None or id_ignore_keys is not None:
                return named(arguments, id_keys, id_ignore_keys)
            if any(isinstance(value, list | tuple | dict | set) for value in arguments.values()):
                return named(arguments)
            key = type(arguments), *((name, type(value), value) for name, value in arguments.items())  # True is not 1 here
            return names[key] if key in names else names.setdefault(key, named(arguments))

        Expectation.configuration = property(partial(once, made.fget))
        ExpectationConfiguration.to_domain_obj = lambda configuration: once(remade, configuration)
        IDDict.to_id = to_id
        try:
            yield
        finally:
            Expectation.configuration, ExpectationConfiguration.to_domain_obj, IDDict.to_id = made, remade, named


def _by_column(expectations: list[GxDocument]) -> list[list[GxDocument]]:
    """Return the expectations on each column, and those on the table or on several, in the order in which they begin."""
    groups: dict[str | None, list[GxDocument]] = {}
    for one in expectations:
        groups.setdefault(one["kwargs"].get("column"), []).append(one)
    return list(groups.values()) or [[]]  # a suite may expect nothing
