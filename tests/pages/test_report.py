"""A board, a backtest and a tuning as files that need nothing else."""

from pathlib import Path

import pytest

from browser import chromium, drawn
from tsflow.errors import SettingsError
from tsflow.pages.report import report_of_backtest, report_of_run, report_of_tuning
from tsflow.records.store import Records
from tsflow.settings import settings


def test_the_files_open_without_a_server_and_ask_for_nothing(life: Records, tmp_path: Path):
    made = {
        "board": report_of_run(life, settings(), "r1"),
        "backtest": report_of_backtest(life, settings(), "b1"),
        "tuning": report_of_tuning(life, settings(), "t1"),
    }
    with chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for name, body in made.items():
            (tmp_path / f"{name}.html").write_bytes(body)
            page.goto((tmp_path / f"{name}.html").as_uri())
            assert drawn(page) >= 1
            assert page.locator("table tbody tr").count() >= 2
            assert page.locator("form, header a").count() == 0, "nothing that needs a server"
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []


def test_a_run_without_a_board_is_said(life: Records):
    with pytest.raises(SettingsError, match=r"1 of \d entrants have come to an end"):
        report_of_run(life, settings(), "under-way")
