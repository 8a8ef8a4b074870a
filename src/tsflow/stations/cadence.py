"""How far rows are apart, as people write it."""

from datetime import timedelta


def cadence_of(value: object) -> object:
    """Take `10min` and `6h` as people write them."""
    for unit, minutes in (("min", 1), ("h", 60)):
        if isinstance(value, str) and (number := value.removesuffix(unit)) != value and number.isdigit() and len(number) < 6:
            return timedelta(minutes=minutes * int(number))
    return value
