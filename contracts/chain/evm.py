"""A chain of Prague rules in this process: every transaction is mined at once, in its own block.

The EVM is py-evm's; only the precompiles that batches need are replaced (three of EIP-2537, the one
of EIP-4844), by the same function at compiled speed. Not safe for threads: the server holds one
lock around it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from eth.abc import (
    BlockHeaderAPI,
    ComputationAPI,
    SignedTransactionAPI,
    StateAPI,
    UnsignedTransactionAPI,
)
from eth.exceptions import PyEVMError, Revert, VMError
from eth.precompiles.bls12_381.constants import (
    BLS12_G1_ADD_GAS,
    BLS12_G1_MSM_GAS,
    G1_MSM_DISCOUNTS,
    G1_MSM_MAX_DISCOUNT,
    MSM_MULTIPLIER,
)
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_tester.backends.pyevm.main import get_default_genesis_params, setup_tester_chain
from eth_typing import Address
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]

from contracts.blob_transactions import BLOB_TYPE, GAS_PER_BLOB
from contracts.chain.eip2537 import (
    MSM_ITEM_BYTES,
    PAIR_BYTES,
    InvalidInput,
    g1_add,
    g1_msm,
    pairing_check,
)
from contracts.chain.eip4844 import (
    POINT_EVALUATION_GAS,
    check_blobs,
    point_evaluation,
    unwrapped,
)
from contracts.errors import L1Error

REFUSALS = (
    PyEVMError,
    ValidationError,
    RLPException,
    BadSignature,
    ValueError,
    TypeError,
    LookupError,
)
"""What py-evm and its libraries raise for a transaction that is malformed or cannot be mined."""

BLOCK_GAS_LIMIT = 30_000_000
CALL_GAS = 16_000_000
ESTIMATE_STEPS = 12
PAIRING_BASE_GAS = 37_700
PAIRING_PAIR_GAS = 32_600


@dataclass
class InvalidTransaction(L1Error):
    """The transaction cannot enter a block: its nonce, fee, signature or the sender's balance."""

    problem: str

    def __str__(self) -> str:
        return self.problem


@dataclass
class ExecutionFailed(L1Error):
    """A call ran and failed. `data`: what it reverted with; None where it ran out of gas or so."""

    problem: str
    data: bytes | None

    def __str__(self) -> str:
        return self.problem


def _msm_gas(data: bytes) -> int:
    count = len(data) // MSM_ITEM_BYTES
    known = 0 < count <= len(G1_MSM_DISCOUNTS)
    discount = G1_MSM_DISCOUNTS[count - 1] if known else G1_MSM_MAX_DISCOUNT
    return int(count * BLS12_G1_MSM_GAS * discount // MSM_MULTIPLIER)


def _pairing_gas(data: bytes) -> int:
    return PAIRING_BASE_GAS + PAIRING_PAIR_GAS * (len(data) // PAIR_BYTES)


def _precompile(
    run: Callable[[bytes], bytes], gas: Callable[[bytes], int]
) -> Callable[[ComputationAPI], None]:
    def execute(computation: ComputationAPI) -> None:
        data = bytes(computation.msg.data)
        computation.consume_gas(gas(data), reason="precompile")
        try:
            computation.output = run(data)
        except InvalidInput as error:
            raise VMError(str(error)) from error

    return execute


class _Computation(PragueComputation):
    _precompiles = {  # noqa: RUF012 - the base class's attribute
        **PragueComputation.get_precompiles(),
        bytes(19) + b"\x0a": _precompile(point_evaluation, lambda data: POINT_EVALUATION_GAS),
        bytes(19) + b"\x0b": _precompile(g1_add, lambda data: BLS12_G1_ADD_GAS),
        bytes(19) + b"\x0c": _precompile(g1_msm, _msm_gas),
        bytes(19) + b"\x0f": _precompile(pairing_check, _pairing_gas),
    }


class _State(PragueState):
    computation_class = _Computation


class _Vm(PragueVM):
    _state_class = _State


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is run, not sent. `to` empty: creates a contract. `blob_hashes`: the versioned
    hashes of the blobs that it would carry."""

    sender: bytes
    to: bytes
    data: bytes
    value_wei: int
    gas: int | None
    blob_hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class EvmLog:
    """One event of a mined transaction."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class Mined:
    """A block with its one transaction, or none, and the blobs that came with it."""

    header: BlockHeaderAPI
    transaction: SignedTransactionAPI | None
    blobs: tuple[bytes, ...] = ()
    succeeded: bool = True
    gas_used: int = 0
    created: bytes | None = None
    logs: tuple[EvmLog, ...] = field(default=())


class Evm:
    """The chain. Blocks are numbered from 0, the genesis; index `blocks` by number."""

    def __init__(self, chain_id: int, balances_wei: dict[bytes, int]) -> None:
        genesis = get_default_genesis_params({"gas_limit": BLOCK_GAS_LIMIT})
        state = {
            address: {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
            for address, balance in balances_wei.items()
        }
        _, self._chain = setup_tester_chain(genesis, state, vm_configuration=((0, _Vm),))
        self._chain.chain_id = chain_id
        self.chain_id = chain_id
        self.blocks = [Mined(self._chain.get_canonical_block_header_by_number(0), None)]
        self.by_transaction: dict[bytes, Mined] = {}
        self._offset_s = 0

    @property
    def head(self) -> BlockHeaderAPI:
        """The newest block's header."""
        return self.blocks[-1].header

    def increase_time(self, seconds: int) -> int:
        """Push the clock on from where the newest block has it; returns the offset in seconds."""
        now = int(time.time())
        self._offset_s = max(self._offset_s, self.head.timestamp - now) + seconds
        return self._offset_s

    def mine(self) -> Mined:
        """An empty block."""
        self._chain.header = self._next_header()
        return self._seal(Mined(self._chain.header, None))

    def send_raw(self, raw: bytes) -> bytes:
        """Mine a signed transaction; returns its hash. Raises InvalidTransaction."""
        self._chain.header = self._next_header()
        vm = self._chain.get_vm()
        try:
            signed, blobs = unwrapped(raw)
            transaction = vm.get_transaction_builder().decode(signed)
            check_blobs(_blob_hashes(transaction), blobs)
            vm.validate_transaction_against_header(self._chain.header, transaction)
            _, receipt, computation = self._chain.apply_transaction(transaction)
        except REFUSALS as error:
            raise InvalidTransaction(_reason(error)) from error
        logs = tuple(
            EvmLog(
                address=log.address,
                topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
                data=log.data,
                log_index=index,
            )
            for index, log in enumerate(receipt.logs)
        )
        created = computation.msg.storage_address if not transaction.to else None
        mined = Mined(
            self._chain.header,
            transaction,
            blobs,
            succeeded=not computation.is_error,
            gas_used=receipt.gas_used,
            created=created,
            logs=logs,
        )
        self.by_transaction[transaction.hash] = self._seal(mined)
        return bytes(transaction.hash)

    def call(self, call: Call, number: int | None = None) -> bytes:
        """Run a call on top of the newest block, or in block `number`'s place and time.

        Raises ExecutionFailed, InvalidTransaction.
        """
        computation = self._run(call, number, call.gas or CALL_GAS)
        if computation.is_error:
            raise _failure(computation)
        return bytes(computation.output)

    def estimate(self, call: Call) -> int:
        """A gas limit with which the call succeeds now. Raises as `call`."""
        computation = self._run(call, None, CALL_GAS)
        if computation.is_error:
            raise _failure(computation)
        spent = CALL_GAS - computation.get_gas_remaining()
        limit = self._floor(call, spent)
        for _ in range(ESTIMATE_STEPS):
            if not self._run(call, None, limit).is_error:
                return limit
            limit += limit // 16
        return CALL_GAS

    def blob_base_fee(self) -> int:
        """The price of a blob gas in the next block, in wei."""
        return int(self._chain.get_vm(at_header=self._next_header()).state.blob_base_fee)

    def state_at(self, number: int | None) -> StateAPI:
        """py-evm's state after a block; the newest where None."""
        header = self.head if number is None else self.blocks[number].header
        state: StateAPI = self._chain.get_vm(at_header=header).state
        return state

    def _run(self, call: Call, number: int | None, gas: int) -> ComputationAPI:
        header = self._next_header() if number is None else self.blocks[number].header
        vm = self._chain.get_vm(at_header=header.copy(base_fee_per_gas=0))
        unsigned = self._unsigned(call, vm.state, gas)
        transaction = SpoofTransaction(unsigned, from_=call.sender)
        try:
            computation: ComputationAPI = vm.state.apply_transaction(transaction)
        except ValidationError as error:
            raise InvalidTransaction(_reason(error)) from error
        return computation

    def _unsigned(self, call: Call, state: StateAPI, gas: int) -> UnsignedTransactionAPI:
        builder = self._chain.get_vm().get_transaction_builder()
        fields = {
            "chain_id": self.chain_id,
            "nonce": state.get_nonce(Address(call.sender)),
            "max_priority_fee_per_gas": 0,
            "max_fee_per_gas": 0,
            "gas": gas,
            "to": call.to,
            "value": call.value_wei,
            "data": call.data,
            "access_list": (),
        }
        if not call.blob_hashes:
            plain: UnsignedTransactionAPI = builder.new_unsigned_dynamic_fee_transaction(**fields)
            return plain
        blob: UnsignedTransactionAPI = builder.new_unsigned_blob_transaction(
            **fields,
            max_fee_per_blob_gas=state.blob_base_fee,
            blob_versioned_hashes=call.blob_hashes,
        )
        return blob

    def _floor(self, call: Call, spent: int) -> int:
        """EIP-7623: calldata costs at least 10 gas a zero byte and 40 a nonzero one."""
        zeros = call.data.count(0)
        return max(spent, 21_000 + 10 * zeros + 40 * (len(call.data) - zeros))

    def _next_header(self) -> BlockHeaderAPI:
        timestamp = max(int(time.time()) + self._offset_s, self.head.timestamp + 1)
        header: BlockHeaderAPI = self._chain.create_header_from_parent(
            self.head, timestamp=timestamp
        )
        return header

    def _seal(self, mined: Mined) -> Mined:
        used = GAS_PER_BLOB * len(mined.blobs)
        block = self._chain.mine_block(mix_hash=os.urandom(32), blob_gas_used=used)
        sealed = replace(mined, header=block.header)
        self.blocks.append(sealed)
        return sealed


def _blob_hashes(transaction: SignedTransactionAPI) -> tuple[bytes, ...]:
    if transaction.type_id != BLOB_TYPE:
        return ()
    return tuple(bytes(one) for one in transaction.blob_versioned_hashes)


def _reason(error: Exception) -> str:
    """py-evm's words, in the ones that other nodes use."""
    text = str(error)
    if "afford" in text or "enough balance" in text:
        return f"insufficient funds: {text}"
    if "nonce" in text:
        return f"nonce mismatch: {text}"
    return text or type(error).__name__


def _failure(computation: ComputationAPI) -> ExecutionFailed:
    error = computation.error
    if isinstance(error, Revert):
        return ExecutionFailed("execution reverted", bytes(computation.output))
    return ExecutionFailed(f"execution failed: {type(error).__name__} {error}", None)
