"""The suites under `include/expectations`: GX's own JSON, fitted to one station and run on a frame.

A suite is written once for all stations. What differs between them comes in two ways:

- GX fills `{"$PARAMETER": "cadence_minutes"}` from the parameters of the run;
- an expectation whose `meta` says `for_each: variable` is copied for every variable, with `{variable}` in its column
  replaced and its parameters taken from that variable's part of the station file.

Great Expectations takes seconds to import, so it is imported where it is used.
"""

import gc
import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from tsflow.errors import SettingsError
from tsflow.folders import include_dir

# GX versions that report usage read this when they are imported.
os.environ["GX_ANALYTICS_ENABLED"] = "False"
# When it is imported it tells of two hundred functions that it does not register, later of every missing key.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

_EXAMPLES = 5

Severity = Literal["critical", "warning", "info"]
Kind = Literal["variable", "target", "side", "formula", "resting", "stepping"]
GxDocument = dict[str, Any]  # JSON whose keys are Great Expectations' own


@dataclass(frozen=True)
class Bindings:
    """What fits a suite to a station: parameters by name, and for each kind of thing its names with their parameters."""

    parameters: dict[str, object]
    each: dict[Kind, dict[str, dict[str, object]]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return every parameter that an expectation may ask for."""
        own = {name for things in self.each.values() for values in things.values() for name in values}
        return sorted({*self.parameters, *own})


class Example(BaseModel):
    """One row that broke an expectation."""

    model_config = ConfigDict(frozen=True)

    time: str
    value: float | str | None

    def __str__(self) -> str:
        """Return the time, and the value where there is one."""
        return self.time if self.value is None else f"{self.time} ({_text(self.value)})"


class Failure(BaseModel):
    """An expectation that does not hold: of which column, what was expected, what was found, what to do."""

    model_config = ConfigDict(frozen=True)

    expectation: str
    severity: Severity
    column: str | None  # None: the table as a whole
    expected: str
    found: str
    rows: int | None  # that broke it; None where a row alone cannot
    examples: list[Example]  # the first of them
    remedy: str

    def __str__(self) -> str:
        """Return one line: severity, column, expected, found, where, remedy."""
        where = ", ".join(map(str, self.examples))
        at = f", {'first ' if (self.rows or 0) > 1 else ''}at {where}" if where else ""
        remedy = f"; what to do: {self.remedy}" if self.remedy else ""
        return f"{self.severity}: {self.expected}; found {self.found}{at}{remedy}"


@dataclass(frozen=True)
class Evaluated:
    """What came out of a suite: GX's own result, what failed, and the frame with what was computed for the check."""

    result: Any
    failures: list[Failure]
    checked: pd.DataFrame | None  # None: the schema did not hold


def load_suite(name: str) -> Any:
    """Return a suite (`great_expectations.ExpectationSuite`) as it stands under `include/expectations`.

    Raises
    ------
    SettingsError
        If there is no such file, or GX cannot read it.
    """
    import great_expectations as gx
    from great_expectations.exceptions import GreatExpectationsError

    path = include_dir() / "expectations" / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        suite = gx.ExpectationSuite(**content)
    except (OSError, ValueError, TypeError, GreatExpectationsError) as error:
        msg = f"{path}: not a suite that Great Expectations can read: {error}"
        raise SettingsError(msg) from error
    known = {expectation.expectation_type for expectation in suite.expectations}
    if unknown := [config["type"] for config in content.get("expectations", []) if config["type"] not in known]:
        msg = f"{path}: Great Expectations knows no expectation {', '.join(unknown)}; check its spelling"  # GX would leave it out
        raise SettingsError(msg)
    return suite


def evaluate(suite: str, frame: pd.DataFrame, with_checks: Callable[[], pd.DataFrame], bindings: Bindings) -> Evaluated:
    """Run a suite on a frame with a column `time`.

    Expectations of the schema come first, each if the frame has its column. The others are held against
    what `with_checks` makes of the frame: it is asked only where the schema holds, without which nothing can be computed.

    Raises
    ------
    SettingsError
        If the suite's file cannot be read, or asks for a parameter that does not exist.
    """
    from great_expectations.exceptions import SuiteParameterError

    from tsflow.observations.by_column import validated

    schema: list[GxDocument] = []
    others: list[GxDocument] = []
    for config in load_suite(suite).to_json_dict()["expectations"]:
        (schema if _is_of_schema(config) else others).extend(_fit(config, bindings.each))
    checked: pd.DataFrame | None = None

    def stages() -> Iterator[tuple[list[GxDocument], pd.DataFrame]]:
        nonlocal checked
        yield [config for config in schema if config["kwargs"].get("column", "time") in frame.columns], frame
        checked = with_checks()
        yield others, checked

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets a level of its own
    try:
        result = validated(suite, stages(), bindings.parameters, _EXAMPLES)
    except SuiteParameterError as error:
        msg = f"{include_dir() / 'expectations' / suite}.json: {error}; known: {', '.join(bindings.names())}"
        raise SettingsError(msg) from error
    gc.collect()  # what GX made goes round in circles, and holds the frames
    failures = [_failure(outcome) for outcome in result.results if not outcome.success]
    return Evaluated(result, failures, checked)


def _is_of_schema(config: GxDocument) -> bool:
    """Whether an expectation says so, or asks for the parameter `columns`: those are the data's own, not the check's."""
    return config["meta"].get("stage") == "schema" or {"$PARAMETER": "columns"} in config["kwargs"].values()


def _fit(config: GxDocument, each: Mapping[Kind, Mapping[str, Mapping[str, object]]]) -> list[GxDocument]:
    """Return an expectation's copies, one for each thing that its `meta` names; or itself."""
    kind = config["meta"].get("for_each")
    if kind is None:
        return [config]
    copies = []
    for name, values in each.get(kind, {}).items():
        column = config["kwargs"]["column"].replace("{variable}", name)
        kwargs = {key: _value(given, values) for key, given in config["kwargs"].items()}
        copies.append({**config, "kwargs": {**kwargs, "column": column}})
    return copies


def _value(given: object, values: Mapping[str, object]) -> object:
    parameter = given.get("$PARAMETER") if isinstance(given, dict) else None
    return values.get(parameter, given) if isinstance(parameter, str) else given


def _failure(outcome: Any) -> Failure:
    """Put GX's outcome of one expectation into words; the expectation's own words are GX's."""
    outcome.render()
    config, result = outcome.expectation_config, outcome.to_json_dict()["result"]
    column = config.kwargs.get("column")
    examples = [
        Example(time=str(row["time"]).replace("T", " "), value=_plain(row.get(column)) if column != "time" else None)
        for row in result.get("partial_unexpected_index_list") or []
    ]
    return Failure(
        expectation=config.type,
        severity=str(config.severity.value),
        column=column,
        expected=_expected(config),
        found=_found(outcome, result),
        rows=result.get("unexpected_count"),
        examples=examples,
        remedy=config.meta.get("remedy", ""),
    )


def _plain(value: object) -> float | str | None:
    """A value as JSON can hold it."""
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else str(value)
    return None if value is None else str(value)


def _expected(config: Any) -> str:
    """Return GX's own sentence: `T values must be ...`, or `the table must have ...`."""
    value = config.rendered_content[0].to_json_dict()["value"]
    words = {name: _text(parameter["value"]) for name, parameter in value.get("params", {}).items()}
    sentence = Template(value["template"]).safe_substitute(words).rstrip(".")
    return sentence if "column" in config.kwargs else f"the table {sentence[0].lower()}{sentence[1:]}"


def _text(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _found(outcome: Any, result: GxDocument) -> str:
    if not result and outcome.exception_info:
        messages = {info["exception_message"] for info in outcome.exception_info.values() if isinstance(info, dict)}
        return f"that it cannot be checked: {'; '.join(sorted(messages))}"
    if "unexpected_count" in result:
        broken, all_rows, percent = (result[name] for name in ("unexpected_count", "element_count", "unexpected_percent"))
        return f"{broken:,} of {all_rows:,} rows that break this ({percent:.3g} %)"
    observed = result["observed_value"]
    if isinstance(observed, list):
        expected = outcome.expectation_config.kwargs["column_list"]
        lacking = [name for name in expected if name not in observed]
        extra = [name for name in observed if name not in expected]
        parts = [f"{what}: {', '.join(names)}" for what, names in (("missing", lacking), ("unexpected", extra)) if names]
        return "; ".join(parts) or f"another order: {', '.join(observed)}"
    return _text(observed)
