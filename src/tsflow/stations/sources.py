"""Fetching a station's files: published archives, files on this machine, the simulator."""

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tsflow.errors import SourceFormatError, SourceUnavailable
from tsflow.folders import home
from tsflow.stations.parse import RawFile
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import ArchiveSource, FilesSource, SimulatorSource, Source, Station
from tsflow.texts import without_passwords


def fetch(station: Station, source: Source, *, start: datetime | None, end: datetime) -> list[RawFile]:
    """Return the files that cover `start` (exclusive; None: all there is) to `end`.

    Files may hold more than was asked for: an archive comes in half-years.

    Raises
    ------
    SourceUnavailable
        If a source does not answer or a file is not there; the message names every address tried.
    """
    if isinstance(source, SimulatorSource):
        begin = start or end - timedelta(days=source.history_days)
        if begin >= end:
            return []
        name, body = simulated_file(station, source, begin, end)
        return [RawFile(name, body)]
    if isinstance(source, FilesSource):
        return read_paths(source.paths, base=home())
    return _fetch_archive(source, start=start, end=end)


def read_paths(paths: list[str], *, base: Path | None = None) -> list[RawFile]:
    """Read files by path or pattern; relative ones from `base`, or from the working folder."""
    found: list[Path] = []
    for pattern in paths:
        path = Path(pattern)
        folder, name = (base or Path.cwd()) / path.parent, path.name
        matches = sorted(folder.glob(name)) if any(sign in name for sign in "*?[") else [folder / name]
        if not matches or not matches[0].is_file():
            msg = f"no file {pattern!r} in {(base or Path.cwd())}; give an existing path, or a pattern that matches one"
            raise SourceFormatError(msg)
        found += matches
    return [RawFile(path.name, path.read_bytes()) for path in found]


def archive_parts(start: datetime, end: datetime) -> list[dict[str, str]]:
    """Return the half-years from `start` to `end` as `{year, half}`; a half-year's last row is the next one's 00:00."""
    parts = []
    year, half = start.year, 0 if start.month <= 6 else 1
    while datetime(year, 1 + 6 * half, 1) < end:
        parts.append({"year": str(year), "half": "ab"[half]})
        year, half = (year, 1) if half == 0 else (year + 1, 0)
    return parts


def _fetch_archive(source: ArchiveSource, *, start: datetime | None, end: datetime) -> list[RawFile]:
    begin = start or datetime(source.since.year, source.since.month, source.since.day)
    parts = archive_parts(begin, end) if any("{year}" in url for url in source.urls) else [{}]
    files: dict[str, RawFile] = {}
    for part in parts:
        tried = []
        for template in source.urls:
            url = template.format(**part)
            if url in files:
                break
            try:
                files[url] = RawFile(Path(urlsplit(url).path).name, _download(url, source.timeout_seconds))
                break
            except requests.RequestException as error:
                tried.append(without_passwords(f"  {url}: {error}"))
        else:
            msg = "no address of the source answered with the file:\n" + "\n".join(tried)
            msg += "\ncheck the network, or `sources` in the station file"
            raise SourceUnavailable(msg)
    return list(files.values())


def _download(url: str, timeout_seconds: float) -> bytes:
    """Return a URL's body; a server that fails is asked again, one that says 404 is not."""
    policy = Retry(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504))
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=policy))
        session.mount("https://", HTTPAdapter(max_retries=policy))
        answer = session.get(url, timeout=timeout_seconds)
        answer.raise_for_status()
        return answer.content
