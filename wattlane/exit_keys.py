"""The exit circuit's key as an operator gives it away: the one that the contract holds."""

from __future__ import annotations

from pathlib import Path

from contracts.verifying_key import VerifyingKey as ContractKey
from prover.exit_key import exit_key_file, find_exit_key
from wattlane.proof_check import from_contract_key


def served_exit_key(held: ContractKey, *, cache_folder: Path | None = None) -> Path | None:
    """The file of the key that an exodus contract holds; None where the cache lacks that key.

    Raises MalformedEncoding, CacheUnwritable.
    """
    key = find_exit_key(from_contract_key(held), cache_folder=cache_folder)
    return None if key is None else exit_key_file(key, cache_folder=cache_folder)
