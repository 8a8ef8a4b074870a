"""Drawings of whether distributions mean what they say: where in them the truths lay."""

from collections.abc import Mapping

import numpy as np

from tsflow.pages.figures import Figure, axis, line, plain

_BIASED = 0.05  # of the truths, more than half on one side
_UNEVEN = 0.2  # times the share of the ends, against that of the middle


def reliability_figure(shares: Mapping[str, list[float]], colours: list[str]) -> Figure | None:
    """Draw, for each entrant, how often the truth lay below each quantile of its distributions, against how often it should.

    `shares`: of the test part, as `tsflow.uncertainty.distributions.pit_shares` gives them, by entrant.
    """
    drawn = {name: found for name, found in shares.items() if found}
    if not drawn:
        return None
    traces = [line([0, 1], [0, 1], "as it should be", "--naive", hoverinfo="skip")]
    furthest, whose = 0.0, ""
    for place, (name, found) in enumerate(drawn.items()):
        should, below = np.linspace(0, 1, len(found) + 1), np.concatenate([[0.0], np.cumsum(found)])
        hover = f"{name}: %{{y:.1%}} below the quantile of %{{x:.0%}}<extra></extra>"
        traces.append(line(list(should), list(below), name, colours[place % len(colours)], hovertemplate=hover))
        if (off := float(np.abs(below - should).max())) > furthest:
            furthest, whose = off, name
    said = f"the furthest is {whose}, by {100 * furthest:.1f} points" if whose else "none is off"
    return Figure(
        "reliability",
        "Reliability: how often the truth lay below each forecast quantile, on test",
        f"Share of truths below a quantile of the forecast distribution, against its level, for {len(drawn)} "
        f"{'entrant' if len(drawn) == 1 else 'entrants'}; on the diagonal it is as promised; {said}.",
        traces,
        {
            "xaxis": axis("level of the quantile", tickformat=".0%", range=[0, 1]),
            "yaxis": axis("truths below it", tickformat=".0%", range=[0, 1]),
        },
        height=380,
    )


def pit_figure(shares: list[float]) -> Figure | None:
    """Draw the histogram of where in its distribution the truth lay (PIT); None where that was not judged."""
    if not shares:
        return None
    bins = len(shares)
    middles = (np.arange(bins) + 0.5) / bins
    ends, middle = (sum(found) / len(found) * bins for found in (shares[:2] + shares[-2:], shares[bins // 4 : -(bins // 4)]))
    above = sum(shares[bins // 2 :])
    return Figure(
        "pit",
        "Where in its forecast distribution the truth lay, on test (PIT histogram)",
        f"Share of truths in each twentieth of the distribution, {100 / bins:g} % if it means what it says; a U is too narrow, a "
        f"hump too wide, a slope a bias. {_judged(above, ends, middle)}: the outer tenths on each side hold {ends:.2f}, the inner "
        f"half {middle:.2f} times their share, and {above:.0%} of the truths lie in the upper half.",
        [
            {
                "type": "bar",
                "x": plain(middles),
                "y": plain(shares),
                "marker": {"color": "--accent"},
                "name": "",
                "hovertemplate": "%{y:.1%}<extra></extra>",
            },
            line([0, 1], [1 / bins, 1 / bins], "even", "--naive", hoverinfo="skip"),
        ],
        {
            "xaxis": axis("share of the distribution below the truth", tickformat=".0%", range=[0, 1]),
            "yaxis": axis("truths", tickformat=".0%", rangemode="tozero"),
            "bargap": 0.05,
            "showlegend": False,
        },
    )


def _judged(above: float, ends: float, middle: float) -> str:
    """Say what a histogram shows first: a bias hides what is too narrow or too wide."""
    if abs(above - 0.5) > _BIASED:
        return f"Forecasts are too {'low' if above > 0.5 else 'high'} on the whole"
    if abs(ends - middle) < _UNEVEN:
        return "It is even, as it should be"
    return f"It is too {'narrow' if ends > middle else 'wide'} on the whole"
