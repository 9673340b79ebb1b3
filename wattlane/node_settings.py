"""A home's settings: node.toml in its folder, under the environment, under a command's options.

Nothing secret is ever a setting: the wallet is in the keystore, the passphrase in a file of its own
(`passphrase_file` only says where). What is not set anywhere has the default that is told here.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from channels.pruning import DEFAULT_BILLS_KEPT
from channels.relay import RelayUse
from channels.settings import NodeSettings
from channels.towers import read_towers
from wattlane.errors import BadNodeSettings

FILE = "node.toml"
_PREFIX = "WATTLANE_"
_HTTP, _WS = "^https?://", "^wss?://"


class NodeFile(BaseSettings):
    """What `wattlane node run` needs besides the wallet; None: not set.

    `l1`, `sequencer`, `beacon`: URLs. `peers`: account -> ws:// address. `log`: "stderr", or a file
    (relative to the folder) that is rotated at `log_bytes`, with `log_files` older ones kept.
    `page`: serve the household's page on loopback; `publish_flows`: tell the sequencer what this
    home buys, for its picture. `bills_kept`: payments kept one by one, for each channel and
    direction.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    l1: str | None = Field(default=None, pattern=_HTTP)
    sequencer: str | None = Field(default=None, pattern=_HTTP)
    contract: str | None = Field(default=None, pattern="^0x[0-9a-fA-F]{40}$")
    confirmations: int | None = Field(default=None, ge=0)
    listen: str = Field(default="127.0.0.1:0", pattern=r"^\S+:[0-9]{1,5}$")
    peers: dict[int, str] = Field(default_factory=dict)
    relay: RelayUse = RelayUse.AUTO
    relay_url: str | None = Field(default=None, pattern=_WS)
    towers: Path | None = None
    max_fee_gwei: int = Field(default=1_000_000, ge=0)
    archive: Path | None = None
    beacon: str | None = Field(default=None, pattern=_HTTP)
    passphrase_file: Path | None = None
    wait_for_account: float = Field(default=0.0, ge=0)
    page: bool = False
    page_port: int = Field(default=8650, ge=0, lt=2**16)
    publish_flows: bool = False
    bills_kept: int = Field(default=DEFAULT_BILLS_KEPT, ge=10, le=10_000_000)
    log: str = "stderr"
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_bytes: int = Field(default=5_000_000, ge=10_000)
    log_files: int = Field(default=5, ge=1, le=100)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, then environment, then the file that `load` names."""
        file = TomlConfigSettingsSource(settings_cls, settings_cls.model_config.get("toml_file"))
        return init_settings, env_settings, file

    def log_path(self, folder: Path) -> Path | None:
        """The log's file; None for stderr."""
        return None if self.log == "stderr" else folder / self.log

    def node_settings(self) -> NodeSettings:
        """How the node runs. Raises BadTowersFile."""
        return NodeSettings(
            confirmations=self.confirmations,
            account_timeout_s=self.wait_for_account,
            archive=self.archive,
            beacon=self.beacon,
            towers=() if self.towers is None else read_towers(self.towers),
            max_queue_fee_wei=self.max_fee_gwei * 10**9,
            relay=self.relay,
            relay_url=self.relay_url,
            publish_flows=self.publish_flows,
            bills_kept=self.bills_kept,
        )


def load_node_file(folder: Path, **options: object) -> NodeFile:
    """The folder's settings under the environment and these options; None: not given.

    Raises BadNodeSettings.
    """
    path = folder / FILE

    class FromFile(NodeFile):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        given = {name: value for name, value in options.items() if value is not None}
        return FromFile.model_validate(given)
    except ValidationError as error:
        raise BadNodeSettings(str(path), _first(error)) from error
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError, ValueError) as error:
        raise BadNodeSettings(str(path), f"it cannot be read: {error}") from error


def source_of(folder: Path, name: str) -> str:
    """Where a setting comes from: "environment", "node.toml" or "default"."""
    if _PREFIX + name.upper() in os.environ:
        return "environment"
    try:
        is_there = name in tomllib.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        is_there = False
    return FILE if is_there else "default"


def write_node_file(folder: Path, settings: NodeFile) -> Path:
    """Write node.toml, whole or not at all; what has its default is there as a comment.

    Raises BadNodeSettings, also where there is one.
    """
    path = folder / FILE
    lines = ["# A home's node. WATTLANE_<NAME> in the environment overrides a line."]
    tables = []
    for name, field in NodeFile.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, dict):
            tables += ["", f"[{name}]  # account = ws://HOST:PORT"]
            tables += [f"{key} = {_toml(one)}" for key, one in value.items()]
        elif value != field.get_default(call_default_factory=True):
            lines.append(f"{name} = {_toml(value)}")
        else:
            lines.append(f"# {name} = {'...' if value is None else _toml(value)}")
    beside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join([*lines, *tables]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)  # never over one that is there
    except FileExistsError:
        raise BadNodeSettings(str(path), "it is there already; edit it") from None
    except OSError as error:
        raise BadNodeSettings(str(path), f"it cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)
    )


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"setting {name}: {first['msg']}" if name else f"it cannot be read: {first['msg']}"
