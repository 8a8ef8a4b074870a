"""Where a value stands in JSON: the keys on the way to it, joined by dots."""


def found_at(place: object, path: str) -> object:
    """Return what stands at a path such as `data.series.0.rows`; a number counts in a list, and a key may hold dots itself.

    Raises
    ------
    LookupError
        If nothing stands there; it names the first key that is not there.
    """
    while path:
        if isinstance(place, dict) and path in place:
            return place[path]
        key, _, path = path.partition(".")
        if isinstance(place, dict):
            place = place[key]
        elif isinstance(place, list) and key.isdecimal():
            place = place[int(key)]
        else:
            raise KeyError(key)
    return place
