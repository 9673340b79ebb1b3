"""Deployment of the contracts from the committed artifacts; no compiler is needed."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from contracts.abi import Contract, load
from contracts.client import RollupClient
from contracts.erc20 import TokenClient
from contracts.errors import TransactionFailed
from contracts.finality import FINALIZED, Finality
from contracts.rpc import DEFAULT_TIMEOUT_S, Rpc
from contracts.transactions import Sender
from contracts.verifying_key import VerifyingKey
from protocol.batch import Shape


def deploy_contract(sender: Sender, contract: Contract, *arguments: object) -> str:
    """Deploy and return the address. Raises as Sender.send."""
    return _create(sender, contract.deployment(*arguments))


def deploy_blueprint(sender: Sender, contract: Contract) -> str:
    """Deploy what `create_from_blueprint` takes; returns its address. Raises as Sender.send."""
    return _create(sender, contract.blueprint_deployment())


def _create(sender: Sender, data: bytes) -> str:
    receipt = sender.send(None, data)
    if receipt.contract_address is None:
        raise TransactionFailed("0x" + receipt.transaction_hash.hex())
    return receipt.contract_address


def deploy_token(
    url: str,
    account: LocalAccount,
    *,
    name: str = "Wattlane test token",
    symbol: str = "WTT",
    decimals: int = 18,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    sender: Sender | None = None,
) -> TokenClient:
    """A settlement token for tests and demos; `account` mints. Raises as Sender.send.

    `sender`: one of the account's that sends in a way of its own.
    """
    sender = sender or Sender(Rpc(url, timeout_s), account)
    return TokenClient(sender, deploy_contract(sender, load("token"), name, symbol, decimals))


def deploy_rollup(
    url: str,
    account: LocalAccount,
    *,
    token: str,
    operator: str,
    shape: Shape,
    key: VerifyingKey,
    finality: Finality = FINALIZED,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    sender: Sender | None = None,
) -> RollupClient:
    """The rollup, for circuits of this shape and with this key for ever. `sender` as above.

    Raises BadSlotCount, BadDecimals, KeyInfinity, KeyGammaIsDelta, PrecompileRefused (a key's
    point is bad, or the chain has no EIP-2537), and as Sender.send.
    """
    sender = sender or Sender(Rpc(url, timeout_s), account)
    address = deploy_contract(
        sender,
        load("rollup"),
        token,
        operator,
        shape.queue_slots,
        shape.user_slots,
        key.for_contract(),
    )
    return RollupClient(url, address, account, finality=finality, timeout_s=timeout_s)
