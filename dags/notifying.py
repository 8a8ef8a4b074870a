"""The notifiers of the settings, which take an alert to where people look."""

from collections.abc import Iterator
from typing import Any

from tsflow.errors import SettingsError
from tsflow.settings import settings


def notifiers(text: str) -> Iterator[Any]:
    """Make the notifiers of the settings for an alert; `{{ alert }}` in their arguments becomes its text."""
    from importlib import import_module

    for chosen in settings().monitor.notifiers:
        module, _, name = chosen.notifier.rpartition(".")
        arguments = {
            key: value.replace("{{ alert }}", text) if isinstance(value, str) else value for key, value in chosen.arguments.items()
        }
        try:
            kind = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            msg = (
                f"monitor.notifiers: no notifier {chosen.notifier!r} ({error}); name its class with its module, as in docs/using.md"
            )
            raise SettingsError(msg) from error
        yield kind(**arguments)
