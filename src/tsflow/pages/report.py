"""The same pages without Airflow: one HTML file that loads nothing."""

from markupsafe import Markup

from tsflow.errors import SettingsError
from tsflow.pages.answers import environment, static
from tsflow.pages.backtest import backtest_view
from tsflow.pages.board import BoardView, board_view
from tsflow.pages.place import Place, place_of
from tsflow.pages.tuning import tuning_view
from tsflow.records.store import Records
from tsflow.settings import Settings


def report_of_run(records: Records, settings: Settings, run: str) -> bytes:
    """Return a run's leaderboard; `SettingsError` if it has none yet."""
    view = board_view(records, run)
    if not isinstance(view, BoardView):
        msg = f"run {run} has no leaderboard yet: {view.done} of {len(view.run.entrants)} entrants have come to an end; wait for it"
        raise SettingsError(msg)
    return standalone("board", view, place_of(records, settings, view.board.station, view.board.task))


def report_of_backtest(records: Records, settings: Settings, backtest: str) -> bytes:
    """Return a backtest's summary."""
    view = backtest_view(records, backtest, most=1)
    return standalone("backtest", view, place_of(records, settings, view.summary.station, view.summary.task))


def report_of_tuning(records: Records, settings: Settings, tuning: str) -> bytes:
    """Return a tuning's result."""
    view = tuning_view(records, tuning, most=1)
    return standalone("tuning", view, place_of(records, settings, view.found.station, view.found.task))


def standalone(template: str, view: object, place: Place | None) -> bytes:
    """Return a view's page with all that it needs in it; without a place it does not say by which clock its times are."""
    return (
        environment().get_template(f"{template}.html.j2").render(standalone=True, inline=_inline, view=view, place=place).encode()
    )


def _inline(name: str) -> Markup:
    found = static(name)
    if found is None:
        msg = f"there is no file {name!r} in the pages"
        raise SettingsError(msg)
    return Markup(found[0].decode())  # noqa: S704  # a file of this package, or of Plotly's
