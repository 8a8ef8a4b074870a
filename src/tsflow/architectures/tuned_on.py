"""Which hours chose a recipe's settings: an error on those is as flattering as one of the training part."""

from datetime import date

from tsflow.model import Strict


class TunedOn(Strict):
    """The validation part of a tuning."""

    tuning: str
    station: str
    first: date
    last: date

    def overlaps(self, station: str, first: date, last: date) -> bool:
        """Tell whether some hours of a station are among those that chose."""
        return station == self.station and first <= self.last and last >= self.first
