"""What a run's profile said when the run began: an edit of the settings, or an update, does not change a run under way."""

from tsflow.records.run import Limits, Run
from tsflow.settings import Settings


def limits_now(settings: Settings, profile: str) -> Limits:
    """Return what a profile says now."""
    named = settings.profiles.named(profile)
    return Limits(max_epochs=named.max_epochs, refit=named.refit, may_promote=named.may_promote)


def limits_of(run: Run, settings: Settings) -> Limits:
    """Return what holds for a run; one of a tsflow that did not pin takes what its profile says now."""
    return run.limits or limits_now(settings, run.profile)
