"""The name under which tsflow is installed: free on the public index, said in one place, and everywhere the same."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from bundles import publish
from conftest import REPOSITORY, allowed_to
from tsflow import DISTRIBUTION, __version__
from tsflow.stack.identities import READER, WRITER
from tsflow.stack.secrets import load_secrets
from tsflow.storage.objects import ObjectStore

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


READS = """
import sys
from tsflow.client import StorageDenied, load_champion
from tsflow.client.environment import store_from_environment
champion = load_champion("small")
try:
    store_from_environment().put_new("champions/small/forged.json", b"{}")
except StorageDenied:
    print(champion.manifest.version, [name for name in ("tensorflow", "airflow", "pandas", "pydantic") if name in sys.modules])
"""


def test_the_client_of_the_wheel_in_an_empty_environment_reads_a_champion_and_cannot_write(
    worker_bucket: ObjectStore, objects: ObjectStore, tmp_path: Path
):
    """With the keys of the reader, in an environment that holds what the extra `client` asks for and nothing else."""
    publish(objects)
    keys = load_secrets().reader
    allowed_to(worker_bucket, {WRITER: "s3:*", READER: ["s3:GetObject", "s3:ListBucket"]})
    python, install = sys.executable, [Path(sys.executable).parent / "uv", "pip", "install", "--quiet"]
    subprocess.run([python, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=REPOSITORY, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "alone"], check=True)
    alone = tmp_path / "alone" / "bin" / "python"
    # The lock says which versions; of hashes it knows none for the wheel that was built just now.
    pins = tmp_path / "pins.txt"
    pins.write_text(
        "\n".join(re.findall(r"^([\w.-]+==[^ ;]+(?: ;[^\\\n]+)?)", (REPOSITORY / "requirements.lock").read_text(), re.M))
    )
    subprocess.run([*install, "--python", alone, "--constraint", pins, f"{wheel}[client]"], check=True)
    environment = {
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(objects.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": objects.bucket,
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": keys.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": keys.secret_access_key.get_secret_value(),
    }
    done = subprocess.run([alone, "-c", READS], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "v1 []\n", done.stderr
