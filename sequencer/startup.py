"""Before anything runs: is this our folder, our port, our chain, our contract and our key?

Each question that is answered no is one StartError that says what to do.
"""

from __future__ import annotations

import socket
from pathlib import Path

from contracts import errors as l1_errors
from contracts.client import RollupClient
from contracts.process_lock import LockHeld, take_lock
from protocol.batch import domain_of
from protocol.units import ADDRESS_BITS
from sequencer.book import Rollup
from sequencer.errors import AlreadyRunning, BadSettings, ContractMismatch, PortInUse, WrongChain
from sequencer.keystore import OperatorKeys
from sequencer.proving import Prover, contract_key
from sequencer.settings import LOCK, Settings


def lock_folder(folder: Path) -> int:
    """Take the folder for this process alone; the lock ends with the process.

    Returns the lock's file descriptor. Raises AlreadyRunning, BadSettings.
    """
    try:
        return take_lock(folder / LOCK)
    except LockHeld as held:
        raise AlreadyRunning(str(folder), str(held)) from None
    except OSError as error:
        raise BadSettings(f"folder {folder} cannot be used: {error.strerror}") from error


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises PortInUse."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise PortInUse(host, port, error.strerror or str(error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUse(host, port, error.strerror or str(error)) from error
    return listener


def check_rollup(
    settings: Settings, keys: OperatorKeys, prover: Prover, client: RollupClient
) -> Rollup:
    """Compare L1 with what we are set up for.

    Raises WrongChain, ContractMismatch, and contracts' L1Error where the RPC fails.
    """
    chain_id = client.rpc.quantity("eth_chainId")
    if chain_id != settings.chain_id:
        raise WrongChain(settings.chain_id, chain_id)
    check_contract(client, chain_id, keys.address, prover)
    owner = client.account_owner(settings.operator_index)
    if owner != keys.address:
        raise ContractMismatch(
            client.address,
            f"account {settings.operator_index} belongs to {owner}, not to the operator "
            f"{keys.address}; run `wattlane sequencer init` again",
        )
    return Rollup(client.settings().domain, prover.shape, settings.operator_index)


def check_contract(client: RollupClient, chain_id: int, operator: str, prover: Prover) -> None:
    """Whether the contract is ours: its domain, operator, shape and verifying key."""
    address = client.address
    try:
        fixed = client.settings()
    except l1_errors.NoContract as error:
        raise ContractMismatch(address, "there is none at this address") from error
    except l1_errors.Reverted as error:
        raise ContractMismatch(address, "it is no Wattlane rollup") from error
    if fixed.domain != domain_of(chain_id, int(address, 16) % (1 << ADDRESS_BITS)):
        raise ContractMismatch(address, "its domain is not that of this chain and address")
    current = client.powers().operator
    if current != operator:
        raise ContractMismatch(address, f"its operator is {current}, this keystore is {operator}")
    if fixed.shape != prover.shape:
        raise ContractMismatch(
            address, f"it takes proofs of {fixed.shape}, this prover makes {prover.shape}"
        )
    if client.verifying_key() != contract_key(prover.verifying_key):
        raise ContractMismatch(
            address,
            "it was deployed with another verifying key than this machine's prover has; "
            "bring the proving key here, or deploy a contract with this one",
        )
