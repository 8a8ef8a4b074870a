"""From the bytes of a station's file to the text of its CSV."""

import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from typing import IO

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

_AT_LEAST, _RATIO = 64 * 2**20, 100  # bytes that may always be unpacked; beyond that, so many times the packed size
# What zipfile, gzip and the packings below them raise on damaged bytes; the last two also on a packing that Python lacks.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def packing(file: RawFile) -> str | None:
    """Return how a file is packed, by its name: zip, gz or not at all."""
    return next((kind for kind in ("zip", "gz") if file.name.lower().endswith(f".{kind}")), None)


def unpack(file: RawFile) -> bytes:
    """Return the CSV inside a zip, a gz, or the file itself.

    Raises
    ------
    SourceFormatError
        If the file is empty, damaged, holds not one CSV, or unpacks to far more than measurements do.
    """
    if not file.body:
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    kind = packing(file)
    if kind is None:
        return file.body
    try:
        with zipfile.ZipFile(io.BytesIO(file.body)) if kind == "zip" else gzip.open(io.BytesIO(file.body)) as packed:
            if isinstance(packed, zipfile.ZipFile):
                with packed.open(_csv_in(packed, file)) as member:
                    return _read(member, file)
            return _read(packed, file)
    except _DAMAGED as error:
        msg = f"{file.name}: not a readable {kind} file, or cut off ({error}); fetch it again"
        raise SourceFormatError(msg) from error


def _csv_in(archive: zipfile.ZipFile, file: RawFile) -> str:
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]  # what a Mac adds beside each file
    members = [name for name in names if name.lower().endswith((".csv", ".txt"))]
    if len(members) != 1:
        msg = f"{file.name}: expected one CSV in the zip, found {len(members)}: {', '.join(names)}"
        raise SourceFormatError(msg)
    return members[0]


def _read(packed: IO[bytes] | gzip.GzipFile, file: RawFile) -> bytes:
    most = max(_AT_LEAST, _RATIO * len(file.body))
    body = packed.read(most + 1)
    if len(body) > most:
        msg = f"{file.name}: unpacks to more than {most:,} bytes, from {len(file.body):,}; no measurements do that, fetch it again"
        raise SourceFormatError(msg)
    return body


def decode(file: RawFile, station: Station) -> str:
    """Return the text of a file's CSV, in the station's encoding.

    Raises
    ------
    SourceFormatError
        If the file is empty, cut off, or not in that encoding.
    """
    body = unpack(file)
    try:
        marked = codecs.lookup(station.encoding).name == "utf-8" and body.startswith(codecs.BOM_UTF8)
        text = body.decode("utf-8-sig" if marked else station.encoding)
    except UnicodeError as error:
        msg = f"{file.name}: not encoded as {station.encoding} ({error}); correct `encoding` in the station file"
        raise SourceFormatError(msg) from error
    if "\0" in text or text.startswith(("ï»¿", "\ufeff", "ÿþ")):
        msg = f"{file.name}: not encoded as {station.encoding} (a byte-order mark or NUL was found); correct `encoding`"
        raise SourceFormatError(msg)
    if not text.strip():
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    return text
