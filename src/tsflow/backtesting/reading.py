"""Finding backtests."""

from collections.abc import Iterator
from functools import partial

from tsflow.errors import SettingsError
from tsflow.records.backtest import Backtest, BacktestPlan
from tsflow.records.index import Listed, enter, newest, turn
from tsflow.records.store import Records


def summary_of(records: Records, backtest: str) -> Backtest:
    """Return a backtest's newest summary; `SettingsError` if it has none."""
    if (summary := records.newest(Backtest, backtest=backtest)) is not None:
        return summary
    records.read(BacktestPlan, backtest=backtest)
    msg = f"backtest {backtest!r} has no summary; if it is still training, wait for its end (the Airflow UI shows it)"
    raise SettingsError(msg)


def newest_backtest(records: Records, station: str, task: str | None = None) -> Backtest:
    """Return the newest summary of a station, or of one of its tasks; `SettingsError` if there is none."""
    found = newest_backtests(records, station, task)
    if not found:
        msg = f"station {station} has no backtest yet; run `tsflow backtest --station {station}`"
        raise SettingsError(msg)
    return summary_of(records, found[0].id)


def newest_backtests(records: Records, station: str, task: str | None = None, *, most: int = 1) -> list[Listed]:
    """Return what stands in the index of the newest summaries, the newest first."""
    return newest(records, "backtest", station, partial(_backtests_before, records), task=task, most=most)


def enter_backtest(records: Records, summary: Backtest) -> None:
    """Enter a summary into the index."""
    enter(records, _listed(summary), partial(_backtests_before, records))


def _listed(summary: Backtest) -> Listed:
    leader = summary.entrant(summary.leader) if summary.leader else None
    led = f"{leader.architecture} leads" if leader else "no entrant has every fold"
    error = f", MAE {leader.errors.mae:.3f} {summary.unit} (naive {summary.naive.mae:.3f})" if leader and leader.errors else ""
    return Listed(
        of="backtest",
        station=summary.station,
        task=summary.task,
        turn=turn(summary.created_at, summary.created_at),
        id=summary.backtest,
        number=summary.number,
        as_of=summary.as_of,
        created_at=summary.created_at,
        profile=summary.profile,
        result=f"{led}{error}; {len(summary.entrants)} entrants, {len(summary.folds)} folds",
    )


def _backtests_before(records: Records) -> Iterator[Listed]:
    """Yield what there is of a tsflow that kept no index."""
    for backtest in dict.fromkeys(str(place["backtest"]) for place in records.listed(Backtest)):
        yield _listed(summary_of(records, backtest))
