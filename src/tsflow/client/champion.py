"""Loading a station's champion, forecasting with it, and keeping up with it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.manifest import Manifest, Pointer
from tsflow.bundle.reading import Bundle
from tsflow.client.cache import Cache
from tsflow.client.clock import age_of, explained
from tsflow.client.environment import store_from_environment
from tsflow.client.input import measured
from tsflow.client.model import Model
from tsflow.client.source import Loaded, Source, address_of
from tsflow.errors import IntegrityError, NoChampion, SettingsError, StorageDenied, StorageUnavailable
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectStore

STALE_AFTER = timedelta(days=3)


class Champion:
    """A station's verified model; `refresh` brings the newest. Any number of threads may share it."""

    def __init__(
        self,
        bundle: Bundle | Loaded,
        *,
        source: Source | None = None,
        stale_after: timedelta = STALE_AFTER,
    ) -> None:
        self._loaded = bundle if isinstance(bundle, Loaded) else Loaded(Model(bundle), "")
        self._source = source
        self._refreshing = Lock()
        self.stale_after = stale_after

    @property
    def model(self) -> Model:
        """The present version, which never changes: hold it to make several calls on one and the same."""
        return self._loaded.model

    @property
    def pointer(self) -> Pointer:
        """What the pointer to the present version says."""
        return self.model.pointer

    @property
    def manifest(self) -> Manifest:
        """What the manifest of the present version says."""
        return self.model.manifest

    @property
    def files(self) -> dict[str, bytes]:
        """The files that were read, by name."""
        return self.model.files

    @property
    def features(self) -> list[str]:
        """The columns that `forecast` reads, in raw units; the calendar's follow from `time`."""
        return measured(self.manifest)

    @property
    def clock(self) -> str:
        """By which clock `time` is read, in words."""
        return explained(self.manifest)

    @property
    def problem(self) -> str | None:
        """Why this is not the store's newest champion, as the last `refresh` or the loading found; None if it is."""
        return self._loaded.problem

    @property
    def age(self) -> timedelta:
        """How long ago the newest data were observed that the model could learn from."""
        return age_of(self.manifest)

    @property
    def stale(self) -> bool:
        """Whether the age is over `stale_after`: the workflow does not publish any more, or it refuses what it trains."""
        return self.age > self.stale_after

    def refresh(self, *, strict: bool = False) -> bool:
        """Take over the store's champion if it is another one by now; say whether it was. Forecasts under way are not held up.

        If the store is away, or the new one fails its checks, the last good one stays and `problem` says why.

        Parameters
        ----------
        strict
            Raise what `problem` would say; the last good one stays all the same.

        Raises
        ------
        SettingsError
            If the champion was not loaded by `load_champion`.
        NoChampion, IntegrityError, StorageDenied, StorageUnavailable
            If `strict`: there is none any more, it fails its checks (or is an old one, put back), or the store does not answer.
        """
        if self._source is None:
            msg = "this champion was made from a bundle and knows no store; use load_champion"
            raise SettingsError(msg)
        with self._refreshing:
            before = self._loaded
            try:
                newer = self._source.newer(before)
            except (NoChampion, IntegrityError, StorageDenied, StorageUnavailable) as error:
                self._loaded = Loaded(before.model, before.etag, str(error))
                if strict:
                    raise
                return False
            self._loaded = newer or Loaded(before.model, before.etag)
            return newer is not None

    def forecast(self, frame: Mapping[str, ArrayLike]) -> float:
        """Forecast the target `horizon_hours` after the frame's last row, in the target's unit (degC).

        Parameters
        ----------
        frame
            A pandas DataFrame, or any mapping of columns, with one row an hour in order of time and every feature
            in raw units, and `time` by the station's clock (see `clock`) or with a zone, rising by hours. The last
            `context_hours` rows are read.

        Raises
        ------
        DataError
            If a column is missing or of another length, rows are too few, hours are missing, or a value is missing, stands for a
            missing one, is no number, or lies outside the station's range; the message names column, row and time.
        """
        return self.model.forecast(frame)

    def leads(self, frame: Mapping[str, ArrayLike]) -> dict[int, float]:
        """Return forecasts of hours before the horizon, by hours ahead; empty where the model makes none."""
        return self.model.leads(frame)

    def intervals(self, frame: Mapping[str, ArrayLike]) -> dict[float, tuple[float, float]]:
        """Return by level (0.8, 0.95) the bounds in which the target lies with that probability.

        Conformal: from the errors on rows that the model had not learnt. A model that forecasts quantiles is sure on one day and
        unsure on another, and its intervals are as wide as that; another's are by hour of the day. `frame` is as in `forecast`,
        with its column `time` by the station's clock. Empty if the champion was published without intervals.
        """
        return self.model.intervals(frame)

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """Forecast many windows: raw units, shape [n, context_hours, n_columns] as the manifest's features, to degC, shape [n].

        Raises
        ------
        DataError
            As in `forecast`; the message names window, row and column.
        """
        return self.model.forecast_many(contexts)


def load_champion(
    station: str,
    objects: ObjectStore | None = None,
    *,
    task: str = MAIN,
    stage: Stage = PRODUCTION,
    cache: Path | str | None = None,
    stale_after: timedelta = STALE_AFTER,
    at_least: int | None = None,
    public_key: bytes | Path | str | None = None,
) -> Champion:
    """Load a station's champion and verify it from the pointer to the last byte of what a forecast needs.

    Parameters
    ----------
    station
        The station's name.
    objects
        The object store; by default the one that `TSFLOW_OBJECT_STORE__ENDPOINT_URL`, `__BUCKET`,
        `__ACCESS_KEY_ID` and `__SECRET_ACCESS_KEY` name.
    task
        Which of the station's tasks, by its name in the station file.
    stage
        `production`, or `local`: what `tsflow run --here` tried out.
    cache
        A folder, such as `default_cache()`, for verified files and the last good champion, which is taken if the store is away
        (then `problem` says so). None: nothing is kept.
    stale_after
        Over which age the champion counts as `stale`.
    at_least
        The lowest sequence to accept, so that an old pointer cannot be put back.
    public_key
        An Ed25519 public key in PEM, or the path of one: pointers must be signed by its owner. Needs the extra `signed`.

    Raises
    ------
    NoChampion
        If the task has none.
    IntegrityError
        If a file is missing or is not the one that was published, or belongs to another station, task or version; if the sequence
        is lower than `at_least` or than one that the cache has seen; if the signature is missing or wrong.
    StorageUnavailable
        If the store does not answer, and the cache has no champion.
    """
    store = objects or store_from_environment()
    kept = None if cache is None else Cache(Path(cache), address_of(store, station, task, stage))
    source = Source(store, station, task, stage, kept, _pem(public_key), at_least)
    return Champion(source.first(), source=source, stale_after=stale_after)


def _pem(public_key: bytes | Path | str | None) -> bytes | None:
    if public_key is None or isinstance(public_key, bytes):
        return public_key
    try:
        return Path(public_key).expanduser().read_bytes()
    except OSError as error:
        msg = f"public key {public_key}: cannot be read ({error}); give the path of a PEM file, or its bytes"
        raise SettingsError(msg) from error
