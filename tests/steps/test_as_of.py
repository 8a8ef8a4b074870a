"""What a run sees: rows up to its end, as they were known at its as-of, by the station's clock."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from conftest import hourly_rows, station_of, write_station
from tsflow.cli.bring_in import Given, bring_in
from tsflow.observations.store import ObservationStore
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest, resolve
from tsflow.settings import settings
from tsflow.steps import build_dataset
from tsflow.windows.dataset import Dataset


@pytest.fixture(params=[-8.0, 0.0, 10.0])
def offset(request: pytest.FixtureRequest) -> float:
    return request.param


@pytest.fixture
def station(home: Path, offset: float) -> str:
    small = station_of({"T": "degC"})
    here = small.changed(timestamp=small.timestamp.changed(utc_offset_hours=offset))
    write_station(home / "include" / "stations" / "small.yaml", here)
    return "small"


def request(**more: object) -> RetrainRequest:
    return RetrainRequest.of({"station": "small", "profile": "full", "split": "book", "architectures": ["naive"], **more})


def trained_on(records: Records, run: str, asked: RetrainRequest) -> Dataset:
    return Dataset.load(records, build_dataset(records, settings(), asked, run).fingerprint)


def test_a_file_that_was_corrected_is_trained_on_as_corrected(records: Records, station: str, tmp_path: Path):
    path, rows = tmp_path / "a.csv", hourly_rows(60 * 24)
    seen = []
    for number, correction in enumerate((0.0, 10.0)):
        rows.assign(T=rows["T"] + correction).to_csv(path, index=False, date_format="%Y-%m-%d %H:%M")
        asked = bring_in(records, request(), Given(files=(str(path),)), f"i{number}")
        assert asked.end == rows["time"].iloc[-1]
        seen.append(trained_on(records, f"r{number}", asked))
    np.testing.assert_allclose(seen[1].values - seen[0].values, 10.0)
    assert seen[0].fingerprint != seen[1].fingerprint


def test_a_correction_counts_from_the_moment_it_was_known_by_the_stations_clock(records: Records, station: str, offset: float):
    store, rows = ObservationStore(records, station), hourly_rows(60 * 24)
    noon = datetime(2021, 4, 1, 12)  # by the station's clock

    def known(local: datetime) -> datetime:
        return local - timedelta(hours=offset)

    store.upsert(rows, known_at=known(noon - timedelta(hours=1)))
    first = trained_on(records, "r0", request(as_of=noon.isoformat()))
    store.upsert(rows.assign(T=rows["T"] + 10.0), known_at=known(noon + timedelta(minutes=30)))
    assert trained_on(records, "r1", request(as_of=noon.isoformat())).fingerprint == first.fingerprint
    later = trained_on(records, "r2", request(as_of=(noon + timedelta(hours=1)).isoformat()))
    np.testing.assert_allclose(later.values - first.values, 10.0)


def test_a_replay_gives_one_fingerprint_whatever_comes_late(records: Records, station: str, offset: float):
    store, rows, noon = ObservationStore(records, station), hourly_rows(60 * 24), datetime(2021, 3, 1, 12)
    late = rows["time"].between("2021-02-10 00:00", "2021-02-10 05:00")

    def known(local: datetime) -> datetime:
        return local - timedelta(hours=offset)

    store.upsert(rows[~late & (rows["time"] <= noon)], known_at=known(noon))
    first = build_dataset(records, settings(), request(as_of=noon.isoformat()), "r0")
    store.upsert(rows[late], known_at=known(noon + timedelta(minutes=30)))  # late
    second = build_dataset(records, settings(), request(as_of=noon.isoformat()), "r1")
    store.upsert(rows.assign(T=rows["T"] + 1.0), known_at=known(noon + timedelta(days=1)))  # a correction, and newer rows
    third = build_dataset(records, settings(), request(as_of=noon.isoformat()), "r2")
    assert first.fingerprint == second.fingerprint == third.fingerprint
    assert not first.first_versions
    later = trained_on(records, "r3", request(as_of=(noon + timedelta(hours=1)).isoformat()))
    assert len(later.values) == len(Dataset.load(records, first.fingerprint).values) + 6, "an hour later the late rows were known"


def test_an_archive_that_was_imported_later_is_read_in_its_first_version_and_the_run_says_so(records: Records, station: str):
    store, rows = ObservationStore(records, station), hourly_rows(60 * 24)
    store.upsert(rows, known_at=datetime(2024, 1, 1))
    store.upsert(rows.assign(T=rows["T"] + 1.0), known_at=datetime(2024, 1, 2))
    run = build_dataset(records, settings(), request(as_of="2021-02-20"), "r0")
    assert run.first_versions
    np.testing.assert_allclose(
        Dataset.load(records, run.fingerprint).values[:, 0], rows["T"][: len(rows[rows["time"] <= "2021-02-20"])]
    )


def test_without_an_as_of_everything_known_counts_up_to_the_last_midnight(records: Records, station: str):
    store, rows = ObservationStore(records, station), hourly_rows(60 * 24)
    store.upsert(rows, known_at=datetime(2021, 3, 10))
    store.upsert(rows.assign(T=rows["T"] + 1.0), known_at=datetime(2100, 1, 1))  # a moment ago, as far as a midnight can tell
    run = build_dataset(records, settings(), request(), "r0")
    np.testing.assert_allclose(Dataset.load(records, run.fingerprint).values[:, 0], rows["T"] + 1.0)
    assert not run.first_versions


def test_rows_after_the_end_are_left_out_though_the_as_of_is_later(records: Records, station: str):
    ObservationStore(records, station).upsert(hourly_rows(60 * 24), known_at=datetime(2021, 3, 10))
    asked = request(as_of="2021-04-01", end="2021-02-20T12:00")
    assert resolve(asked, settings()).period.end == datetime(2021, 2, 20, 12)
    assert trained_on(records, "r1", asked).frame["time"].max() == datetime(2021, 2, 20, 12)
