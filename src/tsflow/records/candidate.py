"""What a training leaves: epochs on the way, a candidate at its end, or the reason why there is none."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from tsflow.errors import EntrantSkipped, StorageUnavailable
from tsflow.model import Strict
from tsflow.records.files import StoredFile
from tsflow.records.found import Found, Nothing, read_found
from tsflow.records.record import Content, Record
from tsflow.records.template import Template


class Epoch(Strict):
    """One line of the learning curve; errors in the target's unit."""

    epoch: int  # 1-based
    of: int
    loss: float
    mae: float
    val_loss: float | None = None  # None: no validation part, as in a refit
    val_mae: float | None = None
    seconds: float


class KeptEpoch(Epoch, Record):
    """An epoch and the model that it left; written after the model, so that it says the epoch is complete."""

    model_sha256: str | None = None  # None: of a tsflow that named models by their epoch alone


class StoredEpoch(KeptEpoch):
    """An epoch of a training in a run, its refits or a fold."""

    TEMPLATE: ClassVar[Template] = Template("{folder:path}/progress/{architecture}/{training:path}/epoch-{epoch:03d}.json")


class TrialEpoch(KeptEpoch):
    """An epoch of a tuning's trial."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/epochs/{trial:04d}/epoch-{epoch:03d}.json")


class Learnt(Strict):
    """The training windows of a candidate: how many, the first one's first row, and the last one's target."""

    windows: int
    first: datetime
    last: datetime


class StoredCandidate(Record):
    """A trained entrant: its model, its forecasts, and what was found; what is thought of them is computed when asked."""

    TEMPLATE: ClassVar[Template] = Template("{folder:path}/candidates/{architecture}.json")

    run: str  # that trained it
    architecture: str
    title: str
    published_mae: float | None = None  # of the recipe's source, to compare with
    settings: dict[str, Any]  # the recipe as its family's YAML says it: each family has its own keys
    parameters: int
    epochs: int
    best_epoch: int
    train_seconds: float
    curve: list[Epoch] = []
    found: Found = Nothing()
    memory: list[float] = []  # of a network: mean absolute gradient by lag, the origin first
    learnt: Learnt | None = None  # None: an ensemble, or a candidate of a tsflow that did not say
    libraries: dict[str, str]
    git_commit: str | None
    files: dict[str, StoredFile]

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Commit 49384e5 stored scores beside the training, and told `found` apart by its keys."""
        found = content["found"]
        return {**content, "found": read_found(found if isinstance(found, dict) else {})}


class Training(StoredCandidate):
    """A candidate by the hash of all that decides it, so that the same training is not done twice."""

    TEMPLATE: ClassVar[Template] = Template("trainings/{training}.json")


class Failure(Record):
    """Why an entrant has no candidate."""

    TEMPLATE: ClassVar[Template] = Template("{folder:path}/failures/{architecture}/{at}.json")

    status: Literal["failed", "skipped"]  # skipped: takes no part here, such as for want of an optional library
    reason: str
    traceback: str = ""
    unfinished: bool = False  # it died of the store or of memory, and might well have won: trained again, it may have a result

    @classmethod
    def of(cls, error: BaseException, traceback: str = "") -> "Failure":
        """Return what is kept of an error."""
        if isinstance(error, EntrantSkipped):
            return cls(status="skipped", reason=str(error), traceback=traceback)
        return cls(
            status="failed",
            reason=f"{type(error).__name__}: {error}".strip(),
            traceback=traceback,
            unfinished=isinstance(error, StorageUnavailable | MemoryError | OSError),
        )


LEFT_NOTHING = Failure(
    status="failed",
    unfinished=True,
    reason="left no result: its task was killed, or never ran; see its log in Airflow",
)
