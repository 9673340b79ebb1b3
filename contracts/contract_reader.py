"""Reads of one deployed contract: its functions by `eth_call`, its events page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from eth_abi.exceptions import DecodingError

from contracts.abi import Contract, Event
from contracts.addresses import as_checksummed
from contracts.errors import NoContract
from contracts.rpc import Rpc
from contracts.transactions import Log, parse_log

LOG_PAGE_BLOCKS = 2_000
"""Blocks asked for at once in eth_getLogs; many nodes refuse more."""


class ContractReader:
    """A contract at an address, by its ABI. Every method raises RpcError; thread-safe."""

    def __init__(self, rpc: Rpc, address: str, abi: Contract) -> None:
        self.rpc = rpc
        self.address = as_checksummed(address)
        self._abi = abi

    def logs(
        self,
        event: str,
        from_block: int = 0,
        to_block: int | None = None,
        indexed: Sequence[Sequence[bytes]] = (),
    ) -> Iterator[Log]:
        """Logs of one event in block order, page by page. `indexed`: allowed topics, in order."""
        method = "eth_getLogs"
        last = self.rpc.quantity("eth_blockNumber") if to_block is None else to_block
        topics: list[object] = ["0x" + self._abi.events[event].topic.hex()]
        topics += [["0x" + topic.hex() for topic in choice] for choice in indexed]
        for start in range(from_block, last + 1, LOG_PAGE_BLOCKS):
            end = min(start + LOG_PAGE_BLOCKS - 1, last)
            query = {
                "address": self.address,
                "topics": topics,
                "fromBlock": hex(start),
                "toBlock": hex(end),
            }
            found = self.rpc.call(method, query)
            if not isinstance(found, Sequence) or isinstance(found, str):
                raise self.rpc.error(method, "the answer is no list")
            for given in found:
                yield parse_log(self.rpc, method, given)

    def call(self, calldata: bytes, sender: str | None = None) -> bytes:
        """Run a call on the latest block without sending it. Raises Reverted."""
        call = {"to": self.address, "data": "0x" + calldata.hex()}
        if sender is not None:
            call["from"] = sender
        return self.rpc.data("eth_call", call, "latest")

    def _decoded(self, event: Event, log: Log) -> dict[str, object]:
        try:
            return event.decode_log(log.topics, log.data)
        except DecodingError as error:
            raise self.rpc.error("eth_getLogs", f"{event.name} does not decode") from error

    def _number(self, function: str, *arguments: object, block: int | None = None) -> int:
        (value,) = self._read(function, *arguments, block=block)
        return cast(int, value)

    def _read(
        self, function: str, *arguments: object, block: int | None = None
    ) -> tuple[object, ...]:
        entry = self._abi.functions[function]
        call = {"to": self.address, "data": "0x" + entry.encode_call(*arguments).hex()}
        result = self.rpc.data("eth_call", call, "latest" if block is None else hex(block))
        if not result:
            raise NoContract(self.rpc.shown_url, self.address)
        try:
            return entry.decode_result(result)
        except DecodingError as error:
            raise self.rpc.error("eth_call", f"{function} returned something else") from error
