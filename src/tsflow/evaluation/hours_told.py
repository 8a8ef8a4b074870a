"""What a reader of a board should know of the hours that its entrants learnt from."""

from collections.abc import Mapping

from tsflow.records.dataset import HourlyReport


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


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
