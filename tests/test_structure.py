"""How the code is built: sizes of files and functions, and which mappings without a type are left, each with its reason."""

import ast
import re
import runpy
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import LONG, REPOSITORY

SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))
FOREIGN = {  # file: what decides the keys, which is not tsflow
    "architectures/space.py": "the keys of a family's own YAML",
    "bundle/manifest.py": "the keys of a family's own YAML",
    "client/loading.py": "the workflow's forecast, handed on as it lies there",
    "features/climate.py": "tensors by name; TensorFlow ships no types",
    "observations/expectations.py": "Great Expectations' own JSON",
    "records/candidate.py": "the keys of a family's own YAML",
    "limits.py": "arguments of a notifier, of any provider's",
    "records/run.py": "the keys of a family's own YAML",
    "records/station.py": "the station file, whose sources have keys of their own kind",
    "records/tuning.py": "the keys of a family's own YAML",
    "service/app.py": "responses as OpenAPI has them",
    "settings.py": "settings by dotted key, which pydantic-settings checks",
    "training/losses.py": "Keras' own configuration of a loss",
    "yaml_file.py": "a file that a person wrote, before it is checked",
}


def untyped(path: Path) -> int:
    return path.read_text().count("dict[str, Any]")


def test_a_mapping_without_a_type_is_one_of_somebody_else():
    found = {path.relative_to(REPOSITORY / "src" / "tsflow").as_posix(): untyped(path) for path in SOURCES}
    assert {name for name, count in found.items() if count} <= set(FOREIGN), "a record or a request wants a type"
    assert sum(found.values()) <= 15


def test_files_have_one_idea():
    lines = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert statistics.median(lines.values()) < 110
    assert [f"{path}: {count}" for path, count in lines.items() if count > 250] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_function_fits_a_screen():
    assert [name for path in SOURCES for name, lines in functions(path) if lines > 50] == []


@pytest.mark.parametrize("folder", ["src", "dags", "deploy"])
def test_no_copy_of_a_model_goes_unchecked(folder: str):
    unchecked = [path for path in (REPOSITORY / folder).rglob("*.py") if "model_copy(update" in path.read_text()]
    assert unchecked == [], "use `.changed(...)`, which validates"


def test_the_picture_of_the_floors_is_that_of_the_import_contract():
    made = runpy.run_path(str(REPOSITORY / "docs" / "make.py"))["architecture"]
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    assert page == made(page), "run `make docs`"


def test_the_table_of_faults_shows_each_with_its_rounds():
    made = runpy.run_path(str(REPOSITORY / "docs" / "make.py"))["reliability"]
    notes = ['{"fault": "store killed", "round": 1, "seconds": 31}', '{"fault": "store killed", "round": 2, "seconds": 29}']
    page = (REPOSITORY / "docs" / "reliability.md").read_text()
    assert "| store killed | 31, 29 | success |" in made(page, "\n".join(notes))


def test_links_of_the_docs_lead_somewhere():
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())]
    assert [(page.name, link) for page, link in links if not list(page.parent.glob(link.rstrip("/")))] == []


def test_the_tests_that_make_check_names_are_there():
    said = subprocess.run(["make", "--dry-run", "check"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    # Under `make test` the last line is not the command: a make within a make says which folder it leaves.
    named = [word for word in said.split() if word.startswith("tests/")]
    assert len(named) > 5
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_files_that_begin_first_are_there():
    assert [name for name in LONG if not (REPOSITORY / "tests" / name).is_file()] == []
