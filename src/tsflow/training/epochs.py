"""What a training leaves after each epoch: a line of its learning curve, and the model to go on from.

An epoch is two objects, its model and then its record, which is written last, names the model by its hash, and says that the epoch
is complete. Of two attempts at one training that write the same epoch, the first record counts, with its own model.
"""

from copy import copy
from itertools import takewhile

from tsflow.errors import IntegrityError
from tsflow.records.candidate import Epoch, KeptEpoch, StoredEpoch, TrialEpoch
from tsflow.records.files import EPOCH_MODEL, EPOCH_MODEL_BEFORE, TRIAL_MODEL, TRIAL_MODEL_BEFORE
from tsflow.records.store import Records
from tsflow.records.template import Template, Value
from tsflow.storage.codecs import digest


class EpochStore:
    """The epochs of one training of one entrant, in the folder of its run or fold; a changed recipe is another training."""

    kind: type[KeptEpoch] = StoredEpoch
    model_template: Template = EPOCH_MODEL
    model_template_before: Template = EPOCH_MODEL_BEFORE

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

    def save(self, epoch: Epoch, model: bytes) -> Epoch:
        """Store an epoch; return the one that counts: another attempt may have stored it already."""
        sha256 = digest(model)
        place: dict[str, Value] = {**self._place, "epoch": epoch.epoch}
        self._records.page(self.model_template, model, "application/octet-stream", **place, sha256=sha256)
        return _plain(self._records.first(self.kind(**epoch.model_dump(), model_sha256=sha256), **self._place))

    def model(self, epoch: int) -> bytes:
        """Return the model as it stood after an epoch; `IntegrityError` if its bytes are others than were written."""
        sha256 = self._records.read(self.kind, **self._place, epoch=epoch).model_sha256
        if sha256 is None:
            return self._records.objects.get(self.model_template_before.key(**self._place, epoch=epoch))
        key = self.model_template.key(**self._place, epoch=epoch, sha256=sha256)
        body = self._records.objects.get(key)
        if digest(body) != sha256:
            msg = f"{key}: not the bytes that were written; the object was changed or damaged"
            raise IntegrityError(msg)
        return body

    def clear(self) -> None:
        """Remove the epochs: their training has ended, and nobody goes on from them."""
        place = {name: value for name, value in self._place.items() if name != "training"}
        self._records.objects.delete(self._records.objects.keys(self.model_template.prefix(**place)))


class TrialEpochs(EpochStore):
    """The epochs of one trial of a tuning."""

    kind = TrialEpoch
    model_template = TRIAL_MODEL
    model_template_before = TRIAL_MODEL_BEFORE

    def __init__(self, records: Records, tuning_id: str, number: int) -> None:
        self._records = records
        self._place = {"tuning": tuning_id, "trial": number}


def _plain(stored: KeptEpoch) -> Epoch:
    return Epoch.model_validate(stored.model_dump(include=set(Epoch.model_fields)))
