"""Where files lie that are no records, such as models, tables and pages; and what a record says of one."""

from tsflow.model import Strict
from tsflow.records.template import Template


class StoredFile(Strict):
    """A file that a record names: nothing can be swapped unseen."""

    key: str
    sha256: str
    size: int


# Folders: where the trainings of a run, of its refits, of a backtest's fold leave what they have.
RUN = Template("runs/{run}")
REFITS = Template("runs/{run}/refits")
BACKTEST = Template("backtests/{backtest}")
FOLD = Template("backtests/{backtest}/folds/{fold}")
TUNING = Template("tunings/{tuning}")
INGEST = Template("ingests/{ingest}")

# Rows, never rewritten; the name says when they were known, and their hash.
OBSERVATIONS = Template("observations/station={station}/year={year}/month={month}/{part}.parquet")
MONTH = Template("observations/station={station}/year={year}/month={month}/")
BATCH_ROWS = Template("ingests/{ingest}/batch-{hash}.parquet")
QUARANTINE = Template("quarantine/{ingest}/{name}")
HOURS = Template("datasets/{fingerprint}/frame.parquet")
CANDIDATE_FILE = Template("{folder:path}/candidates/{architecture}/{attempt}/{name}")
EPOCH_MODEL = Template("{folder:path}/progress/{architecture}/{training:path}/epoch-{epoch:03d}-{sha256}.keras")
EPOCH_MODEL_BEFORE = Template("{folder:path}/progress/{architecture}/{training:path}/epoch-{epoch:03d}.keras")  # of 49384e5
TRIAL_MODEL = Template("tunings/{tuning}/epochs/{trial:04d}/epoch-{epoch:03d}-{sha256}.keras")
TRIAL_MODEL_BEFORE = Template("tunings/{tuning}/epochs/{trial:04d}/epoch-{epoch:03d}.keras")
BOARD_FILE = Template("runs/{run}/leaderboard/{number:03d}/leaderboard.{kind}")
SUMMARY_FILE = Template("backtests/{backtest}/summary/{number:03d}/summary.{kind}")
TUNED_FILE = Template("tunings/{tuning}/results/{number:04d}/{name}")
DATA_DOCS = Template("{folder:path}/validation/{name}")
