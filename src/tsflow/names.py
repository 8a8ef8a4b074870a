"""Names that several programs must agree on. Standard library only."""

from typing import Literal

MAIN = "main"  # what a station's task is called if its file names none; its champion has the station's own key
NAIVE = "naive"  # the recipe that forecasts "as now", which everything is measured against
NOTE = "tsflow_note"  # the XCom by which a task leaves a sentence for its run's note
TRAINING_POOL = "training"  # Airflow's pool, and its queue, for tasks that need a whole core for long
TASK_NAME = r"^[a-z][a-z0-9_]*$"  # begins with a letter, so that no task is taken for a bundle's version

# Where a champion's pointer lies: what production reads, or what a run without Airflow tried out.
Stage = Literal["production", "local"]
PRODUCTION: Stage = "production"
LOCAL: Stage = "local"

# How an entrant compares with another, and what people are told of that.
Verdict = Literal["better", "tie", "worse", "unknown"]
VERDICTS: dict[Verdict, str] = {
    "better": "better",
    "tie": "no clear difference",
    "worse": "worse",
    "unknown": "not enough data to say",
}
JUDGED_DAYS = 56  # with origins, which an interval of an error and a comparison need: 8 weeks of weather; docs/statistics.md
TOO_FEW = (
    f"Not enough data to say: fewer than {JUDGED_DAYS} days with origins (8 weeks) tell neither how sure an error is "
    "nor who differs."
)
NO_SKILL = "Skill is not defined: naive makes no error here, so that nothing can be better or worse than it by a share."
UNDEFINED = "not defined"
