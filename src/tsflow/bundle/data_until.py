"""How new the data are that a champion could learn from."""

from datetime import datetime

from tsflow.bundle.manifest import Manifest
from tsflow.errors import IntegrityError


def data_until(manifest: Manifest) -> datetime:
    """Return when the newest data were observed, by the station's clock: the last row, and never after the as-of.

    A record that ended years ago is asked for as of today all the same.

    Raises
    ------
    IntegrityError
        If the manifest's times cannot be read.
    """
    last = [part.last for part in manifest.split.parts.values() if part.last is not None]
    if manifest.metrics.fit is not None and manifest.metrics.fit.last:
        last.append(manifest.metrics.fit.last)
    try:
        as_of, rows = datetime.fromisoformat(manifest.as_of), [datetime.fromisoformat(each) for each in last]
    except ValueError as error:
        msg = f"manifest of version {manifest.version}: as_of is {manifest.as_of!r}, its rows end {', '.join(last) or 'nowhere'}; "
        msg += "expected times in ISO 8601; publish again"
        raise IntegrityError(msg) from error
    newest = max(rows, default=as_of.replace(tzinfo=None))
    return as_of if as_of.replace(tzinfo=None) <= newest else newest.replace(tzinfo=as_of.tzinfo)
