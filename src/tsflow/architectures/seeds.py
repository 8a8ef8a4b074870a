"""Seeds of a recipe that trains several times and forecasts the mean."""

import numpy as np


def member_seeds(seed: int, count: int) -> list[int]:
    """Return a seed for each member: the first is `seed` itself, the others follow from it and share nothing with its neighbours'.

    Counting on from `seed` would give the runs of seeds 1 and 2 a member in common.
    """
    spread = np.random.SeedSequence(seed).generate_state(count, np.uint32) >> 1  # libraries take 31 bits
    return [seed, *(int(each) for each in spread[1:])]
