"""From the bytes of a station's file to the text of its CSV."""

import gzip
import io
import zipfile
import zlib

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station


def unpack(file: RawFile) -> bytes:
    """Return the CSV inside a zip, a gz, or the file itself."""
    if not file.body:
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    try:
        if file.name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
                members = [name for name in archive.namelist() if name.lower().endswith((".csv", ".txt"))]
                if len(members) != 1:
                    msg = f"{file.name}: expected one CSV in the zip, found {len(members)}: {', '.join(archive.namelist())}"
                    raise SourceFormatError(msg)
                return archive.read(members[0])
        if file.name.endswith(".gz"):
            return gzip.decompress(file.body)
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError, RuntimeError) as error:
        # zipfile raises the last two for a compression that it lacks and for an encrypted member
        kind = "zip" if file.name.endswith(".zip") else "gz"
        msg = f"{file.name}: not a readable {kind} file, or cut off ({error}); fetch it again"
        raise SourceFormatError(msg) from error
    return file.body


def decode(file: RawFile, station: Station) -> str:
    """Return the text of a file's CSV, whole and in the station's encoding.

    Raises
    ------
    SourceFormatError
        If the file is empty, cut off, or not in that encoding.
    """
    body = unpack(file)
    try:
        text = body.decode(station.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        msg = f"{file.name}: not encoded as {station.encoding} ({error}); correct `encoding` in the station file"
        raise SourceFormatError(msg) from error
    if "\0" in text or text.startswith(("ï»¿", "\ufeff", "ÿþ")):
        msg = f"{file.name}: not encoded as {station.encoding} (a byte-order mark or NUL was found); correct `encoding`"
        raise SourceFormatError(msg)
    if not text.strip():
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    if not text.endswith("\n"):
        header, _, rest = text.partition("\n")
        last = rest.rpartition("\n")[2]
        if last.count(",") < header.count(","):
            msg = f"{file.name}: cut off in its last row ({last[:40]!r}...); fetch it again"
            raise SourceFormatError(msg)
    return text
