"""The parts of a month: what each ingest brought, one object each, or many of them in one bag.

A bag holds parts whole, by their names, so that nothing is lost of what was known when; whoever reads takes each part once,
from wherever it lies::

    20260105T0007..-aaaa.parquet                                         a part, known at 00:07
    20260105T0107..-bbbb.parquet                                         a part, known at 01:07
    20260105T0107..-cccc-since-20260105T0007...parquet                   a bag of both

So it makes no difference whether the parts lie there alone, in a bag, in two, or both ways at once.
"""

import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import pandas as pd

from tsflow.errors import IntegrityError
from tsflow.storage.codecs import STAMP, digest, encoded, from_parquet
from tsflow.storage.objects import ObjectStore

_SINCE = "-since-"
_CONTENT = b"tsflow.parts"  # in the file's metadata: name, rows and columns of each part
_ENDING = ".parquet"


@dataclass(frozen=True)
class Part:
    """What one ingest brought of a month, indexed by time; its name begins with the moment since which it is known."""

    name: str
    rows: pd.DataFrame


def moments(name: str) -> tuple[datetime, datetime]:
    """Return since when the first and the last part of an object are known; `name`: without folder."""
    last, _, rest = name.removesuffix(_ENDING).partition("-")
    first = rest.partition(_SINCE)[2] or last
    return datetime.strptime(first, STAMP), datetime.strptime(last, STAMP)


def is_bag(name: str) -> bool:
    """Say whether an object of a month is a bag of parts."""
    return _SINCE in name


def read_parts(objects: ObjectStore, keys: Iterable[str]) -> list[Part]:
    """Return the parts in some objects of a month, each once, in the order in which they were known.

    Raises
    ------
    ObjectMissing
        If one is gone: it went into a bag since the keys were listed.
    """
    found: dict[str, Part] = {}
    for key in sorted(keys, key=is_bag, reverse=True):  # bags first: what is in them need not be fetched
        name = key.rpartition("/")[2]
        if is_bag(name):
            found |= {part.name: part for part in opened(objects.get(key), key)}
        elif name not in found:
            found[name] = Part(name, from_parquet(objects.get(key), key).set_index("time"))
    return [found[name] for name in sorted(found)]


def opened(body: bytes, key: str) -> list[Part]:
    """Return the parts of a bag; `IntegrityError` if it is damaged."""
    from pyarrow import ArrowException, parquet

    try:
        content = json.loads((parquet.read_schema(io.BytesIO(body)).metadata or {})[_CONTENT])
    except (ArrowException, OSError, KeyError, ValueError) as error:
        msg = f"{key}: not a bag of observations ({type(error).__name__}); the object was damaged"
        raise IntegrityError(msg) from error
    whole, begin, found = from_parquet(body, key), 0, []
    for part in content:
        rows = whole.iloc[begin : begin + part["rows"]]
        found.append(Part(part["name"], rows[["time", *part["columns"]]].set_index("time")))
        begin += part["rows"]
    if begin != len(whole):
        msg = f"{key}: holds {len(whole)} rows, its parts {begin}; the object was damaged"
        raise IntegrityError(msg)
    return found


def packed(parts: Collection[Part]) -> tuple[str, bytes]:
    """Return the name and the bytes of a bag of some parts; the same parts give the same bag.

    Raises
    ------
    IntegrityError
        If the parts would not come out of it as they went in.
    """
    import pyarrow as pa

    ordered = sorted(parts, key=lambda part: part.name)
    whole = pd.concat([part.rows for part in ordered]).rename_axis("time").reset_index()
    content = [{"name": part.name, "rows": len(part.rows), "columns": list(part.rows.columns)} for part in ordered]
    table = pa.Table.from_pandas(whole, preserve_index=False, nthreads=1)
    body = encoded(table.replace_schema_metadata({**(table.schema.metadata or {}), _CONTENT: json.dumps(content).encode()}))
    again = opened(body, "a bag that was just made")
    if any(not _same(one.rows, other.rows) for one, other in zip(ordered, again, strict=True)):
        msg = f"the parts from {ordered[0].name} to {ordered[-1].name} would not come out of a bag as they are; they stay alone"
        raise IntegrityError(msg)
    (first, _), (_, last) = moments(ordered[0].name), moments(ordered[-1].name)
    return f"{last.strftime(STAMP)}-{digest(body)[:16]}{_SINCE}{first.strftime(STAMP)}{_ENDING}", body


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return bool(one.index.equals(other.index) and list(one.dtypes.items()) == list(other.dtypes.items()) and one.equals(other))


def overlay(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Lay frames indexed by time over each other; the later one wins, in the columns it has."""
    result = pd.DataFrame()
    for _, alike in groupby(parts, key=lambda part: list(part.columns)):
        part = _newest_of(list(alike))
        index = result.index.union(part.index)
        result = result.reindex(index=index, columns=result.columns.union(part.columns, sort=False))
        result.loc[part.index, part.columns] = part
    return result


def _newest_of(alike: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the last row of each time in frames with the same columns: at once, as a month may have hundreds of them."""
    if len(alike) == 1:
        return alike[0]
    rows = pd.concat(alike)
    return rows[~rows.index.duplicated(keep="last")].sort_index()


def contents(objects: ObjectStore, keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return the names of the parts in each object of a month; bags are read for it."""
    names = {key: key.rpartition("/")[2] for key in keys}
    return {
        key: frozenset(part.name for part in opened(objects.get(key), key)) if is_bag(name) else frozenset([name])
        for key, name in names.items()
    }
