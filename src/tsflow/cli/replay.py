"""`tsflow replay`: past days one after another, each with the data that was known then, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from tsflow.cli.options import as_json, option_of, task_option
from tsflow.cli.output import console, json_to_stdout, skill_text, write_json
from tsflow.cli.stores import store
from tsflow.errors import DataError, SettingsError, TrainingError
from tsflow.requests import RetrainRequest
from tsflow.requests.knobs import knobs
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.records.leaderboard import Leaderboard
    from tsflow.records.store import Records

_KNOBS = {knob.name: knob for knob in knobs(RetrainRequest, settings_may_be_wrong=True)}
_DAY = click.DateTime(["%Y-%m-%d"])


def _asked(command: click.decorators.FC) -> click.decorators.FC:
    for name in ("seed", "architectures", "split", "profile", "late_rows", "station"):
        command = option_of(_KNOBS[name])(command)
    return task_option(command)


@click.command()
@click.option(
    "--from", "first", type=_DAY, required=True, metavar="DAY", help="Begin with this day's first moment, such as 2026-06-01."
)
@click.option("--to", "last", type=_DAY, required=True, metavar="DAY", help="End with this day's first moment.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=1,
    metavar="DAYS",
    help="Replay one day of so many, beginning with the first. Default: 1.",
)
@_asked
@as_json
def replay(first: datetime, last: datetime, every: int, json_out: str | None, **asked: object) -> None:
    """Train and rank as of each past day, as it would have been then. Nothing is published, and nothing done twice."""
    if last < first:
        msg = f"--to {last:%Y-%m-%d} comes before --from {first:%Y-%m-%d}; exchange them"
        raise SettingsError(msg)
    to_stdout = json_to_stdout(json_out)
    boards, failed = [], {}
    with store() as records:
        for day in _days(first, last, every):
            try:
                board = _day(records, RetrainRequest.of({**asked, "as_of": day.isoformat()}))
            except (DataError, TrainingError) as reason:
                failed[f"{day:%Y-%m-%d}"] = str(reason)
                console.print(f"{day:%Y-%m-%d}  {reason}", style="yellow", markup=False)
            else:
                boards.append(board)
                console.print(_line(board), markup=False)
    write_json(to_stdout, {"days": [board.model_dump(mode="json") for board in boards], "failed": failed})
    if failed:
        msg = f"{len(failed)} of {len(failed) + len(boards)} days could not be replayed; why stands beside each of them above"
        raise TrainingError(msg)


def _days(first: datetime, last: datetime, every: int) -> Iterator[datetime]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=every)


def _day(records: Records, request: RetrainRequest) -> Leaderboard:
    from tsflow import steps
    from tsflow.cli.here import train_and_tell
    from tsflow.observations.store import ObservationStore
    from tsflow.records.leaderboard import Leaderboard
    from tsflow.requests.replaying import replay_run
    from tsflow.stations.station import load_station

    run = replay_run(request, settings(), ObservationStore(records, load_station(str(request.station)).station).known_at())
    if (done := records.newest(Leaderboard, run=run)) is not None:
        return done
    planned = steps.build_dataset(records, settings(), request, run)
    for name in planned.entrants:
        train_and_tell(f"{request.as_of:%Y-%m-%d} {name}", partial(steps.train_entrant, records, settings(), run, name))
    return records.fetch(Leaderboard, steps.rank_entrants(records, run))


def _line(board: Leaderboard) -> str:
    best = board.entrant(board.challenger)
    return (
        f"{board.as_of:%Y-%m-%d}  {board.challenger}: validation MAE {best.val_mae:.3f} {board.unit}, "
        f"skill {skill_text(best.skill)}, data {board.fingerprint}, run {board.run}"
    )
