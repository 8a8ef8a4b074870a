"""What must be true of a raw batch before it enters the store, and of the hourly frame before windows are cut from it.

The expectations stand in `include/expectations`, the ranges in the station file. Some of them are about columns
that are computed here, for the check alone:

===================  ===============================================================================
minutes ahead        of the present by the station's clock; below 0 for what has happened
gap minutes          without a row before this one, beyond the station's cadence
missing rows         in that gap, to the nearest whole row
residual of VPact    the measured value less what its formula gives; one column a formula
stuck T              the value, where it is the same for longer than `stuck_for`; a column each variable that says so
spike of T           the value, where it goes off by more than `step_at_most` and comes back; likewise
step minutes         since the row before in the same segment (hourly frame)
===================  ===============================================================================

A failed expectation of severity critical refuses the data; one of severity warning is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tsflow.observations.combining import hourly_range
from tsflow.observations.expectations import Bindings, Failure, Kind, evaluate
from tsflow.observations.plausible import judged
from tsflow.settings import HourlySettings
from tsflow.stations.deriving import Derivation, derivation, measures
from tsflow.stations.formulas import all_formulas
from tsflow.stations.parse import missing_rows
from tsflow.stations.quantities import quantity
from tsflow.stations.station import Station
from tsflow.stations.variable import Variable
from tsflow.task import Task

_WHOLE_HOURS = (60.0, 60.0)
_DRIFTING_HOURS = (30.0, 90.0)  # minutes: what rounds to one hour, where the files themselves are hourly


@dataclass(frozen=True)
class ValidationReport:
    """What came out: `success` is False if a critical expectation failed."""

    suite: str
    station: str
    success: bool
    statistics: dict[str, int | float | str]
    failures: list[Failure]  # critical ones first
    result: Any  # GX's own, for the Data Docs

    def summary(self) -> str:
        """Return what was checked, each failure with what to do about it, in a line each."""
        facts = self.statistics
        rows = f"{facts['rows']:,} rows"
        if "first" in facts:
            rows += f" from {facts['first']} to {facts['last']}"
        critical = [failure for failure in self.failures if failure.severity == "critical"]
        told = len(self.failures) - len(critical)
        verdict = f"refused, {len(critical)} of {facts['expectations']} expectations failed" if critical else "accepted"
        warnings = f", {told} {'warning' if told == 1 else 'warnings'}" if told else ""
        head = f"{self.suite} of {self.station}: {verdict}{warnings} ({rows})"
        return "\n".join([head, *(f"- {failure}" for failure in self.failures)])


def validate_observations(frame: pd.DataFrame, station: Station, settings: HourlySettings, *, now: datetime) -> ValidationReport:
    """Hold a raw batch against the suite `observations`.

    Parameters
    ----------
    frame
        `time` (end of averaging, the station's clock, strictly rising) and one float column a variable, NaN where missing.
    settings
        How hours will be made of the rows: longer gaps than those it fills are told.
    now
        The present by the station's clock.
    """
    columns = ["time", *station.variables]
    checkable = _checkable(station)

    def with_checks() -> pd.DataFrame:
        checks: dict[str, pd.Series] = {
            "minutes ahead": _minutes(frame["time"] - pd.Timestamp(now)),
            "gap minutes": _minutes(frame["time"].diff() - pd.Timedelta(station.cadence)),
            "missing rows": missing_rows(frame["time"], station.cadence).clip(lower=0),
        }
        for name, how in checkable.items():
            checks[f"residual of {name}"] = frame[name] - how.of({each: frame[each].to_numpy() for each in how.inputs})
        return frame.assign(**checks, **_implausible(frame, station))

    return _validate(
        "observations",
        frame,
        station,
        columns,
        with_checks,
        parameters={
            "cadence_minutes": station.cadence / timedelta(minutes=1),
            "longest_filled_gap_minutes": settings.fill_gaps_up_to / timedelta(minutes=1),
        },
        further={
            "formula": {name: {"residual_min": -how.tolerance, "residual_max": how.tolerance} for name, how in checkable.items()},
            "resting": {name: _share(one) for name, one in station.variables.items() if one.stuck_for is not None},
            "stepping": {name: _share(one) for name, one in station.variables.items() if one.step_at_most is not None},
        },
    )


def _share(variable: Variable) -> dict[str, object]:
    return {"present_share": 1 - variable.missing_share}


def _implausible(frame: pd.DataFrame, station: Station) -> dict[str, pd.Series]:
    """Return the values that are stuck or spikes, NaN elsewhere, for each variable that is looked at so."""
    asked = [name for name, one in station.variables.items() if one.stuck_for or one.step_at_most]
    alone = not any(station.variables[name].derived for name in asked)  # whose inputs may be implausible
    found = judged(frame[["time", *asked]] if alone else frame, station)
    stuck = {f"stuck {name}": frame[name].where(found[name]["stuck"]) for name, one in station.variables.items() if one.stuck_for}
    spikes = {
        f"spike of {name}": frame[name].where(found[name]["spike"]) for name, one in station.variables.items() if one.step_at_most
    }
    return {**stuck, **spikes}


def validate_hourly(frame: pd.DataFrame, station: Station, features: Sequence[str], task: Task) -> ValidationReport:
    """Hold an hourly frame (`time`, the features, `segment`) against the suite `hourly`."""

    def with_checks() -> pd.DataFrame:
        return frame.assign(**{"step minutes": _minutes(frame.groupby("segment")["time"].diff())})

    low, high = _DRIFTING_HOURS if station.rows_per_hour == 1 else _WHOLE_HOURS
    return _validate(
        "hourly",
        frame,
        station,
        ["time", *features, "segment"],
        with_checks,
        parameters={"window_rows": task.span, "step_minutes_min": low, "step_minutes_max": high},
        hourly=True,
    )


def data_docs(report: ValidationReport) -> dict[str, bytes]:
    """Return Great Expectations' Data Docs of a report: pages by relative path, the first one is where to begin.

    GX renders the expectations. The page around them is our own, since GX's takes style sheets, scripts and images from
    other hosts; ours loads nothing.
    """
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(report.result)
    failed = {failure.column or "Table-Level Expectations" for failure in report.failures}
    view = DefaultJinjaPageView(custom_views_directory=str(Path(__file__).parent))
    page: str = view.render(document, template="data_docs.html.j2", report=report, failed=failed)
    return {f"{report.suite}.html": page.encode()}


def _minutes(spans: pd.Series) -> pd.Series:
    minutes: pd.Series = spans.dt.total_seconds() / 60
    return minutes


def _checkable(station: Station) -> dict[str, Derivation]:
    """Return by measured variable how a formula gives it, too, of the others that the files hold."""
    units = {name: variable.unit for name, variable in station.variables.items()}
    measured, found = measures(units, station.said_quantities), {}
    for name in station.measured:
        short = quantity(measured[name]).short if name in measured else None
        if short in {formula.name for formula in all_formulas()}:
            how = derivation(short, units, measured)
            if how is not None and name not in how.inputs:
                found[name] = how.into(units[name])
    return found


def _validate(
    suite: str,
    frame: pd.DataFrame,
    station: Station,
    columns: list[str],
    with_checks: Callable[[], pd.DataFrame],
    *,
    parameters: dict[str, object],
    further: dict[Kind, dict[str, dict[str, object]]] | None = None,
    hourly: bool = False,
) -> ValidationReport:
    """Hold a frame against a suite that is fitted to a station; `hourly`: its rows are hours, with whole amounts."""
    variables: dict[str, dict[str, object]] = {}
    for name in columns:
        if (variable := station.variables.get(name)) is not None:
            low, high = hourly_range(station, name) if hourly else variable.range
            variables[name] = {"range_min": low, "range_max": high, **_share(variable)}
    each: dict[Kind, dict[str, dict[str, object]]] = {
        "variable": variables,
        "target": {name: known for name, known in variables.items() if name in station.targets},
        "side": {name: known for name, known in variables.items() if name not in station.targets},
        **(further or {}),
    }
    found = evaluate(suite, frame, with_checks, Bindings({**parameters, "columns": columns}, each))
    facts: dict[str, int | float | str] = {"rows": len(frame)}
    if (checked := found.checked) is not None:
        facts |= {"first": str(frame["time"].iloc[0]), "last": str(frame["time"].iloc[-1])}
        if "gap minutes" in checked:
            facts |= {
                "missing_rows": int(checked["missing rows"].sum()),
                "longest_gap_minutes": float(checked["gap minutes"].max()) if len(checked) > 1 else 0.0,
            }
    failures = _worst_of_each(found.failures)
    facts["expectations"] = int(found.result.statistics["evaluated_expectations"])
    success = not any(failure.severity == "critical" for failure in failures)
    return ValidationReport(
        suite=suite, station=station.station, success=success, statistics=facts, failures=failures, result=found.result
    )


def _worst_of_each(failures: list[Failure]) -> list[Failure]:
    """Order failures by severity; where one expectation has two thresholds for a column, keep the graver failure."""
    graded = sorted(failures, key=lambda failure: ("critical", "warning", "info").index(failure.severity))
    worst: dict[tuple[str, str | None], Failure] = {}
    for failure in graded:
        worst.setdefault((failure.expectation, failure.column), failure)
    return list(worst.values())
