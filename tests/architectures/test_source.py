"""What retrains whom: on a copy of the package, edited, each time in a process of its own."""

import json
import shutil
from pathlib import Path

import pytest

import forked
from conftest import REPOSITORY

DIGESTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tsflow.architectures.registry import families
from tsflow.architectures.source import source_digest
print(json.dumps({name: source_digest(family) for name, family in families().items()}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "src" / "tsflow", tmp_path / "src" / "tsflow"))


def digests(package: Path, **environment: str) -> dict[str, str]:
    done = forked.python({"TSFLOW_HOME": str(REPOSITORY), **environment}, DIGESTS, str(package.parent))
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def edit(package: Path, module: str, old: str, new: str) -> None:
    path = package / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_new_family_retrains_nobody(package: Path):
    before = digests(package)
    source = (package / "architectures" / "dense.py").read_text()
    (package / "architectures" / "wide.py").write_text(source.replace('@register("dense")', '@register("wide")'))
    after = digests(package)
    assert after.pop("wide") not in before.values()
    assert after == before


def test_an_edited_family_is_the_only_one_that_trains_and_a_comment_is_no_edit(package: Path):
    before = digests(package)
    edit(package, "architectures/dense.py", "        return x\n", "        return x  # as it is\n")
    edit(package, "architectures/dense.py", '"""Flatten -> (Dense', '"""Flattened -> (Dense')
    assert digests(package) == before
    assert digests(package, PYTHONHASHSEED="7") == before, "nor does another process"
    edit(package, "architectures/dense.py", "= [16]", "= [17]")
    after = digests(package)
    assert {name for name in after if after[name] != before[name]} == {"dense"}


def test_what_several_families_read_retrains_those(package: Path):
    before = digests(package)
    edit(package, "features/table.py", "days_back: Annotated[int, Field(ge=1)] = 5", "days_back: Annotated[int, Field(ge=1)] = 6")
    edit(package, "architectures/climatology.py", "ge=0, le=20)] = 3", "ge=0, le=20)] = 4")
    after = digests(package)
    assert {name for name in after if after[name] != before[name]} == {
        "ridge",
        "boosting",
        "mlp",
        "climatology",
        "prophet",
    }


@pytest.mark.parametrize("module", ["training/networks.py", "windows/split.py", "features/channels.py"])
def test_the_training_code_retrains_all(package: Path, module: str):
    before = digests(package)
    (package / module).write_text((package / module).read_text() + "\nDECIDES = 1\n")
    after = digests(package)
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize("module", ["evaluation/metrics.py", "steps/rank_entrants.py", "records/leaderboard.py", "settings.py"])
def test_what_judges_or_stores_retrains_nobody(package: Path, module: str):
    before = digests(package)
    (package / module).write_text((package / module).read_text() + "\nJUDGES = 1\n")
    assert digests(package) == before


def test_a_corrected_formula_trains_those_anew_whose_models_compute_it(package: Path):
    before = digests(package)
    edit(package, "stations/formulas.py", "17.62", "17.30")
    after = digests(package)
    changed = {name for name in after if after[name] != before[name]}
    assert {"ridge", "boosting", "mlp", "convolutional_recurrent"} <= changed
