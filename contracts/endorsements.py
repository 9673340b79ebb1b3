"""Who stands behind a receipt key: whose L1 key endorsed it, and who was the operator on L1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from eth_abi.exceptions import DecodingError
from eth_account import Account
from eth_account.messages import encode_defunct

from contracts.addresses import as_checksummed
from contracts.errors import L1Error
from contracts.reader import ABI, RollupReader
from contracts.transactions import Log
from protocol.crypto.jubjub import Point
from protocol.receipts import endorsement_text


def endorser_of(domain: int, key: Point, endorsement: str) -> str:
    """The L1 address that signed for this receipt key. Raises ValueError where it is no signature.

    Ref: EIP-191.
    """
    text = encode_defunct(text=endorsement_text(domain, key))
    try:
        return str(Account.recover_message(text, signature=bytes.fromhex(endorsement[2:])))
    except Exception as error:
        raise ValueError("the endorsement is no signature") from error


@dataclass(frozen=True, slots=True)
class Operators:
    """Addresses that are, or were, the operator on L1. `first_is_missing`: there was one more
    before them, and this L1 node no longer has the state that names it.
    """

    addresses: frozenset[str]
    first_is_missing: bool = False

    def had(self, address: str) -> bool:
        """Whether it is one of them."""
        return address.lower() in {one.lower() for one in self.addresses}


def operators_had(reader: RollupReader) -> Operators:
    """Every operator that the contract has had. No event names the first: the state before the
    first change does. Raises RpcError, NoContract.
    """
    present = reader.powers().operator
    changes = list(reader.logs("OperatorChanged"))
    named = {_named_in(reader, one) for one in changes}
    if not changes:
        return Operators(frozenset({present}))
    try:
        first = reader.powers(changes[0].block_number - 1).operator
    except L1Error:
        return Operators(frozenset({present, *named}), first_is_missing=True)
    return Operators(frozenset({present, first, *named}))


def _named_in(reader: RollupReader, log: Log) -> str:
    try:
        fields = ABI.events["OperatorChanged"].decode_log(log.topics, log.data)
    except DecodingError as error:
        raise reader.rpc.error("eth_getLogs", "OperatorChanged does not decode") from error
    return as_checksummed(cast(str, fields["operator"]))
