"""The settlement ERC-20: what the rollup and its users need of it. Ref: EIP-20."""

from __future__ import annotations

from typing import cast

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from contracts.abi import load
from contracts.rpc import Rpc
from contracts.transactions import Receipt, Sender

ABI = load("token")


class TokenReader:
    """Reads of a token. Every method raises RpcError. Amounts are base units."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self.rpc = rpc
        self.address = address

    @staticmethod
    def checked_address(address: str) -> str:
        """The EIP-55 form of an address."""
        return str(to_checksum_address(address))

    def decimals(self) -> int:
        """Decimals of one token."""
        return self._number("decimals")

    def balance_of(self, owner: str, block: int | None = None) -> int:
        """Base units that an address holds, after a block or now."""
        return self._number("balanceOf", owner, block=block)

    def allowance(self, owner: str, spender: str) -> int:
        """Base units that `spender` may still take from `owner`."""
        return self._number("allowance", owner, spender)

    def _number(self, function: str, *arguments: object, block: int | None = None) -> int:
        entry = ABI.functions[function]
        call = {"to": self.address, "data": "0x" + entry.encode_call(*arguments).hex()}
        result = self.rpc.data("eth_call", call, "latest" if block is None else hex(block))
        try:
            return cast(int, entry.decode_result(result)[0])
        except DecodingError as error:
            problem = f"{self.address} is no ERC-20 token"
            raise self.rpc.error("eth_call", problem) from error


class TokenClient(TokenReader):
    """A token, with an account that sends. Every sending method raises as Sender.send."""

    def __init__(self, sender: Sender, address: str) -> None:
        super().__init__(sender.rpc, address)
        self.sender = sender

    def approve(self, spender: str, amount_base_units: int) -> Receipt:
        """Let `spender` take up to this much."""
        data = ABI.functions["approve"].encode_call(spender, amount_base_units)
        return self.sender.send(self.address, data)

    def transfer(self, to: str, amount_base_units: int) -> Receipt:
        """Send tokens."""
        data = ABI.functions["transfer"].encode_call(to, amount_base_units)
        return self.sender.send(self.address, data)

    def mint(self, to: str, amount_base_units: int) -> Receipt:
        """Make tokens: only the test token's minter can."""
        return self.sender.send(
            self.address, ABI.functions["mint"].encode_call(to, amount_base_units)
        )
