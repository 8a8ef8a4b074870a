"""The command line as a program meets it: output, files, exit codes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import forked
from conftest import REPOSITORY
from tsflow.errors import DataError, IntegrityError, NoChampion, SettingsError, StorageUnavailable
from tsflow.settings import ObjectStoreSettings


@pytest.fixture(scope="module")
def environment(store_settings: ObjectStoreSettings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell whose tsflow works on a bucket of this module's own."""
    assert store_settings.access_key_id is not None
    assert store_settings.secret_access_key is not None
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TSFLOW_")}
    return inherited | {
        "TSFLOW_HOME": str(REPOSITORY),
        "TSFLOW_STATE": str(tmp_path_factory.mktemp("state")),
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(store_settings.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": "cli-tests",
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": store_settings.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": store_settings.secret_access_key.get_secret_value(),
    }


def tsflow(environment: dict[str, str], *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return forked.tsflow(environment | changes, *arguments)


RETRAIN = (
    "retrain",
    "--local",
    "--station",
    "demo",
    "--as-of",
    "2026-10-01",
    "--profile",
    "smoke",
    "--architectures",
    "naive,dense,lstm",
)


@pytest.fixture(scope="module")
def boards(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The same retraining twice, in two processes and two buckets, so that nothing can be reused."""
    found = []
    for bucket, of_its_own in (("cli-again", {"PYTHONHASHSEED": "7"}), ("cli-tests", {})):
        out = tmp_path_factory.mktemp("out") / "board.json"
        arguments = (*RETRAIN, "--seed", "7", "--json", str(out), "--set", "splits.recent.test_days=5")
        done = tsflow(environment, *arguments, TSFLOW_OBJECT_STORE__BUCKET=bucket, **of_its_own)
        assert done.returncode == 0, done.stderr
        assert "champion" in done.stdout
        found.append(json.loads(out.read_text()))
    return found


def test_the_same_seed_gives_the_same_leaderboard_in_another_process(boards: list[dict]):
    assert boards[0]["fingerprint"] == boards[1]["fingerprint"]
    for first, second in zip(boards[0]["entrants"], boards[1]["entrants"], strict=True):
        assert first["architecture"] == second["architecture"]
        exact = 0 if first["architecture"] in {"naive", "dense"} else 1e-3
        assert abs(first["val_mae"] - second["val_mae"]) <= exact
        assert abs(first["test_mae"] - second["test_mae"]) <= exact


def test_the_json_of_a_run_has_the_names_that_programs_rely_on(boards: list[dict]):
    assert {"entrants", "champion", "station", "split", "fingerprint", "ingest", "published"} <= set(boards[0])
    names = {"architecture", "status", "val_mae", "test_mae", "val_rmse", "test_rmse", "skill", "parameters", "train_seconds"}
    assert names <= set(boards[0]["entrants"][0])
    assert boards[0]["station"] == "demo"
    assert boards[0]["seed"] == 7


def test_what_was_published_can_be_shown_verified_and_used(environment: dict[str, str], boards: list[dict]):
    board = json.loads(tsflow(environment, "leaderboard", "--station", "demo", "--json").stdout)
    assert board["run"] == boards[1]["run"]
    named = json.loads(tsflow(environment, "leaderboard", "--run", boards[1]["run"], "--json").stdout)
    assert named == board
    assert boards[1]["champion"] in tsflow(environment, "leaderboard").stdout

    shown = json.loads(tsflow(environment, "champion", "show", "--local", "--station", "demo", "--json").stdout)
    assert shown["manifest"]["architecture"] == boards[1]["champion"]
    assert shown["pointer"]["sequence"] == 1
    verified = tsflow(environment, "champion", "verify", "--local", "--station", "demo")
    assert verified.returncode == 0
    assert "model.onnx" in verified.stdout

    forecast = json.loads(tsflow(environment, "forecast", "--local", "--station", "demo", "--json").stdout)
    assert forecast["unit"] == "degC"
    assert -40 < forecast["forecast"] < 45
    assert forecast["origin"] <= "2026-10-01T00:00:00"
    assert forecast["data_age_hours"] > 24
    assert "days ago: nothing came in since" in tsflow(environment, "forecast", "--local", "--station", "demo").stdout


def test_the_clients_benchmark_runs_on_what_was_published(environment: dict[str, str], boards: list[dict], tmp_path: Path):
    out = tmp_path / "client.json"
    program = [sys.executable, REPOSITORY / "benchmarks" / "client.py", "--stage", "local", "--rounds", "2", "--output", str(out)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert {line["architecture"]: "ratio" in line for line in seen["forecasts"]} == {"naive": False, "dense": True, "lstm": True}
    assert seen["start"]["heavy"] == []


def test_a_forecast_may_read_a_file(environment: dict[str, str], boards: list[dict], tmp_path: Path):
    from datetime import datetime

    from tsflow.stations.simulator import simulated_file
    from tsflow.stations.sources.simulator import SimulatorSource
    from tsflow.stations.station import load_station

    source = SimulatorSource(kind="simulator", seed=0)
    _, body = simulated_file(load_station("demo"), source, datetime(2026, 9, 10), datetime(2026, 9, 20))
    path = tmp_path / "recent.csv"
    path.write_bytes(body)
    done = tsflow(environment, "forecast", "--local", "--station", "demo", "--observations", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["origin"] > "2026-09-19"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("retrain", "--local", "--station", "atlantis"), SettingsError.exit_code, "unknown station 'atlantis'; valid: demo, jena"),
        ((*RETRAIN, "--split", "kfold"), SettingsError.exit_code, "unknown split 'kfold'; valid: book, recent"),
        ((*RETRAIN[:-1], "perceptron"), SettingsError.exit_code, "unknown architecture 'perceptron'; valid:"),
        ((*RETRAIN, "--source", "pigeon"), SettingsError.exit_code, "'pigeon'; valid: simulator"),
        ((*RETRAIN, "--set", "splits.bok.train=1"), SettingsError.exit_code, "splits.bok"),
        ((*RETRAIN, "--set", "nonsense"), SettingsError.exit_code, "expected KEY=VALUE"),
        ((*RETRAIN, "--as-of", "soon"), SettingsError.exit_code, "is not a date such as 2020-06-30"),
        (("retrain", "--station", "demo"), SettingsError.exit_code, "retrain is the old name of `tsflow run --here`"),
        (("retrain", "--local", "--station", "nowhere.yaml"), SettingsError.exit_code, "nowhere.yaml: no such file"),
        (("leaderboard", "--station", "jena"), NoChampion.exit_code, "station jena has no leaderboard yet"),
        (("leaderboard", "--run", "r0"), SettingsError.exit_code, "no Run of run 'r0'"),
        (("champion", "show", "--station", "jena"), NoChampion.exit_code, "has no champion"),
        (("forecast", "--station", "jena"), NoChampion.exit_code, "has no champion"),
        (("tune", "naive", "--here"), SettingsError.exit_code, "naive.yaml has no search space"),
        (("tune", "dense", "--minutes", "0"), SettingsError.exit_code, "minutes: 0 is less than or equal to the minimum of 0"),
        (("tune", "dense", "--resume", "t0"), SettingsError.exit_code, "no TuningPlan of tuning 't0'"),
        (("tune", "dense", "--output", "best.yaml"), SettingsError.exit_code, "end with dense_tuned.yaml"),
        (("tune", "dense", "--output", "no/dense_tuned.yaml"), SettingsError.exit_code, "there is no folder no"),
        (("backtest", "--show", "--station", "jena"), SettingsError.exit_code, "station jena has no backtest yet"),
        (("backtest", "--show", "--run", "b0"), SettingsError.exit_code, "no BacktestPlan of backtest 'b0'"),
        (("backtest", "--run", "b0"), SettingsError.exit_code, "--run b0 goes with --show"),
        (
            ("backtest", "--set", "station=demo"),
            SettingsError.exit_code,
            "--set station=demo: Airflow's tasks read their own settings",
        ),
        (("backtest", "--local", "--folds", "0"), SettingsError.exit_code, "folds: 0 is less than the minimum of 1"),
        (("backtest", "--local", "--architectures", "perceptron"), SettingsError.exit_code, "unknown architecture 'perceptron'"),
        (
            ("run", "--station", "demo", "--task", "wind"),
            SettingsError.exit_code,
            "unknown task of station demo 'wind'; valid: main",
        ),
        (("run", "--profile", "huge"), SettingsError.exit_code, "unknown profile 'huge'; valid: full, quick, smoke"),
        (("run", "--seed", "many"), SettingsError.exit_code, "seed: 'many' is not of type 'integer'"),
        (("run", "--source", "a.csv", "b.csv"), SettingsError.exit_code, "add --here"),
        (("run", "--colour", "red"), SettingsError.exit_code, "No such option"),
        (("champion", "show", "--station", "../x"), SettingsError.exit_code, "unknown station '../x'"),
        (("ingest", "--here", "--station", "demo", "--source", "pigeon"), SettingsError.exit_code, "'pigeon'; valid: simulator"),
        (("status",), 9, "not started; run `tsflow up`"),
    ],
)
def test_what_is_wrong_is_said_with_an_exit_code(environment: dict[str, str], arguments: tuple[str, ...], code: int, says: str):
    done = tsflow(environment, *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["show"], ["verify"], ["history"], ["pin", "--reason", "x"]], ids=lambda words: words[0])
def test_a_station_or_task_that_nobody_knows_is_named_with_those_there_are(environment: dict[str, str], command: list[str]):
    for where, says in (("--station nowhere", "unknown station 'nowhere'"), ("--station demo --task wind", "wind")):
        done = tsflow(environment, "champion", *command, *where.split())
        assert done.returncode == SettingsError.exit_code, done.stdout
        assert says in done.stderr
        assert ("demo" if "nowhere" in where else "main") in done.stderr


def test_a_service_whose_port_is_taken_says_so(environment: dict[str, str]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = tsflow(environment, "serve", "--port", port)
    assert done.returncode == SettingsError.exit_code
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr


def test_wrong_settings_stop_neither_help_nor_the_end_of_the_stack(environment: dict[str, str], home: Path):
    (home / "include" / "tsflow.yaml").write_text("monitor: {modell_age_days: 0.2}\n")
    here = {"TSFLOW_HOME": str(home)}
    for arguments in (["--help"], ["run", "--help"], ["down"]):
        assert tsflow(environment, *arguments, **here).returncode == 0, arguments
    for arguments in (["status"], ["champion", "show"], ["run"]):
        done = tsflow(environment, *arguments, **here)
        assert done.returncode == SettingsError.exit_code
        assert "monitor.modell_age_days: unknown key" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_backtest_prints_writes_and_shows_the_same(environment: dict[str, str], tmp_path: Path):
    out, shown = tmp_path / "out.json", tmp_path / "shown.json"
    plan = ("--folds", "2", "--test-days", "9", "--validation-days", "5", "--step-days", "9")
    station = ("--station", "demo", "--as-of", "2026-10-01", "--profile", "smoke")
    done = tsflow(environment, "backtest", "--local", *station, *plan, "--architectures", "naive", "--json", str(out))
    assert done.returncode == 0, done.stderr
    summary = json.loads(out.read_text())
    assert list(summary["folds"]) == ["2026-09-13", "2026-09-22"]
    assert summary["leader"] == "naive"
    assert all(fold in done.stdout for fold in summary["folds"])
    again = tsflow(environment, "backtest", "--show", "--station", "demo", "--json", str(shown))
    assert again.returncode == 0, again.stderr
    assert json.loads(shown.read_text()) == summary
    assert f"{summary['entrants'][0]['errors']['mae']:.3f}" in again.stdout
    long = tsflow(environment, "backtest", "--local", *station, "--architectures", "naive")
    assert long.returncode == DataError.exit_code
    assert "fold 1 of 4 (test to 2025-12-31)" in long.stderr
    assert "give shorter parts" in long.stderr


def test_a_bad_file_ends_with_the_code_of_data_errors(environment: dict[str, str], tmp_path: Path):
    path = tmp_path / "mpi_roof_2020a.zip"
    path.write_bytes(b"PK\x03\x04 cut off")
    done = tsflow(environment, "retrain", "--local", "--station", "jena", "--source", str(path))
    assert done.returncode == DataError.exit_code
    assert "not a readable zip file" in done.stderr
    assert "quarantine" in done.stderr


def test_files_without_a_row_up_to_the_as_of_say_so(environment: dict[str, str], data: Path):
    path = str(data / "mpi_roof.zip")
    done = tsflow(environment, "retrain", "--local", "--station", "jena", "--source", path, "--as-of", "2020-01-01")
    assert done.returncode == DataError.exit_code, done.stderr
    assert "hold no row up to the as-of 2020-01-01" in done.stderr


def test_a_store_that_is_down_or_refuses_the_keys_ends_with_the_code_of_storage_errors(environment: dict[str, str]):
    down = tsflow(
        environment, "champion", "show", TSFLOW_OBJECT_STORE__ENDPOINT_URL="http://127.0.0.1:9", TSFLOW_OBJECT_STORE__ATTEMPTS="1"
    )
    assert down.returncode == StorageUnavailable.exit_code
    assert "not reachable" in down.stderr
    refused = tsflow(environment, "champion", "show", TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY="wrong")
    assert refused.returncode == StorageUnavailable.exit_code
    assert "check the keys" in refused.stderr


def test_a_tampered_champion_ends_with_the_code_of_integrity(
    environment: dict[str, str], boards: list[dict], store_settings: ObjectStoreSettings
):

    objects = store_settings.model_copy(update={"bucket": "cli-tests"}).open()
    key = next(
        key for key in objects.keys("local/demo/") if key.endswith("model.onnx") and boards[1]["published"]["version"] in key
    )
    body, etag = objects.get_tagged(key)
    objects.swap(key, body + b"\0", etag)
    done = tsflow(environment, "champion", "verify", "--local", "--station", "demo")
    assert done.returncode == IntegrityError.exit_code
    assert "was changed or damaged" in done.stderr
    _, etag = objects.get_tagged(key)
    objects.swap(key, body, etag)


def test_an_entrant_that_fails_stays_on_the_board_and_the_run_succeeds(environment: dict[str, str], home: Path, tmp_path: Path):
    path = home / "include" / "architectures" / "lstm.yaml"
    content = yaml.safe_load(path.read_text())
    content["fit"] = {"epochs": 3, "optimiser": "sgd", "learning_rate": 1.0, "loss": "mse"}
    content["activation"] = "linear"
    path.write_text(yaml.safe_dump(content))
    out = tmp_path / "out.json"
    done = tsflow(
        environment, *RETRAIN[:-1], "naive,lstm", "--json", str(out),
        TSFLOW_HOME=str(home), TSFLOW_OBJECT_STORE__BUCKET="cli-failing",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    entrants = {entrant["architecture"]: entrant for entrant in json.loads(out.read_text())["entrants"]}
    assert entrants["lstm"]["status"] == "failed"
    assert "not finite" in entrants["lstm"]["reason"]
    assert entrants["naive"]["status"] == "ok"


def test_a_tuning_is_shown_trial_by_trial_resumed_and_written_to_a_file(environment: dict[str, str], tmp_path: Path):
    out = tmp_path / "dense_tuned.yaml"
    asked = ("tune", "dense", "--here", "--station", "demo", "--as-of", "2026-10-01", "--profile", "smoke", "--trials", "2")
    done = tsflow(environment, *asked, "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert "(the recipe as it is)" in done.stdout
    assert "trial 1: epoch 1 of 1" in done.stdout
    assert yaml.safe_load(out.read_text())["architecture"] == "dense_tuned"
    tuning = done.stdout.split("--resume ")[1].split()[0]
    again = tsflow(environment, *asked, "--resume", tuning)
    assert again.returncode == 0, again.stderr
    assert "epoch" not in again.stdout.split("# save as")[0]
    assert out.read_text().strip() in again.stdout
    other = tsflow(environment, "tune", "dense", "--here", "--trials", "3", "--resume", tuning)
    assert other.returncode == SettingsError.exit_code
    assert f"tuning {tuning} was started with trials 2 (given: 3)" in other.stderr


def test_the_old_name_of_a_run_in_this_process_says_so(environment: dict[str, str]):
    old = (*RETRAIN[:-1], "naive")
    done = tsflow(environment, *old, TSFLOW_OBJECT_STORE__BUCKET="cli-old-name")
    assert done.returncode == 0, done.stderr
    assert "is the old name of `tsflow run --here`" in done.stderr


def test_json_goes_to_standard_output_alone_or_to_a_file(environment: dict[str, str], boards: list[dict], tmp_path: Path):
    out = tmp_path / "board.json"
    shown = tsflow(environment, "leaderboard", "--run", boards[1]["run"], "--json", str(out))
    assert "naive" in shown.stdout
    alone = tsflow(environment, "leaderboard", "--run", boards[1]["run"], "--json")
    assert json.loads(alone.stdout) == json.loads(out.read_text())


def test_a_station_described_elsewhere_is_shown_and_forecast_by_its_name(environment: dict[str, str], tmp_path: Path):
    elsewhere = tmp_path / "roof.yaml"
    content = yaml.safe_load((REPOSITORY / "include" / "stations" / "demo.yaml").read_text()) | {"station": "roof"}
    elsewhere.write_text(yaml.safe_dump(content))
    asked = ("--profile", "smoke", "--architectures", "naive", "--as-of", "2026-10-01")
    done = tsflow(environment, "run", "--here", "--station", str(elsewhere), *asked)
    assert done.returncode == 0, done.stderr
    for command in (("champion", "show", "--local"), ("champion", "verify", "--local"), ("forecast", "--local"), ("leaderboard",)):
        again = tsflow(environment, *command, "--station", "roof")
        assert again.returncode == 0, again.stderr
        assert "roof" in again.stdout


def test_a_person_reads_the_history_and_moves_the_champion(environment: dict[str, str], boards: list[dict]):
    where = ("--local", "--station", "demo")
    version = boards[1]["published"]["version"]
    history = json.loads(tsflow(environment, "champion", "history", *where, "--json").stdout)["entries"]
    assert (history[-1]["kind"], history[-1]["version"], history[-1]["number"]) == ("promotion", version, 1)
    assert "a try; the gate: profile smoke may not promote" in history[-1]["reason"]
    assert any(check["rule"] == "finite" and check["passed"] for check in history[-1]["checks"])
    pinned = tsflow(environment, "champion", "pin", *where, "--reason", "the [fair] is today")
    assert pinned.returncode == 0, pinned.stderr
    shown = tsflow(environment, "champion", "history", *where, "--rules")
    assert "the [fair] is today" in shown.stdout, "what a person writes is no markup"
    for arguments, code, says in (
        (("promote", "v9", "--reason", "x"), SettingsError.exit_code, "has no version 'v9'"),
        (("rollback", "v9", "--reason", "x"), SettingsError.exit_code, f"its champions were: {version}"),
        (("pin", "--reason", "x"), SettingsError.exit_code, "is pinned already"),
        (("unpin",), SettingsError.exit_code, "Missing option '--reason'"),
    ):
        done = tsflow(environment, "champion", arguments[0], *arguments[1:], *where)
        assert done.returncode == code, done.stderr
        assert says in done.stderr
    assert tsflow(environment, "champion", "unpin", *where, "--reason", "it is over").returncode == 0


def test_a_try_is_refused_by_the_gate_and_production_has_no_champion(environment: dict[str, str], tmp_path: Path):
    bucket = {"TSFLOW_OBJECT_STORE__BUCKET": "cli-published"}
    arguments = ("run", "--here", "--publish", *RETRAIN[2:-1], "naive")
    done = tsflow(environment, *arguments, **bucket)
    assert done.returncode == 0, done.stderr
    assert "refusal: naive" in done.stdout
    assert "profile smoke may not promote" in done.stdout
    assert tsflow(environment, "champion", "show", "--station", "demo", **bucket).returncode == NoChampion.exit_code
