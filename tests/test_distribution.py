"""The name under which tsflow is installed: free on the public index, said in one place, and everywhere the same."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from conftest import REPOSITORY
from tsflow import DISTRIBUTION, __version__

TEXTS = {".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".html", ".sh", ""}


def texts() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [REPOSITORY / name for name in listed if name and Path(name).suffix in TEXTS]
    return {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def test_the_code_knows_the_name_and_version_of_the_package():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"]) == (DISTRIBUTION, __version__)


def test_no_text_installs_the_package_of_another_project():
    """`pip install tsflow` and `tsflow[client]` would bring a stranger's code."""
    wrong = re.compile(r"""(?<![\w.-])tsflow\[\w|(pip|uv|add)\s+install[^\n`]*?["' ]tsflow(?![\w-])""")
    found = {name: hit[0] for name, text in texts().items() if name != "tests/test_distribution.py" and (hit := wrong.search(text))}
    assert found == {}


def test_the_wheel_bears_the_name_and_its_client_imports_alone(tmp_path: Path):
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=REPOSITORY, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"{DISTRIBUTION.replace('-', '_')}-{__version__}-py3-none-any.whl"
    assert wheel.name in (REPOSITORY / "README.md").read_text()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import sys, tsflow.client; print(tsflow.__file__); "
        "print([m for m in ('tensorflow', 'airflow', 'pandas', 'pydantic', 'yaml') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(tmp_path / "installed")}
    out = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    where, heavy = out.stdout.split("\n")[:2]
    assert where.startswith(str(tmp_path))
    assert heavy == "[]"
