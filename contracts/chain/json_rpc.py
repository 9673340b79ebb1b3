"""Ethereum JSON-RPC over one embedded chain, with one lock around everything.

It has what wallets, `contracts.client` and block explorers' libraries ask of a node; a method that
is missing answers -32601. Logs come from the list kept while mining, so that reading many blocks is
cheap. There are no reorganisations, hence every block is final at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eth.abc import StateAPI
from eth_typing import Address

from contracts.blob_transactions import BLOB_TYPE
from contracts.chain.evm import Call, Evm, ExecutionFailed, InvalidTransaction, Mined
from contracts.errors import L1Error

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, REFUSED = (
    -32700,
    -32600,
    -32601,
    -32602,
    -32000,
)
REVERTED = 3
TIP_WEI = 10**9
CLIENT = "wattlane-embedded"
HEAD_TAGS = ("latest", "pending", "safe", "finalized")

Json = Mapping[str, object]


@dataclass
class Refusal(L1Error):
    """A JSON-RPC error to answer with."""

    code: int
    message: str
    data: str | None = None


class JsonRpc:
    """Answers requests about one chain. Safe for threads."""

    def __init__(self, evm: Evm) -> None:
        self._evm = evm
        self._lock = threading.Lock()
        self._methods: dict[str, Callable[[Sequence[object]], object]] = {
            "web3_clientVersion": lambda params: CLIENT,
            "net_version": lambda params: str(evm.chain_id),
            "eth_chainId": lambda params: hex(evm.chain_id),
            "eth_blockNumber": lambda params: hex(len(evm.blocks) - 1),
            "eth_blobBaseFee": lambda params: hex(evm.blob_base_fee()),
            "eth_gasPrice": lambda params: hex(self._base_fee() + TIP_WEI),
            "eth_maxPriorityFeePerGas": lambda params: hex(TIP_WEI),
            "eth_accounts": lambda params: [],
            "eth_syncing": lambda params: False,
            "eth_getBalance": lambda params: hex(
                self._state(params).get_balance(_address(params, 0))
            ),
            "eth_getTransactionCount": lambda params: hex(
                self._state(params).get_nonce(_address(params, 0))
            ),
            "eth_getCode": lambda params: _hex(self._state(params).get_code(_address(params, 0))),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "eth_call": self._call,
            "eth_estimateGas": lambda params: hex(evm.estimate(_call(params))),
            "eth_sendRawTransaction": lambda params: _hex(evm.send_raw(_bytes(params, 0))),
            "evm_increaseTime": lambda params: hex(evm.increase_time(_integer(params, 0))),
            "evm_mine": self._mine,
        }

    def answer(self, request: object) -> dict[str, object]:
        """The response object to one decoded request."""
        number = request.get("id") if isinstance(request, Mapping) else None
        response: dict[str, object] = {"jsonrpc": "2.0", "id": number}
        try:
            response["result"] = self._result(request)
        except Refusal as refusal:
            error: dict[str, object] = {"code": refusal.code, "message": refusal.message}
            if refusal.data is not None:
                error["data"] = refusal.data
            response["error"] = error
        return response

    def blobs(self, number: int) -> list[str] | None:
        """The blobs of a block as a beacon node would serve them; None where there is no block."""
        with self._lock:
            if number >= len(self._evm.blocks):
                return None
            return [_hex(blob) for blob in self._evm.blocks[number].blobs]

    def genesis_time(self) -> int:
        """Of block 0, in seconds."""
        return int(self._evm.blocks[0].header.timestamp)

    def _result(self, request: object) -> object:
        if not isinstance(request, Mapping) or not isinstance(request.get("method"), str):
            raise Refusal(INVALID_REQUEST, "a request is an object with a method")
        params = request.get("params", [])
        if not isinstance(params, Sequence) or isinstance(params, str):
            raise Refusal(INVALID_PARAMS, "params is a list")
        method = self._methods.get(request["method"])
        if method is None:
            raise Refusal(NO_METHOD, f"the embedded chain has no method {request['method']}")
        with self._lock:
            try:
                return method(params)
            except ExecutionFailed as error:
                if error.data is None:
                    raise Refusal(REFUSED, error.problem) from error
                raise Refusal(REVERTED, error.problem, _hex(error.data)) from error
            except InvalidTransaction as error:
                raise Refusal(REFUSED, error.problem) from error

    def _base_fee(self) -> int:
        return self._evm.head.base_fee_per_gas or 0

    def _mine(self, params: Sequence[object]) -> str:
        self._evm.mine()
        return "0x0"

    def _call(self, params: Sequence[object]) -> str:
        at = params[1] if len(params) > 1 else "latest"
        number = None if at in HEAD_TAGS else self._number(at)
        return _hex(self._evm.call(_call(params), number))

    def _number(self, given: object) -> int:
        if given in HEAD_TAGS:
            return len(self._evm.blocks) - 1
        if given == "earliest":
            return 0
        number = _quantity(given)
        if number >= len(self._evm.blocks):
            raise Refusal(REFUSED, f"block {number} is not there yet")
        return number

    def _state(self, params: Sequence[object]) -> StateAPI:
        number = self._number(params[1] if len(params) > 1 else "latest")
        return self._evm.state_at(number)

    def _block_by_number(self, params: Sequence[object]) -> object:
        given = params[0] if params else None
        if isinstance(given, str) and given.startswith("0x"):
            number = _quantity(given)
            if number >= len(self._evm.blocks):
                return None
        else:
            number = self._number(given)
        return _block(self._evm.blocks[number], len(params) > 1 and params[1] is True)

    def _block_by_hash(self, params: Sequence[object]) -> object:
        wanted = _bytes(params, 0)
        for mined in self._evm.blocks:
            if mined.header.hash == wanted:
                return _block(mined, len(params) > 1 and params[1] is True)
        return None

    def _transaction(self, params: Sequence[object]) -> object:
        mined = self._evm.by_transaction.get(_bytes(params, 0))
        return None if mined is None else _transaction(mined)

    def _receipt(self, params: Sequence[object]) -> object:
        mined = self._evm.by_transaction.get(_bytes(params, 0))
        return None if mined is None else _receipt(mined)

    def _logs(self, params: Sequence[object]) -> object:
        query = params[0] if params else None
        if not isinstance(query, Mapping):
            raise Refusal(INVALID_PARAMS, "eth_getLogs takes an object")
        first = self._number(query.get("fromBlock", "latest"))
        last = min(self._number_or_head(query.get("toBlock", "latest")), len(self._evm.blocks) - 1)
        wanted = _addresses(query.get("address"))
        topics = [_topics(choice) for choice in _list(query.get("topics", []))]
        return list(self._matching(first, last, wanted, topics))

    def _number_or_head(self, given: object) -> int:
        return self._number(given) if not _is_quantity(given) else _quantity(given)

    def _matching(
        self,
        first: int,
        last: int,
        wanted: frozenset[bytes] | None,
        topics: Sequence[frozenset[bytes] | None],
    ) -> Iterator[Json]:
        for mined in self._evm.blocks[first : last + 1]:
            for index, log in enumerate(mined.logs):
                if wanted is not None and log.address not in wanted:
                    continue
                if len(topics) > len(log.topics):
                    continue
                pairs = zip(topics, log.topics, strict=False)
                if all(choice is None or topic in choice for choice, topic in pairs):
                    yield _log(mined, index)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _is_quantity(given: object) -> bool:
    return isinstance(given, str) and given.startswith("0x")


def _quantity(given: object) -> int:
    if isinstance(given, str) and given.startswith("0x"):
        try:
            return int(given, 16)
        except ValueError:
            pass
    raise Refusal(INVALID_PARAMS, f"{given!r:.80} is no quantity")


def _data(given: object) -> bytes:
    if isinstance(given, str) and given.startswith("0x"):
        try:
            return bytes.fromhex(given[2:])
        except ValueError:
            pass
    raise Refusal(INVALID_PARAMS, f"{given!r:.80} is no hexadecimal data")


def _bytes(params: Sequence[object], position: int) -> bytes:
    if position >= len(params):
        raise Refusal(INVALID_PARAMS, f"parameter {position} is missing")
    return _data(params[position])


def _address(params: Sequence[object], position: int) -> Address:
    address = _bytes(params, position)
    if len(address) != 20:
        raise Refusal(INVALID_PARAMS, "an address has 20 bytes")
    return Address(address)


def _integer(params: Sequence[object], position: int) -> int:
    given = params[position] if position < len(params) else None
    return given if isinstance(given, int) else _quantity(given)


def _list(given: object) -> Sequence[object]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise Refusal(INVALID_PARAMS, f"{given!r:.80} is no list")
    return given


def _addresses(given: object) -> frozenset[bytes] | None:
    if given is None:
        return None
    return frozenset([_data(given)] if isinstance(given, str) else map(_data, _list(given)))


def _topics(given: object) -> frozenset[bytes] | None:
    return _addresses(given)


def _call(params: Sequence[object]) -> Call:
    given = params[0] if params else None
    if not isinstance(given, Mapping):
        raise Refusal(INVALID_PARAMS, "a call is an object")
    data = given.get("data", given.get("input", "0x"))
    sender, to = given.get("from"), given.get("to")
    return Call(
        sender=bytes(20) if sender is None else _address([sender], 0),
        to=b"" if to is None else _address([to], 0),
        data=_data(data),
        value_wei=_quantity(given.get("value", "0x0")),
        gas=_quantity(given["gas"]) if "gas" in given else None,
        blob_hashes=tuple(_data(one) for one in _list(given.get("blobVersionedHashes") or [])),
    )


def _block(mined: Mined, whole: bool) -> Json:
    header = mined.header
    transactions: list[object] = []
    if mined.transaction is not None:
        transactions.append(_transaction(mined) if whole else _hex(mined.transaction.hash))
    return {
        "number": hex(header.block_number),
        "hash": _hex(header.hash),
        "parentHash": _hex(header.parent_hash),
        "stateRoot": _hex(header.state_root),
        "transactionsRoot": _hex(header.transaction_root),
        "receiptsRoot": _hex(header.receipt_root),
        "miner": _hex(header.coinbase),
        "mixHash": _hex(header.mix_hash),
        "timestamp": hex(header.timestamp),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "difficulty": "0x0",
        "extraData": _hex(header.extra_data),
        "transactions": transactions,
    }


def _place(mined: Mined) -> dict[str, object]:
    return {
        "blockNumber": hex(mined.header.block_number),
        "blockHash": _hex(mined.header.hash),
        "transactionIndex": "0x0",
    }


def _transaction(mined: Mined) -> Json:
    transaction = mined.transaction
    assert transaction is not None
    carried: Json = {}
    if transaction.type_id == BLOB_TYPE:
        carried = {
            "maxFeePerBlobGas": hex(transaction.max_fee_per_blob_gas),
            "blobVersionedHashes": [_hex(one) for one in transaction.blob_versioned_hashes],
        }
    return {
        **_place(mined),
        **carried,
        "hash": _hex(transaction.hash),
        "from": _hex(transaction.sender),
        "to": _hex(transaction.to) if transaction.to else None,
        "input": _hex(transaction.data),
        "nonce": hex(transaction.nonce),
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "type": hex(transaction.type_id or 0),
        "chainId": hex(transaction.chain_id or 0),
        "maxFeePerGas": hex(transaction.max_fee_per_gas),
        "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
        "yParity": hex(transaction.y_parity),
    }


def _receipt(mined: Mined) -> Json:
    transaction = mined.transaction
    assert transaction is not None
    return {
        **_place(mined),
        "transactionHash": _hex(transaction.hash),
        "from": _hex(transaction.sender),
        "to": _hex(transaction.to) if transaction.to else None,
        "contractAddress": None if mined.created is None else _hex(mined.created),
        "status": hex(mined.succeeded),
        "gasUsed": hex(mined.gas_used),
        "cumulativeGasUsed": hex(mined.gas_used),
        "type": hex(transaction.type_id or 0),
        "logs": [_log(mined, index) for index in range(len(mined.logs))],
    }


def _log(mined: Mined, index: int) -> Json:
    log = mined.logs[index]
    assert mined.transaction is not None
    return {
        **_place(mined),
        "transactionHash": _hex(mined.transaction.hash),
        "logIndex": hex(log.log_index),
        "address": _hex(log.address),
        "topics": [_hex(topic) for topic in log.topics],
        "data": _hex(log.data),
        "removed": False,
    }
