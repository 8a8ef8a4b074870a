"""Names that several programs must agree on. Standard library only."""

from typing import Literal

MAIN = "main"  # what a station's task is called if its file names none; its champion has the station's own key
NOTE = "tsflow_note"  # the XCom by which a task leaves a sentence for its run's note
TRAINING_POOL = "training"  # Airflow's pool, and its queue, for tasks that need a whole core for long
TASK_NAME = r"^[a-z][a-z0-9_]*$"  # begins with a letter, so that no task is taken for a bundle's version

# Where a champion's pointer lies: what production reads, or what a run without Airflow tried out.
Stage = Literal["production", "local"]
PRODUCTION: Stage = "production"
LOCAL: Stage = "local"
