"""The rules that depend on the champion there is, which are applied when the pointer is to move: order, pins, refusals, people."""

from dataclasses import dataclass
from datetime import datetime

from tsflow.bundle.manifest import Manifest
from tsflow.champion.history import Standing
from tsflow.records.decision import Check, Decision


@dataclass(frozen=True)
class Approval:
    """What a person said of a model that is to go out."""

    actor: str
    approved: bool
    reason: str


def standing_rules(standing: Standing, decision: Decision, mine: Manifest, present: Manifest | None) -> list[Check]:
    """Return the rules on a model that is to take a champion's place. `present`: the manifest of the champion there is."""
    pinned, refused = standing.state.pinned, mine.version in standing.state.refused
    held = "the champion is not pinned" if pinned is None else f"the champion is pinned, by entry {pinned} of the history"
    told = f"version {mine.version} {'was' if refused else 'was not'} refused by a person"
    return [
        Check(rule="not pinned", passed=pinned is None, found=held),
        Check(rule="not refused", passed=not refused, found=told),
        _order(mine, present),
        _same_champion(standing, decision, mine, present),
    ]


def _order(mine: Manifest, present: Manifest | None) -> Check:
    if present is None:
        return Check(rule="no older", passed=True, found="there is no champion yet")
    moments = [(datetime.fromisoformat(one.as_of), datetime.fromisoformat(one.created_at)) for one in (mine, present)]
    found = f"its data are as of {mine.as_of} (ranked {mine.created_at}), the champion's of {present.as_of} ({present.created_at})"
    return Check(rule="no older", passed=moments[0] >= moments[1], found=found)


def _same_champion(standing: Standing, decision: Decision, mine: Manifest, present: Manifest | None) -> Check:
    """A decision counts against the champion that it was made about, or against another fit of the same recipe."""
    known = decision.reigning.version if decision.reigning else None
    now = standing.pointer.version if standing.pointer else None
    if known == now:
        return Check(rule="champion compared with", passed=True, found=f"it was compared with the champion {now or '(none)'}")
    if present is not None and present.settings == mine.settings:
        return Check(rule="champion compared with", passed=True, found=f"the champion {now} is of the same recipe")
    found = f"it was compared with the champion {known or '(none)'}, which is {now or '(none)'} by now; the next run decides anew"
    return Check(rule="champion compared with", passed=False, found=found)


def person_rule(approval: Approval | None, *, needed: bool) -> list[Check]:
    """Return the rule on a person's approval, where the station asks for one."""
    if approval is not None:
        return [Check(rule="person", passed=approval.approved, found=f"{approval.actor}: {approval.reason}")]
    if needed:
        found = "the station asks for a person's approval: `tsflow champion promote VERSION --reason ...`"
        return [Check(rule="person", passed=False, found=found)]
    return []
