"""Channels and tables against pandas and pvlib, as independent oracles."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pvlib
import pytest

from conftest import hourly_rows
from tsflow.architectures.exported_table import ExportedTable
from tsflow.architectures.exporting import export
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.ridge import Ridge
from tsflow.errors import EntrantSkipped, SettingsError
from tsflow.features.channels import Channels, Wind
from tsflow.features.climate import Harmonics, fit_climatology, harmonics, usual
from tsflow.features.fitted_channels import FittedChannels
from tsflow.features.table import Table, table_model
from tsflow.location import Location
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.stations import formulas
from tsflow.stations.deriving import readable
from tsflow.stations.quantities import screened_quantities
from tsflow.task import Task
from tsflow.training.export import check_parity
from tsflow.windows.dataset import Dataset

ALL_ANOMALIES = Channels(measured=["T"], anomalies={"T": Harmonics(year=2, day=2)}, sun=True)
TABLE = Table(now=["T_anomaly", "sun"], lags={"T_anomaly": [24]}, means={"T": [24]})
JENA = Location(latitude=50.91, longitude=11.56, altitude_m=220)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frame = hourly_rows(2000, features=4, start="2021-03-01 00:10").assign(segment=0)
    frame = frame.rename(columns={"f1": "p", "f2": "wv", "f3": "wd"})
    frame["wd"] = (frame["wd"] * 90) % 360
    units = {"p": "mbar", "T": "degC", "wv": "m/s", "wd": "deg"}
    settings = (FractionSplit(), "book", HourlySettings(), HourlyReport())
    return Dataset("small", Task(target="T"), units, frame, *settings, JENA, utc_offset_hours=1.0)


@pytest.fixture(scope="module")
def years() -> Dataset:
    """Its training part, the first half, is longer than a year."""
    frame = hourly_rows(17800, start="2021-03-01 00:10").assign(segment=0)
    return Dataset("small", Task(target="T"), {"T": "degC"}, frame, FractionSplit(), "book", HourlySettings(), HourlyReport(), JENA)


def series(spec: Channels, dataset: Dataset) -> dict[str, np.ndarray]:
    """Every channel over the whole record, as one long window."""
    import keras

    fitted = FittedChannels.fit(spec, dataset)
    record = keras.Input((None, len(dataset.columns)))
    raw = fitted.raw(record)
    found = keras.Model(record, raw)(dataset.rows[None])
    return {name: np.asarray(values)[0] for name, values in found.items()}


def table(columns: Table, spec: Channels, dataset: Dataset) -> pd.DataFrame:
    model = table_model(columns, FittedChannels.fit(spec, dataset), dataset)
    found = np.asarray(model(dataset.contexts(dataset.starts("validation"))))
    return pd.DataFrame(found, columns=columns.names())


def test_by_default_the_channels_are_the_variables_standardised_by_the_training_part(dataset: Dataset):
    import keras

    fitted = FittedChannels.fit(Channels(), dataset)
    contexts = dataset.contexts(dataset.starts("train")[:3])
    observations = keras.Input(contexts.shape[1:])
    found = keras.Model(observations, fitted.scaled(fitted.joined_by_hour(observations)))(contexts)
    scaler = dataset.scaler
    np.testing.assert_allclose(found, (contexts[:, :, :4] - scaler.mean) / scaler.deviation, atol=1e-4)


@pytest.mark.parametrize("names", [["T", "wv"], ["wv", "p"], ["T"], ["wd", "T", "p"]], ids=str)
def test_channels_are_in_the_order_of_their_names_whether_they_stand_side_by_side_in_the_input_or_not(
    dataset: Dataset, names: list[str]
):
    import keras

    fitted = FittedChannels.fit(Channels(measured=names), dataset)
    contexts = dataset.contexts(dataset.starts("train")[:3])
    observations = keras.Input(contexts.shape[1:])
    found = keras.Model(observations, fitted.scaled(fitted.joined_by_hour(observations)))(contexts)
    places = [dataset.features.index(name) for name in names]
    scaler = dataset.scaler
    np.testing.assert_allclose(found, (contexts[:, :, places] - scaler.mean[places]) / scaler.deviation[places], atol=1e-4)


@pytest.mark.parametrize("measured", [["T", "wv"], ["wv"], []], ids=str)
def test_what_is_made_once_an_hour_gives_the_channels_that_each_window_would_make_for_itself(dataset: Dataset, measured: list[str]):
    """Changes begin inside the window, whatever was before it; the target's measured value is there also where it is no channel."""
    import keras

    day = Harmonics(day=1)
    spec = Channels(measured=measured, anomalies={"T": day}, changes={"p": [3, 24], "T_anomaly": [1]}, calendar=day, sun=True)
    fitted = FittedChannels.fit(spec.changed(wind=Wind(speed="wv", direction="wd")), dataset)
    rows = keras.Input((None, len(dataset.columns)))
    hours = np.asarray(keras.Model(rows, fitted.joined_by_hour(rows))(dataset.rows[None]))[0]
    assert hours.shape == (len(dataset.rows), len(fitted.hourly_names))
    starts = dataset.starts("train")[:3]
    windows = hours[starts[:, None] + np.arange(dataset.task.context_hours)]
    np.testing.assert_allclose(windows[:, :, fitted.target_place], dataset.contexts(starts)[:, :, dataset.target_index], rtol=1e-6)

    observations, read = keras.Input((dataset.task.context_hours, len(dataset.columns))), keras.Input(windows.shape[1:])
    each = keras.Model(observations, fitted.raw(observations))(dataset.contexts(starts))
    expected = (np.stack([each[name] for name in fitted.names], axis=2) - fitted.mean) / fitted.deviation
    np.testing.assert_allclose(keras.Model(read, fitted.scaled(read))(windows), expected, atol=1e-4)


@pytest.mark.parametrize("measured", [["T"], []], ids=str)
def test_channels_that_are_changes_and_little_else_are_served_as_they_are_computed(dataset: Dataset, measured: list[str]):
    import keras

    fitted = FittedChannels.fit(Channels(measured=measured, changes={"T": [1, 24]}), dataset)
    contexts = dataset.contexts(dataset.starts("train")[:3])
    observations = keras.Input(contexts.shape[1:])
    scaled = fitted.scaled(fitted.joined_by_hour(observations))
    model = keras.Model(observations, keras.layers.Flatten()(scaled))
    expected = np.asarray(model(contexts), dtype=np.float64)
    assert expected.shape == (3, contexts.shape[1] * (len(measured) + 2))
    check_parity(export(model), contexts, {"forecast": expected})


def test_a_channel_that_is_named_twice_is_refused():
    with pytest.raises(ValueError, match="measured: p is named twice; name each once"):
        Channels(measured=["p", "T", "p"])
    with pytest.raises(ValueError, match="changes: p has the same hours twice; name each once"):
        Channels(measured=["T"], changes={"p": [3, 3], "T": [1]})


def test_the_suns_height_is_that_of_pvlib(dataset: Dataset):
    found = series(Channels(measured=["T"], sun=True), dataset)
    times = pd.DatetimeIndex(dataset.times)

    def height(ahead: int) -> np.ndarray:
        utc = (times + pd.Timedelta(hours=ahead - 1)).tz_localize("UTC")
        return pvlib.solarposition.get_solarposition(utc, JENA.latitude, JENA.longitude)["elevation"].to_numpy()

    for name, ahead in (("sun", 0), ("sun_ahead", 24)):
        np.testing.assert_allclose(np.rad2deg(np.arcsin(found[name])), height(ahead), atol=0.7)  # degrees


def test_a_wind_is_a_vector(dataset: Dataset):
    found = series(Channels(measured=[], wind={"speed": "wv", "direction": "wd"}), dataset)
    assert list(found) == ["wind_x", "wind_y"]
    angle = np.deg2rad(dataset.frame["wd"])
    np.testing.assert_allclose(found["wind_x"], dataset.frame["wv"] * np.cos(angle), atol=1e-5)
    np.testing.assert_allclose(found["wind_y"], dataset.frame["wv"] * np.sin(angle), atol=1e-5)


def test_harmonics_and_changes_are_what_their_names_say(years: Dataset):
    found = series(Channels(measured=[], calendar=Harmonics(year=1, day=2), changes={"target": [3]}), years)
    times = pd.DatetimeIndex(years.times)
    hour = times.hour + times.minute / 60
    np.testing.assert_allclose(found["day_sin_2"], np.sin(4 * np.pi * hour / 24), atol=1e-5)
    np.testing.assert_allclose(found["year_cos_1"], np.cos(2 * np.pi * (times.day_of_year - 1 + hour / 24) / 365.2425), atol=1e-5)
    expected = years.frame["T"] - years.frame["T"].shift(3).fillna(years.frame["T"].iloc[0])
    np.testing.assert_allclose(found["target_change_3"], expected, atol=1e-5)


@pytest.mark.parametrize("order", [(3, 2), (2, 0), (0, 1), (1, 1)], ids=str)
def test_the_usual_course_is_the_sum_of_all_harmonics_and_their_products(order: tuple[int, int]):
    random = np.random.default_rng(0)
    hour, day = random.uniform(0, 24, 500), random.uniform(0, 365, 500)
    asked, values = Harmonics(year=order[0], day=order[1]), random.normal(size=500)
    coefficients = fit_climatology(values, np.stack([hour, day], axis=1), asked)
    design = np.stack([*harmonics(hour, day, asked, product=True).values()], axis=1)
    waves = harmonics(hour, day, Harmonics(year=4, day=4))  # more than it asks for
    np.testing.assert_allclose(usual(waves, asked, coefficients), design @ coefficients[1:], atol=1e-9)


def test_onnx_runtime_need_not_take_a_series_number_by_number(years: Dataset):
    """A last axis of 1 makes it do so wherever a constant is added or multiplied, fifty times as slowly."""
    import onnx

    exported = ExportedTable.of(table_model(TABLE, FittedChannels.fit(ALL_ANOMALIES, years), years))
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(exported.onnx)).graph
    shapes = {each.name: [axis.dim_value for axis in each.type.tensor_type.shape.dim] for each in graph.value_info}
    slow = [node.name for node in graph.node if node.op_type in {"Add", "Mul", "Sub"} and shapes[node.output[0]][1:] == [120, 1]]
    assert len(graph.node) > 50
    assert not slow


def test_an_anomaly_is_what_the_season_does_not_explain_once_a_year_is_known(years: Dataset):
    times = pd.DatetimeIndex(years.times)
    season = 10 + 8 * np.cos(2 * np.pi * (times.day_of_year - 1 + (times.hour + times.minute / 60) / 24) / 365.2425)
    spec = Channels(measured=[], anomalies={"T": Harmonics(year=1)}, calendar=Harmonics(year=1))
    changed = replace(years, frame=years.frame.assign(T=season))
    np.testing.assert_allclose(series(spec, changed)["T_anomaly"], 0, atol=1e-3)
    less = replace(changed, frame=changed.frame[:17500])  # of the year's course a part less than a year tells nothing
    found = series(spec, less)
    np.testing.assert_allclose(found["T_anomaly"], season[:17500] - season[:8750].to_numpy().mean(), atol=1e-3)
    assert not found["year_sin_1"].any()
    assert not found["year_cos_1"].any()


def test_an_anomaly_is_what_a_days_course_does_not_explain(dataset: Dataset):
    frame = dataset.frame.copy()
    times = pd.DatetimeIndex(dataset.times)
    course = 10 + 4 * np.sin(2 * np.pi * (times.hour + times.minute / 60) / 24)
    frame["T"] = course + np.where(np.arange(len(frame)) == 1900, 3.0, 0.0)
    changed = Dataset("small", dataset.task, dataset.units, frame, dataset.split, "book", dataset.hourly, {}, JENA)
    found = series(Channels(measured=[], anomalies={"T": Harmonics(day=1)}), changed)["T_anomaly"]
    np.testing.assert_allclose(found[:1900], 0, atol=1e-3)
    assert found[1900] == pytest.approx(3, abs=1e-3)


def test_every_kind_of_column_equals_pandas(dataset: Dataset):
    columns = Table(
        now=["T"],
        lags={"T": [1, 24]},
        changes={"p": [3]},
        means={"T": [6]},
        departures={"T": [48]},
        maxima={"wv": [24]},
        minima={"wv": [12]},
        curvatures={"p": [6]},
        days={"T": ["mean", "max", "min", "range"]},
        days_back=2,
    )
    found = table(columns, Channels(measured=["T", "p", "wv"]), dataset)
    frame = dataset.frame
    t, p, wv = frame["T"], frame["p"], frame["wv"]
    day_max, day_min = t.rolling(24).max(), t.rolling(24).min()
    expected = pd.DataFrame(
        {
            "T": t,
            "T_lag_1": t.shift(1),
            "T_lag_24": t.shift(24),
            "p_change_3": p - p.shift(3),
            "T_mean_6": t.rolling(6).mean(),
            "T_departure_48": t.rolling(48).mean() - t,
            "wv_max_24": wv.rolling(24).max(),
            "wv_min_12": wv.rolling(12).min(),
            "p_curvature_6": p - 2 * p.shift(6) + p.shift(12),
            "T_day_0_mean": t.rolling(24).mean() - t,
            "T_day_1_mean": t.rolling(24).mean().shift(24) - t,
            "T_day_0_max": day_max - t,
            "T_day_1_max": day_max.shift(24) - t,
            "T_day_0_min": day_min - t,
            "T_day_1_min": day_min.shift(24) - t,
            "T_day_0_range": day_max - day_min,
            "T_day_1_range": (day_max - day_min).shift(24),
        }
    ).iloc[dataset.origins("validation")]
    assert list(found) == list(expected)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"measured": ["T", "rain"]}, "station small has no rain; it has p, T, wv, wd"),
        ({"anomalies": {"CO2": {"year": 1}}}, "has no CO2"),
        ({"changes": {"rain": [3]}}, "has no rain"),
    ],
)
def test_a_variable_that_the_station_lacks_is_named(dataset: Dataset, spec: dict, says: str):
    with pytest.raises(SettingsError, match=says):
        FittedChannels.fit(Channels.model_validate(spec), dataset)


def test_an_architecture_says_which_variables_it_needs():
    ridge = load_architecture("ridge")
    with pytest.raises(EntrantSkipped, match=r"ridge\.yaml: needs T, which station bare lacks \(it has rh, wv\); say by"):
        ridge.require_variables("bare", {"rh": "%", "wv": "m/s"}, {})
    ridge.require_variables("bare", {"warmth": "K"}, {"warmth": "air_temperature"})


def test_a_recipe_loses_what_a_station_lacks_and_formulas_do_not_give():
    ridge = load_architecture("ridge")
    assert isinstance(ridge, Ridge)
    assert ridge.within({"T", "p", "Tdew", "rh", "wv"}, [each.short for each in screened_quantities()]) == ridge
    usual = ridge.within({"T", "p", "Tdew", "rh", "wv", "wd", "rain"})
    assert usual.channels.measured == ["T", "p", "Tdew", "rh", "wv"], "what is there is read if it is known to help"
    assert usual.products == ridge.products
    alone = ridge.within({"T"})
    assert alone.channels.measured == ["T"]
    assert {name.split("_")[0] for name in alone.table.names()} == {"T"}
    assert {name.split("_")[0] for name in alone.products} == {"T"}
    humid = ridge.within(readable({"temp": "K", "wet": "%"}, {"temp": "T", "wet": "rh"}))
    assert humid.channels.measured == ["T", "Tdew", "rh"], "the dew point follows from temperature and humidity"


def test_a_derived_channel_is_what_its_formula_gives(dataset: Dataset):
    frame = dataset.frame.rename(columns={"wd": "humid"}).assign(humid=np.linspace(20, 100, len(dataset.frame)))
    units = {"p": "mbar", "T": "degC", "wv": "m/s", "humid": "%"}
    moist = replace(dataset, frame=frame, units=units, quantities={"humid": "relative_humidity"})
    spec = Channels(measured=["T", "Tdew", "VPdef"], anomalies={"Tdew": Harmonics(day=1)})
    found = series(spec, moist)
    t, rh = frame["T"].to_numpy(), frame["humid"].to_numpy()
    np.testing.assert_allclose(found["Tdew"], formulas.dew_point_of_humidity(t, rh), atol=1e-3)
    saturated = formulas.saturation_vapour_pressure(t)
    np.testing.assert_allclose(found["VPdef"], saturated * (1 - rh / 100), atol=1e-3)
    assert found["Tdew_anomaly"][: moist.bounds.a].mean() == pytest.approx(0, abs=1e-3)


def test_a_recipe_that_names_no_channel_or_column_of_its_own_is_refused_when_it_is_read():
    content = {"architecture": "r", "title": "R", "builder": "ridge", "channels": {"measured": ["T"], "sun": True}}
    with pytest.raises(ValueError, match=r"table: no channel p, sum; the channels are T, sun, sun_ahead"):
        Ridge.model_validate({**content, "table": {"now": ["T", "sum"], "lags": {"p": [3]}}})
    with pytest.raises(ValueError, match=r"products: no column T_lag_4 in the table; it has T, sun, T_lag_3"):
        Ridge.model_validate({**content, "table": {"now": ["T", "sun"], "lags": {"T": [3]}}, "products": ["T_lag_4"]})


def test_the_channels_names_are_known_without_the_data(dataset: Dataset):
    spec = Channels(
        measured=["p", "target"],
        wind={"speed": "wv", "direction": "wd"},
        anomalies={"T": Harmonics(year=1, day=2), "p": Harmonics(day=1)},
        changes={"p": [3, 24], "T_anomaly": [24]},
        calendar=Harmonics(year=2, day=1),
        sun=True,
    )
    assert spec.names(["p", "target"]) == list(series(spec, dataset))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"now": ["rain"]}, "no channel rain; the channels are T"),
        ({"lags": {"T": [120]}}, "reads 121 hours, the context has 120"),
        ({"days": {"T": ["mean"]}, "days_back": 6}, "reads 144 hours, the context has 120"),
    ],
)
def test_a_table_that_cannot_be_made_says_why(dataset: Dataset, columns: dict, says: str):
    with pytest.raises(SettingsError, match=says):
        table(Table.model_validate(columns), Channels(measured=["T"]), dataset)


def test_a_sun_without_a_place_is_refused(dataset: Dataset):
    placeless = Dataset("small", dataset.task, dataset.units, dataset.frame, dataset.split, "book", dataset.hourly, {})
    with pytest.raises(SettingsError, match="the location of station small is not known"):
        FittedChannels.fit(Channels(sun=True), placeless)
