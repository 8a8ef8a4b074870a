"""What is told of the stored rows, against counting them all at once; and its picture."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import station_of
from tsflow.errors import DataError
from tsflow.observations.coverage import MonthCoverage, look
from tsflow.observations.picture import picture
from tsflow.observations.plausible import plausible
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Gap
from tsflow.records.store import Records
from tsflow.stations.parse import find_gaps, parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2021, 6, 1)
KNOWN = datetime(2021, 5, 30, 12)


def watching(cadence: str = "10min") -> Station:
    station = station_of({"T": "degC", "wv": "m/s", "never": "m"}, cadence=cadence)
    watched = station.variables["T"].changed(range=(-40, 45), stuck_for="6h", step_at_most=10)
    return station.changed(variables={**station.variables, "T": watched})


def weather(start: str, rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    times = pd.date_range(start, periods=rows, freq="10min").astype("datetime64[us]")
    return pd.DataFrame({"time": times, "T": 10 + np.cumsum(random.normal(0, 0.1, rows)), "wv": random.random(rows)})


def stored(records: Records, frame: pd.DataFrame) -> None:
    ObservationStore(records, "small").upsert(frame, known_at=KNOWN)


@pytest.fixture
def spoilt() -> pd.DataFrame:
    """Three months with a spike, stuck values and values out of range around each end of a month, and gaps."""
    frame = weather("2021-01-10", 6 * 24 * 75)
    for end in ("2021-02-01", "2021-03-01"):
        at = int(np.flatnonzero(frame["time"] == end)[0])
        frame.loc[at - 40 : at + 20, "T"] = 7.0  # ten hours across midnight
        frame.loc[[at - 90, at + 60], "T"] = 99.0
        frame.loc[[at - 100, at + 70, at + 71], "T"] += 20
    frame.loc[[int(np.flatnonzero(frame["time"] == "2021-02-01")[0]) + 30], "wv"] = np.nan
    return frame.drop(index=[*range(500, 530), *range(9000, 9002)]).reset_index(drop=True)


def test_what_is_told_month_by_month_is_what_all_rows_at_once_say(records: Records, spoilt: pd.DataFrame):
    station = watching()
    stored(records, spoilt)
    seen = look(records, station, now=NOW)
    kept, told = plausible(spoilt, station)
    assert seen.coverage.implausible == told
    assert {one.kind for one in told} == {"out of range", "stuck", "spike"}
    assert seen.coverage.rows == len(spoilt)
    assert [gap.missing_rows for gap in seen.coverage.gaps] == [30, 2]
    assert sorted(seen.coverage.gaps, key=lambda gap: gap.after) == find_gaps(spoilt["time"], station.cadence)
    days = kept.groupby(kept["time"].dt.normalize())["T"]
    assert seen.days["T"]["low"].tolist() == days.min().tolist()
    assert seen.days["T"]["high"].tolist() == days.max().tolist()
    assert seen.days["T"]["aside"].sum() == sum(one.count for one in told)


def test_a_spike_at_the_last_row_of_a_month_is_judged_by_the_next_months_first(records: Records):
    frame = weather("2021-01-31 12:00", 200)
    frame.loc[frame["time"] == "2021-01-31 23:50", "T"] += 20
    stored(records, frame)
    (one,) = look(records, watching(), now=NOW).coverage.implausible
    assert (one.kind, one.count, one.first[0].time) == ("spike", 1, datetime(2021, 1, 31, 23, 50))


def test_each_month_tells_its_rows_of_those_expected_and_a_month_without_any_is_there(records: Records):
    stored(records, pd.concat([weather("2021-01-31 00:00", 144), weather("2021-03-31 12:00", 77).drop(index=[3, 4])]))
    coverage = look(records, watching(), now=NOW).coverage
    assert coverage.months == [
        MonthCoverage(month="2021-01", rows=144, expected=144),
        MonthCoverage(month="2021-02", rows=0, expected=28 * 144),
        MonthCoverage(month="2021-03", rows=70, expected=31 * 144),
        MonthCoverage(month="2021-04", rows=5, expected=5),
    ]
    assert coverage.expected == sum(month.expected for month in coverage.months)
    assert coverage.gaps[0] == Gap(
        after=datetime(2021, 1, 31, 23, 50), before=datetime(2021, 3, 31, 12), missing_rows=58 * 144 + 72
    )


def test_rows_expected_are_those_of_the_cadence_between_first_and_last(records: Records):
    stored(records, weather("2021-01-01 00:03", 5000))
    coverage = look(records, watching(), now=NOW).coverage
    assert coverage.rows == coverage.expected == 5000
    assert all(month.rows == month.expected for month in coverage.months)
    assert coverage.gaps == []


def test_age_arrival_and_missing_shares_are_told(records: Records):
    frame = weather("2021-05-31", 100)
    frame.loc[:24, "wv"] = np.nan
    stored(records, frame)
    coverage = look(records, watching(), now=NOW).coverage
    assert (coverage.first, coverage.last) == (datetime(2021, 5, 31), datetime(2021, 5, 31, 16, 30))
    assert coverage.age_hours == 7.5
    assert coverage.arrived_at == KNOWN
    assert {one.variable: one.missing_share for one in coverage.variables} == {"T": 0, "wv": 0.25, "never": 1}
    assert type(coverage).model_validate_json(coverage.model_dump_json()) == coverage


def test_nothing_stored_is_an_error_that_says_what_to_do(records: Records):
    with pytest.raises(DataError, match=r"station small has no observations in the store; run `tsflow ingest"):
        look(records, watching(), now=NOW)


def test_a_look_holds_the_rows_of_about_one_month_at_a_time(records: Records, monkeypatch: pytest.MonkeyPatch):
    from tsflow.observations import coverage

    stored(records, weather("2021-01-01", 6 * 24 * 120))
    held: list[int] = []

    def counted(months: Iterator[pd.DataFrame], margin: timedelta) -> Iterator[object]:
        for rows, told in settled(months, margin):
            held.append(len(rows))
            yield rows, told

    settled = coverage._settled
    monkeypatch.setattr(coverage, "_settled", counted)
    assert look(records, watching(), now=NOW).coverage.rows == 6 * 24 * 120
    assert max(held) < 6 * 24 * 33


SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_has_a_row_a_variable_gaps_and_a_bar_a_month(records: Records, spoilt: pd.DataFrame):
    later = spoilt[(spoilt["time"] < "2021-02-05") | (spoilt["time"] >= "2021-02-09")]
    stored(records, later)
    seen = look(records, watching(), now=NOW)
    drawn = ET.fromstring(picture(seen))
    rows = drawn.findall(f"{SVG}g")
    assert [row.find(f"{SVG}text").text for row in rows] == ["T", "wv", "never"]
    days = later["time"].dt.normalize().nunique()
    assert rows[0].find(f"{SVG}path").get("d").count("M") == days
    gap = rows[0].findall(f"{SVG}rect")
    assert len(gap) == 1
    whole = float(rows[2].find(f"{SVG}rect").get("width"))  # a variable that was never stored is one gap
    assert float(gap[0].get("width")) == pytest.approx(whole * 4 / (days + 4), rel=0.01)
    assert len(rows[0].findall(f"{SVG}circle")) == int((seen.days["T"]["aside"] > 0).sum()) > 0
    told = [bar.find(f"{SVG}title").text for bar in drawn.findall(f"{SVG}rect") if len(bar)]
    assert told == [f"{one.month}: {one.rows:,} of {one.expected:,} rows" for one in seen.coverage.months]


@pytest.mark.parametrize("days", [1, 40, 500, 9000])
def test_the_picture_of_any_span_names_its_days(records: Records, days: int):
    station = watching("60min")
    times = pd.date_range("1999-12-31 06:00", periods=days, freq="D").astype("datetime64[us]")
    stored(records, pd.DataFrame({"time": times, "T": np.linspace(0, 5, days), "wv": 1.0}))
    drawn = picture(look(records, station, now=NOW))
    assert "1999" in drawn or "2000" in drawn
    ticks = [text for text in ET.fromstring(drawn).findall(f"{SVG}text") if text.text and text.text[:4].isdigit()]
    assert 1 <= len(ticks) <= 12
    assert "nan" not in drawn


def test_what_a_station_file_says_is_no_markup_in_the_picture(records: Records):
    stored(records, weather("2021-01-01", 10))
    station = watching()
    named = station.changed(variables={"T": station.variables["T"].changed(unit="<b>&")})
    drawn = picture(look(records, named, now=NOW))
    assert "<b>" not in drawn
    ET.fromstring(drawn)


def test_the_year_2020_is_told_as_it_is(records: Records, data: Path, jena: Station):
    names = ("mpi_roof_2020a.zip", "mpi_roof_2020b.zip")
    frame, _ = parse([RawFile(name, (data / name).read_bytes()) for name in names], jena, now=datetime(2026, 11, 1))
    ObservationStore(records, "jena").upsert(frame, known_at=KNOWN)
    coverage = look(records, jena, now=NOW).coverage
    assert (coverage.rows, coverage.expected) == (52_695, 52_704)
    assert {one.month: one.expected - one.rows for one in coverage.months if one.rows < one.expected} == {"2020-05": 9}
    assert [(gap.missing_rows, gap.before) for gap in coverage.gaps] == [(9, datetime(2020, 5, 29, 11, 10))]
    assert {one.variable: one.missing for one in coverage.variables if one.missing} == {"wv": 1}
    assert coverage.implausible == []
