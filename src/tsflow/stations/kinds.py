"""A block of a station file whose `kind` names a registered class, which checks the block."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tsflow.errors import UnknownName

M = TypeVar("M", bound=BaseModel)


def of_its_kind(value: object, known: Mapping[str, type[M]], what: str) -> M:
    """Return a block as the class of its kind reads it; an error names the key that is wrong. `what`: of blocks of this sort."""
    given = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(given, str):
        raise _wrong_kind(f"every {what} is a block with a `kind`; valid: {', '.join(known)}")
    if given not in known:
        raise _wrong_kind(str(UnknownName(f"{what} kind", given, list(known))))
    return known[given].model_validate(value)


def _wrong_kind(said: str) -> ValidationError:
    """Return the error at the key `kind`, to which pydantic adds the place of the block."""
    problem = PydanticCustomError("kind", "{said}", {"said": said})
    return ValidationError.from_exception_data("Block", [InitErrorDetails(type=problem, loc=("kind",), input={})])
