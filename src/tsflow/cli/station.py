"""`tsflow station`: draft a station file from a logger's files, and say what a run would make of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsflow.cli.options import as_json, station_option, task_option
from tsflow.cli.output import console, json_to_stdout, write_json
from tsflow.cli.plot import check_plot, write_plot
from tsflow.errors import SettingsError
from tsflow.folders import include_dir
from tsflow.location import Location
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.stations.guessing import Draft
    from tsflow.stations.raw import RawFile
    from tsflow.stations.station import Station


@click.group()
def station() -> None:
    """Describe a station from its files, and check what a run would make of it."""


@station.command("init")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--name", required=True, metavar="NAME", help="Call the station so: small letters, digits, - and _.")
@click.option(
    "--at",
    "place",
    required=True,
    metavar="LAT,LON,ALTITUDE",
    help="Where it stands: degrees north and east, metres above the sea, such as 50.91,11.56,220; the sun follows from that.",
)
@click.option(
    "--utc-offset",
    type=click.FloatRange(-12, 14),
    metavar="HOURS",
    help="Hours that its clock is ahead of UTC. Default: guessed from the warmest hour of the day.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file. Default: include/stations/NAME.yaml."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw what the station file makes of the FILEs into this file, whose name ends in .svg.",
)
def station_init(
    *,
    files: tuple[str, ...],
    name: str,
    place: str,
    utc_offset: float | None,
    output: Path | None,
    force: bool,
    plot: Path | None,
) -> None:
    """Look at FILEs of a logger, write a station file with what was understood, and say what to run next."""
    from tsflow.stations.guessing import as_yaml, drafted
    from tsflow.stations.sources.files import read_paths

    path = output or include_dir() / "stations" / f"{name}.yaml"
    if path.exists() and not force:
        msg = f"{path} is there already; give another --name or --output, or --force to write over it"
        raise SettingsError(msg)
    check_plot(plot)
    read = read_paths(list(files))
    draft = drafted(
        read,
        station=name,
        location=_location(place),
        utc_offset_hours=utc_offset,
        paths=[str(Path(each).absolute()) for each in files],
    )
    described = _write(path, as_yaml(draft))
    _show(draft, path)
    if plot is not None:
        write_plot(plot, _drawn(read, described))


def _write(path: Path, text: str) -> Station:
    """Write a station file that can be loaded, and return the station; a name that is none is told before anything is written."""
    import yaml

    from tsflow.stations.station import station_of

    described = station_of(yaml.safe_load(text), str(path))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}); name another file by --output"
        raise SettingsError(msg) from error
    return described


def _drawn(files: list[RawFile], station: Station) -> str:
    """Return the picture of files as a station file reads them."""
    from tsflow.observations.coverage import look_at
    from tsflow.observations.picture import picture
    from tsflow.stations.clock import station_now
    from tsflow.stations.parse import parse

    now = station_now(station)
    frame, _ = parse(files, station, now=now)
    return picture(look_at([frame], station, arrived_at=now, now=now))


def _location(place: str) -> Location:
    try:
        latitude, longitude, altitude = (float(part) for part in place.split(","))
        return Location(latitude=latitude, longitude=longitude, altitude_m=altitude)
    except ValueError as error:  # pydantic's, too
        msg = f"--at {place!r}: expected latitude, longitude and altitude in metres, such as 50.91,11.56,220"
        raise SettingsError(msg) from error


def _show(draft: Draft, path: Path) -> None:
    from rich.markup import escape
    from rich.table import Table

    times, first = draft.times, draft.times.index.dropna()
    console.print(f"{path}: station {draft.station}", markup=False)
    console.print(
        f"time      {' '.join(times.columns)!r} as {times.format}, every {int(times.cadence.total_seconds() // 60)} min, "
        f"{first.iloc[0]} to {first.iloc[-1]}; {draft.utc_offset_hours:g} h ahead of UTC ({draft.offset_note})",
        markup=False,
    )
    table = Table()
    for heading in ("variable", "column", "measures", "unit", "range", "first value", "missing"):
        table.add_column(heading)
    for column in draft.columns:
        unit = column.unit if column.column_unit is None else f"{column.unit}, in the file {column.column_unit}"
        table.add_row(
            f"{column.name}{' (target)' if column.name == draft.target else ''}",
            escape(column.header),
            column.quantity.name if column.quantity else "not known: left out, as a comment",
            unit,
            f"{column.range[0]:g} to {column.range[1]:g}",
            f"{column.example:g}",
            f"{100 * column.missing_share:.1f} %",
        )
    console.print(table)
    for column in draft.columns:
        for note in column.notes:
            console.print(f"{column.name}: {note}", style="yellow", markup=False)
    console.print(f"look through the file, then: tsflow station check --station {draft.station}", markup=False)


@station.command("check")
@station_option
@task_option
@click.option("--profile", default=None, metavar="NAME", help="Say it for this profile. Default: that of the schedule.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="FILE",
    help="Read this file, not the station's source `files`; give it again for several.",
)
@as_json
def station_check(
    *, station: str | None, task: str | None, profile: str | None, sources: tuple[str, ...], json_out: str | None
) -> None:
    """Say what a run would make of a station's files: rows, hours, windows, who trains; nothing is stored or trained."""
    from tsflow.requests.checking import checked

    found = checked(station or settings().station, task, profile, list(sources), settings())
    to_stdout = json_to_stdout(json_out)
    write_json(to_stdout, found.model_dump(mode="json"))
    if to_stdout != "-":
        for line in found.lines():
            console.print(line, markup=False)
    if found.refused:
        from tsflow.errors import DataValidationError

        raise DataValidationError(found.refused)
