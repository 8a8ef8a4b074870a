"""What is installed is known by hash: every lock agrees with the others, and the bill of materials holds all of it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import REPOSITORY

EXTRAS = [REPOSITORY / "deploy" / "locks" / f"{name}.lock" for name in ("gpu", "prophet")]
LOCKS = [REPOSITORY / "requirements.lock", *sorted((REPOSITORY / "deploy" / "locks").glob("*.lock"))]
PIN = re.compile(r"^([a-z0-9][\w.-]*(?:\[[\w,-]+\])?)==([^ ;\\\n]+)(?: ; ([^\\\n]+?))? ?\\?$", re.MULTILINE)


def pins(lock: Path) -> dict[tuple[str, str], str]:
    """Return the version of each package, by name and the environments that it is for."""
    return {(name.partition("[")[0], marker.strip()): version for name, version, marker in PIN.findall(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_has_a_hash_and_no_lock_names_an_index(lock: Path):
    text = lock.read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(blocks) == len(PIN.findall(text)) >= 1
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in re.sub(r"#.*", "", text)


@pytest.mark.parametrize("lock", EXTRAS, ids=lambda lock: lock.name)
def test_extras_are_locked_to_the_same_versions(lock: Path):
    """They are installed over what the first lock installed."""
    whole: dict[str, set[str]] = {}
    for (name, _), version in pins(LOCKS[0]).items():
        whole.setdefault(name, set()).add(version)
    differing = {name: version for (name, _), version in pins(lock).items() if name in whole and version not in whole[name]}
    assert differing == {}


def test_the_makefile_installs_nothing_without_a_hash():
    lines = (REPOSITORY / "Makefile").read_text().splitlines()
    installs = [line.strip() for line in lines if re.search(r"pip install", line) and "--editable ." not in line]
    assert len(installs) == 5
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_uv_is_locked_in_the_version_that_the_makefile_asks_for():
    asked = re.search(r"^UV_VERSION := (.+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert asked
    assert pins(REPOSITORY / "deploy" / "locks" / "uv.lock") == {("uv", ""): asked[1]}


def test_the_bill_of_materials_holds_every_locked_package(tmp_path: Path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy(REPOSITORY / name, tmp_path)
    shutil.copytree(REPOSITORY / "deploy" / "locks", tmp_path / "deploy" / "locks")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        (tmp_path / ".venv" / "bin" / name).symlink_to(Path(sys.executable).parent / name)
    (tmp_path / ".venv" / ".installed").touch()
    subprocess.run(["make", "sbom"], cwd=tmp_path, check=True, capture_output=True)
    found = json.loads((tmp_path / "dist" / "sbom.json").read_text())
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert (found["metadata"]["component"]["name"], found["metadata"]["component"]["version"]) == (
        project["name"],
        project["version"],
    )
    assert {component["name"] for component in found["components"]} == {name for name, _ in pins(LOCKS[0])}
