"""A station's file as it was when its observations came in, so that a station described elsewhere can be read again."""

import json
from datetime import datetime
from typing import Any, ClassVar

from pydantic import field_validator

from tsflow.records.record import Record
from tsflow.records.template import Template
from tsflow.texts import without_passwords


class StoredStation(Record):
    """The newest number is what the last ingest worked with."""

    TEMPLATE: ClassVar[Template] = Template("stations/{station}/{number:04d}.json")

    station: str
    number: int = 0  # 0: not stored yet
    created_at: datetime
    content: dict[str, Any]  # as the station file says it; sources of any kind have keys of their own

    @field_validator("content")
    @classmethod
    def _without_passwords(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Leave the passwords of URLs out: programs that may only read the store read this too."""
        kept: dict[str, Any] = json.loads(without_passwords(json.dumps(content)))
        return kept
