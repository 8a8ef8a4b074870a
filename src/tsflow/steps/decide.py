"""Bring a board before the gate: which recipe is to go out."""

from tsflow.champion.deciding import decide_on
from tsflow.champion.history import History
from tsflow.records.decision import Decision
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import Settings


def decide(records: Records, settings: Settings, board: Reference) -> Reference:
    """Write the gate's decision on a board; return a reference to it.

    It compares with the champion that was there when the run began; should another one reign when the model is to go out,
    `publish` refuses it.
    """
    ranked = records.fetch(Leaderboard, board)
    if records.find(Decision, run=ranked.run, number=ranked.number) is None:
        run = records.read(Run, run=ranked.run)
        reigning = run.reigning
        standing = History(records, ranked.station, ranked.task).standing()
        if reigning and standing.pointer and standing.pointer.sequence != reigning.sequence:
            same = standing.pointer.version == reigning.version  # put back by a person meanwhile
            reigning = reigning.changed(sequence=standing.pointer.sequence) if same else reigning
        records.first(decide_on(records, settings, ranked, reigning))
    return records.reference(records.read(Decision, run=ranked.run, number=ranked.number))
