"""Classes by name: each module of a package registers its own, and nothing else names it."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Generic, TypeVar

from tsflow.errors import SettingsError

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Registry(Generic[T]):
    """The classes that the modules of a package register, such as families of models or kinds of sources."""

    def __init__(self, package: str, kind: str) -> None:
        self._package, self._kind = package, kind
        self._classes: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[C], C]:
        """Enter a class under a name; `SettingsError` if the name is taken."""

        def enter(cls: C) -> C:
            if name in self._classes:
                msg = f"two classes are registered as the {self._kind} {name!r}: {self._classes[name].__name__} and {cls.__name__}"
                raise SettingsError(msg)
            self._classes[name] = cls
            return cls

        return enter

    def all(self) -> dict[str, type[T]]:
        """Import every module of the package and return what was registered, in order of the names."""
        for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        return dict(sorted(self._classes.items()))

    def holds(self, name: str, cls: type) -> bool:
        """Whether this class is the one of that name."""
        return self._classes.get(name) is cls
