"""From a station's file as it came to the tables in it: those of a zip, the one of a gz, or the file itself."""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile

AT_LEAST, RATIO = 64 * 2**20, 100  # bytes that may always be unpacked; beyond that, so many times the packed size
_MOST_MEMBERS = 10_000  # of a zip; a file a day for 27 years
# What zipfile, gzip and the packings below them raise on damaged bytes; the last two also on a packing that Python lacks.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class _Members:
    """What a zip holds: its tables in order of name, and what is no table."""

    tables: list[zipfile.ZipInfo]
    left_out: list[str]


def tables(file: RawFile, endings: Sequence[str]) -> Iterator[RawFile]:
    """Open a file and give the tables in it, one after the other.

    Parameters
    ----------
    endings
        How the names of tables end; of a zip's members those with the first ending that any of them has.

    Raises
    ------
    SourceFormatError
        If the file is empty, damaged, holds no table, or unpacks to far more than measurements do.
    """
    if not file.body:
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    kind = _packing(file)
    if kind == "zip":
        yield from _of_zip(file, endings)
    elif kind == "gz":
        try:
            with gzip.open(io.BytesIO(file.body)) as packed:
                body = _read(packed, file)
        except _DAMAGED as error:
            raise _damaged(file, error) from error
        yield RawFile(file.name, body, own=file.own, whole=True)
    else:
        yield file


def left_out(file: RawFile, endings: Sequence[str]) -> list[str]:
    """Return the names of a zip's members that are not read as tables."""
    if _packing(file) != "zip":
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
            return [f"{file.name}/{name}" for name in _members(archive, file, endings).left_out]
    except _DAMAGED as error:
        raise _damaged(file, error) from error


def most_bytes(file: RawFile) -> int:
    """Return to how many bytes a file of measurements may unpack."""
    return max(AT_LEAST, RATIO * len(file.body))


def refuse_size(file: RawFile) -> SourceFormatError:
    """Return the error of a file that unpacks to more than that."""
    most = f"{most_bytes(file):,} bytes, from {len(file.body):,}"
    return SourceFormatError(f"{file.name}: unpacks to more than {most}; no measurements do that, fetch it again")


def _packing(file: RawFile) -> str | None:
    """Return how a file is packed, by its name: zip, gz or not at all."""
    return next((kind for kind in ("zip", "gz") if file.name.lower().endswith(f".{kind}")), None)


def _damaged(file: RawFile, error: Exception) -> SourceFormatError:
    return SourceFormatError(f"{file.name}: not a readable {_packing(file)} file, or cut off ({error}); fetch it again")


def _of_zip(file: RawFile, endings: Sequence[str]) -> Iterator[RawFile]:
    """Give a zip's tables; a single one goes by the name of the zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
            members = _members(archive, file, endings).tables
    except _DAMAGED as error:
        raise _damaged(file, error) from error
    for member in members:
        try:
            with zipfile.ZipFile(io.BytesIO(file.body)) as archive, archive.open(member) as packed:
                body = _read(packed, file)
        except _DAMAGED as error:
            raise _damaged(file, error) from error
        name = file.name if len(members) == 1 else f"{file.name}/{member.filename}"
        yield RawFile(name, body, own=file.own, whole=True)


def _members(archive: zipfile.ZipFile, file: RawFile, endings: Sequence[str]) -> _Members:
    within = [member for member in archive.infolist() if not member.is_dir()]
    within = [member for member in within if not member.filename.startswith("__MACOSX/")]  # what a Mac adds beside each file
    found: list[zipfile.ZipInfo] = []
    for ending in endings:
        found = found or [member for member in within if member.filename.lower().endswith(ending)]
    _require_honest(found, file)
    if not found:
        names = ", ".join(member.filename for member in within[:10]) or "nothing"
        msg = f"{file.name}: expected a table in the zip, its name ending in {' or '.join(endings)}; found: {names}"
        raise SourceFormatError(msg)
    if sum(member.file_size for member in found) > most_bytes(file):  # no member gives more than it declares
        raise refuse_size(file)
    return _Members(
        tables=sorted(found, key=lambda member: member.filename),
        left_out=[member.filename for member in within if member not in found],
    )


def _require_honest(members: list[zipfile.ZipInfo], file: RawFile) -> None:
    """Refuse names that point out of the zip or stand in it twice, and more members than measurements have files."""
    if len(members) > _MOST_MEMBERS:
        msg = f"{file.name}: holds {len(members):,} tables, expected at most {_MOST_MEMBERS:,}; pack fewer into one zip"
        raise SourceFormatError(msg)
    names: set[str] = set()
    for name in (member.filename for member in members):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or not name.isprintable():
            msg = f"{file.name}: its member {name!r} is no plain name inside the zip; pack the files anew, without such paths"
            raise SourceFormatError(msg)
        if name in names:
            msg = f"{file.name}: two members are called {name!r}; pack each file once"
            raise SourceFormatError(msg)
        names.add(name)


def _read(packed: IO[bytes] | gzip.GzipFile, file: RawFile) -> bytes:
    body = packed.read(most_bytes(file) + 1)
    if len(body) > most_bytes(file):
        raise refuse_size(file)
    return body
