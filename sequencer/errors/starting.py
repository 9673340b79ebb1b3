"""The sequencer cannot start as it is configured."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class StartError(SequencerError):
    """Base: the sequencer cannot start as it is configured."""


@dataclass
class BadSettings(StartError):
    """A setting is missing or makes no sense."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class BadKeystore(StartError):
    """The keystore is missing or malformed, or the passphrase is wrong."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"keystore {self.path}: {self.what}"


@dataclass
class AlreadyRunning(StartError):
    """Another process uses this sequencer's folder."""

    folder: str
    holder: str

    def __str__(self) -> str:
        return f"another sequencer runs in {self.folder}: {self.holder}; stop it first"


@dataclass
class PortInUse(StartError):
    """The API's address cannot be listened on."""

    host: str
    port: int
    why: str

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.host}:{self.port}: {self.why}; set listen_port to a free one"
        )


@dataclass
class WrongChain(StartError):
    """The RPC speaks for another chain than the settings say."""

    expected: int
    found: int

    def __str__(self) -> str:
        return f"the L1 RPC is on chain {self.found}, the settings say {self.expected}"


@dataclass
class ContractMismatch(StartError):
    """What stands at the contract's address is not the rollup that we are set up for."""

    contract: str
    what: str

    def __str__(self) -> str:
        return f"contract {self.contract}: {self.what}"


@dataclass
class WrongDatabase(StartError):
    """The database belongs to another rollup."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class PartFailed(StartError):
    """A process that the sequencer is made of cannot start."""

    part: str
    why: str

    def __str__(self) -> str:
        return f"the {self.part} cannot start: {self.why}"
