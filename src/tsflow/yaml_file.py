"""Reading the YAML files that people write."""

from pathlib import Path
from typing import Any

import yaml

from tsflow.errors import SettingsError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that must hold a mapping, or say what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise SettingsError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError) as error:  # a folder; nested thousands deep
        msg = f"{path}: not readable as YAML: {error}"
        raise SettingsError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: expected keys and values, found {type(content).__name__}"
        raise SettingsError(msg)
    return content
