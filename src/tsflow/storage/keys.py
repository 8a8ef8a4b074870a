"""Where everything lies in the bucket; no other module spells a key.

::

    observations/station=S/year=Y/month=M/{known at}-{hash}.parquet   rows, never rewritten
    ingests/{ingest}/...                    a batch on its way in: raw files, rows, report, Data Docs
    quarantine/{ingest}/...                 a batch that was refused, with the reason
    datasets/{fingerprint}/...              what trainings read
    runs/{run}/run.json                     what was asked for, and which entrants are expected
    runs/{run}/progress/{architecture}/...  one small object an epoch
    runs/{run}/candidates/{architecture}.json and /{architecture}/{attempt}/...
    runs/{run}/refits/...                   progress and candidates of the champion's refit
    runs/{run}/leaderboard/...
    backtests/{backtest}/backtest.json      what was asked for: folds and entrants
    backtests/{backtest}/folds/{fold}/...   progress and candidates of a fold, as those of a run
    backtests/{backtest}/summary/...
    trainings/{training}.json               a candidate by what decides it: data, settings, seed, libraries
    tunings/{tuning}/tuning.json            what was asked for: recipe, search space, budget, dataset
    tunings/{tuning}/trials/{trial}/...     asked, claims of those who took it over, result
    tunings/{tuning}/epochs/{trial}/...     as progress/ of a run
    tunings/{tuning}/sessions/{session}/... a worker at work: start, a beat now and then, end
    tunings/{tuning}/results/{finished}/... best recipe, table, page, after so many finished trials
    champions/S/{version}/...               bundles
    champions/S/champion.json               the pointer: the only key that ever changes
"""

import re


def observations(station: str) -> str:
    """Return the prefix of a station's partitions."""
    return f"observations/station={station}/"


def month(station: str, year: int, month_of_year: int) -> str:
    """Return the prefix of one month's parts."""
    return f"{observations(station)}year={year:04d}/month={month_of_year:02d}/"


def ingest(ingest_id: str, name: str) -> str:
    """Return the key of a file of an ingest."""
    return f"ingests/{ingest_id}/{name}"


def quarantine(ingest_id: str, name: str) -> str:
    """Return the key of a file of a refused batch."""
    return f"quarantine/{ingest_id}/{name}"


def dataset(fingerprint: str, name: str) -> str:
    """Return the key of a file of a dataset."""
    return f"datasets/{fingerprint}/{name}"


def run_key(airflow_run_id: str) -> str:
    """Return an id of Airflow's as it may stand in a key: `manual__2026-11-23T00:00:00+00:00` has signs that may not."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", airflow_run_id)


def run(run_id: str, name: str) -> str:
    """Return the key of a file of a run."""
    return f"{run_folder(run_id)}/{name}"


def run_folder(run_id: str) -> str:
    """Return where a run's trainings leave what they have."""
    return f"runs/{run_id}"


def refit_folder(run_id: str) -> str:
    """Return where a run's refits leave what they have."""
    return run(run_id, "refits")


def backtest(backtest_id: str, name: str) -> str:
    """Return the key of a file of a backtest."""
    return f"{backtest_folder(backtest_id)}/{name}"


def backtest_folder(backtest_id: str) -> str:
    """Return where everything of a backtest lies."""
    return f"backtests/{backtest_id}"


def fold_folder(backtest_id: str, fold: str) -> str:
    """Return where the trainings of a backtest's fold leave what they have."""
    return backtest(backtest_id, f"folds/{fold}")


def validation(folder: str, name: str) -> str:
    """Return the key of a page of the Data Docs of a run's or a backtest's hours."""
    return f"{folder}/validation/{name}"


def candidate(folder: str, architecture: str) -> str:
    """Return the key of what a training left, in the folder of a run or of a fold."""
    return f"{folder}/candidates/{architecture}.json"


def candidate_file(folder: str, architecture: str, attempt: str, name: str) -> str:
    """Return the key of one of a candidate's files."""
    return f"{folder}/candidates/{architecture}/{attempt}/{name}"


def failures(folder: str, architecture: str) -> str:
    """Return the prefix of the reasons why an entrant failed."""
    return f"{folder}/failures/{architecture}/"


def progress(folder: str, architecture: str) -> str:
    """Return the prefix of a training's epochs, in the folder of a run or of a fold."""
    return f"{folder}/progress/{architecture}/"


def training(training_id: str) -> str:
    """Return the key of a candidate by what decides it."""
    return f"trainings/{training_id}.json"


def tuning_folder(tuning_id: str) -> str:
    """Return where everything of a tuning lies."""
    return f"tunings/{tuning_id}"


def tuning(tuning_id: str, name: str) -> str:
    """Return the key of a file of a tuning."""
    return f"{tuning_folder(tuning_id)}/{name}"


def trial(tuning_id: str, number: int, name: str) -> str:
    """Return the key of a file of a trial."""
    return f"tunings/{tuning_id}/trials/{number:04d}/{name}"


def trial_progress(tuning_id: str, number: int) -> str:
    """Return the prefix of a trial's epochs, apart from `trials/`, which every worker lists again and again."""
    return f"tunings/{tuning_id}/epochs/{number:04d}/"


def session(tuning_id: str, session_id: str, name: str) -> str:
    """Return the key of a file of a worker's session."""
    return f"tunings/{tuning_id}/sessions/{session_id}/{name}"


def champion(station: str, version: str, name: str) -> str:
    """Return the key of a file of a bundle."""
    return f"champions/{station}/{version}/{name}"


def pointer(station: str) -> str:
    """Return the key of a station's champion pointer."""
    return f"champions/{station}/champion.json"
