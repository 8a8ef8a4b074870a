"""`encoding: auto`: the mark first, then UTF-8, then the encoding in which the station's columns have their names."""

import codecs
import itertools
import re
from datetime import datetime
from pathlib import Path

import pytest

from tsflow.errors import SourceFormatError
from tsflow.stations.encoding import decode, parted, with_newlines
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.simulator import simulated_file
from tsflow.stations.sources.simulator import SimulatorSource
from tsflow.stations.station import Station, load_station

NOW = datetime(2026, 11, 1)


def named(station: Station, temperature: str, wind: str) -> Station:
    variables = {name: each.changed(column=temperature if name == "T" else wind) for name, each in station.variables.items()}
    return station.changed(encoding="auto", variables=variables)


def text_of(temperature: str, wind: str) -> str:
    return f"time,{temperature},{wind}\n" + "".join(f"2021-01-01 0{hour}:00,{hour}.5,1\n" for hour in range(4))


@pytest.mark.parametrize(
    ("mark", "encoding", "said"),
    [
        (b"", "utf-8", "utf-8"),
        (b"", "ascii", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
        (b"", "cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found_and_told(small: Station, mark: bytes, encoding: str, said: str):
    names = ("T (C)", "wv (m/s)") if encoding == "ascii" else ("T (°C)", "wv µ (m/s)")
    body = mark + text_of(*names).encode(encoding)
    frame, report = parse([RawFile("a.csv", body)], named(small, *names), now=NOW)
    assert frame["T"].tolist() == [0.5, 1.5, 2.5, 3.5]
    assert report.encodings == {"a.csv": said}


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (("teplota °C", "rychlost větru"), "cp1250"),
        (("температура", "ветер"), "cp1251"),
        (("気温", "風速"), "cp932"),
        (("温度", "风速"), "gb18030"),
        (("Größe °C", "Böe"), "mac_roman"),
    ],
)
def test_the_names_of_the_columns_tell_encodings_apart(small: Station, names: tuple[str, str], encoding: str):
    body = text_of(*names).encode(encoding)
    frame, report = parse([RawFile("a.csv", body)], named(small, *names), now=NOW)
    assert len(frame) == 4
    assert report.encodings == {"a.csv": encoding}


def test_real_files_of_the_roof_are_found_to_be_cp1252(data: Path, jena: Station):
    file = RawFile("mpi_roof.zip", (data / "mpi_roof.zip").read_bytes())
    _, report = parse([file], jena.changed(encoding="auto"), now=NOW)
    assert report.encodings == {"mpi_roof.zip": "cp1252"}
    assert report.ignored_columns == parse([file], jena, now=NOW)[1].ignored_columns


def test_an_encoding_that_the_station_names_is_not_told(small: Station):
    assert parse([RawFile("a.csv", text_of("T", "wv").encode())], small, now=NOW)[1].encodings == {}


def test_names_that_fit_no_encoding_are_missing_columns(small: Station):
    body = text_of("Temp\xe9rature", "vent").encode("cp1252")
    with pytest.raises(SourceFormatError, match=r"column missing: 'T \(°C\)', 'wv'; found: time, Température, vent"):
        parse([RawFile("a.csv", body)], named(small, "T (°C)", "wv"), now=NOW)


def test_bytes_without_a_mark_and_with_nul_are_refused(small: Station):
    with pytest.raises(SourceFormatError, match=r"NUL bytes in line 1, .*correct `encoding` in the station file"):
        parse([RawFile("a.csv", text_of("T", "wv").encode("utf-16-le"))], named(small, "T", "wv"), now=NOW)


def test_what_tsflow_writes_for_such_a_station_is_utf_8():
    station = load_station("demo").changed(encoding="auto")
    file = RawFile(*simulated_file(station, SimulatorSource(kind="simulator", seed=0), datetime(2026, 1, 1), datetime(2026, 1, 2)))
    assert parse([file], station, now=NOW)[1].encodings == {file.name: "utf-8"}


HEAD = ["Datum,T (°C)", "Datum,T (degC)", ""]
REST = ["1,2\n3,4\n", "1,2\r\n3,4\r\n", "1,2\r3,4\r", "1,2\n3,4\r", "1,2\r\n3,4", "", "1,2 °C\n", "+AOk-,2\n", "1,2\0\n", "\n\n"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-7", "cp932", "iso2022_jp", "hz", "auto"])
@pytest.mark.parametrize("rest", REST)
@pytest.mark.parametrize("lines", [1, 2, 4])
def test_a_files_first_lines_and_the_rest_are_those_of_its_text(small: Station, encoding: str, rest: str, lines: int):
    station = small.changed(encoding=encoding)
    for head, end in itertools.product(HEAD, ["\n", "\r\n", "\r"]):
        written = "utf-8" if encoding == "auto" else encoding
        file = RawFile("a.csv", (head + end + rest).encode(written, errors="replace"))
        try:
            text, expected = decode(file, station)
        except SourceFormatError as error:
            with pytest.raises(SourceFormatError, match=re.escape(str(error))):
                parted(file, station, lines)
            continue
        *those, after = with_newlines(text).split("\n", lines)
        if len(those) < lines:
            those, after = [*those, after], ""
        first, body, found = parted(file, station, lines)
        assert (first, with_newlines(body.decode()), found) == (those, after, expected)
