"""Simulate errors of forecasts whose truth is known, and count how often what a board says of them is true.

    python benchmarks/verdicts.py --boards 1000 --record data/jena_hourly_2009_2014.csv.gz --output docs/statistics.json
    python docs/make.py      # writes the tables of docs/statistics.md from that file

The errors resemble those of ridge on Jena's record 2012-2014, whose daily means have without the season autocorrelations of 0.24,
0.08, 0.03, 0.02, 0.01 and a variance of means over 7, 14, 21 and 28 days that is 1.5, 1.9, 2.0 and 2.0 times that of independent
days; here 0.21, 0.07, 0.06, 0.04, 0.04 and 1.6, 1.8, 1.9, 2.0::

    error = season x hour x weather x (what the models share + what each has of its own)
    season, hour   8 % more or less
    weather        spells of three days, in which all models err more or less (log-normal, 22 %)
    shared, own    what happens in the 24 hours between origin and target, so that neighbouring origins resemble each other;
                   errors of two models correlate 0.97
"""

import argparse
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve, lfilter

from tsflow.errors import NotEnoughData
from tsflow.limits import GateSettings
from tsflow.names import JUDGED_DAYS
from tsflow.uncertainty.bootstrap import Values, resampled_mae
from tsflow.uncertainty.long_run import daily_errors, differences, mae_intervals, means_of
from tsflow.uncertainty.superiority import superiority
from tsflow.uncertainty.verdicts import compare, may_be_best

DAYS = (14, 30, 60, 120, 240, 540)
EQUALS = (12, 25)
WORSE = (0.02, 0.03, 0.05)
HORIZON = 24
CORRELATION = 0.97
VALIDATION_DAYS = 60
START = np.datetime64("2012-01-01T00:10")


@dataclass(frozen=True)
class Weather:
    """How much all models err more in some spells than in others, and how long those last."""

    spread: float
    hours: float


USUAL, STORMY = Weather(0.22, 72.0), Weather(0.35, 120.0)


def simulated(random: np.random.Generator, days: int, models: int, weather: Weather = USUAL) -> tuple[Values, float]:
    """Return errors of equally good models [24 days, models], and the MAE that all of them truly have on these dates."""
    hours = 24 * days
    clock = np.arange(hours) + 24 * random.integers(0, 365)
    level = (1 + 0.08 * np.cos(2 * np.pi * clock / 24 / 365.25)) * (1 + 0.08 * np.cos(2 * np.pi * clock / 24))
    keep = np.exp(-1 / weather.hours)
    noise = random.normal(size=hours) * np.sqrt(1 - keep**2)
    noise[0] /= np.sqrt(1 - keep**2)
    spell = np.exp(weather.spread * lfilter([1], [1, -keep], noise) - weather.spread**2 / 2)
    within = (np.arange(HORIZON) + 0.5) / HORIZON
    way = np.sin(np.pi * within) ** 0.6 * np.exp(-0.9 * within)
    way /= np.sqrt(np.square(way).sum())
    parts = fftconvolve(random.normal(size=(hours + HORIZON - 1, 1 + models)), way[:, None], mode="valid", axes=0)
    both = np.sqrt(CORRELATION) * parts[:, :1] + np.sqrt(1 - CORRELATION) * parts[:, 1:]
    return (level * spell)[:, None] * both / np.sqrt(2 / np.pi), float(level.mean())


def origins(hours: int) -> np.ndarray:
    """Return as many hourly origins."""
    return START + np.arange(hours) * np.timedelta64(1, "h")


def frames(errors: Values) -> dict[str, pd.DataFrame]:
    """Return forecasts with these errors, as a board has them."""
    times = origins(len(errors))
    return {f"m{i}": pd.DataFrame({"origin": times, "truth": 0.0, "forecast": column}) for i, column in enumerate(errors.T)}


def coverage(random: np.random.Generator, days: int, weather: Weather) -> dict[str, float]:
    """Return whether the intervals of two equals hold the truth: as they are now, and by percentiles of a bootstrap as before."""
    errors, truth = simulated(random, days, 2, weather)
    times = origins(len(errors))
    resampled = resampled_mae(errors[:, :1], times, samples=300)
    low, high = np.quantile(resampled, [0.025, 0.975])
    found = {"percentile": float(low <= truth <= high)}
    if days < JUDGED_DAYS:
        return found
    (mae, *_), difference = mae_intervals(errors, times), differences(errors, times, 1).estimates()[0]
    return found | {
        "mae": float(mae.low <= truth <= mae.high),
        "difference": float(difference.low <= 0 <= difference.high),
        "width": (mae.high - mae.low) / mae.value,
    }


def board(random: np.random.Generator, days: int, equals: int) -> dict[str, float]:
    """Return which of the equals of a board are called worse.

    In a run: than the challenger, which validation picked. In a backtest: than a reference that was named before, or surely not the
    best. And, as it once was: than whoever did best on the same errors.
    """
    errors, _ = simulated(random, days, equals)
    validation, _ = simulated(random, VALIDATION_DAYS, equals)
    shown = frames(errors)
    found = {}
    for name, place in {"retrain": int(np.abs(validation).mean(axis=0).argmin()), "reference": 0}.items():
        others = {key: frame for key, frame in shown.items() if key != f"m{place}"}
        worse = [each.verdict == "worse" for each in compare(others, shown[f"m{place}"]).values()]
        found |= {f"{name}_line": float(np.mean(worse)), f"{name}_board": float(any(worse))}
    thrown = [p is not None and p < 0.05 for p in may_be_best(shown).values()]
    winner = int(np.abs(errors).mean(axis=0).argmin())
    beaten = np.delete(differences(errors, origins(len(errors)), winner).p_values() < 0.05, winner)
    return found | {
        "not_best_line": float(np.mean(thrown)),
        "not_best_board": float(any(thrown)),
        "winner_line": float(np.mean(beaten)),
    }


def power(random: np.random.Generator, days: int) -> dict[str, float]:
    """Return whether one of 12 that is truly worse is called so: as the only line, by Holm on its board, as surely not the best."""
    errors, _ = simulated(random, days, EQUALS[0])
    found = {}
    for share in WORSE:
        changed = np.concatenate([errors[:, :-1], errors[:, -1:] * (1 + share)], axis=1)
        shown = frames(changed)
        reference, last = shown.pop("m0"), f"m{EQUALS[0] - 1}"
        among = compare(shown, reference)[last]
        best = may_be_best(frames(changed))[last]
        found |= {
            f"alone_{share}": float(among.p_value is not None and among.p_value < 0.05 and among.difference.value > 0),
            f"board_{share}": float(among.verdict == "worse"),
            f"not_best_{share}": float(best is not None and best < 0.05),
        }
    return found


def gate(random: np.random.Generator, days: int) -> dict[str, float]:
    """Return whether the gate takes a challenger for better: as good as the champion's recipe, or truly better."""
    errors, _ = simulated(random, days, 2)
    times, limits = origins(len(errors)), GateSettings()
    found = {}
    for share in (0.0, *WORSE):
        duel = superiority(errors[:, 0] * (1 - share), errors[:, 1], times, horizon_hours=HORIZON)
        found[f"better_{share}"] = float(duel.better(limits.probability))
    return found


def mean_of(many: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each figure."""
    return {name: round(float(np.mean([one[name] for one in many])), 4) for name in many[0]}


def figures(boards: int, days: tuple[int, ...]) -> dict[str, Any]:
    """Return all figures by kind and days."""
    kinds: dict[str, tuple[int, int, Any]] = {
        "coverage": (0, 4 * boards, partial(coverage, weather=USUAL)),
        "coverage_stormy": (0, 4 * boards, partial(coverage, weather=STORMY)),
        **{f"board_{equals}": (JUDGED_DAYS, boards, partial(board, equals=equals)) for equals in EQUALS},
        "power": (JUDGED_DAYS, boards, power),
        "gate": (GateSettings().days, max(1, boards // 2), gate),
    }
    found: dict[str, Any] = {}
    for kind, (least, rounds, count) in kinds.items():
        found[kind] = {}
        for length in days:
            if length >= least:
                random = np.random.Generator(np.random.Philox(length))
                found[kind][str(length)] = mean_of([count(random, length) for _ in range(rounds)])
                print(f"{kind}, {length} days: {found[kind][str(length)]}", file=sys.stderr, flush=True)
    return found


def on_a_record(path: Path, days: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Return the coverage on the second half of a real record, of naive and of a linear map of two days of temperature.

    Truth is their error by the season, two waves a year fitted to the whole half: what other weather on these dates would give.
    """
    table = pd.read_csv(path)
    celsius = table["T (degC)"].to_numpy(dtype=np.float64)
    now = np.arange(48, len(celsius) - HORIZON)
    past = np.stack([celsius[now - lag] for lag in range(0, 48, 2)] + [np.ones(len(now))], axis=1)
    change, train = celsius[now + HORIZON] - celsius[now], now < len(celsius) // 2
    weights = np.linalg.lstsq(past[train], change[train], rcond=None)[0]
    errors = np.stack([past @ weights - change, -change], axis=1)[~train]
    times = origins(len(errors))
    series = np.concatenate([(daily := daily_errors(errors, times)), daily[:, 1:] - daily[:, :1]], axis=1)
    angle = 2 * np.pi * np.arange(len(series)) / 365.25
    waves = np.stack([np.ones(len(series)), *(f(k * angle) for k in (1, 2) for f in (np.cos, np.sin))], axis=1)
    truth = waves @ np.linalg.lstsq(waves, series, rcond=None)[0]
    found = {}
    for length in days:
        held = []
        for first in range(0, len(series) - length, 3):
            try:
                estimates = means_of(series[first : first + length]).estimates()
            except NotEnoughData:
                continue
            true = truth[first : first + length].mean(axis=0)
            held.append([each.low <= value <= each.high for each, value in zip(estimates, true, strict=True)])
        if held:
            mean = np.mean(held, axis=0)
            found[str(length)] = {"mae": round(float(mean[:2].mean()), 4), "difference": round(float(mean[2]), 4)}
    return found


def main() -> None:
    """Read the arguments, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--boards",
        type=int,
        default=1000,
        help="simulated boards for each figure; of intervals four times as many, of the gate half",
    )
    parser.add_argument("--days", type=int, nargs="+", default=list(DAYS), help="lengths of the part that is judged")
    parser.add_argument(
        "--record", type=Path, default=None, help="the hourly record of Jena, for the intervals' coverage on real errors"
    )
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    days = tuple(arguments.days)
    report = {"boards": arguments.boards, **figures(arguments.boards, days)}
    if arguments.record:
        report["record"] = on_a_record(arguments.record, days)
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
