"""`sequencer init`: keys, contract, operator's account, settings and database, in that order.

Every step looks first whether it was done before, so an init that was interrupted is simply run
again, and nothing is deployed or paid for twice once it is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.client import RollupClient
from contracts.deploy import deploy_rollup, deploy_token
from contracts.erc20 import TokenClient
from contracts.finality import Finality
from contracts.rpc import Rpc
from contracts.transactions import Sender
from protocol.queue import NewAccount
from sequencer.errors import BadSettings
from sequencer.keystore import OperatorKeys, create_keystore, open_keystore
from sequencer.proving import Prover, contract_key
from sequencer.settings import (
    DATABASE,
    FILE,
    KEYSTORE,
    Settings,
    load_settings,
    make_settings,
    save_settings,
)
from sequencer.startup import check_contract, lock_folder
from sequencer.storage.database import Database, sqlite_url

RECORD = "deployment"
"""In the folder: address and block of the contract that init deployed."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What init needs to be told.

    `contract` None deploys one, with `token` or (None) a test token that the operator mints.
    `l1_private_key` None makes a new key; it needs ether before anything can be deployed.
    """

    folder: Path
    l1_url: str
    contract: str | None = None
    token: str | None = None
    l1_private_key: bytes | None = None
    confirmations: int | None = None
    start_block: int | None = None
    operator_deposit_ntok: int = 1_000_000_000
    options: dict[str, object] | None = None


def initialise(
    request: InitRequest, passphrase: str, prover: Prover, say: Say = lambda _line: None
) -> Settings:
    """Make a folder from which `run_sequencer` starts; returns its settings.

    Raises StartError, StorageError, and contracts' L1Error (NoContract, InsufficientFunds, ...).
    """
    try:
        request.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSettings(f"{request.folder} cannot be made: {error.strerror}") from error
    lock = lock_folder(request.folder)
    try:
        return _initialise(request, passphrase, prover, say)
    finally:
        os.close(lock)


def _initialise(request: InitRequest, passphrase: str, prover: Prover, say: Say) -> Settings:
    if (request.folder / FILE).exists():
        settings = load_settings(request.folder)
        say(f"{request.folder} is initialised already; contract {settings.contract}")
        return settings
    keys = _keys(request, passphrase, say)
    rpc = Rpc(request.l1_url)
    chain_id = rpc.quantity("eth_chainId")
    client, start_block = _contract(request, keys, prover, rpc, say)
    check_contract(client, chain_id, keys.address, prover)
    index = _operator_account(request, keys, client, start_block, say)
    settings = make_settings(
        {
            **(request.options or {}),
            "folder": request.folder,
            "l1_url": request.l1_url,
            "chain_id": chain_id,
            "contract": client.address,
            "start_block": start_block,
            "operator_index": index,
            "confirmations": request.confirmations,
        }
    )
    Database.open(settings.database_url or sqlite_url(request.folder / DATABASE)).close()
    save_settings(settings)
    say(f"settings are in {request.folder / FILE}")
    return settings


def _keys(request: InitRequest, passphrase: str, say: Say) -> OperatorKeys:
    path = request.folder / KEYSTORE
    if path.exists():
        return open_keystore(path, passphrase)
    keys = create_keystore(path, passphrase, request.l1_private_key)
    say(f"the operator's L1 address is {keys.address}; its key is in {path}")
    return keys


def _contract(
    request: InitRequest, keys: OperatorKeys, prover: Prover, rpc: Rpc, say: Say
) -> tuple[RollupClient, int]:
    """The contract given, or the one that an interrupted init deployed, or a new one."""
    record, finality = request.folder / RECORD, Finality(request.confirmations)
    address, start = request.contract, request.start_block or 0
    if address is None and record.exists():
        address, block = record.read_text().split()
        start = int(block)
    if address is not None:
        return RollupClient(rpc.url, address, keys.account, finality=finality), start
    start = rpc.quantity("eth_blockNumber")
    token = request.token
    if token is None:
        token = deploy_token(rpc.url, keys.account).address
        say(f"test token deployed at {token}; the operator mints it")
    client = deploy_rollup(
        rpc.url,
        keys.account,
        token=token,
        operator=keys.address,
        shape=prover.shape,
        key=contract_key(prover.verifying_key),
        finality=finality,
    )
    record.write_text(f"{client.address} {start}\n")
    say(f"rollup contract deployed at {client.address}")
    return client, start


def _operator_account(
    request: InitRequest, keys: OperatorKeys, client: RollupClient, start_block: int, say: Say
) -> int:
    """The operator's account number, opened now where there is none."""
    for op in client.queue_ops(start_block):
        if isinstance(op, NewAccount) and (op.key_hash, op.owner) == (
            keys.account_key_hash,
            int(keys.address, 16),
        ):
            return op.index
    fixed = client.settings()
    amount_ntok = max(request.operator_deposit_ntok, fixed.ntok_per_base_unit)
    token = TokenClient(Sender(client.rpc, keys.account), fixed.token)
    units = fixed.base_units(amount_ntok)
    if token.balance_of(keys.address) < units and request.contract is None and not request.token:
        token.mint(keys.address, units)
    client.approve(amount_ntok)
    index, _ = client.new_account(keys.account_key_hash, keys.address, amount_ntok)
    say(f"the operator's account has number {index}")
    return index
