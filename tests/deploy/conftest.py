"""The scripts of deploy/ are no package; tests load them as modules."""

import importlib.util
from types import ModuleType

import pytest

from conftest import REPOSITORY


@pytest.fixture(scope="session")
def make_env() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_env", REPOSITORY / "deploy" / "make_env.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
