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

QUEUE_FEE_WEI = 10**13
"""What a queue op costs in ether where nothing else is said, while fewer than 1,000 wait."""


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


def rollup_arguments(
    *,
    token: str,
    operator: str,
    owner: str,
    shape: Shape,
    key: VerifyingKey,
    exit_key: VerifyingKey,
    exodus_blueprint: str,
    queue_fee_wei: int = QUEUE_FEE_WEI,
) -> tuple[object, ...]:
    """The rollup's constructor arguments, in their order."""
    return (
        token,
        operator,
        owner,
        shape.queue_slots,
        shape.user_slots,
        queue_fee_wei,
        key.for_contract(),
        exodus_blueprint,
        exit_key.for_contract(),
    )


def deploy_rollup(
    url: str,
    account: LocalAccount,
    *,
    token: str,
    operator: str,
    shape: Shape,
    key: VerifyingKey,
    exit_key: VerifyingKey,
    owner: str | None = None,
    queue_fee_wei: int = QUEUE_FEE_WEI,
    exodus_blueprint: str | None = None,
    finality: Finality = FINALIZED,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    sender: Sender | None = None,
) -> RollupClient:
    """The rollup, for circuits of this shape and with these keys for ever. `sender` as above.

    `key`: of batches; `exit_key`: of the exodus. `owner` governs, None for the deploying account;
    `queue_fee_wei`: of a queue op while few wait; `exodus_blueprint`: what the rollup makes its
    exodus contract from, deployed before it where None. Raises BadQueueFee, BadSlotCount,
    BadDecimals, KeyInfinity, KeyGammaIsDelta, PrecompileRefused (a key's point is bad, or the chain
    has no EIP-2537), and as Sender.send.
    """
    sender = sender or Sender(Rpc(url, timeout_s), account)
    arguments = rollup_arguments(
        token=token,
        operator=operator,
        owner=account.address if owner is None else owner,
        shape=shape,
        key=key,
        queue_fee_wei=queue_fee_wei,
        exit_key=exit_key,
        exodus_blueprint=exodus_blueprint or deploy_blueprint(sender, load("exodus")),
    )
    address = deploy_contract(sender, load("rollup"), *arguments)
    return RollupClient(url, address, account, finality=finality, timeout_s=timeout_s)
