"""The exit circuit's key as the operator has it, and as a household checks what it has kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.verifying_key import VerifyingKey as ContractKey
from prover.exit_key import exit_key, exit_key_file, read_exit_key
from prover.groth16 import ProvingKey, VerifyingKey
from prover.progress import Progress, silent
from wattlane.proof_check import from_contract_key


@dataclass(frozen=True, slots=True)
class ExitKey:
    """What the contract is deployed with, and the file that users keep."""

    verifying_key: VerifyingKey
    file: Path


def open_exit_key(progress: Progress = silent, *, cache_folder: Path | None = None) -> ExitKey:
    """The key made or loaded here, with progress (seconds).

    Raises KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory.
    """
    key = exit_key(cache_folder=cache_folder, progress=progress)
    return ExitKey(key.verifying_key, exit_key_file(key, cache_folder=cache_folder))


def kept_exit_key(path: Path, contract: ContractKey, progress: Progress = silent) -> ProvingKey:
    """A kept file's key for prove_exit, if it is the one that the exodus contract holds and works.

    Raises as prover.exit_key.read_exit_key, and MalformedEncoding.
    """
    return read_exit_key(path, from_contract_key(contract), progress=progress)
