"""A board, what its entrants forecast and the champion's recipe, brought before the gate."""

import numpy as np

from tsflow.champion.clock import utc_now
from tsflow.champion.gate import Contest, challenger_of, choose, conditions
from tsflow.evaluation.boards import candidate_of
from tsflow.evaluation.tuned import tuned_over
from tsflow.names import NAIVE
from tsflow.records.decision import Decision, Reigning
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.training.profile import profile_of
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset


def decide_on(records: Records, settings: Settings, board: Leaderboard, reigning: Reigning | None) -> Decision:
    """Return the gate's decision on a board."""
    run = records.read(Run, run=board.run)
    profile = profile_of(run, settings)
    contest = contest_of(records, board, reigning, profile.favourite)
    checks = conditions(board, contest, settings.gate, may_promote=profile.may_promote)
    challenger = board.challenger
    if contest.days() < settings.gate.days:  # too few to compare anybody
        verdict, outgoing = "refusal", challenger
    else:
        challenger, told = challenger_of(board, contest, profile.favourite, settings.gate)
        picked = _picked(run, board, challenger, profile.favourite)
        verdict, outgoing, further = choose(board, contest, reigning, settings.gate, challenger=challenger, picked=picked)
        if not all(check.passed for check in checks):
            verdict, outgoing = "refusal", challenger
        checks = [*checks, *told, *further]
    return Decision(
        run=board.run,
        number=board.number,
        station=board.station,
        task=board.task,
        created_at=utc_now(),
        verdict=verdict,
        outgoing=outgoing,
        challenger=challenger,
        reigning=reigning,
        checks=checks,
    )


def _picked(run: Run, board: Leaderboard, challenger: str, favourite: str | None) -> str | None:
    """Return why validation flatters a challenger, if it does: it led there by luck as well, or was tuned there."""
    tuned = {part for part, _ in tuned_over(run, board.parts, challenger)}
    if tuned == {"validation"}:
        return "was tuned on hours of the validation part"
    among = sum(entrant.status == "ok" and entrant.architecture != NAIVE for entrant in board.entrants)
    if challenger == board.challenger != favourite and among > 1 and not tuned:
        return f"was picked on validation as the best of {among}"
    return None


def contest_of(records: Records, board: Leaderboard, reigning: Reigning | None, favourite: str | None) -> Contest:
    """Return the errors of those whom the gate compares: the board's best, the favourite, the champion's recipe, and naive."""
    dataset = Dataset.load(records, board.fingerprint)
    origins = np.concatenate([dataset.origins("validation"), dataset.origins("test")])
    trained = {entrant.architecture for entrant in board.entrants if entrant.status == "ok"}
    wanted = dict.fromkeys([board.challenger, favourite, reigning.entrant if reigning else None])
    forecasts = {name: stored_forecasts(records, candidate_of(records, board, name)) for name in wanted if name in trained}
    naive = dataset.values[origins, dataset.target_index]
    return Contest.of(forecasts, naive, horizon_hours=dataset.task.horizon_hours)
