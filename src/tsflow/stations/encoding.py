"""From a file's bytes to its text: in the station's encoding, or in the one that the bytes are found to be in."""

import codecs
from dataclasses import replace
from functools import cache
from itertools import islice

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import AUTO, Station

_MARKS = (  # the longer ones first: that of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Those of loggers and spreadsheets, the likelier first, for where the library finds several as good.
_USUAL = ["cp1252", "iso8859_15", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "cp850", "cp932", "gb18030", "cp949", "big5"]
_SHIFTING = ("iso2022", "hz", "utf-7")  # bytes of ASCII say in them that others follow
_LINES = 200  # whose bytes beyond ASCII are looked at; nothing else tells one encoding from another
_UNSURE = 0.5  # how chaotic a text counts of which the library says nothing


def decode(file: RawFile, station: Station) -> tuple[str, str]:
    """Return a file's text and its encoding.

    Raises
    ------
    SourceFormatError
        If the file is empty, or not in that encoding.
    """
    encoding = _found(file, station) if station.encoding == AUTO else station.encoding
    try:
        marked = codecs.lookup(encoding).name == "utf-8" and file.body.startswith(codecs.BOM_UTF8)
        text = file.body.decode("utf-8-sig" if marked else encoding)
    except UnicodeError as error:
        msg = f"{file.name}: not encoded as {encoding} ({error}); correct `encoding` in the station file"
        raise SourceFormatError(msg) from error
    if text.startswith(("ï»¿", "\ufeff", "ÿþ")):
        msg = f"{file.name}: not encoded as {encoding} (a byte-order mark was found); correct `encoding`"
        raise SourceFormatError(msg)
    if (at := text.find("\0")) >= 0:
        line = with_newlines(text[:at]).count("\n") + 1
        msg = (
            f"{file.name}: NUL bytes in line {line}, as they stand in a file whose logger lost its power while it wrote, and in "
            f"text of UTF-16; take them out of the file, or correct `encoding` in the station file (it is read as {encoding})"
        )
        raise SourceFormatError(msg)
    if not text or text.isspace():
        msg = f"{file.name}: the file is empty; fetch it again"
        raise SourceFormatError(msg)
    return text, encoding


def parted(file: RawFile, station: Station, lines: int) -> tuple[list[str], bytes, str]:
    """Return a file's first lines, what comes after them in UTF-8, and the file's encoding.

    What is ASCII after those lines is the same in UTF-8, and taken as it is, since to decode 60 MB takes long; the ends of its
    lines are as they were. Raises as `decode`.
    """
    at = _end_of(lines, file.body)
    head, rest = file.body[:at], file.body[at:]
    if (
        head.strip()
        and _is_plain(rest)
        and not _lone_returns(head)
        and (station.encoding == AUTO or _keeps_ascii(station.encoding))
    ):
        text, encoding = decode(replace(file, body=head), station)
        return text.replace("\r\n", "\n").split("\n")[:-1], rest, encoding
    text, encoding = decode(file, station)
    first, *others = with_newlines(text).split("\n", lines)
    if len(others) < lines:  # the file ends before the others begin
        return [first, *others], b"", encoding
    return [first, *others[:-1]], others[-1].encode(), encoding


def with_newlines(text: str) -> str:
    """Return text whose lines end as those of Unix do."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _end_of(lines: int, body: bytes) -> int:
    """Return where so many lines end; 0 if there are fewer."""
    at = 0
    for _ in range(lines):
        at = body.find(b"\n", at) + 1
        if not at:
            break
    return at


def _is_plain(rest: bytes) -> bool:
    """Say whether bytes are text in ASCII whose last line does not end as those of old Macs do."""
    return rest.isascii() and b"\0" not in rest and b"\r" not in rest[rest.rfind(b"\n") + 1 :]


def _lone_returns(head: bytes) -> bool:
    return head.count(b"\r") != head.count(b"\r\n")


@cache
def _keeps_ascii(encoding: str) -> bool:
    """Say whether each byte of ASCII is itself in an encoding, whatever stands before it."""
    every = bytes(range(128))
    try:
        return every.decode(encoding) == every.decode("ascii") and not codecs.lookup(encoding).name.startswith(_SHIFTING)
    except UnicodeError:
        return False


def marked_encoding(body: bytes) -> str | None:
    """Return the encoding that a mark at the beginning names, if there is one."""
    return next((encoding for mark, encoding in _MARKS if body.startswith(mark)), None)


def _found(file: RawFile, station: Station) -> str:
    """Return the encoding that the bytes are in: by their mark, else UTF-8 if they are that, else the likeliest.

    A few signs of degrees fit dozens of encodings; that in which the station's columns have their names is the right one.
    """
    if (marked := marked_encoding(file.body)) is not None:
        return marked
    try:
        file.body.decode("utf-8")
    except UnicodeDecodeError:
        return _likeliest(file, station)
    return "utf-8"


def _likeliest(file: RawFile, station: Station) -> str:
    from charset_normalizer import from_bytes

    sample = b"\n".join(islice((line for line in file.body.splitlines() if not line.isascii()), _LINES))
    matches = from_bytes(sample, cp_isolation=_USUAL)
    chaos = {encoding: match.chaos for match in matches for encoding in match.could_be_from_charset}
    texts = {encoding: text for encoding in _USUAL if (text := _text(sample, encoding)) is not None}
    if not texts:
        known = ", ".join(["utf-8", *_USUAL])
        msg = f"{file.name}: in no encoding that `encoding: auto` knows ({known}); name it in the station file"
        raise SourceFormatError(msg)
    columns = [*station.timestamp.columns, *(str(variable.column) for variable in station.measured.values())]
    named = [column for column in columns if not column.isascii()]

    def unlikely(encoding: str) -> tuple[int, float, int]:
        lacking = sum(column not in texts[encoding] for column in named)
        return lacking, round(chaos.get(encoding, _UNSURE), 1), _USUAL.index(encoding)

    return min(texts, key=unlikely)


def _text(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None
