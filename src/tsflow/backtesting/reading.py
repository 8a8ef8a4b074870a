"""Finding backtests."""

from tsflow import notes
from tsflow.errors import SettingsError
from tsflow.records.backtest import Backtest, BacktestPlan
from tsflow.records.index import Results
from tsflow.records.store import Records

BACKTESTS = Results("backtest", Backtest, "backtest", notes.backtested)


def summary_of(records: Records, backtest: str) -> Backtest:
    """Return a backtest's newest summary; `SettingsError` if it has none."""
    if (summary := records.newest(Backtest, backtest=backtest)) is not None:
        return summary
    records.read(BacktestPlan, backtest=backtest)
    msg = f"backtest {backtest!r} has no summary; if it is still training, wait for its end (the Airflow UI shows it)"
    raise SettingsError(msg)


def newest_backtest(records: Records, station: str, task: str | None = None) -> Backtest:
    """Return the newest summary of a station, or of one of its tasks; `SettingsError` if there is none."""
    found = BACKTESTS.newest(records, station, task)
    if not found:
        msg = f"station {station} has no backtest yet; run `tsflow backtest --station {station}`"
        raise SettingsError(msg)
    return summary_of(records, found[0].id)
