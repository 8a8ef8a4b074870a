"""Every knob of tsflow, typed, with one line on why it exists.

Values come from, strongest first: what the caller passes, `TSFLOW_*` environment variables
(`TSFLOW_SPLITS__BOOK__TRAIN=2/3`), `include/tsflow.yaml`, the defaults below.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from yaml import YAMLError

from tsflow.errors import SettingsError, UnknownName
from tsflow.folders import PLACES, include_dir
from tsflow.keys import PagesSettings, SigningSettings
from tsflow.limits import ForecastSettings, GateSettings, MonitorSettings, RestSettings, RetentionSettings, require_kept
from tsflow.model import Strict, explain
from tsflow.splits import SplitSettings

if TYPE_CHECKING:
    from tsflow.storage.objects import ObjectStore


class ObjectStoreSettings(Strict):
    """Where every object lives. Without `endpoint_url` the embedded store is used."""

    endpoint_url: str | None = None  # any S3; None: the embedded SeaweedFS of the state folder
    bucket: Annotated[str, Field(min_length=3, max_length=63, pattern=r"^[a-z0-9][a-z0-9.-]+[a-z0-9]$")] = "tsflow"  # as S3 asks
    region: str = "us-east-1"  # part of every signature, even where a store has no regions
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 20.0  # a store that is down is reported, not waited for
    attempts: Annotated[int, Field(ge=1)] = 4  # within one call; the step's own retries come on top

    @field_validator("endpoint_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            msg = "give an address that begins with http:// or https://"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            msg = "object_store.access_key_id and object_store.secret_access_key: set both or neither"
            raise ValueError(msg)
        return self

    def open(self) -> "ObjectStore":
        """Open the store; boto3 is loaded here, since whoever only reads settings needs none of it."""
        from tsflow.storage.objects import ObjectStore

        key, secret = self.access_key_id, self.secret_access_key
        return ObjectStore(
            bucket=self.bucket,
            endpoint_url=self.endpoint_url,
            access_key_id=key.get_secret_value() if key else None,
            secret_access_key=secret.get_secret_value() if secret else None,
            region=self.region,
            timeout_seconds=self.timeout_seconds,
            attempts=self.attempts,
        )


class HourlySettings(Strict):
    """From the station's cadence to one row an hour."""

    method: Literal["subsample", "mean"] = "subsample"  # subsample: what the published figures use
    fill_gaps_up_to: timedelta = timedelta(hours=1)  # longer gaps are never bridged by interpolation
    # Of the hours that have the target, and of the last week's: what another variable may miss and is filled in, not left out.
    side_missing_share: Annotated[float, Field(ge=0, le=1)] = 0.1


class WindowSettings(Strict):
    """What a station's task says of its windows where the station file does not."""

    context_hours: Annotated[int, Field(ge=1)] = 120
    horizon_hours: Annotated[int, Field(ge=1)] = 24


class Profile(Strict):
    """How much work a run does; the architectures' own settings are the upper limit."""

    history_days: Annotated[int, Field(ge=1)] | None = None  # what the simulator is asked for, and what is trained on
    networks_history_days: Annotated[int, Field(ge=30)] | None = None  # of it, what networks of hours learn: they take minutes
    max_epochs: Annotated[int, Field(ge=1)] | None = None
    favourite: str | None = None  # the challenger, unless another entrant is clearly better: the best of some months is luck
    refit: bool = True  # train the champion once more, on all rows, before it is published
    may_promote: bool = True  # False: its runs are tries; the gate refuses them
    architectures: tuple[str, ...] = ()  # what a request that names none trains; none: all of include/architectures


LECTURE = ("naive", "dense", "conv1d", "simple_rnn", "lstm", "lstm_dropout", "stacked_gru", "bidirectional_lstm")


class ProfileSettings(Strict):
    """The profiles that `--profile` knows."""

    smoke: Profile = Profile(history_days=45, max_epochs=1, refit=False, may_promote=False, architectures=LECTURE)
    quick: Profile = Profile(
        networks_history_days=365,
        max_epochs=6,
        favourite="mean_of_tables",
        architectures=(*LECTURE, "ridge", "lightgbm", "mlp", "mean_of_tables"),
    )
    full: Profile = Profile(favourite="mean_of_three")

    def named(self, name: str) -> Profile:
        """Return the profile called `name`."""
        if name not in type(self).model_fields:
            raise UnknownName("profile", name, list(type(self).model_fields))
        profile: Profile = getattr(self, name)
        return profile


class ScheduleSettings(Strict):
    """What happens by itself."""

    stations: tuple[str, ...] = ("demo",)  # ingested and forecast every hour, retrained every day when something new came in
    ingest_cron: str = "5 * * * *"  # UTC; a station says with `ingest_hours` if it wants fewer
    retrain_cron: str = "40 0 * * *"  # UTC: once a day, for what got new rows
    monitor_cron: str = "20 1 * * *"  # UTC: once a day
    retention_cron: str = "10 3 * * 0"  # UTC: once a week, when little else runs
    profile: Literal["smoke", "quick", "full"] = "quick"
    split: Literal["book", "recent"] = "recent"


class TrainingSettings(Strict):
    """How trainings share the machine."""

    pool_slots: Annotated[int, Field(ge=1)] = 2  # trainings at once; one a core is fastest on CPU
    threads: Annotated[int, Field(ge=0)] = 1  # TensorFlow's threads a training; 0 leaves it to TensorFlow
    time_limit: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(hours=10))] = timedelta(
        hours=2
    )  # of one training; one that hangs fails then


class StackSettings(Strict):
    """The embedded stack; a taken port is replaced by a free one."""

    ui_port: Annotated[int, Field(ge=1024, le=65535)] = 8080
    object_store_port: Annotated[int, Field(ge=1024, le=65535)] = 8333
    start_timeout_seconds: Annotated[float, Field(gt=0)] = 180.0  # a cold disk makes the first start slow
    stop_timeout_seconds: Annotated[float, Field(gt=0)] = 20.0  # then SIGKILL
    max_restarts: Annotated[int, Field(ge=0)] = 5  # of one component within ten minutes; then it counts as failed
    parallelism: Annotated[int, Field(ge=2)] = 8  # Airflow pre-forks as many workers


class Settings(BaseSettings):
    """All settings; see the module's text for where values come from."""

    model_config = SettingsConfigDict(
        env_prefix="TSFLOW_",
        env_nested_delimiter="__",
        env_parse_none_str="null",  # as in YAML: `--set rest.after_days=null`
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    station: str = "demo"  # what commands mean without --station
    object_store: ObjectStoreSettings = ObjectStoreSettings()
    pages: PagesSettings = PagesSettings()
    hourly: HourlySettings = HourlySettings()
    windows: WindowSettings = WindowSettings()
    splits: SplitSettings = SplitSettings()
    profiles: ProfileSettings = ProfileSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    gate: GateSettings = GateSettings()
    forecast: ForecastSettings = ForecastSettings()
    monitor: MonitorSettings = MonitorSettings()
    retention: RetentionSettings = RetentionSettings()
    signing: SigningSettings = SigningSettings()
    rest: RestSettings = RestSettings()
    training: TrainingSettings = TrainingSettings()
    stack: StackSettings = StackSettings()

    @model_validator(mode="after")
    def _what_is_looked_at_is_kept(self) -> Self:
        require_kept(self.monitor, self.rest, self.retention)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before `include/tsflow.yaml`."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, include_dir() / "tsflow.yaml")


def _reject_unknown_variables() -> None:
    """A misspelt `TSFLOW_` variable would otherwise be ignored in silence."""
    for name in [each for each in os.environ if each.startswith("TSFLOW_") and each not in PLACES]:
        if name.removeprefix("TSFLOW_").split("__")[0].lower() not in Settings.model_fields:
            valid = ", ".join([*PLACES, *(f"TSFLOW_{field.upper()}" for field in Settings.model_fields)])
            msg = f"environment variable {name}: no such setting; valid beginnings: {valid}"
            raise SettingsError(msg)


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read all settings; `overrides` maps dotted keys (`splits.book.train`) to values that win over every file.

    Raises
    ------
    SettingsError
        With file and key, if a value cannot be used or a key is unknown.
    """
    _reject_unknown_variables()
    nested: dict[str, Any] = {}
    for dotted, value in (overrides or {}).items():
        block = nested
        *parents, leaf = dotted.split(".")
        for parent in parents:
            block = block.setdefault(parent, {})
        block[leaf] = value
    try:
        return Settings(**nested)
    except ValidationError as error:
        raise SettingsError(explain(error, "settings (include/tsflow.yaml, TSFLOW_* or --set)")) from error
    except (YAMLError, UnicodeDecodeError, TypeError) as error:
        msg = f"include/tsflow.yaml cannot be read as YAML: {error}"
        raise SettingsError(msg) from error


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()


def override(pairs: list[str]) -> None:
    """Let `KEY=VALUE` (`splits.book.train=2/3`) win in this process and in those that it starts."""
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            msg = f"--set {pair!r}: expected KEY=VALUE, such as splits.book.train=2/3"
            raise SettingsError(msg)
        os.environ["TSFLOW_" + key.upper().replace(".", "__")] = value
    settings.cache_clear()
    settings()
