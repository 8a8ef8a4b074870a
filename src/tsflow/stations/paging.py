"""How a service that gives its rows in pages is asked for the next one.

::

    next_link    {"rows": [...], "links": {"next": "/rows?after=500"}}     the answer holds its address, or a cursor
    link_header  Link: </rows?after=500>; rel="next"                       a header of the answer holds it (RFC 8288)
    page_number  ?page=1, ?page=2, ...                                     up to a page without a row
    offset       ?offset=0&limit=500, ?offset=500&limit=500, ...           up to a page without a row
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from pydantic import Field, PlainValidator, SerializeAsAny

from tsflow.errors import SourceFormatError
from tsflow.model import Strict
from tsflow.stations.address import with_parameters
from tsflow.stations.json_path import found_at
from tsflow.stations.kinds import of_its_kind
from tsflow.texts import without_passwords

Name = Annotated[str, Field(min_length=1)]
Row = dict[str, object]
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Page:
    """What a service answered at an address: all of it, the addresses that its header links to by relation, and the rows."""

    url: str
    content: object
    links: Mapping[str, str]
    rows: list[Row]


class Paging(Strict, ABC):
    """A way of asking for the next page."""

    kind: str
    at_most: Annotated[int, Field(ge=1)] = 1000  # pages; a service may go on for ever

    def begun(self, url: str) -> str:
        """Return the address of the first page."""
        return url

    @abstractmethod
    def after(self, page: Page, *, pages: int, rows: int) -> str | None:
        """Return the address of what follows a page, None after the last; so many pages and rows have come with it."""


class NextLink(Paging):
    """The answer holds at `path` the next page's address, or a cursor to be sent as `parameter`; null or nothing after the last."""

    kind: Literal["next_link"]
    path: Name
    parameter: Name | None = None

    def after(self, page: Page, *, pages: int, rows: int) -> str | None:
        """As `Paging.after`."""
        try:
            said = found_at(page.content, self.path)
        except LookupError:
            return None
        if said is None or said is False or said == "":
            return None
        if self.parameter is not None and isinstance(said, str | int):
            return with_parameters(page.url, {self.parameter: str(said)})
        if not isinstance(said, str):
            wanted = "an address as text" if self.parameter is None else "a number or a text"
            found = f"expected {wanted} at {self.path}, found {type(said).__name__}"
            msg = f"{without_passwords(page.url)}: {found}; correct `pages.path` in the station file"
            raise SourceFormatError(msg)
        return _followed(page, said)


class LinkHeader(Paging):
    """The header `Link` holds the next page's address."""

    kind: Literal["link_header"]

    def after(self, page: Page, *, pages: int, rows: int) -> str | None:
        """As `Paging.after`."""
        return _followed(page, page.links["next"]) if "next" in page.links else None


class PageNumber(Paging):
    """A parameter of the address counts pages."""

    kind: Literal["page_number"]
    parameter: Name = "page"
    first: Annotated[int, Field(ge=0)] = 1

    def begun(self, url: str) -> str:
        """As `Paging.begun`."""
        return with_parameters(url, {self.parameter: str(self.first)})

    def after(self, page: Page, *, pages: int, rows: int) -> str | None:
        """As `Paging.after`."""
        return with_parameters(page.url, {self.parameter: str(self.first + pages)}) if page.rows else None


class Offset(Paging):
    """Parameters of the address say how many rows to pass over and how many to give; a service may give fewer."""

    kind: Literal["offset"]
    size: Annotated[int, Field(ge=1)]
    parameter: Name = "offset"
    size_parameter: Name = "limit"

    def begun(self, url: str) -> str:
        """As `Paging.begun`."""
        return with_parameters(url, {self.parameter: "0", self.size_parameter: str(self.size)})

    def after(self, page: Page, *, pages: int, rows: int) -> str | None:
        """As `Paging.after`."""
        return with_parameters(page.url, {self.parameter: str(rows)}) if page.rows else None


_KINDS: dict[str, type[Paging]] = {
    "link_header": LinkHeader,
    "next_link": NextLink,
    "offset": Offset,
    "page_number": PageNumber,
}


def _checked(value: object) -> Paging:
    return value if isinstance(value, Paging) else of_its_kind(value, _KINDS, "paging")


AnyPaging = Annotated[SerializeAsAny[Paging], PlainValidator(_checked)]


def _followed(page: Page, link: str) -> str:
    """Return the address that a link means, on the server of its page: no other one is sent a key or a password."""
    told = f"{without_passwords(page.url)}: the next page would come from {without_passwords(link)}"
    try:
        here, there = urlsplit(page.url), urlsplit(urljoin(page.url, link))
        behind_a_proxy = (there.hostname, there.port) == (here.hostname, here.port)  # which asks it by http, and is asked by https
        same = behind_a_proxy or _server(there) == _server(here)
    except ValueError as error:
        msg = f"{told}, which is no address; correct `pages` in the station file"
        raise SourceFormatError(msg) from error
    if not same:
        msg = f"{told}, which is another server, and is not asked for; correct `pages` or `url` in the station file"
        raise SourceFormatError(msg)
    return there._replace(scheme=here.scheme, netloc=here.netloc, fragment="").geturl()


def _server(parts: SplitResult) -> tuple[str | None, int | None]:
    return parts.hostname, parts.port or _PORTS.get(parts.scheme)
