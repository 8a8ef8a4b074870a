"""Entrants whose settings were chosen on hours that judge them here."""

from collections.abc import Iterator

from tsflow.architectures.tuned_on import TunedOn
from tsflow.records.dataset import Part, Parts
from tsflow.records.run import Run


def tuned_over(run: Run, parts: Parts, name: str) -> Iterator[tuple[Part, TunedOn]]:
    """Give each part that judges an entrant, and the hours of it that chose its settings."""
    for tuned_on in [TunedOn.model_validate(each) for each in run.recipes.get(name, {}).get("tuned_on", [])]:
        judging: tuple[Part, ...] = ("validation", "test")
        for part in judging:
            facts = parts.of(part)
            if facts.first and facts.last and tuned_on.overlaps(run.station, facts.first.date(), facts.last.date()):
                yield part, tuned_on
