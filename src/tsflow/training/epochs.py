"""What a training leaves after each epoch: a line of its learning curve, and the model to go on from.

An epoch is two objects, its model and then its record, which is written last and says that the epoch is complete. Both
are written once, so that two attempts at one training cannot mix: the later one goes on from what the first one left.
"""

from copy import copy
from itertools import takewhile

from tsflow.records.candidate import Epoch, StoredEpoch, TrialEpoch
from tsflow.records.files import EPOCH_MODEL, TRIAL_MODEL
from tsflow.records.record import Record
from tsflow.records.store import Records
from tsflow.records.template import Template, Value


class EpochStore:
    """The epochs of one training of one entrant, in the folder of its run or fold; a changed recipe is another training."""

    kind: type[Record] = StoredEpoch
    model_template: Template = EPOCH_MODEL

    def __init__(self, records: Records, folder: str, architecture: str, training_id: str) -> None:
        self._records = records
        self._place: dict[str, Value] = {"folder": folder, "architecture": architecture, "training": training_id}

    def of_seed(self, number: int) -> "EpochStore":
        """Return the store of one of several trainings that differ by their seed; the first one's is this."""
        if number == 0:
            return self
        other = copy(self)
        other._place = self._place | {"training": f"{self._place['training']}/seed-{number}"}
        return other

    def curve(self) -> list[Epoch]:
        """Return the epochs that are complete, from the first on without a hole."""
        there = self._records.listed(self.kind, **self._place)
        unbroken = takewhile(lambda pair: pair[1]["epoch"] == pair[0], enumerate(there, 1))
        return [_plain(self._records.read(self.kind, **place)) for _, place in unbroken]

    def save(self, epoch: Epoch, model: bytes) -> None:
        """Store an epoch; if another attempt stored it already, that one stays."""
        self._records.page(self.model_template, model, "application/octet-stream", **self._place, epoch=epoch.epoch)
        self._records.first(self.kind(**epoch.model_dump()), **self._place)

    def model(self, epoch: int) -> bytes:
        """Return the model as it stood after an epoch."""
        return self._records.objects.get(self.model_template.key(**self._place, epoch=epoch))


class TrialEpochs(EpochStore):
    """The epochs of one trial of a tuning."""

    kind = TrialEpoch
    model_template = TRIAL_MODEL

    def __init__(self, records: Records, tuning_id: str, number: int) -> None:
        self._records = records
        self._place = {"tuning": tuning_id, "trial": number}


def _plain(stored: Record) -> Epoch:
    return Epoch.model_validate(stored.model_dump())
