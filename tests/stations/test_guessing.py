"""`tsflow station init` on files of other loggers: what it understands, and what it says it does not."""

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import DATA
from mast import mast_csv, simulated
from tsflow.cli.main import main
from tsflow.errors import DataError
from tsflow.location import Location
from tsflow.observations.hourly import hourly_frame
from tsflow.requests.checking import checked
from tsflow.settings import HourlySettings, settings
from tsflow.stations.guessing import as_yaml, drafted
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.files import read_paths
from tsflow.stations.station import Station, load_station

PLACE = Location(latitude=50.91, longitude=11.56, altitude_m=220)
NOW = pd.Timestamp("2026-11-01").to_pydatetime()


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulated(30)


def station_of_file(body: bytes, tmp_path: Path, name: str = "a.csv") -> tuple[Station, pd.DataFrame]:
    """Draft, write, load and read."""
    draft = drafted([RawFile(name, body)], station="drafted", location=PLACE, utc_offset_hours=None, paths=[name])
    path = tmp_path / "drafted.yaml"
    path.write_text(as_yaml(draft), encoding="utf-8")
    station = load_station(str(path))
    frame, _ = parse([RawFile(name, body)], station, now=NOW)
    return station, frame


def toa5(rows: pd.DataFrame) -> bytes:
    """As a Campbell logger writes them."""
    heads = [
        '"TOA5","mast","CR1000","1","CR1000.Std","CPU:x","1","Half"',
        '"TIMESTAMP","RECORD","AirTC_Avg","BP_mbar","RH","WS_ms_S_WVT","WindDir_D1_WVT","WS_ms_Max","PTemp_C"',
        '"TS","RN","Deg C","mbar","%","meters/second","Deg","meters/second","Deg C"',
        '"","","Avg","Smp","Smp","WVc","WVc","Max","Smp"',
    ]
    lines = [
        f'"{row.time}",{number},{row.T},{row.p},{row.rh},{row.wv},{row.wd},{row.max_wv},21.5'
        for number, row in enumerate(rows.itertuples(index=False))
    ]
    return "\n".join([*heads, *lines, ""]).encode()


def american(rows: pd.DataFrame) -> bytes:
    """Comments, a line of units, month before day, no unit in a header, numbers that stand for nothing."""
    table = pd.DataFrame(
        {
            "Date": rows["time"].dt.strftime("%m/%d/%Y %H:%M"),
            "Outdoor Temperature": (rows["T"] * 9 / 5 + 32).round(2),
            "Pressure": (rows["p"] / 33.8638867).round(3),
            "Wind Gust": rows["max_wv"],
            "DewPoint_Temp": rows["Tdew"],
            "Station Id": 17,
        }
    )
    table.loc[5, "Outdoor Temperature"] = -999
    units = ",,inHg,m/s,degC,\n"
    head, body = table.to_csv(index=False).split("\n", 1)
    return f"# our mast\n{head}\n{units}{body}".encode()


def test_a_toa5_file_is_understood(rows: pd.DataFrame, tmp_path: Path):
    station, frame = station_of_file(toa5(rows), tmp_path)
    assert station.form.kind == "toa5"
    assert list(station.variables) == ["T", "p", "rh", "wv", "wd", "max_wv"], "neither the row's number nor the logger's own heat"
    assert (station.target, station.rows_per_hour, station.timestamp.utc_offset_hours) == ("T", 2, 1)
    np.testing.assert_allclose(frame["max_wv"], rows["max_wv"])


def test_an_american_file_is_understood(rows: pd.DataFrame, tmp_path: Path):
    station, frame = station_of_file(american(rows), tmp_path)
    assert station.timestamp.format == "%m/%d/%Y %H:%M"
    assert {name: variable.column_unit for name, variable in station.variables.items()} == {
        "T": "degF",
        "p": "inHg",
        "max_wv": None,
        "Tdew": None,
    }
    assert station.missing == [-999]
    assert np.isnan(frame["T"].iloc[5])
    np.testing.assert_allclose(frame["T"].drop(5), rows["T"].drop(5), atol=0.01)
    np.testing.assert_allclose(frame["p"], rows["p"], atol=0.05)
    assert "# Station_Id" in (tmp_path / "drafted.yaml").read_text(), "what nobody knows is a comment"


def test_the_masts_own_file_gives_the_masts_own_values(rows: pd.DataFrame, tmp_path: Path):
    station, frame = station_of_file(mast_csv(rows), tmp_path)
    for name in ("T", "p", "rh", "wv"):
        np.testing.assert_allclose(frame[name], rows[name], atol=1e-3)
    assert len(hourly_frame(frame, station, HourlySettings(), target="T").frame) == pytest.approx(len(rows) / 2, abs=1)


def ending_days(text: str) -> str:
    """The first row of a day as the last one of the day before."""
    day, clock = text.split(" ")
    return f"{pd.Timestamp(day[6:] + day[3:5] + day[:2]) - pd.Timedelta(days=1):%d.%m.%Y} 24:00" if clock == "00:00" else text


@pytest.mark.parametrize(
    ("stamps", "form"),
    [
        (lambda times: {"when": times.dt.strftime("%Y-%m-%dT%H:%M:%S") + "+01:00"}, "iso8601"),
        (lambda times: {"when": (times - pd.Timedelta(hours=1)).dt.strftime("%Y-%m-%d %H:%MZ")}, "iso8601"),
        (lambda times: {"when": (times - pd.Timestamp("1970-01-01 01:00")) // pd.Timedelta(seconds=1)}, "epoch"),
        (lambda times: {"when": (times - pd.Timestamp("1970-01-01 01:00")) // pd.Timedelta(milliseconds=1)}, "epoch_ms"),
        (lambda times: {"when": (times - pd.Timestamp("1970-01-01 01:00")) / pd.Timedelta(seconds=1)}, "epoch"),
        (lambda times: {"when": times.dt.strftime("%d.%m.%Y %H:%M").map(ending_days)}, "%d.%m.%Y %H:%M"),
        (lambda times: {"Date": times.dt.strftime("%d/%m/%Y"), "Time": times.dt.strftime("%H:%M")}, "%d/%m/%Y %H:%M"),
        (lambda times: {"when": times.dt.strftime("%d.%m.%y %H:%M")}, "%d.%m.%y %H:%M"),
    ],
    ids=[
        "ISO 8601 with offset",
        "ISO 8601, Z",
        "seconds",
        "milliseconds",
        "seconds and fractions",
        "hour 24",
        "two columns",
        "year of two digits",
    ],
)
def test_times_are_understood_in_many_forms(rows: pd.DataFrame, tmp_path: Path, stamps: Callable, form: str):
    table = pd.DataFrame({**stamps(rows["time"]), "Temp (°C)": rows["T"]})
    station, frame = station_of_file(table.to_csv(index=False).encode(), tmp_path)
    assert station.timestamp.format == form
    assert frame["time"].tolist() == rows["time"].tolist()
    np.testing.assert_allclose(frame["T"], rows["T"])


@pytest.mark.skipif(not DATA.exists(), reason="needs the real files in shared/data")
def test_the_file_of_2024_renamed_without_its_dew_point_is_trained_on_without_an_edit(home: Path, tmp_path: Path):
    with zipfile.ZipFile(DATA / "mpi_roof.zip") as packed, packed.open(packed.namelist()[0]) as file:
        table = pd.read_csv(file, encoding="cp1252")
    renamed = pd.DataFrame(
        {
            "Zeit": table["Date Time"],
            "Luftdruck [Pa]": (table["p (mbar)"] * 100).round(1),
            "Lufttemp": table["T (degC)"],
            "RelHum": table["rh (%)"],
            "WindSpeed (km/h)": (table["wv (m/s)"] * 3.6).round(3),
        }
    )
    path = tmp_path / "alm.csv"
    renamed.to_csv(path, sep=";", decimal=",", index=False, encoding="cp1252")
    main(["station", "init", str(path), "--name", "alm", "--at", "50.91,11.56,220"])
    station = load_station("alm")
    frame, _ = parse(read_paths([str(path)]), station, now=NOW)
    np.testing.assert_allclose(frame["p"], table["p (mbar)"], atol=0.01)
    found = checked("alm", None, "quick", [], settings())
    assert found.refused is None
    assert not found.skipped
    assert {"ridge", "lightgbm"} <= {*found.entrants}
    assert found.parts is not None
    assert found.parts.validation.windows > 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "has 2 lines; a line of headers and two rows are the least"),
        (b"<html><body>404</body></html>\n<p>x</p>\n<p>y</p>\n", "no delimiter cuts its lines"),
        (b"2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,3\n", "no line of headers before the first row"),
        (b"x,y\n1,2\n3,4\n5,6\n", "no column is a date with a time"),
        (b"time,T\n2020-01-01 00:00,1\n2020-01-01 00:07,2\n2020-01-01 00:14,3\n", "rows come every 0:07:00, which does not divide"),
        (b"time,T\n2020-01-01 00:00,a\n2020-01-01 01:00,b\n2020-01-01 02:00,c\n", "no row of numbers was found"),
    ],
    ids=["empty", "two lines", "a page", "no header", "no time", "every 7 minutes", "no numbers"],
)
def test_what_cannot_be_understood_is_said(body: bytes, says: str):
    with pytest.raises(DataError, match=says):
        drafted([RawFile("a.csv", body)], station="s", location=PLACE, utc_offset_hours=0, paths=["a.csv"])


def test_a_temperature_that_rises_by_one_is_no_number_of_the_row(tmp_path: Path):
    lines = "".join(f"2020-01-01 {hour:02d}:00,{hour},{hour}\n" for hour in range(12))
    station, _ = station_of_file(f"time,record,T\n{lines}".encode(), tmp_path)
    assert list(station.variables) == ["T"]
    assert "less than 3 days of temperature to read it off" in (tmp_path / "drafted.yaml").read_text()


def test_a_file_that_is_there_is_not_written_over(
    home: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows))
    command = ["station", "init", str(tmp_path / "a.csv"), "--at", "50,11,200", "--name"]
    main([*command, "mine"])
    assert "AirT_Avg [degF]" in capsys.readouterr().out
    for name, says in (("mine", "is there already; give another --name"), ("Mine!", "station: String should match pattern")):
        with pytest.raises(SystemExit) as ended:
            main([*command, name])
        assert ended.value.code == 2
        assert says in capsys.readouterr().err.replace("\n", " ")
    assert sorted(path.name for path in (home / "include" / "stations").glob("*ine*")) == ["mine.yaml"]


def test_a_check_says_why_a_run_would_be_refused(home: Path, rows: pd.DataFrame, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows.assign(T=300.0)))
    draft = drafted(
        [RawFile("a.csv", mast_csv(rows))], station="hot", location=PLACE, utc_offset_hours=1, paths=[str(tmp_path / "a.csv")]
    )
    (home / "include" / "stations" / "hot.yaml").write_text(as_yaml(draft), encoding="utf-8")
    found = checked("hot", None, "smoke", [], settings())
    assert "refused" in found.validation
    assert str(found.refused).startswith("the batch would lie in quarantine")


def as_json_lines(rows: pd.DataFrame) -> bytes:
    """As a message queue logs them: objects within objects, and a text that stands for no value."""
    cells = zip(rows["time"], rows["T"], rows["rh"], rows["wv"], strict=True)
    objects = [
        {
            "at": f"{time:%Y-%m-%dT%H:%M:%S}+01:00",
            "id": 7,
            "air": {"temperature_C": T, "rel_hum": rh},
            "wind": {"speed": wv},
            "ok": True,
        }
        for time, T, rh, wv in cells
    ]
    objects[3]["wind"]["speed"] = "NaN"
    objects[4]["air"]["rel_hum"] = None
    return "\n".join([*map(json.dumps, objects), ""]).encode()


def test_json_lines_are_understood(rows: pd.DataFrame, tmp_path: Path):
    station, frame = station_of_file(as_json_lines(rows), tmp_path, "a.jsonl")
    assert (station.form.kind, station.form.missing_texts, station.timestamp.format) == ("json_lines", ("NaN",), "iso8601")
    assert {name: variable.column for name, variable in station.variables.items()} == {
        "T": "air.temperature_C",
        "rh": "air.rel_hum",
        "wv": "wind.speed",
    }
    assert frame["time"].tolist() == rows["time"].tolist()
    np.testing.assert_allclose(frame["T"], rows["T"])
    assert frame[["rh", "wv"]].isna().sum().tolist() == [1, 1]


def as_parquet(rows: pd.DataFrame, times: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    target = io.BytesIO()
    air = pa.StructArray.from_arrays([pa.array(rows["T"]), pa.array(rows["p"] * 100)], names=["AirTemp", "Pressure"])
    table = pa.table({"number": pa.array(range(len(rows)), pa.int32()), "when": times, "air": air, "note": ["x"] * len(rows)})
    parquet.write_table(table, target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("times", "form"),
    [
        (lambda times: times.astype("datetime64[ms]"), "%Y-%m-%d %H:%M:%S"),
        (lambda times: times.dt.tz_localize("+01:00"), "iso8601"),
        (lambda times: (times - pd.Timestamp("1970-01-01 01:00")) // pd.Timedelta(seconds=1), "epoch"),
        (lambda times: times.dt.strftime("%d.%m.%Y %H:%M"), "%d.%m.%Y %H:%M"),
    ],
    ids=["timestamps", "timestamps with a zone", "seconds", "texts"],
)
def test_parquet_is_understood(rows: pd.DataFrame, tmp_path: Path, times: Callable, form: str):
    station, frame = station_of_file(as_parquet(rows, times(rows["time"])), tmp_path, "a.parquet")
    assert (station.form.kind, station.timestamp.format) == ("parquet", form)
    assert {name: (variable.column, variable.column_unit) for name, variable in station.variables.items()} == {
        "T": ("air.AirTemp", None),
        "p": ("air.Pressure", "Pa"),
    }
    assert frame["time"].tolist() == rows["time"].tolist()
    np.testing.assert_allclose(frame["p"], rows["p"])


def test_files_of_a_zip_are_understood_whatever_their_form(rows: pd.DataFrame, tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("b.jsonl", as_json_lines(rows))
        archive.writestr("a-note.pdf", b"%PDF")
    assert station_of_file(packed.getvalue(), tmp_path, "a.zip")[0].form.kind == "json_lines"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": 1\n{"a": 2}\n{"a": 3}\n', "a.jsonl: row 1: no JSON"),
        (b'{"a": 1}\n{"a": 2}\n{"a": 3}\n', "no column is a date with a time"),
        (b'{"t": "2021-01-01 00:00"}\n{"t": "2021-01-01 01:00"}\n', "no column of numbers was found"),
        (b"PAR1 and then nothing", "not a readable Parquet file"),
    ],
)
def test_objects_and_parquet_that_cannot_be_understood_are_said(body: bytes, says: str):
    with pytest.raises(DataError, match=says):
        drafted([RawFile("a.jsonl", body)], station="s", location=PLACE, utc_offset_hours=0, paths=["a.jsonl"])


def test_a_picture_shows_what_was_understood(home: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows))
    plot = tmp_path / "a.svg"
    main(["station", "init", str(tmp_path / "a.csv"), "--at", "50,11,200", "--name", "mine", "--plot", str(plot)])
    drawn = ET.parse(plot).getroot()
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert {"T", "p", "rh", "wv"} <= {*texts}
    assert f"written {plot}" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(("plot", "says"), [("a.png", "name a file that ends in .svg"), ("no/a.svg", "there is no folder no")])
def test_a_picture_that_could_not_be_written_is_refused_before_anything_is(
    home: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str], plot: str, says: str
):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows))
    with pytest.raises(SystemExit) as ended:
        main(["station", "init", str(tmp_path / "a.csv"), "--at", "50,11,200", "--name", "mine", "--plot", plot])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err.replace("\n", " ")
    assert not (home / "include" / "stations" / "mine.yaml").exists()


@pytest.mark.parametrize("name", ["2024", "no", "1e3"])
def test_a_name_that_yaml_takes_for_something_else_is_a_name(home: Path, rows: pd.DataFrame, tmp_path: Path, name: str):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows))
    main(["station", "init", str(tmp_path / "a.csv"), "--at", "50,11,200", "--name", name])
    assert load_station(name).station == name


def test_a_wrong_name_is_told_by_the_file_that_it_would_have(
    home: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.csv").write_bytes(mast_csv(rows))
    with pytest.raises(SystemExit):
        main(["station", "init", str(tmp_path / "a.csv"), "--at", "50,11,200", "--name", "Mine!"])
    said = capsys.readouterr().err.replace("\n", "")
    assert "Mine!.yaml: station: String should match pattern" in said
    assert "draft.yaml" not in said


def hourly_text(form: str) -> bytes:
    times = pd.date_range("2021-03-01 00:30", periods=24 * 20, freq="h")
    return "\n".join(["time,Temp,RH", *(f"{time.strftime(form)},{5 + time.hour / 3:.2f},80" for time in times), ""]).encode()


@pytest.mark.parametrize(("form", "first"), [("%Y%m%d%H%M", "00:30"), ("%Y%m%d%H%M%S", "00:30"), ("%Y%m%d%H", "00:00")])
def test_digits_alone_are_taken_by_their_number(form: str, first: str, tmp_path: Path):
    station, frame = station_of_file(hourly_text(form), tmp_path)
    assert station.timestamp.format == form
    assert frame["time"].iloc[0] == pd.Timestamp(f"2021-03-01 {first}")
    assert (frame["time"].diff().dropna() == pd.Timedelta("1h")).all()


def test_a_header_with_signs_that_are_no_units_is_drafted(tmp_path: Path):
    body = hourly_text("%Y-%m-%d %H:%M").replace(b"time,Temp,RH", "time,Temp(℃),RH (-)".encode())
    station, frame = station_of_file(body, tmp_path)
    assert {variable.column for variable in station.variables.values()} == {"Temp(℃)", "RH (-)"}
    assert frame["time"].is_monotonic_increasing


def test_names_that_are_units_too_name_the_columns_below_a_title(tmp_path: Path):
    rows = hourly_text("%Y-%m-%d %H:%M").decode().splitlines()[1:]
    body = "\n".join(["Mast 7,north field,,", "time,T,RH,P", *(f"{row},{990 + place % 7}" for place, row in enumerate(rows)), ""])
    station, frame = station_of_file(body.encode(), tmp_path)
    assert {variable.column for variable in station.variables.values()} == {"T", "RH", "P"}
    assert (station.timestamp.column, len(frame)) == ("time", 480)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_with_a_byte_order_mark_is_drafted(encoding: str, tmp_path: Path):
    body = hourly_text("%Y-%m-%d %H:%M").decode().replace("Temp", "Temp (°C)").encode(encoding)
    station, frame = station_of_file(body, tmp_path)
    assert "Temp (°C)" in {variable.column for variable in station.variables.values()}
    assert len(frame) == 480


def half_hours(offset_hours: float) -> bytes:
    times = pd.date_range("2021-03-01", periods=960, freq="30min") - pd.Timedelta(hours=offset_hours)
    return "\n".join(["time,Temp", *(f"{time:%Y-%m-%dT%H:%M:%SZ},{5 + time.hour / 3:.2f}" for time in times), ""]).encode()


def test_the_minute_is_one_of_the_stations_clock_also_where_that_is_not_whole_hours_from_utc():
    place = {"station": "drafted", "location": PLACE, "paths": ["a.csv"]}
    for offset, minute in ((5.75, 15), (5.5, 0), (0.0, 0)):
        draft = drafted([RawFile("a.csv", half_hours(0.0))], utc_offset_hours=offset, **place)
        assert f"  minute: {minute} " in as_yaml(draft)


def test_halves_of_days_with_seconds_are_read(tmp_path: Path):
    station, frame = station_of_file(hourly_text("%m/%d/%Y %I:%M:%S %p"), tmp_path)
    assert station.timestamp.format == "%m/%d/%Y %I:%M:%S %p"
    assert frame["time"].iloc[0] == pd.Timestamp("2021-03-01 00:30")


def test_the_newest_first_is_said_to_be_that():
    head, *rows = hourly_text("%Y-%m-%d %H:%M").decode().splitlines()
    body = "\n".join([head, *reversed(rows), ""]).encode()
    with pytest.raises(DataError, match=r"a.csv: the newest rows come first; tsflow wants them in order of time: sort the file"):
        drafted([RawFile("a.csv", body)], station="d", location=PLACE, utc_offset_hours=0, paths=["a.csv"])


@pytest.mark.parametrize("seconds", [30, 90])
def test_a_cadence_that_is_no_whole_minutes_is_drafted(seconds: int, tmp_path: Path):
    times = pd.date_range("2021-03-01", periods=600, freq=f"{seconds}s")
    body = "\n".join(["time,Temp", *(f"{time:%Y-%m-%d %H:%M:%S},{5 + time.minute / 30:.2f}" for time in times), ""]).encode()
    station, frame = station_of_file(body, tmp_path)
    assert station.cadence.total_seconds() == seconds
    assert len(frame) == 600


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y"])
def test_a_date_alone_is_no_time(form: str):
    days = pd.date_range("2020-01-01", periods=300)
    body = "\n".join(["day,Temp", *(f"{day.strftime(form)},{5 + place % 9}" for place, day in enumerate(days)), ""]).encode()
    with pytest.raises(DataError, match=r"no column is a date with a time"):
        drafted([RawFile("a.csv", body)], station="d", location=PLACE, utc_offset_hours=0, paths=["a.csv"])
