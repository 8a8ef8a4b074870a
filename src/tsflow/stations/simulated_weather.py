"""The weather of the simulator: a pure function of the seed and the time, shaped after Jena.

Each field of the large-scale weather is a finite moving average of hourly shocks,

    field[k] = sum over j of response[j] * shock[k - j],   -36 h <= j < 480 h

and a shock is a random number keyed by (seed, kind, hour), so nothing depends on where a computation
starts. Fields share shocks, hence pressure, air mass, wind and clouds move together: a pressure wave
shows in the barometer before its air arrives, and a front (negative j: before it) is announced.

The ground then warms and cools by the sun's height, the clouds and the wind:

    shocks -> pressure, air mass, wind, clouds, moisture -> radiation -> T, Tdew, wind at 10 minutes
"""

from functools import cache, lru_cache

import numpy as np
import pandas as pd

from tsflow.stations import formulas
from tsflow.stations.formulas import Array

LATITUDE, LONGITUDE, UTC_OFFSET_HOURS = 50.91, 11.56, 1.0  # whose sun rises; the station's clock
STEP = np.timedelta64(10, "m")
STEPS_PER_HOUR = 6
BLOCK_HOURS = 64 * 24  # weather is always computed in these blocks, so that any interval gets the same bits
LEAD_HOURS, MEMORY_HOURS = 36, 480
GROUND_HOURS = 72  # how long the ground remembers its radiation
FRONT_EVERY_HOURS = 100.0

_LARGE_SCALE = ("wave", "ridge", "air", "season", "flow", "cloud", "moisture", "front")
_KINDS = (*_LARGE_SCALE, "local", "gust", "eddy", "turn", "wet", "ripple", "fault")  # the order is part of every number


def random_numbers(seed: int, kind: str, block: int) -> np.random.Generator:
    """Return the generator that belongs to this seed, kind and block alone (Salmon et al. 2011, Philox)."""
    key = np.array([seed % 2**64, _KINDS.index(kind)], dtype=np.uint64)
    counter = np.array([0, 0, 0, block % 2**64], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def _shocks(seed: int, kind: str, block: int, per_hour: int = 1) -> Array:
    """Return the shocks of one block: normal, or for fronts mostly zero and now and then a strength above it."""
    generator = random_numbers(seed, kind, block)
    if kind != "front":
        return generator.standard_normal(BLOCK_HOURS * per_hour)
    happens = generator.random(BLOCK_HOURS) < 1 / FRONT_EVERY_HOURS
    return np.where(happens, 0.5 + generator.exponential(0.5, BLOCK_HOURS), 0.0) - 1 / FRONT_EVERY_HOURS


def _wave(hours: float, order: int) -> Array:
    """Return a rise and decay, (j/hours)^order exp(-j/hours) for j >= 0, so that unit shocks make a field of variance 1."""
    lag = np.arange(-LEAD_HOURS, MEMORY_HOURS) / hours
    response = np.where(lag >= 0, np.abs(lag) ** order * np.exp(-np.abs(lag)), 0.0)
    return np.asarray(response / np.sqrt(np.sum(response**2)))


def _pulse(before_hours: float, after_hours: float) -> Array:
    """Return a peak of 1 at the shock that builds up and dies away exponentially."""
    lag = np.arange(-LEAD_HOURS, MEMORY_HOURS, dtype=float)
    return np.asarray(np.exp(np.where(lag < 0, lag / before_hours, -lag / after_hours)))


def _drop(hours: float) -> Array:
    """Return nothing before the shock, a fall by 1 within two hours after it, and an exponential return."""
    lag = np.arange(-LEAD_HOURS, MEMORY_HOURS, dtype=float)
    return np.asarray(-np.clip((lag + 1) / 2, 0, 1) * np.exp(-np.abs(lag) / hours))


@cache
def _responses() -> dict[str, dict[str, Array]]:
    """Return what each field makes of each kind of shock; fields have a variance of about 1."""
    wave, ridge = _wave(22, 1), _wave(55, 1)
    return {
        "pressure": {"wave": 0.78 * wave, "ridge": 0.66 * ridge, "front": -0.5 * _pulse(12, 9)},
        "air": {
            "air": 0.47 * _wave(34, 0),
            "season": 0.76 * _wave(150, 0),
            "wave": 0.24 * _wave(18, 3),  # arrives a day after the pressure has moved
            "ridge": 0.15 * _wave(45, 2),
            "moisture": 0.41 * _wave(20, 2),  # moist air goes before warm air
            "front": 0.75 * _drop(34),
        },
        "south": {"wave": -9 * np.gradient(wave), "flow": 0.6 * _wave(16, 0), "front": 0.6 * _pulse(14, 1)},
        "west": {"wave": -0.45 * wave, "flow": 0.8 * _wave(30, 0), "front": 1.2 * _pulse(16, 8)},
        "cloud": {"cloud": 0.85 * _wave(14, 0), "wave": -0.45 * wave, "ridge": -0.3 * ridge, "front": 1.3 * _pulse(9, 5)},
        "moisture": {"moisture": 0.8 * _wave(26, 0), "cloud": 0.35 * _wave(14, 1), "front": -0.3 * _drop(20)},
    }


def _large_scale(seed: int, block: int) -> dict[str, Array]:
    """Return the hourly fields of a block, with `GROUND_HOURS` before it and one hour after it."""
    fields = {}
    first, count = BLOCK_HOURS - GROUND_HOURS, GROUND_HOURS + BLOCK_HOURS + 1
    shocks = {
        kind: np.concatenate([_shocks(seed, kind, block + shift) for shift in (-1, 0, 1)])[
            first - MEMORY_HOURS + 1 : first + count + LEAD_HOURS
        ]
        for kind in _LARGE_SCALE
    }
    for field, responses in _responses().items():
        parts = [np.convolve(shocks[kind], response, mode="valid") for kind, response in responses.items()]
        fields[field] = np.sum(parts, axis=0)
    return fields


def _year_angle(hours: Array) -> Array:
    """Return the time of year, 0 to 2 pi, of hours since 1970 began."""
    return 2 * np.pi * (hours / 24 / 365.2425 % 1)


def _sun(hours: Array) -> Array:
    """Return the sine of the sun's height, 0 at night (declination after Cooper 1969)."""
    declination = np.radians(23.45) * np.sin(_year_angle(hours) - 1.39)
    angle = 2 * np.pi * ((hours - UTC_OFFSET_HOURS) / 24 + LONGITUDE / 360 - 0.5)
    latitude = np.radians(LATITUDE)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    return np.asarray(np.maximum(height, 0.0))


def _to_steps(hourly: Array) -> Array:
    """Interpolate a block's hours (one more than the block has) linearly to its 10-minute steps."""
    share = np.arange(STEPS_PER_HOUR) / STEPS_PER_HOUR
    return np.asarray(hourly[:-1, None] * (1 - share) + hourly[1:, None] * share).ravel()


def _jitter(seed: int, kind: str, block: int, steps: float) -> Array:
    """Return noise of variance 1 at 10 minutes that is forgotten after `steps` of them."""
    long = int(6 * steps) + 1
    response = np.exp(-np.arange(long) / steps)
    before, here = (_shocks(seed, kind, block + shift, STEPS_PER_HOUR) for shift in (-1, 0))
    noise = np.convolve(np.concatenate([before[len(before) - long + 1 :], here]), response, mode="valid")
    return np.asarray(noise / np.sqrt(np.sum(response**2)))


@lru_cache(maxsize=64)
def _block(seed: int, block: int) -> dict[str, Array]:
    """Return p, T, Tdew, wv, max_wv and wd at the 10-minute steps of one block."""
    hours: Array = np.arange(-GROUND_HOURS, BLOCK_HOURS + 1, dtype=np.float64) + block * BLOCK_HOURS
    year = _year_angle(hours)
    winter = np.cos(year - 0.35)  # 1 in late January
    field = _large_scale(seed, block)

    pressure = 989.0 + (7.9 + 3.1 * winter) * field["pressure"]
    west, south = 2.6 + 1.2 * winter + 3.6 * field["west"], 2.4 + 3.4 * field["south"]
    along, across = (west + south) / 2**0.5, 0.6 * (west - south) / 2**0.5  # the valley runs from south-west
    flow = 17 * np.tanh(np.hypot(along, across) / 17)

    cloudiness = 1 / (1 + np.exp(-1.8 * field["cloud"] - 0.35 - 0.7 * winter))
    sun = _sun(hours)
    gain = sun * (1 - 0.77 * cloudiness**1.5) - 0.13 * (1 - 0.75 * cloudiness)
    gain *= 5.1 / (1 + 0.05 * flow)
    ground = np.convolve(gain, np.exp(-np.arange(GROUND_HOURS + 1) / 4.2), mode="valid")

    here = slice(GROUND_HOURS, None)  # the hours before the block have done their part
    hours, year, winter, cloudiness, sun, flow = (x[here] for x in (hours, year, winter, cloudiness, sun, flow))
    air = 18 * np.tanh((3.80 + 0.3 * winter) * field["air"][here] / 18)  # no heat or cold outside the station's range
    temperature = 8.0 - 7.5 * np.cos(year - 0.35) + air + ground
    air_dew = 5.0 - 7.4 * np.cos(year - 0.42) + 0.72 * air + 2.2 * field["moisture"][here] + 0.14 * ground

    local = _jitter(seed, "local", block, 9.0)
    t_degc = _to_steps(temperature) + (0.35 + 0.25 * _to_steps(sun)) * local
    depression = t_degc - _to_steps(air_dew) - 0.35 * _jitter(seed, "wet", block, 6.0)
    tdew = t_degc - 1.1 * np.logaddexp(0.0, depression / 1.1)  # never above T, and T itself in fog

    mixing = 0.62 + 0.75 * _sun(hours - 1) ** 0.7  # by day the wind above reaches the ground
    gust = _jitter(seed, "gust", block, 5.0)
    wv = _to_steps(0.15 + 0.62 * flow**0.95 * mixing) * np.exp(0.33 * gust - 0.055)
    max_wv = wv * (1.35 + 0.35 * np.exp(0.5 * _jitter(seed, "eddy", block, 1.0) - 0.125)) + 0.15
    wv, max_wv = 30 * np.tanh(wv / 30), 50 * np.tanh(max_wv / 50)  # no storm leaves the instrument's range
    towards = np.arctan2(_to_steps(west[here]), _to_steps(south[here]))
    wd = (np.degrees(towards) + 180 + 50 / (0.5 + wv) * _jitter(seed, "turn", block, 2.0)) % 360
    p_mbar = _to_steps(pressure[here]) + 0.06 * _jitter(seed, "ripple", block, 1.0)
    return {"p": p_mbar, "T": t_degc, "Tdew": tdew, "wv": wv, "max_wv": max_wv, "wd": wd}


def _complete(weather: dict[str, Array]) -> dict[str, Array]:
    """Round as the station does and add what follows from the rounded values by the station's formulas."""
    p, t = weather["p"].round(2), weather["T"].round(2)
    saturation = formulas.saturation_vapour_pressure(t)
    rh = np.minimum(100 * formulas.saturation_vapour_pressure(weather["Tdew"]) / saturation, 100.0).round(2)
    rows = {"p": p, "T": t, "rh": rh, "VPmax": saturation.round(2)}
    rows["Tdew"] = np.minimum(formulas.dew_point(saturation * rh / 100).round(2), t)
    for formula in (each for each in formulas.all_formulas() if each.name not in rows):
        rows[formula.name] = formula.compute(*(rows[name] for name in formula.inputs)).round(2)
    return rows | {name: weather[name].round(digits) for name, digits in (("wv", 2), ("max_wv", 2), ("wd", 1))}


def simulated_observations(seed: int, times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the simulated weather at `times`, on the station's clock and on full 10 minutes.

    Returns
    -------
    DataFrame
        The classic 14 variables, rounded as in the station's files, without any of the files' faults.
    """
    steps = (times.to_numpy() - np.datetime64(0, "s")) // STEP
    blocks, offsets = np.divmod(steps, BLOCK_HOURS * STEPS_PER_HOUR)
    weather = {name: np.empty(len(times)) for name in ("p", "T", "Tdew", "wv", "max_wv", "wd")}
    for block in np.unique(blocks):
        chosen = blocks == block
        for name, values in _block(seed, int(block)).items():
            weather[name][chosen] = values[offsets[chosen]]
    return pd.DataFrame(_complete(weather), index=times)
