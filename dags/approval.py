"""What a person answered to the task `approve`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsflow.champion.rules import Approval


def approval_of(answers: Any) -> "Approval | None":
    """Return what a person answered to `approve`; None if nobody was asked."""
    from tsflow.champion.rules import Approval

    for answer in answers or []:
        user = answer.get("responded_by_user") or {}
        actor = user.get("name") or user.get("id") or "nobody in time"
        reason = (answer.get("params_input") or {}).get("reason") or "no reason given"
        return Approval(actor=str(actor), approved=answer["chosen_options"] == ["Approve"], reason=str(reason))
    return None
