"""Contracts called directly, without blocks, signatures or a wire: for tests of many short steps.

The EVM and its precompiles are those of the embedded chain (contracts/chain/evm.py), whose blocks
and receipts are left out. Every call is a transaction of its own: it takes effect whole or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth.abc import ComputationAPI, StateAPI
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode
from eth_typing import Address

from contracts.abi import Contract
from contracts.chain.evm import CALL_GAS, Evm

CHAIN_ID = 31_337
DEPLOYMENT_GAS = 25_000_000
REASON = bytes.fromhex("08c379a0")
"""The selector of Error(string)."""


@dataclass
class Reverted(Exception):
    """The call took no effect. `reason`: the contract's word, or what the EVM says."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class DirectL1:
    """A state of L1 that calls change at once; `now` is the time of the block they are in."""

    def __init__(self, senders: list[bytes], wei: int = 10**24) -> None:
        self._evm = Evm(CHAIN_ID, dict.fromkeys(senders, wei))
        header = self._evm.head.copy(
            base_fee_per_gas=0, block_number=1, timestamp=self._evm.head.timestamp
        )
        self._vm = self._evm._chain.get_vm(at_header=header)
        self._state: StateAPI = self._vm.state

    @property
    def now(self) -> int:
        """Seconds."""
        return int(self._state.timestamp)

    @now.setter
    def now(self, seconds: int) -> None:
        self._state.execution_context._timestamp = seconds  # type: ignore[attr-defined]

    def deploy(self, sender: bytes, contract: Contract, *arguments: object) -> bytes:
        """The address. Raises Reverted."""
        return self.create(sender, contract.deployment(*arguments))

    def create(self, sender: bytes, data: bytes) -> bytes:
        """The address of what this data creates. Raises Reverted."""
        return bytes(self._apply(sender, b"", data, 0, DEPLOYMENT_GAS).msg.storage_address)

    def call(self, sender: bytes, to: bytes, data: bytes, wei: int = 0) -> bytes:
        """What it returns. Raises Reverted, and then nothing has changed."""
        return bytes(self._apply(sender, to, data, wei, CALL_GAS).output)

    def balance_wei(self, address: bytes) -> int:
        return int(self._state.get_balance(Address(address)))

    def _apply(self, sender: bytes, to: bytes, data: bytes, wei: int, gas: int) -> ComputationAPI:
        builder = self._vm.get_transaction_builder()
        unsigned = builder.new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=self._state.get_nonce(Address(sender)),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=gas,
            to=to,
            value=wei,
            data=data,
            access_list=(),
        )
        sent = SpoofTransaction(unsigned, from_=sender)
        done = self._state.apply_transaction(sent)  # type: ignore[arg-type]
        if done.is_error:
            raise Reverted(_reason(done))
        return done


def _reason(done: ComputationAPI) -> str:
    output = bytes(done.output)
    if output[:4] == REASON:
        return str(decode(["string"], output[4:])[0])
    return f"{type(done.error).__name__} {done.error}"
