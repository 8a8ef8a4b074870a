"""Which models may be the best: the Model Confidence Set, without any of them as a reference.

To compare all models with the one that did best on the same data calls equals worse, as the best of many equals is best by luck.
So each is compared with the mean of those that are left, and the surely worst one leaves, until none is surely worse::

    a b c d e   e is worse than the mean of five by more than chance: it leaves
    a b c d     d is worse than the mean of four: it leaves
    a b c       none is: these three may be the best

The paper draws the chance by bootstrap, which on 60 days throws out one of 12 equals in a fifth of the cases. Here it is Student's
t of `long_run`, and the chance that the worst of n is so bad is taken as n times its own: deviations from a common mean hardly
correlate, so that this bound is close.

References
----------
Hansen, Lunde and Nason (2011), The Model Confidence Set, Econometrica 79: the statistic T_max and its elimination rule.
"""

import numpy as np
from scipy.special import stdtr

from tsflow.uncertainty.bootstrap import Values
from tsflow.uncertainty.long_run import apart, means_of


def confidence_set(daily: Values) -> Values:
    """Return each model's p-value, shape [n_models]: below 0.05 it is surely not the best, at 95 % for all models together.

    `daily`: series whose means are compared, less being better, [n_days, n_models]; see `long_run.daily_errors`. The last one
    that is left has 1; a model that leaves has at least the p-value of all that left before it.

    Raises
    ------
    NotEnoughData
        If there are too few days.
    """
    left = list(range(daily.shape[1]))
    found = np.ones(daily.shape[1])
    so_far = 0.0
    while len(left) > 1:
        among = daily[:, left]
        means = means_of(apart(among, among.mean(axis=1, keepdims=True)))
        t = means.t()
        worst = int(t.argmax())
        so_far = max(so_far, min(1.0, len(left) * float(stdtr(means.waves, -t[worst]))))
        found[left.pop(worst)] = so_far
    return found
