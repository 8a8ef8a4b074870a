from pathlib import Path

import pytest

from tsflow.errors import SettingsError
from tsflow.names import JUDGED_DAYS
from tsflow.settings import load_settings, override, settings


def test_values_come_from_the_yaml_the_environment_and_the_caller_in_rising_order(home: Path, monkeypatch: pytest.MonkeyPatch):
    (home / "include" / "tsflow.yaml").write_text("windows: {context_hours: 100}\nhourly: {method: mean}\n")
    assert load_settings().windows.context_hours == 100
    monkeypatch.setenv("TSFLOW_WINDOWS__CONTEXT_HOURS", "90")
    assert load_settings().windows.context_hours == 90
    assert load_settings().hourly.method == "mean"
    assert load_settings({"windows.context_hours": 80}).windows.context_hours == 80


def test_a_split_takes_exact_shares():
    override(["splits.book.train=2/3", "splits.book.validation=1/3", "splits.book.test=0"])
    assert settings().splits.book.train == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("windows: {context: 3}", "windows.context: unknown key"),
        ("hourly: {method: median}", "hourly.method: Input should be 'subsample' or 'mean' (found 'median')"),
        ("splits: {book: {train: 0.9}}", "train + validation + test must be 1"),
        ("wether: 1", "wether: unknown key"),
        ("windows: [", "cannot be read as YAML"),
        ("rest: {after_days: 100}", "looks at boards of 114 days; retention.runs_days 90 keeps fewer"),
        ("object_store: {access_key_id: a}", "set both or neither"),
    ],
)
def test_a_wrong_settings_file_names_its_key(home: Path, yaml: str, says: str):
    (home / "include" / "tsflow.yaml").write_text(yaml)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert says in str(caught.value)


def test_a_misspelt_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TSFLOW_SPLIT__BOOK__TRAIN", "0.5")
    with pytest.raises(SettingsError, match="TSFLOW_SPLIT__BOOK__TRAIN: no such setting"):
        load_settings()


def test_nothing_is_said_as_in_yaml():
    override(["rest.after_days=null"])
    assert settings().rest.after_days is None


def test_set_wants_key_and_value():
    with pytest.raises(SettingsError, match="expected KEY=VALUE"):
        override(["splits.book.train"])


def test_a_home_without_include_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TSFLOW_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="has no include/ folder"):
        load_settings()


def test_the_shipped_split_tests_long_enough_to_say_who_differs_though_gaps_take_days_of_origins():
    shipped = load_settings()
    span_days = (shipped.windows.context_hours + shipped.windows.horizon_hours) / 24
    assert shipped.splits.recent.test_days - 3 * span_days >= JUDGED_DAYS
