"""What a person is asked before a model becomes champion, where its station wants that."""

from tsflow.records.decision import Decision
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.stations.described import described


def question(records: Records, decision: Reference) -> list[str]:
    """Return the question in one sentence; an empty list where nothing is to be asked."""
    decided = records.fetch(Decision, decision)
    if decided.verdict == "refusal" or not described(records, decided.station).approval:
        return []
    return [f"Make {decided.outgoing} the champion of {decided.station}, task {decided.task}? {decided.reason}."]
