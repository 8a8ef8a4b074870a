"""Which hours a champion wants to forecast from."""

from datetime import timedelta

from tsflow.bundle.calendar import CALENDAR
from tsflow.bundle.manifest import Manifest
from tsflow.observations.recent import Wanted
from tsflow.settings import HourlySettings, Settings


def wanted_by(manifest: Manifest, settings: Settings) -> Wanted:
    """Return them as the model learnt them, with gaps bridged as far as the settings allow."""
    hours = {"method": manifest.hourly.method, "fill_gaps_up_to": manifest.hourly.fill_gaps_up_to}
    return Wanted(
        hours=manifest.context_hours,
        target=manifest.target.name,
        features=[column.name for column in manifest.features if column.name not in CALENDAR],
        settings=HourlySettings.model_validate({**hours, "side_missing_share": settings.hourly.side_missing_share}),
        bridge=timedelta(hours=settings.forecast.bridge_hours),
    )
