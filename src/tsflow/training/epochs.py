"""What a training leaves after each epoch: a line of its learning curve, and the model to go on from.

An epoch is two objects, `epoch-003.keras` and then `epoch-003.json`; the second is written last and says that
the epoch is complete. Both are written once, so that two attempts at one training cannot mix: the later one
goes on from what the first one left.
"""

from copy import copy
from dataclasses import asdict, dataclass

from tsflow.storage import keys
from tsflow.storage.codecs import from_json, to_json
from tsflow.storage.objects import ObjectStore


@dataclass(frozen=True)
class Epoch:
    """One line of the learning curve; errors in degC."""

    epoch: int  # 1-based
    of: int
    loss: float
    mae: float
    val_loss: float | None  # None: no validation part, as in a refit
    val_mae: float | None
    seconds: float

    def to_dict(self) -> dict[str, float | None]:
        """Return JSON-able content."""
        return asdict(self)


class EpochStore:
    """The epochs of one training of one entrant, in the folder of its run or fold; a changed recipe is another training."""

    def __init__(self, objects: ObjectStore, folder: str, architecture: str, training_id: str) -> None:
        self._objects = objects
        self._prefix = f"{keys.progress(folder, architecture)}{training_id}/"

    def of_seed(self, number: int) -> "EpochStore":
        """Return the store of one of several trainings that differ by their seed; the first one's is this."""
        if number == 0:
            return self
        other = copy(self)
        other._prefix = f"{self._prefix}seed-{number}/"
        return other

    def curve(self) -> list[Epoch]:
        """Return the epochs that are complete, from the first on without a hole."""
        found: list[Epoch] = []
        for key in self._objects.keys(f"{self._prefix}epoch-"):
            if key.endswith(".json"):
                epoch = Epoch(**from_json(self._objects.get(key), key))
                if epoch.epoch != len(found) + 1:
                    break
                found.append(epoch)
        return found

    def save(self, epoch: Epoch, model: bytes) -> None:
        """Store an epoch; if another attempt stored it already, that one stays."""
        name = f"{self._prefix}epoch-{epoch.epoch:03d}"
        self._objects.put_new(f"{name}.keras", model)
        self._objects.put_new(f"{name}.json", to_json(epoch.to_dict()), "application/json")

    def model(self, epoch: int) -> bytes:
        """Return the model as it stood after an epoch."""
        return self._objects.get(f"{self._prefix}epoch-{epoch:03d}.keras")


class TrialEpochs(EpochStore):
    """The epochs of one trial of a tuning."""

    def __init__(self, objects: ObjectStore, tuning_id: str, number: int) -> None:
        self._objects = objects
        self._prefix = keys.trial_progress(tuning_id, number)
