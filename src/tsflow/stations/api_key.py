"""The key of a service: where it is taken from, how it is sent, and that nobody is shown it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Self
from urllib.parse import quote, quote_plus

from pydantic import Field, model_validator

from tsflow.errors import SettingsError, SourceFormatError, SourceUnavailable
from tsflow.model import Strict
from tsflow.stations.address import with_parameters

_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")  # that write down the addresses which they ask
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_HEADER = r"^[A-Za-z0-9-]+$"


class ApiKey(Strict):
    """A key that the environment holds, and where it is sent: in a header, or in a parameter of the address."""

    variable: Annotated[str, Field(pattern=_NAME)]  # the environment variable
    header: Annotated[str, Field(pattern=_HEADER)] | None = None
    scheme: Annotated[str, Field(pattern=_HEADER)] | None = None  # such as Bearer or Token, before the key in a header
    parameter: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.header is None) == (self.parameter is None):
            msg = "give exactly one of header and parameter: it says where the key is sent"
            raise ValueError(msg)
        if self.scheme is not None and self.header is None:
            msg = "scheme stands before a key in a header, and parameter sends the key in the address; leave one of them out"
            raise ValueError(msg)
        return self

    def taken(self, named_by: str) -> Credential:
        """Return the key that the environment holds; `named_by` is what of the source names its variable.

        Raises
        ------
        SettingsError
            If it is not set, or is nothing that a header or an address can hold; it does not show what was found.
        """
        if not (value := os.environ.get(self.variable)):
            msg = f"the environment variable {self.variable} is not set; `{named_by}` of the source names it"
            raise SettingsError(msg)
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            msg = (
                f"the environment variable {self.variable} holds more than a key: a blank at an end, a line break or a letter "
                f"that is not ASCII; set it to the key alone"
            )
            raise SettingsError(msg)
        return Credential(value, self)


@dataclass(frozen=True)
class Credential:
    """A key as it is sent. Without a value there is none, and nothing is sent."""

    _value: str = field(default="", repr=False)
    _sent: ApiKey | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with this key."""
        if self._sent is None or self._sent.header is None:
            return {}
        return {self._sent.header: f"{self._sent.scheme} {self._value}" if self._sent.scheme else self._value}

    def into(self, url: str) -> str:
        """Return an address with the key in it, if that is where the key goes."""
        if self._sent is None or self._sent.parameter is None:
            return url
        return with_parameters(url, {self._sent.parameter: self._value})

    def out_of(self, url: str) -> str:
        """Return an address without the key: services repeat in the address of the next page what they were asked."""
        if self._sent is None or self._sent.parameter is None:
            return url
        return with_parameters(url, {self._sent.parameter: None})

    def _hidden(self, text: str) -> str:
        """Return a text without the key, in any of the spellings that an address or a message may have of it."""
        value = self._value
        for spelling in (value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]):
            text = text.replace(spelling, "***") if spelling else text
        return text

    @contextmanager
    def unsaid(self) -> Iterator[None]:
        """Keep the key out of errors, their tracebacks, and what the libraries that ask by HTTP write into the log."""

        def hide(record: logging.LogRecord) -> bool:
            record.msg, record.args = self._hidden(record.getMessage()), ()
            return True

        loggers = [logging.getLogger(name) for name in _LOGGERS]
        for logger in loggers:
            logger.addFilter(hide)
        try:
            yield
        except (SourceFormatError, SourceUnavailable) as error:
            raise type(error)(self._hidden(str(error))) from None  # what it came of has addresses in its text
        finally:
            for logger in loggers:
                logger.removeFilter(hide)
