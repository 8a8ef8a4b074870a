"""What a run's profile said when the run began: an edit of the settings, or an update, does not change a run under way."""

from tsflow.records.run import Pinned, PinnedProfile
from tsflow.settings import Settings


def profile_now(settings: Settings, profile: str) -> PinnedProfile:
    """Return what a profile says now."""
    named = settings.profiles.named(profile)
    return PinnedProfile(**{name: getattr(named, name) for name in PinnedProfile.model_fields})


def profile_of(run: Pinned, settings: Settings) -> PinnedProfile:
    """Return what holds for a run or a backtest; one of a tsflow that did not pin takes what its profile says now."""
    return run.pinned_profile or profile_now(settings, run.profile)
