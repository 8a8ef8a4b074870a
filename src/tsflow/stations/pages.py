"""All pages of a service's answer, one after the other, and when there is no end to them."""

from collections.abc import Callable

from tsflow.errors import SourceFormatError
from tsflow.stations.paging import Page, Paging, Row
from tsflow.texts import without_passwords


def all_rows(url: str, paging: Paging, ask: Callable[[str], Page]) -> list[Row]:
    """Return the rows of all pages.

    Raises
    ------
    SourceFormatError
        If a page leads back to an earlier one or repeats the one before it, or if there are more than `paging.at_most`.
    """
    rows: list[Row] = []
    numbers: dict[str, int] = {}  # of the pages by address
    before: list[Row] = []
    following: str | None = paging.begun(url)
    while following is not None:
        number, where = len(numbers) + 1, without_passwords(following)
        if following in numbers:
            again = numbers[following]
            msg = f"page {number} would come from {where}, as page {again} did: a circle; correct `pages` in the station file"
            raise SourceFormatError(msg)
        if number > paging.at_most:
            msg = f"{where}: there are more than {paging.at_most} pages; ask for more rows a page, or raise `pages.at_most`"
            raise SourceFormatError(msg)
        numbers[following] = number
        page = ask(following)
        if page.rows and page.rows == before:
            msg = (
                f"{where}: page {number} holds the same rows as the one before it: the service does not know how it was asked for "
                f"further pages, or gives the last one again; correct `pages` in the station file"
            )
            raise SourceFormatError(msg)
        rows += page.rows
        before, following = page.rows, paging.after(page, pages=number, rows=len(rows))
    return rows
