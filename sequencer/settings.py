"""The sequencer's settings: one TOML file in its folder, each overridden by WATTLANE_<NAME>.

Nothing secret is ever a setting: keys are in the keystore, the passphrase comes from elsewhere.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from contracts.batches import MOST_PROOFS
from contracts.buckets import Rate
from contracts.fees import GWEI, Fees
from contracts.finality import Finality
from sequencer.admission import Policy
from sequencer.errors import BadSettings
from sequencer.l1.fee_policy import FeePolicy
from sequencer.sealing import PROOFS_PER_BATCH, DataMode, SealingPolicy

FILE = "sequencer.toml"
KEYSTORE = "operator.json"
DATABASE = "sequencer.db"
LOCK = "sequencer.lock"


class Settings(BaseSettings):
    """Everything that a run needs besides its keys. Amounts in ntok, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="WATTLANE_", extra="forbid", frozen=True)

    folder: Path
    l1_url: str
    chain_id: int = Field(ge=0)
    contract: str = Field(pattern="^0x[0-9a-fA-F]{40}$")
    start_block: int = Field(default=0, ge=0)
    operator_index: int = Field(ge=0, lt=2**24)
    confirmations: int | None = Field(default=None, ge=0)
    database_url: str | None = None
    redis_url: str | None = None
    api_workers: int = Field(default=1, gt=0, le=64)
    listen_host: str = "127.0.0.1"
    listen_port: int = Field(default=8645, ge=0, lt=2**16)
    trusted_proxies: str = Field(default="", pattern="^[0-9a-fA-F.:/, ]*$")
    address_requests_per_s: float = Field(default=200.0, ge=0)
    address_burst: int = Field(default=2_000, gt=0)
    account_transactions_per_s: float = Field(default=20.0, ge=0)
    account_burst: int = Field(default=500, gt=0)
    minimum_fee_ntok: int = Field(default=1_000, ge=0, lt=2**32)
    valid_at_least_s: int = Field(default=120, ge=0)
    valid_at_most_s: int = Field(default=7 * 86_400, ge=0)
    included_within_s: int = Field(default=3_600, gt=0)
    mempool_limit: int = Field(default=10_000, gt=0)
    party_limit: int = Field(default=256, gt=0)
    maximum_age_s: float = Field(default=20.0, ge=0)
    patient_above_gwei: float | None = Field(default=None, ge=0)
    patient_age_s: float = Field(default=900.0, ge=0, le=86_400)
    patient_op_age_s: float = Field(default=3_600.0, ge=0, le=86_400)
    sealed_ahead: int = Field(default=2, gt=0)
    proofs_per_batch: int = Field(default=PROOFS_PER_BATCH, gt=0, le=MOST_PROOFS)
    data_mode: DataMode = DataMode.CALLDATA
    beacon_url: str | None = None
    archive_folder: Path | None = None
    maximum_fee_gwei: float = Field(default=300.0, gt=0)
    maximum_tip_gwei: float = Field(default=20.0, ge=1)
    maximum_blob_fee_gwei: float = Field(default=300.0, ge=1)
    bump_after_s: float = Field(default=180.0, gt=0)
    reserve_batches: int = Field(default=200, ge=0)
    poll_s: float = Field(default=1.0, gt=0)
    rpc_timeout_s: float = Field(default=15.0, gt=0)
    l1_explorer_url: str | None = Field(default=None, pattern="^https?://")
    stop_within_s: float = Field(default=30.0, gt=0)
    cache_folder: Path | None = None
    prover: str | None = None
    proofs_at_once: int = Field(default=1, gt=0, le=64)
    proof_timeout_s: float = Field(default=900.0, gt=0)
    proof_attempts: int = Field(default=4, gt=0)

    @model_validator(mode="after")
    def _keeps_what_receipts_promise(self) -> Self:
        """No transaction may be made to wait for as long as its receipt allows, or longer."""
        waits = {"maximum_age_s": self.maximum_age_s}
        if self.patient_above_gwei is not None:
            waits["patient_age_s"] = self.patient_age_s
        for name, waits_s in waits.items():
            if waits_s >= self.included_within_s:
                raise ValueError(
                    f"{name} ({waits_s:g}) must be below included_within_s "
                    f"({self.included_within_s}): every receipt promises a batch on L1 by then"
                )
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
        """Arguments, then environment, then the file that `load_settings` names."""
        file = TomlConfigSettingsSource(settings_cls, settings_cls.model_config.get("toml_file"))
        return init_settings, env_settings, file

    @property
    def urls(self) -> tuple[str | None, ...]:
        """Those that may hold passwords or API keys: never to be shown."""
        return self.l1_url, self.beacon_url, self.database_url, self.redis_url, self.prover

    @property
    def finality(self) -> Finality:
        """Which L1 block counts as final."""
        return Finality(self.confirmations)

    @property
    def policy(self) -> Policy:
        """What is asked of a transaction."""
        return Policy(
            minimum_fee_ntok=self.minimum_fee_ntok,
            valid_at_least_s=self.valid_at_least_s,
            valid_at_most_s=self.valid_at_most_s,
            mempool_limit=self.mempool_limit,
            party_limit=self.party_limit,
            included_within_s=self.included_within_s,
        )

    @property
    def address_rate(self) -> Rate:
        """What one client address may ask, a process."""
        return Rate(self.address_requests_per_s, self.address_burst)

    @property
    def account_rate(self) -> Rate:
        """How many transactions one account may submit, a process."""
        return Rate(self.account_transactions_per_s, self.account_burst)

    @property
    def sealing(self) -> SealingPolicy:
        """When a batch is sealed."""
        above = self.patient_above_gwei
        return SealingPolicy(
            self.maximum_age_s,
            self.sealed_ahead,
            self.proofs_per_batch,
            self.data_mode,
            None if above is None else round(above * GWEI),
            self.patient_age_s,
            self.patient_op_age_s,
        )

    @property
    def fees(self) -> FeePolicy:
        """What an L1 transaction may offer, and when it offers more."""
        most = Fees(
            round(self.maximum_fee_gwei * GWEI),
            round(self.maximum_tip_gwei * GWEI),
            round(self.maximum_blob_fee_gwei * GWEI),
        )
        return FeePolicy(most, self.bump_after_s)

    @property
    def where_the_database_is(self) -> str:
        """The URL of the database: the one given, or a SQLite file in the folder."""
        return self.database_url or f"sqlite:///{self.folder / DATABASE}"

    @property
    def keystore(self) -> Path:
        """The operator's keystore."""
        return self.folder / KEYSTORE


def load_settings(folder: Path, **overrides: object) -> Settings:
    """The folder's settings under the environment's and these. Raises BadSettings."""
    path = folder / FILE

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    if not path.exists():
        raise BadSettings(f"{path} is missing; run `wattlane sequencer init` first")
    try:
        return FromFile.model_validate({"folder": folder, **overrides})
    except ValidationError as error:
        raise BadSettings(f"{path}: {_first(error)}") from error
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error


def make_settings(values: Mapping[str, object]) -> Settings:
    """Settings of these values, the environment filling in the rest. Raises BadSettings."""
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        raise BadSettings(_first(error)) from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"setting {name}: {said}" if name else said


def save_settings(settings: Settings) -> None:
    """Write the file that `load_settings` reads, whole or not at all. Raises BadSettings."""
    lines = ["# Wattlane sequencer. WATTLANE_<NAME> in the environment overrides a line."]
    for name, value in settings.model_dump(exclude={"folder"}, exclude_none=True).items():
        lines.append(f"{name} = {_toml(value)}")
    path = settings.folder / FILE
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise BadSettings(f"{path} cannot be written: {error.strerror}") from error


def _toml(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
