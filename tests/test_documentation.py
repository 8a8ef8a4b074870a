"""What the pages say can be typed: every command of them is one, and every program in the repository runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from conftest import REPOSITORY
from tsflow import errors
from tsflow.cli.main import app
from tsflow.limits import ForecastSettings, GateSettings, MonitorSettings

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
COMMAND = re.compile(r"^(?:\.venv/bin/)?tsflow ([^#\n]+)|`tsflow ([^`\n]+)`", re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    found = [
        (page.name, " ".join(match.group(1, 2)[0 if match[1] else 1].split()))
        for page in PAGES
        for match in COMMAND.finditer(page.read_text())
    ]
    return sorted(set(found))


def test_the_pages_name_commands():
    assert len(commands()) > 15


@pytest.mark.parametrize(("page", "typed"), commands(), ids=str)
def test_a_command_of_the_pages_can_be_typed(page: str, typed: str):
    words = shlex.split(typed)
    command: click.Command = app
    context = click.Context(app, info_name="tsflow")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{page}: {typed}"
        command = command.commands[words[0]]
        context, words = click.Context(command, parent=context, info_name=words[0]), words[1:]
    if isinstance(command, click.Group):
        return
    if not words and any(parameter.required for parameter in command.params):
        return  # a sentence that names the command alone
    command.make_context(str(command.name), words, parent=context.parent)


def test_the_readme_lists_every_exit_code():
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGES[0].read_text(), re.MULTILINE)}
    raised = {
        value.exit_code for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.TsflowError)
    }
    assert raised - listed == set()
    assert {0, 1, 130} <= listed


def test_the_limits_of_the_pages_are_those_of_the_settings():
    page = (REPOSITORY / "docs" / "using.md").read_text()
    (block,) = [found for found in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "skill_days" in found]
    said = yaml.safe_load(block)
    known = {"gate": GateSettings(), "forecast": ForecastSettings(), "monitor": MonitorSettings()}
    assert said == {name: limits.model_dump(exclude={"notifiers"}) for name, limits in known.items()}


ELSEWHERE = {
    "airflow_database.py": "tests/retention/test_airflow_database.py",
    "bench.py": "tests/test_bench.py",
    "book.py": "tests/training/test_book.py",
    "choices.py": "tests/tuning/test_choices.py",
    "client.py": "tests/cli/test_cli.py",
    "finding.py": "tests/records/test_finding.py",
    "idle.py": "tests/stack/test_whole_stack.py",
    "day_by_day.py": "tests/observations/test_day_by_day.py",
    "rolling_daily.py": "tests/steps/test_rolling_daily.py",
    "optional_channels.py": "tests/evaluation/test_optional_channels.py",
    "later_years.py": "tests/evaluation/test_later_years.py",
    "orchestration.py": "tests/test_bench.py",
    "service.py": "tests/service/test_service.py",
    "sixty_days.py": "tests/retention/test_sixty_days.py",
    "thirty_days.py": "tests/monitoring/test_operation.py",
    "verdicts.py": "tests/uncertainty/test_figures.py",
}


@pytest.mark.parametrize("program", sorted((REPOSITORY / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_runs(program: Path):
    if program.name in ELSEWHERE:
        assert program.name in (REPOSITORY / ELSEWHERE[program.name]).read_text(), "it is run there"
        return
    small = {
        "growth.py": ["--years", "", "--entrants", "1", "--stations", "1,2"],
        "pages.py": ["--entrants", "3", "--runs", "2", "--views", "2", "--rounds", "1"],
        "reading.py": ["--rows", "3000", "--rounds", "1"],
        "training.py": ["--rows", "900", "--rounds", "1", "--architectures", "dense,lstm"],
    }
    done = subprocess.run([sys.executable, program, *small[program.name]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ratio" in done.stdout or '"seconds": ' in done.stdout.partition("exponents")[2]
