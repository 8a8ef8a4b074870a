"""The base of every typed value that crosses a room, and how an error of one reads."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from tsflow.texts import without_passwords

_LONGEST = 80  # characters of what was found; a whole file in an error helps nobody


class Strict(BaseModel):
    """A value that does not change: unknown fields are errors, and a changed copy is checked like a new one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    secrets: ClassVar[set[str]] = set()  # names of all fields of all models that hold a secret

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Remember which fields hold secrets, so that no error shows one."""
        Strict.secrets |= {name for name, field in cls.model_fields.items() if "SecretStr" in str(field.annotation)}

    def is_default(self, field: str) -> bool:
        """Whether a field has the value that it has if nobody gives one."""
        return bool(getattr(self, field) == type(self).model_fields[field].default)

    def changed(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields; pydantic's `model_copy` would take any value unseen."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate(given | changes)


def explain(error: ValidationError, origin: str) -> str:
    """Say in one line a problem where a value is wrong: its place, its key, what is the matter; never a secret."""
    lines = []
    for problem in error.errors():
        place = ": ".join(filter(None, [origin, ".".join(str(part) for part in problem["loc"])]))
        if problem["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown key; remove it or check its spelling")
        elif problem["type"] == "missing":
            lines.append(f"{place}: missing; give it a value")
        else:
            secret = Strict.secrets & {str(part) for part in problem["loc"]}
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{place}: {said}{'' if secret else _found(problem['input'])}")
    return "\n".join(lines)


def _found(value: object) -> str:
    """Say what was found, in a few characters; of a block its message names the keys, and its values may be secrets."""
    if isinstance(value, dict | list | tuple | set | BaseModel | SecretStr):
        return ""
    shown = without_passwords(repr(value))
    return f" (found {shown if len(shown) <= _LONGEST else shown[:_LONGEST] + '...'})"
