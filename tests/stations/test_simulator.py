"""The simulator: the same row for the same time however it is asked for, consistent physics, real files' faults."""

import io
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tsflow.errors import SettingsError, UnknownName
from tsflow.stations.formulas import all_formulas
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.simulated_weather import BLOCK_HOURS, _block, simulated_observations
from tsflow.stations.simulator import simulated_file
from tsflow.stations.sources.simulator import SimulatorSource
from tsflow.stations.station import Station, load_station
from tsflow.stations.variable import Variable

START, END = datetime(2022, 1, 1), datetime(2024, 1, 1)
DEMO = load_station("demo")
SOURCE = SimulatorSource(kind="simulator", seed=0)


def lines(start: datetime, end: datetime, seed: int = 0) -> list[bytes]:
    _, body = simulated_file(DEMO, SimulatorSource(kind="simulator", seed=seed), start, end)
    return body.split(b"\r\n")[1:-1]


def table(body: bytes) -> pd.DataFrame:
    read = pd.read_csv(io.BytesIO(body), encoding="cp1252", index_col=0)
    read.index = pd.to_datetime(read.index, format="%d.%m.%Y %H:%M:%S")
    return read.set_axis(list(DEMO.variables), axis=1)


@pytest.fixture(scope="module")
def two_years() -> bytes:
    return simulated_file(DEMO, SOURCE, START, END)[1]


@pytest.fixture(scope="module")
def written(two_years: bytes) -> pd.DataFrame:
    return table(two_years)


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return simulated_observations(0, pd.date_range(START, END, freq="10min"))


def test_the_file_has_the_stations_form(two_years: bytes) -> None:
    name, _ = simulated_file(DEMO, SOURCE, START, START + timedelta(days=1))
    assert name == "demo_20220101T0000_20220102T0000.csv"
    header, first, *_, last, nothing = two_years.decode("cp1252").split("\r\n")
    assert header.startswith('"Date Time","p (mbar)","T (degC)","Tpot (K)"')
    assert header.endswith('"max. wv (m/s)","wd (deg)"')
    assert first.startswith("01.01.2022 00:10:00,")
    assert last.startswith("01.01.2024 00:00:00,")
    assert not nothing
    assert "\n" not in two_years.decode("cp1252").replace("\r\n", "")


def test_any_interval_in_any_order_gives_the_same_bytes(two_years: bytes) -> None:
    by_time: dict[bytes, list[bytes]] = {}
    for line in two_years.split(b"\r\n")[1:-1]:
        by_time.setdefault(line[:19], []).append(line)
    generator = np.random.default_rng(5)
    for _ in range(40):
        start = START + timedelta(minutes=int(generator.integers(0, 700 * 24 * 60)))
        end = min(start + timedelta(minutes=int(generator.exponential(20_000))), END)
        _block.cache_clear()
        stamps = pd.date_range(start, end, freq="1min", inclusive="right")
        stamps = stamps[stamps.minute % 10 == 0].strftime("%d.%m.%Y %H:%M:%S")
        expected = [line for stamp in stamps for line in by_time.get(stamp.encode(), [])]
        assert lines(start, end) == expected


def test_chunks_put_together_are_the_whole(two_years: bytes) -> None:
    days = pd.date_range(START, END, freq="17D").to_pydatetime().tolist()
    bounds = list(zip(days, [*days[1:], END], strict=True))
    chunks = {start: lines(start, end) for start, end in reversed(bounds)}
    assert [line for start in sorted(chunks) for line in chunks[start]] == two_years.split(b"\r\n")[1:-1]


def test_an_interval_between_two_rows_has_only_the_header() -> None:
    assert lines(datetime(2022, 5, 1, 0, 1), datetime(2022, 5, 1, 0, 9)) == []


def test_another_seed_is_another_weather() -> None:
    week = pd.date_range("2022-06-01", periods=1008, freq="10min")
    one, *others = (simulated_observations(seed, week)["T"] for seed in (0, 1, -1, 2**63))
    assert all((one - other).abs().mean() > 1 for other in others)


def test_weather_does_not_jump_where_blocks_meet(clean: pd.DataFrame) -> None:
    step = (clean.index - pd.Timestamp(0)) // pd.Timedelta("10min")
    meets = step % (BLOCK_HOURS * 6) == 0
    change = clean[["p", "T", "rh"]].diff().abs()
    assert meets.sum() > 10
    assert (change[meets].mean() < 2 * change[~meets].mean()).all()


def test_formulas_hold_on_rounded_rows(clean: pd.DataFrame) -> None:
    for formula in all_formulas():
        computed = formula.compute(*(clean[name].to_numpy() for name in formula.inputs))
        assert np.abs(computed - clean[formula.name].to_numpy()).max() <= formula.tolerance, formula.name


def test_dew_point_is_not_above_temperature_and_gusts_are_not_below_wind(clean: pd.DataFrame) -> None:
    assert (clean["Tdew"] <= clean["T"]).all()
    assert (clean["rh"] <= 100).all()
    assert (clean["max_wv"] >= clean["wv"]).all()


@pytest.mark.parametrize("seed", [0, 1, 2**40, -3])
def test_values_stay_in_the_stations_ranges(seed: int) -> None:
    weather = simulated_observations(seed, pd.date_range("2015-01-01", "2027-01-01", freq="1h"))
    for name, variable in DEMO.variables.items():
        low, high = variable.range
        assert weather[name].between(low, high).all(), name


def test_naive_forecast_errs_like_in_jena(clean: pd.DataFrame) -> None:
    hourly = clean["T"].iloc[::6]
    assert 2.3 < hourly.diff(24).abs().mean() < 2.7


def test_falling_pressure_foretells_colder_air_and_moist_air_warmer(clean: pd.DataFrame) -> None:
    hourly = clean.iloc[::6]
    coming = hourly["T"].diff(24).shift(-24)
    assert hourly["p"].diff(3).corr(coming) > 0.1
    assert hourly["rh"].rolling(24).mean().corr(coming) > 0.1


def test_days_are_warmer_in_summer_and_swing_more(clean: pd.DataFrame) -> None:
    daily = clean["T"].resample("1D").agg(["mean", "min", "max"])
    monthly = daily.assign(swing=daily["max"] - daily["min"]).groupby(daily.index.month).mean()
    assert monthly["mean"][7] - monthly["mean"][1] > 15
    assert monthly["swing"][7] > 1.5 * monthly["swing"][12]
    assert clean["T"].groupby(clean.index.hour).mean().idxmax() in (13, 14, 15)


def test_faults_of_real_files_are_there(written: pd.DataFrame, clean: pd.DataFrame) -> None:
    sentinel = (written == -9999).sum()
    assert 4 <= sentinel["wv"] <= 8
    assert sentinel["wv"] < sentinel["max_wv"] <= 20
    assert (sentinel.drop(["wv", "max_wv"]) == 0).all()

    repeated = written[written.index.duplicated(keep=False)]
    assert 4 <= len(repeated) / 2 <= 10
    assert repeated.reset_index().duplicated(keep=False).all()

    missing = pd.Series(clean.index.difference(written.index)[:-1]).iloc[1:]
    lengths = missing.groupby((missing.diff() != pd.Timedelta("10min")).cumsum()).size()
    assert 10 <= (lengths <= 2).sum() <= 18
    assert (lengths >= 48).sum() == 2
    assert lengths.max() <= 120

    still = written["wv"] == 0
    runs = still.groupby((still != still.shift()).cumsum()).sum()
    assert 2 <= (runs >= 18).sum() <= 4


def test_other_rows_are_the_clean_weather(written: pd.DataFrame, clean: pd.DataFrame) -> None:
    once = written[~written.index.duplicated()]
    weather = once.columns.drop(["wv", "max_wv"])
    pd.testing.assert_frame_equal(once[weather], clean.loc[once.index, weather], check_names=False, check_freq=False)
    touched = (once["wv"] != clean.loc[once.index, "wv"]).sum()
    assert 0 < touched < 300


def changed(**fields: object) -> Station:
    return Station.model_validate(DEMO.model_dump() | fields)


def test_hourly_stations_get_every_sixth_row() -> None:
    day = (datetime(2022, 3, 1), datetime(2022, 3, 2))
    _, hourly = simulated_file(changed(cadence=timedelta(hours=1)), SOURCE, *day)
    rows = hourly.split(b"\r\n")[1:-1]
    assert len(rows) == 24
    assert set(rows) <= set(lines(*day))


def test_rows_can_carry_the_start_of_their_period() -> None:
    timestamp = DEMO.timestamp.model_dump() | {"marks": "start"}
    _, body = simulated_file(changed(timestamp=timestamp), SOURCE, datetime(2022, 3, 1), datetime(2022, 3, 1, 0, 10))
    assert body.split(b"\r\n")[1].startswith(b"01.03.2022 00:00:00,")


def test_times_with_a_comma_are_read_as_they_were_meant() -> None:
    station = changed(timestamp=DEMO.timestamp.model_dump() | {"format": "%d.%m.%Y, %H:%M:%S"})
    file = RawFile(*simulated_file(station, SOURCE, datetime(2022, 3, 1), datetime(2022, 3, 1, 6)), own=True)
    frame, _ = parse([file], station, now=END)
    assert frame["time"].iloc[0] == datetime(2022, 3, 1, 0, 10)
    assert len(frame) == 36


def test_a_cadence_below_ten_minutes_is_refused() -> None:
    with pytest.raises(SettingsError, match="multiples of 10min only, found 0:05:00"):
        simulated_file(changed(cadence=timedelta(minutes=5)), SOURCE, START, END)


def test_a_variable_that_is_not_simulated_is_named() -> None:
    rain = Variable(column="rain (mm)", unit="mm", range=(0, 50))
    with pytest.raises(UnknownName, match="unknown simulated variable of station demo 'rain'; valid: H2OC"):
        simulated_file(changed(variables=DEMO.model_dump()["variables"] | {"rain": rain.model_dump()}), SOURCE, START, END)
