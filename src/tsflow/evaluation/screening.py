"""Which further quantities recipes read: those that help a linear model on hours of the training part which it did not learn.

Wind direction, gusts, radiation, rain, soil and CO2 say something of tomorrow's temperature at one station and nothing at
another. A recipe names them under `if_it_helps`, and the training part says which of them do::

    training part   |-- 1 --|-- 2 --|-- 3 --|-- 4 --|-- 5 --|-- 1 --|-- 2 --| ...    blocks of four weeks, dealt to five folds
                        each fold is forecast by a ridge regression on the other four

A window counts in the block that it lies in whole, so that no fold knows an hour of another. The quantities come in one after the
other, the best first, as long as the mean absolute error falls by more than its standard error: a gain that luck may be is none.
Validation and test part have no say, so they judge what comes of it.

References
----------
Roberts et al. (2017), Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic structure,
Ecography 40; Breiman et al. (1984), Classification and Regression Trees, section 3.4.3: one standard error.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from tsflow.errors import NotEnoughData
from tsflow.features.climate import Harmonics, harmonics
from tsflow.features.fitted_channels import found_in, series
from tsflow.records.dataset import Screened
from tsflow.stations.quantities import screened_quantities
from tsflow.uncertainty.long_run import Means, differences
from tsflow.windows.dataset import Dataset

FOLDS = 5
_BLOCK_DAYS = 28
_EVERY_HOURS = 3  # neighbouring windows are nearly the same window
_ALWAYS = ("T", "p", "Tdew", "rh", "wv")  # what the recipes that ask for more read anyway
_CHANGES, _LAGS = (3, 24), (1, 6, 12, 48, 72)  # hours; the target's changes over the latter, too
_MEANS = (3, 24)
_CLIP = 4.0  # deviations, as in the family `ridge`
_PENALTY = 0.3  # a row, on the squares of the coefficients of columns whose deviation is 1

Values = NDArray[np.float64]
Rows = NDArray[np.int64]


def with_screening(dataset: Dataset) -> Dataset:
    """Return the dataset with what its training part says of the further quantities that the station measures."""
    return replace(dataset, screened=tuple(screening(dataset)))


def screening(dataset: Dataset) -> list[Screened]:
    """Return of each further quantity that the station measures whether it is read, and the gain of reading it.

    The gain of one that is read is over those that came in before it, of one that is not, over all that are read.
    """
    columns, _ = found_in(dataset)
    there = {each.short: dataset.features[columns[each.short]] for each in screened_quantities() if each.short in columns}
    there = {short: variable for short, variable in there.items() if variable != dataset.target}
    if "wd" in there and "wv" not in columns:
        del there["wd"]  # the direction of a wind without a speed is no vector
    if not there:
        return []
    try:
        found = _Folds.of(dataset, list(there)).forward()
    except NotEnoughData:
        found = {}
    return [Screened(quantity=short, variable=variable, **_told(found.get(short))) for short, variable in there.items()]


def _told(found: tuple[bool, Means] | None) -> dict[str, bool | float]:
    if found is None:
        return {"read": False}
    read, gains = found
    gain = gains.estimates()[0]
    return {"read": read, "gain": round(gain.value, 4), "low": round(gain.low, 4), "high": round(gain.high, 4)}


def blocked_folds(dataset: Dataset, *, every_hours: int = 1) -> tuple[Rows, Rows]:
    """Return the first row of each training window that lies whole in a block, and its fold, both shape [n].

    Blocks are four weeks, or four windows where those are longer.

    Raises
    ------
    NotEnoughData
        If there are fewer blocks than folds.
    """
    starts, span = dataset.starts("train")[::every_hours], dataset.task.span
    hours = max(24 * _BLOCK_DAYS, 4 * span)
    first, last = ((dataset.times[rows] - dataset.times[0]) // np.timedelta64(hours, "h") for rows in (starts, starts + span - 1))
    inside = first == last
    blocks, dealt = np.unique(first[inside], return_inverse=True)
    if len(blocks) < FOLDS:
        msg = f"{len(blocks)} blocks of {hours // 24} days, expected at least {FOLDS}; give a longer training part"
        raise NotEnoughData(msg)
    return starts[inside], dealt % FOLDS


@dataclass(frozen=True)
class _Folds:
    """Windows of the training part in folds, as columns of a linear model."""

    x: Values  # [n, m], standardised, clipped
    y: Values  # [n], the target's change
    fold: Rows  # [n]
    times: NDArray[np.datetime64]  # of the origins, [n]
    groups: dict[str, Rows]  # which columns are made of each further quantity; "": of none
    products: list[tuple[Values, Values]]  # of each fold: the Gram matrix [m, m], and the products with the target [m]

    @classmethod
    def of(cls, dataset: Dataset, quantities: list[str]) -> "_Folds":
        """Gather windows and columns; `NotEnoughData` if there are fewer blocks than folds."""
        starts, fold = blocked_folds(dataset, every_hours=_EVERY_HOURS)
        origins = starts + dataset.task.context_hours - 1
        made = {group: _made(dataset, origins, group) for group in ("", *quantities)}
        x = np.concatenate(list(made.values()), axis=1)
        edges = np.cumsum([0, *(each.shape[1] for each in made.values())])
        groups = {name: np.arange(edges[place], edges[place + 1]) for place, name in enumerate(made)}
        y = dataset.values[origins + dataset.task.horizon_hours, dataset.target_index]
        y = y - dataset.values[origins, dataset.target_index]
        parts = [(x[fold == number], y[fold == number]) for number in range(FOLDS)]
        return cls(x, y, fold, dataset.times[origins], groups, [(each.T @ each, each.T @ of) for each, of in parts])

    def forward(self) -> dict[str, tuple[bool, Means]]:
        """Take in one quantity after the other; return of each whether it came in, and its gain."""
        left, read = [name for name in self.groups if name], [""]
        found: dict[str, tuple[bool, Means]] = {}
        errors = self.errors(read)
        while left:
            tried = {name: self.errors([*read, name]) for name in left}
            gains = {name: differences(np.stack([errors, tried[name]], axis=1), self.times, 1) for name in left}
            best = max(left, key=lambda name: gains[name].values[0])
            if not gains[best].values[0] > gains[best].deviations[0]:
                return {**found, **{name: (False, gains[name]) for name in left}}
            found[best] = True, gains[best]
            left.remove(best)
            read, errors = [*read, best], tried[best]
        return found

    def errors(self, read: list[str]) -> Values:
        """Return the errors of the linear model on the columns of some groups, [n], each fold's by the fit on the others."""
        at = np.concatenate([self.groups[name] for name in read])
        errors = np.empty(len(self.y))
        for number in range(FOLDS):
            others = [products for place, products in enumerate(self.products) if place != number]
            gram = sum(each[0][np.ix_(at, at)] for each in others)
            penalty = np.full(len(at), _PENALTY * np.count_nonzero(self.fold != number))
            penalty[0] = 0.0  # the intercept's
            kernel = solve(gram + np.diag(penalty), sum(each[1][at] for each in others), assume_a="pos")
            inside = self.fold == number
            errors[inside] = self.x[np.ix_(inside, at)] @ kernel - self.y[inside]
        return errors


def _made(dataset: Dataset, origins: Rows, group: str) -> Values:
    """Return the columns that are made of a quantity, [n, n_columns]; of what is read anyway also bent by season and hour.

    Further quantities are not bent: so many columns more learn a year by heart.
    """
    columns, derived = found_in(dataset)
    context = dataset.task.context_hours

    def values(name: str) -> Values:
        found: Values = series(name, columns, derived, lambda place: dataset.values[:, place])
        return found

    made: list[Values] = []
    if group == "":
        target = values(dataset.target)
        made += [target[origins] - target[origins - hours] for hours in _LAGS if hours < context]
        others = [name for name in _ALWAYS if name in {*columns, *derived} and columns.get(name) != dataset.target_index]
        each = [target, *(values(name) for name in others)]
    elif group == "wd":
        speed, angle = values("wv"), np.deg2rad(values("wd"))
        each = [speed * np.cos(angle), speed * np.sin(angle)]
    else:
        each = [values(group)]
    for one in each:
        made.append(one[origins])
        made += [one[origins] - one[origins - hours] for hours in _CHANGES if hours < context]
        made += [np.mean([one[origins - lag] for lag in range(min(hours, context))], axis=0) for hours in _MEANS]
    columns_made = _standardised(np.stack(made, axis=1))
    return columns_made if group else _bent(dataset, origins, columns_made)


def _standardised(made: Values) -> Values:
    deviation = made.std(axis=0)
    base: Values = (made - made.mean(axis=0)) / np.where(deviation > 1e-9, deviation, 1.0)
    return base.clip(-_CLIP, _CLIP)


def _bent(dataset: Dataset, origins: Rows, base: Values) -> Values:
    """Return ones, the first harmonics of year and day, standardised columns, and those times the harmonics."""
    hour, day = dataset.rows[origins, -2].astype(np.float64), dataset.rows[origins, -1].astype(np.float64)
    waves = [wave[:, None] for wave in harmonics(hour, day, Harmonics(year=1, day=1).within(dataset)).values()]
    return np.concatenate([np.ones((len(base), 1)), *waves, base, *(base * wave for wave in waves)], axis=1)
