"""The code at an address is the committed artifact, byte for byte, whatever its birth has fixed.

Every answer of a contract is worth what its code is worth: whoever deploys something that only
looks like a rollup can answer the same calls. What a deployment fixes (shape, keys, token: its
immutables) stands behind the code and is read through it.
"""

from __future__ import annotations

from contracts.abi import load
from contracts.errors import NoContract, WrongCode
from contracts.reader import RollupReader
from contracts.rpc import Rpc


def code_at(rpc: Rpc, address: str) -> bytes:
    """The code at an address in the newest block. Raises RpcError."""
    given = rpc.call("eth_getCode", address, "latest")
    if not isinstance(given, str) or not given.startswith("0x"):
        raise rpc.error("eth_getCode", "the answer is no code")
    try:
        return bytes.fromhex(given[2:])
    except ValueError:
        raise rpc.error("eth_getCode", "the answer is no code") from None


def check_code(rpc: Rpc, name: str, address: str) -> None:
    """Whether an address holds the contract "rollup", "exodus" or "token".

    Raises WrongCode, NoContract, RpcError.
    """
    code, expected = code_at(rpc, address), load(name)
    if not code:
        raise NoContract(rpc.shown_url, address)
    if len(code) != len(expected.runtime) + expected.immutable_bytes:
        size = len(expected.runtime) + expected.immutable_bytes
        raise WrongCode(address, name, f"{len(code)} bytes, not {size}")
    if not code.startswith(expected.runtime):
        at = next(
            place
            for place, (one, other) in enumerate(zip(code, expected.runtime, strict=False))
            if one != other
        )
        raise WrongCode(address, name, f"byte {at} differs")


def check_rollup_code(reader: RollupReader) -> None:
    """Whether a rollup and its exodus are what is committed here, and belong together.

    Raises WrongCode, NoContract, RpcError.
    """
    check_code(reader.rpc, "rollup", reader.address)
    exodus = reader.exodus()
    check_code(reader.rpc, "exodus", exodus.address)
    if exodus.rollup_address() != reader.address:
        raise WrongCode(exodus.address, "exodus", f"it belongs to {exodus.rollup_address()}")
