"""A batch of observations on its way in: as it was read, as it was judged, as it was stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from tsflow.model import Strict
from tsflow.records.files import StoredFile
from tsflow.records.record import Content, Record
from tsflow.records.template import Template


class Gap(Strict):
    """Where rows are missing in the files."""

    after: datetime
    before: datetime
    missing_rows: int


class ParseReport(Strict):
    """What was found on the way from files to observations."""

    files: list[str] = []
    rows_read: int = 0
    rows_kept: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sentinels: dict[str, int] = {}  # by variable, or header where the station leaves it out
    empty_cells: dict[str, int] = {}
    identical_duplicates: int = 0
    conflicting_duplicates: int = 0
    conflicting_times: list[datetime] = []  # the first ten; the first row of each is kept
    gaps: list[Gap] = []
    ignored_columns: list[str] = []
    unfinished_rows: int = 0  # left out at the end of files into which somebody still writes
    left_out_members: list[str] = []  # of zips, beside the tables in them
    encodings: dict[str, str] = {}  # by file, where the station file says auto


class Published(Strict):
    """What a server said of a file that it publishes, so that it need not send it again."""

    address: str  # a hash of its URL, which may hold a password
    etag: str | None = None
    modified: str | None = None  # the header Last-Modified
    station: str  # a hash of the station file that it was read by


class Taken(Record):
    """A published file that was stored whole; the newest number counts."""

    TEMPLATE: ClassVar[Template] = Template("stations/{station}/published/{address}/{number:06d}.json")

    station: str
    address: str
    number: int = 0  # 0: not stored yet
    created_at: datetime
    file: Published


class Reach(Strict):
    """A source that was asked for all of its rows, and the moment by the station's clock from which on."""

    source: str  # a hash of its block in the station file, in which a password may stand
    begins: datetime


class Reached(Record):
    """That all rows of a source from a moment on were stored; the newest number counts."""

    TEMPLATE: ClassVar[Template] = Template("stations/{station}/reached/{source}/{number:06d}.json")

    station: str
    source: str
    number: int = 0  # 0: not stored yet
    created_at: datetime
    reach: Reach


class Batch(Record):
    """Rows that were read from a source; none if there was nothing to fetch."""

    TEMPLATE: ClassVar[Template] = Template("ingests/{ingest}/batch.json")
    FORMAT: ClassVar[int] = 2

    ingest: str
    station: str
    as_of: datetime
    rows: int
    later_rows: int = 0  # of those kept that lie after the as-of, and are left to a later ingest
    files: list[StoredFile] = []  # of its rows, in their order
    first: datetime | None = None
    last: datetime | None = None
    report: ParseReport | None = None
    published: list[Published] = []  # the files it was read from, where their server says how to ask whether they changed
    reach: Reach | None = None  # if the source was asked for all of its rows
    unchanged: int = 0  # files that were stored before and that their server did not send again

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Its rows were one file; commit 49384e5 named that by its key alone, and was stored long ago: nobody reads it again."""
        file = content.get("file")
        return {**content, "files": [file] if isinstance(file, Mapping) else []}


class Validated(Record):
    """How a batch did against its expectations."""

    TEMPLATE: ClassVar[Template] = Template("ingests/{ingest}/validated.json")

    ingest: str
    summary: str
    docs: str  # the key of its Data Docs


class Ingested(Strict):
    """What an ingest brought into the store."""

    ingest: str
    station: str
    rows: int
    new_rows: int
    changed_rows: int
    parts: list[str] = []
    last: datetime | None = None

    @property
    def changed_something(self) -> bool:
        """Whether the store holds other rows than before."""
        return self.new_rows + self.changed_rows > 0
