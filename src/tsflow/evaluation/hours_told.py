"""What a reader of a board should know of the hours that its entrants learnt from."""

from collections.abc import Mapping, Sequence

from tsflow.records.dataset import HourlyReport, Screened


def told_of(report: HourlyReport) -> list[str]:
    """Return a sentence for each thing that was left out, filled in or set aside; none where all was measured."""
    told = [
        f"{name} was left out: {100 * share:.0f} % of the hours, or of the last week's, miss it. Entrants do without it."
        for name, share in report.left_out.items()
    ]
    if report.side_filled:
        told.append(f"Hours of variables beside the target that were filled in: {_counts(report.side_filled)}.")
    if report.set_aside:
        told.append(f"Implausible values (out of range, stuck, or spikes), which count as missing: {_counts(report.set_aside)}.")
    if report.shifted_hours:
        told.append(f"Hours taken from a row beside the station's minute, as the logger is off its grid: {report.shifted_hours:,}.")
    return told


def screening_told(screened: Sequence[Screened], unit: str) -> list[str]:
    """Return what was found of the quantities that recipes read if they help; no sentence where the station measures none."""
    told = []
    judged = [each for each in screened if each.gain is not None]
    if read := [_gain(each) for each in judged if each.read]:
        told.append(f"Read, as the training part says that they help (a linear model errs so many {unit} less): {', '.join(read)}.")
    if unread := [_gain(each) for each in judged if not each.read]:
        told.append(
            f"Measured but not read, as they do not surely help (a linear model errs so many {unit} less): {', '.join(unread)}."
        )
    if short := [each.variable for each in screened if each.gain is None]:
        told.append(f"Measured but not read, as the training part has too few days to say whether they help: {', '.join(short)}.")
    return told


def _gain(each: Screened) -> str:
    return f"{each.variable} {each.gain:.3f} (95 % interval {each.low:.3f} to {each.high:.3f})"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
