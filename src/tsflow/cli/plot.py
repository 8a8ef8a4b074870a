"""A picture that a command draws into a file."""

from pathlib import Path

from tsflow.cli.output import console
from tsflow.errors import SettingsError


def check_plot(plot: Path | None) -> None:
    """Refuse a picture that could not be written, before the work."""
    if plot is None:
        return
    if plot.suffix != ".svg":
        msg = f"--plot {plot}: pictures are drawn as SVG; name a file that ends in .svg"
        raise SettingsError(msg)
    if not plot.parent.is_dir():
        msg = f"--plot {plot}: there is no folder {plot.parent}; create it, or name another"
        raise SettingsError(msg)


def write_plot(plot: Path, drawing: str) -> None:
    """Write a picture, and say where it is."""
    try:
        plot.write_text(drawing, encoding="utf-8")
    except OSError as error:
        msg = f"--plot {plot}: cannot be written ({error}); name another file"
        raise SettingsError(msg) from error
    console.print(f"written {plot}", markup=False)
