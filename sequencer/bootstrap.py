"""`sequencer init`: keys, contract, operator's account, settings and database, in that order.

Every step looks first whether it was done before, so an init that was interrupted, at whatever
instant, is simply run again, and nothing is deployed or paid for twice.
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
from protocol.queue import NewAccount
from prover.groth16.keys import VerifyingKey
from sequencer.errors import BadSettings
from sequencer.keystore import OperatorKeys, create_keystore, open_keystore
from sequencer.l1.once import OnceSender
from sequencer.proving import Prover, contract_key
from sequencer.settings import (
    FILE,
    KEYSTORE,
    Settings,
    load_settings,
    make_settings,
    save_settings,
)
from sequencer.startup import check_contract, lock_folder
from sequencer.storage.database import Database

JOURNAL = "init.journal"
"""In the folder: the L1 transactions of init, signed, each written down before it was sent."""

Say = Callable[[str], None]
MakeKey = Callable[[], VerifyingKey]


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
    request: InitRequest,
    passphrase: str,
    prover: Prover,
    exit_key: MakeKey,
    say: Say = lambda _line: None,
) -> Settings:
    """Make a folder from which `run_sequencer` starts; returns its settings.

    `exit_key`: what a contract that is deployed here verifies exits with; asked for only then.
    Raises StartError, StorageError, and contracts' L1Error (NoContract, InsufficientFunds, ...).
    """
    try:
        request.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSettings(f"{request.folder} cannot be made: {error.strerror}") from error
    lock = lock_folder(request.folder)
    try:
        return _initialise(request, passphrase, prover, exit_key, say)
    finally:
        os.close(lock)


def _initialise(
    request: InitRequest, passphrase: str, prover: Prover, exit_key: MakeKey, say: Say
) -> Settings:
    if (request.folder / FILE).exists():
        settings = load_settings(request.folder)
        say(f"{request.folder} is initialised already; contract {settings.contract}")
        return settings
    keys = _keys(request, passphrase, say)
    sender = OnceSender(Rpc(request.l1_url), keys.account, request.folder / JOURNAL)
    chain_id = sender.rpc.quantity("eth_chainId")
    client, start_block = _contract(request, keys, prover, exit_key, sender, say)
    client.sender = sender
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
    Database.open(settings.where_the_database_is).close()
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
    request: InitRequest,
    keys: OperatorKeys,
    prover: Prover,
    exit_key: MakeKey,
    sender: OnceSender,
    say: Say,
) -> tuple[RollupClient, int]:
    """The contract given, or one that this init deploys, or that it deployed before."""
    finality, url = Finality(request.confirmations), sender.rpc.url
    if request.contract is not None:
        client = RollupClient(url, request.contract, keys.account, finality=finality)
        return client, request.start_block or 0
    token = request.token
    if token is None:
        token = deploy_token(url, keys.account, sender=sender).address
        say(f"test token at {token}; the operator mints it")
    client = deploy_rollup(
        url,
        keys.account,
        token=token,
        operator=keys.address,
        shape=prover.shape,
        key=contract_key(prover.verifying_key),
        exit_key=contract_key(exit_key()),
        finality=finality,
        sender=sender,
    )
    assert sender.first_block is not None, "the rollup's deployment is in a block"
    say(f"rollup contract at {client.address}")
    return client, sender.first_block


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
    token = TokenClient(client.sender, fixed.token)
    units = fixed.base_units(amount_ntok)
    if token.balance_of(keys.address) < units and request.contract is None and not request.token:
        token.mint(keys.address, units)
    client.approve(amount_ntok)
    index, _ = client.new_account(keys.account_key_hash, keys.address, amount_ntok)
    say(f"the operator's account has number {index}")
    return index
