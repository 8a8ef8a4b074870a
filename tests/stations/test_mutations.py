"""Real files, changed as loggers, editors and spreadsheets change them: the rows that a careful person would take, or a refusal.

What is expected is read from the unchanged lines by a reader of this module's own (`csv`, `strptime`, `float`), never by tsflow's.
For every mutation each row of the file is stored or reported: kept, repeated, or unfinished.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest

from conftest import DATA
from tsflow.errors import SourceFormatError
from tsflow.observations.plausible import plausible
from tsflow.records.ingest import ParseReport
from tsflow.stations.forms.csv import CsvForm
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import Station, load_station

NOW = datetime(2026, 11, 1)
ROWS = 432  # three days
MIDNIGHT = time()
FORM = "%d.%m.%Y %H:%M:%S"


@dataclass(frozen=True)
class Lines:
    """A file as its header and its rows, without line ends."""

    header: str
    rows: list[str]

    def with_rows(self, rows: Iterable[str]) -> "Lines":
        return Lines(self.header, list(rows))

    def body(self, end: str = "\r\n", encoding: str = "cp1252") -> bytes:
        return "".join(f"{line}{end}" for line in (self.header, *self.rows)).encode(encoding)


def base(kind: str) -> Lines:
    """Three days of a real file: of 2020, with a quoted header and a sentinel in wv, or of 2024; missing, of the simulator."""
    name, start = {"2020": ("mpi_roof_2020a.zip", "19.02.2020"), "2024": ("mpi_roof.zip", "20.06.2024")}[kind]
    if (DATA / name).is_file():
        with zipfile.ZipFile(DATA / name) as archive:
            text = archive.read(archive.namelist()[0]).decode("cp1252")
    else:
        station = load_station("demo")
        start_day = datetime.strptime(start, "%d.%m.%Y")
        _, body = simulated_file(station, station.source(None), start_day - timedelta(days=1), start_day + timedelta(days=4))
        text = body.decode("cp1252")
    header, *rows = text.splitlines()
    first = next(number for number, row in enumerate(rows) if row.startswith(start))
    return Lines(header, rows[first : first + ROWS])


def careful(lines: Lines, station: Station, *, delimiter: str = ",", decimal: str = ".") -> pd.DataFrame:
    """Read lines as a careful person would, cell by cell; of repeated times the first row counts."""
    headers = [header.strip() for header in next(csv.reader([lines.header], delimiter=delimiter))]
    at = {name: headers.index(str(variable.column)) for name, variable in station.variables.items()}
    found: dict[datetime, list[float]] = {}
    for cells in csv.reader(lines.rows, delimiter=delimiter):
        time = datetime.strptime(cells[headers.index("Date Time")].strip(), FORM)
        values = [_number(cells[place], decimal) for place in at.values()]
        found.setdefault(time, values)
    times = pd.Series(list(found)).astype("datetime64[us]")
    return pd.DataFrame({"time": times, **dict(zip(at, np.array(list(found.values())).T, strict=True))})


def _number(cell: str, decimal: str) -> float:
    number = float(cell.strip().replace(decimal, ".")) if cell.strip() else np.nan
    return np.nan if number == -9999 else number


@dataclass(frozen=True)
class Mutation:
    """A changed file, and what of it is read: the rows of these lines, or a refusal that says this."""

    name: str
    make: Callable[[Lines], bytes]
    takes: Callable[[Lines], Lines] | None = None  # whose rows a careful person takes
    says: tuple[str, ...] = ()  # in the refusal
    file: str = "roof.csv"
    station: dict[str, object] = field(default_factory=dict)  # other keys of the station file
    reports: dict[str, object] = field(default_factory=dict)  # fields of the report


def same(lines: Lines) -> Lines:
    return lines


def cells_of(row: str) -> list[str]:
    return next(csv.reader([row]))


def with_cell(row: str, column: int, text: str) -> str:
    cells = row.split(",")
    cells[column] = text
    return ",".join(cells)


def cell(column: int, text: str, at: int = 100) -> Callable[[Lines], Lines]:
    """Write something into one cell."""
    return lambda lines: lines.with_rows(with_cell(row, column, text) if n == at else row for n, row in enumerate(lines.rows))


def every(change: Callable[[str], str]) -> Callable[[Lines], Lines]:
    """Change header and rows alike."""
    return lambda lines: Lines(change(lines.header), [change(row) for row in lines.rows])


def insert(at: int, *rows: str) -> Callable[[Lines], Lines]:
    return lambda lines: lines.with_rows([*lines.rows[:at], *rows, *lines.rows[at:]])


def header(change: Callable[[str], str]) -> Callable[[Lines], Lines]:
    return lambda lines: Lines(change(lines.header), lines.rows)


def made(change: Callable[[Lines], Lines], end: str = "\r\n", encoding: str = "cp1252") -> Callable[[Lines], bytes]:
    return lambda lines: change(lines).body(end, encoding)


def quoted(row: str) -> str:
    return ",".join('"{}"'.format(one.strip('"')) for one in row.split(","))


def reordered(row: str) -> str:
    cells = row.split(",")
    return ",".join([*cells[5:], *cells[:5]])


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv").replace("_md", ".md"), body)
    return target.getvalue()


def time_of(row: str) -> datetime:
    return datetime.strptime(cells_of(row)[0].strip(), FORM)


def at_time(change: Callable[[datetime], str]) -> Callable[[Lines], Lines]:
    return lambda lines: lines.with_rows(with_cell(row, 0, change(time_of(row))) for row in lines.rows)


SEMI = CsvForm(kind="csv", delimiter=";")
GERMAN = CsvForm(kind="csv", delimiter=";", decimal=",")
T, P, WV, UNUSED = 2, 1, 12, 17  # columns: temperature, pressure, wind, one that jena.yaml leaves out
REMEDY_ROW = "row 102, column 'T (degC)'"


def end_of_day(at: datetime) -> str:
    """A time in which midnight is the end of the day before."""
    return at.strftime(FORM) if at.time() != MIDNIGHT else f"{at - timedelta(days=1):%d.%m.%Y} 24:00:00"


def german(row: str) -> str:
    return row.replace(",", ";").replace(".", ",")


def german_rows(lines: Lines) -> Lines:
    """Decimal commas in all cells but the time's, semicolons between them."""
    rows = [";".join([row.split(",")[0], *(one.replace(".", ",") for one in row.split(",")[1:])]) for row in lines.rows]
    return Lines(lines.header.replace(",", ";"), rows)


READ = [
    Mutation("as it is", made(same), same),
    Mutation("line ends of Unix", made(same, "\n"), same),
    Mutation("line ends of an old Mac", made(same, "\r"), same),
    Mutation("mixed line ends", lambda x: x.body().replace(b"\r\n", b"\n", 200), same),
    Mutation(
        "no line end after the last row",
        lambda x: x.body()[:-2],
        lambda x: x.with_rows(x.rows[:-1]),
        reports={"unfinished_rows": 1},
    ),
    Mutation(
        "cut inside the last cell", lambda x: x.body()[:-4], lambda x: x.with_rows(x.rows[:-1]), reports={"unfinished_rows": 1}
    ),
    Mutation("half a line end after the last row", lambda x: x.body()[:-1], same),
    Mutation("empty lines between rows", made(insert(50, "", "")), same),
    Mutation("empty lines at the end", lambda x: x.body() + b"\r\n\r\n", same),
    Mutation("lines of blanks", made(insert(50, "   ", "\t")), same),
    Mutation("UTF-8 with a mark", lambda x: b"\xef\xbb\xbf" + x.body(encoding="utf-8"), same, station={"encoding": "utf-8"}),
    Mutation("UTF-8 read as cp1252, in columns that nobody reads", made(same, encoding="utf-8"), same),
    Mutation("quoted header", made(header(quoted)), same),
    Mutation("unquoted header", made(header(lambda x: x.replace('"', ""))), same),
    Mutation("blanks around the headers", made(header(lambda x: x.replace('"', "").replace(",", " , "))), same),
    Mutation("quoted cells", made(every(quoted)), same),
    Mutation("blanks around the cells", made(lambda x: x.with_rows(row.replace(",", " , ") for row in x.rows)), same),
    Mutation("blanks before the time", made(lambda x: x.with_rows(f"  {row}" for row in x.rows)), same),
    Mutation("days that end at 24:00", made(at_time(end_of_day)), same),
    Mutation("columns in another order", made(every(reordered)), same),
    Mutation("a column that nobody reads is gone", made(every(lambda x: ",".join(x.split(",")[:UNUSED]))), same),
    Mutation(
        "a column of words that nobody reads",
        made(lambda x: Lines(x.header + ",note", [f'{row},"say ""hi"", then"' for row in x.rows])),
        same,
    ),
    Mutation(
        "a column that nobody reads, twice",
        made(lambda x: Lines(x.header + "," + x.header.split(",")[UNUSED], [f"{row},7" for row in x.rows])),
        same,
    ),
    Mutation("a delimiter after each row", made(lambda x: x.with_rows(f"{row}," for row in x.rows)), same),
    Mutation("a delimiter after headers and rows", made(every(lambda x: f"{x},")), same),
    Mutation("one row twice", made(lambda x: insert(101, x.rows[100])(x)), same, reports={"identical_duplicates": 1}),
    Mutation(
        "a day repeated at the end",
        made(lambda x: x.with_rows([*x.rows, *x.rows[:144]])),
        same,
        reports={"identical_duplicates": 144},
    ),
    Mutation(
        "one row three times", made(lambda x: insert(101, x.rows[100], x.rows[100])(x)), same, reports={"identical_duplicates": 2}
    ),
    Mutation(
        "one time with two values",
        made(lambda x: insert(101, with_cell(x.rows[100], T, "44.4"))(x)),
        same,
        reports={"conflicting_duplicates": 1, "identical_duplicates": 0},
    ),
    Mutation(
        "a few rows repeated with another value",
        made(lambda x: x.with_rows([*x.rows[:103], *(with_cell(row, T, "9.99") for row in x.rows[100:103]), *x.rows[103:]])),
        same,
        reports={"conflicting_duplicates": 3},
    ),
    Mutation(
        "a gap", made(lambda x: x.with_rows([*x.rows[:100], *x.rows[130:]])), lambda x: x.with_rows([*x.rows[:100], *x.rows[130:]])
    ),
    Mutation(
        "every tenth row is gone",
        made(lambda x: x.with_rows(r for n, r in enumerate(x.rows) if n % 10)),
        lambda x: x.with_rows(r for n, r in enumerate(x.rows) if n % 10),
    ),
    Mutation("one row", made(lambda x: x.with_rows(x.rows[:1])), lambda x: x.with_rows(x.rows[:1])),
    Mutation("a sentinel", made(cell(T, "-9999")), cell(T, "-9999"), reports={"sentinels": {"T": 1, "wv": 1}}),
    Mutation("a sentinel with decimals", made(cell(T, "-9999.00")), cell(T, "-9999")),
    Mutation(
        "a sensor dead all the time",
        made(lambda x: x.with_rows(with_cell(r, P, "-9999") for r in x.rows)),
        lambda x: x.with_rows(with_cell(r, P, "-9999") for r in x.rows),
    ),
    Mutation("an empty cell", made(cell(T, "")), cell(T, ""), reports={"empty_cells": {"T": 1}}),
    Mutation("a cell of blanks", made(cell(T, "  ")), cell(T, ""), reports={"empty_cells": {"T": 1}}),
    Mutation("an empty cell in quotes", made(cell(T, '""')), cell(T, "")),
    Mutation("a plus before a value", made(cell(T, "+3.25")), cell(T, "3.25")),
    Mutation("zeros before a value", made(cell(T, "003.25")), cell(T, "3.25")),
    Mutation("an exponent", made(cell(T, "3.25e0")), cell(T, "3.25")),
    Mutation("a whole number", made(cell(T, "3")), cell(T, "3")),
    Mutation("many decimals", made(cell(T, "3.2500000000000004")), cell(T, "3.2500000000000004")),
    Mutation("words in a column that nobody reads", made(cell(UNUSED, "warm")), same),
    Mutation("semicolons between cells, said", made(every(lambda x: x.replace(",", ";"))), same, station={"form": SEMI}),
    Mutation("decimal commas and semicolons, said", made(german_rows), same, station={"form": GERMAN}),
    Mutation(
        "tabs between cells, said",
        made(every(lambda x: x.replace(",", "\t"))),
        same,
        station={"form": CsvForm(kind="csv", delimiter="\t")},
    ),
    Mutation(
        "a line of units, said", made(insert(0, ",".join(["x"] * 22))), same, station={"form": CsvForm(kind="csv", first_line=3)}
    ),
    Mutation(
        "lines of the logger above the header, said",
        lambda x: b"Logger 7\r\nRoof\r\n" + x.body(),
        same,
        station={"form": CsvForm(kind="csv", header_line=3, first_line=4)},
    ),
    Mutation("comments, said", made(insert(50, "# lens wiped", "#")), same, station={"form": CsvForm(kind="csv", comment="#")}),
    Mutation(
        "a word for no value, said",
        made(cell(T, "n/a")),
        cell(T, ""),
        station={"form": CsvForm(kind="csv", missing_texts=("n/a",))},
    ),
    Mutation(
        "rows that end after the cells that are read",
        made(lambda x: x.with_rows(",".join(r.split(",")[: UNUSED - 1]) if n > 99 else r for n, r in enumerate(x.rows))),
        same,
    ),
    Mutation("a true infinity in a column", made(cell(T, "inf")), cell(T, "inf")),
    Mutation("a value that no instrument gives", made(cell(T, "592.2")), cell(T, "592.2")),
    Mutation("gz", lambda x: gzip.compress(x.body()), same, file="roof.csv.gz"),
    Mutation("zip", lambda x: zipped(roof_csv=x.body()), same, file="roof.zip"),
    Mutation(
        "zip with a folder and a page beside", lambda x: zipped(data__roof_csv=x.body(), read_md=b"# hi"), same, file="ROOF.ZIP"
    ),
    Mutation("gz without a last line end", lambda x: gzip.compress(x.body()[:-2]), same, file="roof.csv.gz"),
]

REFUSED = [
    Mutation("nothing", lambda x: b"", says=("the file is empty", "fetch it again")),
    Mutation("blanks alone", lambda x: b"\r\n \r\n", says=("the file is empty",)),
    Mutation("the header alone", made(lambda x: x.with_rows([])), says=("no usable row",)),
    Mutation(
        "every value a sentinel",
        made(lambda x: x.with_rows(",".join([r.split(",")[0], *["-9999"] * 21]) for r in x.rows)),
        says=("every value is missing",),
    ),
    Mutation(
        "UTF-8 with a mark, unsaid",
        lambda x: b"\xef\xbb\xbf" + x.body(encoding="utf-8"),
        says=("byte-order mark", "correct `encoding`"),
    ),
    Mutation("UTF-16", lambda x: x.body(encoding="utf-16"), says=("correct `encoding`",)),
    Mutation(
        "cp1252 read as UTF-8", made(same), says=("not encoded as utf-8", "correct `encoding`"), station={"encoding": "utf-8"}
    ),
    Mutation(
        "NUL bytes after a crash", lambda x: x.body()[:20_000] + b"\0" * 512 + x.body()[20_000:], says=("NUL", "correct `encoding`")
    ),
    Mutation(
        "a column that is read is gone",
        made(every(lambda x: ",".join(x.split(",")[:WV]))),
        says=("column missing: 'wv (m/s)'", "correct `variables`"),
    ),
    Mutation(
        "a column that is read has another name",
        made(header(lambda x: x.replace("T (degC)", "Temp", 1))),
        says=("column missing: 'T (degC)'",),
    ),
    Mutation(
        "a column that is read, twice",
        made(lambda x: Lines(x.header + ",T (degC)", [f"{row},7" for row in x.rows])),
        says=("two columns are called 'T (degC)'", "rename"),
    ),
    Mutation("headers in another case", made(header(str.lower)), says=("column missing", "correct `variables`")),
    Mutation(
        "a file of which rows end amid the cells that are read",
        made(lambda x: x.with_rows(",".join(r.split(",")[:WV]) for r in x.rows)),
        says=("row 2 has 12 cells, the header 22", "delete that row, or fill it up"),
    ),
    Mutation("no header", lambda x: "".join(f"{row}\r\n" for row in x.rows).encode(), says=("column missing: 'Date Time'",)),
    Mutation(
        "a row with a cell too many",
        made(lambda x: x.with_rows([*x.rows[:100], x.rows[100] + ",1.5", *x.rows[101:]])),
        says=("row 102 has 23 cells, the header 22",),
    ),
    Mutation(
        "a lost line end",
        made(lambda x: x.with_rows([*x.rows[:100], x.rows[100] + x.rows[101], *x.rows[102:]])),
        says=("row 102 has 43 cells",),
    ),
    Mutation(
        "a row cut inside a value",
        made(lambda x: x.with_rows([*x.rows[:100], x.rows[100][:29], *x.rows[101:]])),
        says=("row 102 has 3 cells, the header 22",),
    ),
    Mutation(
        "a row cut inside its time",
        made(lambda x: x.with_rows([*x.rows[:100], x.rows[100][:12], *x.rows[101:]])),
        says=("row 102",),
    ),
    Mutation("cut in the last row", lambda x: x.body()[:-60], says=("cut off in its last row", "fetch it again")),
    Mutation(
        "two rows swapped",
        made(lambda x: x.with_rows([*x.rows[:100], x.rows[101], x.rows[100], *x.rows[102:]])),
        says=("times out of order: row 103", "sort the file"),
    ),
    Mutation("the newest first", made(lambda x: x.with_rows(reversed(x.rows))), says=("times out of order: row 3",)),
    Mutation(
        "a clock set back",
        made(
            lambda x: x.with_rows(
                [*x.rows[:200], *(with_cell(r, 0, (time_of(r) - timedelta(minutes=905)).strftime(FORM)) for r in x.rows[200:])]
            )
        ),
        says=("times out of order: row 202", "check its clock"),
    ),
    Mutation(
        "a time of the future",
        made(at_time(lambda t: (t + timedelta(days=36_500)).strftime(FORM))),
        says=("is in the future", "check the file's clock"),
    ),
    Mutation(
        "a clock without a battery",
        made(lambda x: x.with_rows([*x.rows[:-1], with_cell(x.rows[-1], 0, "01.01.0001 00:00:00")])),
        says=("row 433",),
    ),
    Mutation("times of ISO", made(at_time(lambda t: t.isoformat(" "))), says=("row 2: time", "correct `timestamp.format`")),
    Mutation("times without seconds", made(at_time(lambda t: t.strftime("%d.%m.%Y %H:%M"))), says=("row 2: time",)),
    Mutation("years of two digits", made(at_time(lambda t: t.strftime("%d.%m.%y %H:%M:%S"))), says=("row 2: time",)),
    Mutation("months before days", made(at_time(lambda t: t.strftime("%m.%d.%Y %H:%M:%S"))), says=("row 2: time",)),
    Mutation("hours of twelve", made(at_time(lambda t: t.strftime("%d.%m.%Y %I:%M:%S %p"))), says=("row 2: time",)),
    Mutation("fractions of a second", made(at_time(lambda t: t.strftime(FORM) + ".000")), says=("row 2: time",)),
    Mutation("a day that does not exist", made(cell(0, "30.02.2020 00:10:00")), says=("row 102: time '30.02.2020 00:10:00'",)),
    Mutation("an hour 24 that is not over", made(cell(0, "19.02.2020 24:10:00")), says=("row 102: time '19.02.2020 24:10:00'",)),
    Mutation("an hour 25", made(cell(0, "19.02.2020 25:00:00")), says=("row 102: time '19.02.2020 25:00:00'",)),
    Mutation("an empty time", made(cell(0, "")), says=("row 102",)),
    Mutation("a row of delimiters alone", made(insert(100, "," * 21)), says=("row 102",)),
    Mutation("every second row", made(lambda x: x.with_rows(x.rows[::2])), says=("rows come every 0 days 00:20:00", "cadence")),
    Mutation("a word for no value", made(cell(T, "n/a")), says=(REMEDY_ROW, "'n/a' is not a number")),
    Mutation("NaN", made(cell(T, "NaN")), says=(REMEDY_ROW, "is not a number")),
    Mutation("null", made(cell(T, "null")), says=(REMEDY_ROW, "is not a number")),
    Mutation("an error of a spreadsheet", made(cell(T, "#DIV/0!")), says=(REMEDY_ROW, "is not a number")),
    Mutation("a dash for no value", made(cell(T, "-")), says=(REMEDY_ROW, "is not a number")),
    Mutation(
        "truth values",
        made(lambda x: x.with_rows(with_cell(row, T, "TRUE") for row in x.rows)),
        says=("row 2, column 'T (degC)'", "is not a number"),
    ),
    Mutation("a hexadecimal value", made(cell(T, "0x1A")), says=(REMEDY_ROW, "is not a number")),
    Mutation("an underscore in a value", made(cell(T, "1_0")), says=(REMEDY_ROW, "is not a number")),
    Mutation("two points in a value", made(cell(T, "1.0.5")), says=(REMEDY_ROW, "is not a number")),
    Mutation(
        "a minus of typographers",
        made(cell(T, "\u22123.25"), encoding="utf-8"),
        says=(REMEDY_ROW, "is not a number"),
        station={"encoding": "utf-8"},
    ),
    Mutation(
        "digits of another alphabet",
        made(cell(T, "\uff13.25"), encoding="utf-8"),
        says=(REMEDY_ROW, "is not a number"),
        station={"encoding": "utf-8"},
    ),
    Mutation("an end of DOS after the rows", lambda x: x.body() + b"\x1a", says=("cut off in its last row",)),
    Mutation("an unbreakable blank after a value", made(cell(T, "3.25\xa0")), says=(REMEDY_ROW, "is not a number")),
    Mutation("a unit after a value", made(cell(T, "3.25 C")), says=(REMEDY_ROW, "is not a number")),
    Mutation("a decimal comma in quotes", made(cell(T, '"3,25"')), says=(REMEDY_ROW, "is not a number")),
    Mutation("a thousands separator in quotes", made(cell(P, '"1,013.2"')), says=("row 102, column 'p (mbar)'", "is not a number")),
    Mutation("a decimal comma", made(cell(T, "3,25")), says=("row 102 has 23 cells", "decimal points")),
    Mutation(
        "decimal commas in all cells",
        made(lambda x: x.with_rows(",".join([r.split(",")[0], *(c.replace(".", ",") for c in r.split(",")[1:])]) for r in x.rows)),
        says=("row 2 has", "decimal points"),
    ),
    Mutation(
        "semicolons between cells, unsaid",
        made(every(lambda x: x.replace(",", ";"))),
        says=("column missing", "form: {delimiter: ';'}"),
    ),
    Mutation(
        "tabs between cells, unsaid",
        made(every(lambda x: x.replace(",", "\t"))),
        says=("column missing", 'form: {delimiter: "\\t"}'),
    ),
    Mutation(
        "decimal commas and semicolons, the comma unsaid",
        made(german_rows),
        says=("row 2, column", "is not a number"),
        station={"form": SEMI},
    ),
    Mutation("a line of units", made(insert(0, ",".join(["x"] * 22))), says=("row 2: time 'x'",)),
    Mutation(
        "lines of the logger above the header", lambda x: b"Logger 7\r\nRoof\r\n" + x.body(), says=("column missing: 'Date Time'",)
    ),
    Mutation("comments", made(insert(50, "# lens wiped")), says=("row 52",)),
    Mutation(
        "two files one after the other, with both headers",
        made(lambda x: x.with_rows([*x.rows[:200], x.header, *x.rows[200:]])),
        says=("row 202", "Date Time"),
    ),
    Mutation(
        "a line of noise",
        lambda x: x.with_rows([*x.rows[:100], "\x8a\x01#%~", *x.rows[101:]]).body(encoding="latin-1"),
        says=("row 102",),
    ),
    Mutation(
        "a quotation mark that is not closed", made(cell(T, '"3.25')), says=("row 102: a quotation mark is opened and not closed",)
    ),
    Mutation(
        "two quotation marks of which the second opens a cell",
        made(lambda x: cell(WV, '"3.25')(cell(T, '3"')(x))),
        says=("row 102: a quotation mark is opened and not closed",),
    ),
    Mutation(
        "a line end inside a quoted cell",
        made(lambda x: Lines(x.header + ",note", [f'{r},"a' if n == 100 else f"{r},b" for n, r in enumerate(x.rows)])),
        says=("row 102: a quotation mark",),
    ),
    Mutation(
        "a page of a server instead of the file",
        lambda x: b"<html><body>503 Service Unavailable</body></html>\n",
        says=("column missing",),
    ),
    Mutation(
        "gz cut off",
        lambda x: gzip.compress(x.body())[:-40],
        says=("not a readable gz file, or cut off", "fetch it again"),
        file="roof.csv.gz",
    ),
    Mutation(
        "zip cut off",
        lambda x: zipped(roof_csv=x.body())[:-200],
        says=("not a readable zip file, or cut off", "fetch it again"),
        file="roof.zip",
    ),
    Mutation("zip without a CSV", lambda x: zipped(read_md=b"# hi"), says=("in the zip",), file="roof.zip"),
    Mutation("a CSV called zip", made(same), says=("not a readable zip file",), file="roof.zip"),
]


def of(mutation: Mutation) -> Station:
    return load_station("jena").changed(**mutation.station)


def rows_in(body: bytes, mutation: Mutation, lines: Lines) -> int:
    """Count the rows of a file by the lines that have a time."""
    marks = tuple(f"{n:02d}." for n in range(1, 32))
    if mutation.file.lower().endswith(".gz"):
        body = gzip.decompress(body)
    if mutation.file.lower().endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = archive.read(next(name for name in archive.namelist() if name.endswith(".csv")))
    text = body.decode("latin-1")
    return sum(
        any(
            one.strip('" ').startswith(marks) and len(one.strip('" ')) == 19
            for one in row.replace("\t", ",").replace(";", ",").split(",")
        )
        for row in text.splitlines()
    )


def check_every_row_is_accounted_for(report: ParseReport, kept: int, in_file: int) -> None:
    assert report.rows_read + report.unfinished_rows == in_file
    assert report.rows_read == kept + report.identical_duplicates + report.conflicting_duplicates
    assert report.rows_kept == kept


@pytest.mark.parametrize("kind", ["2020", "2024"])
@pytest.mark.parametrize("mutation", READ, ids=lambda one: one.name)
def test_a_changed_file_gives_the_rows_that_a_careful_person_takes(mutation: Mutation, kind: str):
    lines, station = base(kind), of(mutation)
    body = mutation.make(lines)
    frame, report = parse([RawFile(mutation.file, body)], station, now=NOW)
    assert mutation.takes is not None
    pd.testing.assert_frame_equal(frame, careful(mutation.takes(lines), station), check_exact=True)
    check_every_row_is_accounted_for(report, len(frame), rows_in(body, mutation, lines))
    for name, expected in mutation.reports.items():
        found = getattr(report, name)
        if name == "sentinels":
            assert found["T"] == 1
        else:
            assert found == expected


@pytest.mark.parametrize("kind", ["2020", "2024"])
@pytest.mark.parametrize("mutation", REFUSED, ids=lambda one: one.name)
def test_a_file_that_says_something_else_is_refused_by_name_line_and_remedy(mutation: Mutation, kind: str):
    body = mutation.make(base(kind))
    with pytest.raises(SourceFormatError) as caught:
        parse([RawFile(mutation.file, body)], of(mutation), now=NOW)
    for says in (mutation.file, *mutation.says):
        assert says in str(caught.value)


@pytest.mark.parametrize("text", ["inf", "592.2", "-1e300"])
def test_a_number_that_no_instrument_gives_is_read_as_it_stands_and_set_aside(text: str):
    station = load_station("jena")
    frame, _ = parse([RawFile("roof.csv", cell(T, text)(base("2020")).body())], station, now=NOW)
    kept, told = plausible(frame, station)
    assert frame["T"].iloc[100] == float(text)
    assert [(seen.variable, seen.kind, seen.count) for seen in told] == [("T", "out of range", 1)]
    assert np.isnan(kept["T"].iloc[100])


def test_there_are_many_mutations_each_with_a_name_of_its_own():
    names = [mutation.name for mutation in (*READ, *REFUSED)]
    assert len(names) >= 110
    assert len(set(names)) == len(names)
