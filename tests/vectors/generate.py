"""Writes layouts_protocol.json: every number that protocol, circuit and contract must agree on.

    python -m tests.vectors.generate

Nothing in it is random. tests/protocol/test_layouts.py runs it again and compares, so a changed
layout shows up as a changed file; the contract's and the circuit's tests read the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from protocol import codec, data
from protocol.accounts import Account
from protocol.batch import (
    ExecutedProof,
    Shape,
    challenge,
    domain_of,
    link_elements,
    public_inputs,
    queue_covered,
)
from protocol.blobs import versioned_hash
from protocol.channels import Channel, Lane, Status, channel_id, pack_lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.merkle import EMPTY
from protocol.crypto.poseidon import Tag
from protocol.crypto.schnorr import Signature, key_hash, public_key, sign
from protocol.exits import ExitKind
from protocol.proof_builder import execute_proof
from protocol.queue import (
    NO_OPS_HASH,
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    OpType,
    QueueOp,
    rolling_hash,
)
from protocol.state import State, genesis_root
from protocol.trace import Context
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    TxType,
    Withdraw,
)
from protocol.units import DAY_S
from tests.vectors.exits import entries as exits

Json = dict[str, Any]
FILE = Path(__file__).with_name("layouts_protocol.json")

CHAIN_ID = 31_337
CONTRACT = 0x5FBDB2315678AFECB367F032D93F642F64180AA3
DOMAIN = domain_of(CHAIN_ID, CONTRACT)
NOW = 1_790_000_000
LATER = NOW + 3_600
WINDOW_S = 2 * DAY_S
SECRETS = (0x1111 << 200 | 1, 0x2222 << 200 | 2)
OWNERS = (0xA0A0 << 144 | 1, 0xB0B0 << 144 | 2)
SHAPE = Shape(queue_slots=2, user_slots=4)
GARBAGE = Signature(Point(17, 19), Point(23, 29), 31)
LARGEST = Signature(Point(R - 1, R - 2), Point(R - 3, R - 4), R - 5)
OPERATOR = 1


def hexed(number: int) -> str:
    return hex(number)


def hexed_all(numbers: tuple[int, ...] | list[int]) -> list[str]:
    return [hex(number) for number in numbers]


# --- codes, keys, leaves --------------------------------------------------------------------


def primitives() -> Json:
    keys = [public_key(secret) for secret in SECRETS]
    signature = sign(SECRETS[0], 123_456_789, bytes(range(32)))
    return {
        "tags": {tag.name: int(tag) for tag in Tag},
        "transaction_types": {one.name: int(one) for one in TxType},
        "queue_ops": {one.name: int(one) for one in OpType},
        "exit_kinds": {one.name: int(one) for one in ExitKind},
        "domain": {"chain_id": CHAIN_ID, "contract": hexed(CONTRACT), "domain": hexed(DOMAIN)},
        "empty_nodes": hexed_all(EMPTY),
        "genesis_root": hexed(genesis_root()),
        "keys": [
            {
                "secret": hexed(secret),
                "x": hexed(key.x),
                "y": hexed(key.y),
                "key_hash": hexed(key_hash(key)),
            }
            for secret, key in zip(SECRETS, keys, strict=True)
        ],
        "signature": {
            "secret": hexed(SECRETS[0]),
            "message": hexed(123_456_789),
            "fresh_bytes": bytes(range(32)).hex(),
            "r": [hexed(signature.r.x), hexed(signature.r.y)],
            "s": hexed(signature.s),
        },
    }


def leaves() -> list[Json]:
    accounts = [
        Account(0, 0, 0, 0, 0, 0),
        Account(2, 3, 5, 7, 11, 13),
        Account(EMPTY[1], 2**160 - 1, *(2**n - 1 for n in (32, 64, 96, 96))),
    ]
    channels = [
        Channel(0, 1, 2, 3, Status.OPEN, 4, 5, 6, 7, 8, 9, 10),
        Channel(
            2**24 - 1,
            2**24 - 2,
            2**32 - 1,
            2**32 - 1,
            Status.CLOSING,
            2**40 - 1,
            2**64 - 1,
            2**64 - 1,
            2**96 - 1,
            2**96 - 1,
            EMPTY[1],
            EMPTY[2],
        ),
    ]
    return [
        {"account": codec.account_to_json(one), "leaf_hash": hexed(one.leaf_hash())}
        for one in accounts
    ] + [
        {"channel": codec.channel_to_json(one), "leaf_hash": hexed(one.leaf_hash())}
        for one in channels
    ]


# --- messages that are signed, elements that are published ----------------------------------


def bodies() -> list[Body]:
    """Two of each type: small distinct numbers, then every field at its largest."""
    top24, top32, top40, top64, top96 = (2**n - 1 for n in (24, 32, 40, 64, 96))
    small, large = channel_id(2, 3, 5), 2**96 - 1
    return [
        Transfer(2, 3, 5, 7, 11, 13),
        Transfer(top24, top24, top32, top64, top32, top40),
        Withdraw(2, 5, 7, 11, 13),
        Withdraw(top24, top32, top64, top32, top40),
        Open(2, 3, 5, 7, 11, 17, 13),
        Open(top24, top24, top32, top64, top32, top32, top40),
        TopUp(small, Lane.AB, 5, 7, 11, 13),
        TopUp(large, Lane.BA, top32, top64, top32, top40),
        Claim(small, Lane.AB, pack_lane(7, 11)),
        Claim(large, Lane.BA, top96),
        StartClose(small, Lane.AB, 5, 13),
        StartClose(large, Lane.BA, top32, top40),
        Close(small, pack_lane(7, 11), pack_lane(17, 19), 23, 29, 13),
        Close(large, top96, top96, top64, top64, top40),
    ]


def signed_messages() -> list[Json]:
    return [
        {
            "type": body.TYPE.name,
            "body": _fields(body),
            "message": hexed(body.message(DOMAIN)),
        }
        for body in bodies()
        if not isinstance(body, Finalize)
    ]


def _fields(body: Body) -> Json:
    return {name: str(int(getattr(body, name))) for name in body.__dataclass_fields__}


def data_elements() -> list[Json]:
    """Of each type: every field alone at its largest (which pins its place), then all of them."""
    out: list[Json] = []
    for tx_type, fields in data.FIELDS.items():
        largest = {name: 2**bits - 1 for name, bits in fields}
        alone = [{n: v if n == name else 0 for n, v in largest.items()} for name in largest]
        for values in (*alone, largest):
            element = data.pack(tx_type, values)
            out.append(
                {
                    "type": tx_type.name,
                    "fields": {name: hexed(value) for name, value in values.items()},
                    "element": hexed(element),
                }
            )
    return out


def headers() -> list[Json]:
    return [
        {"operator_index": a, "consumed": b, "element": hexed(data.header(a, b))}
        for a, b in ((0, 0), (5, 3), (2**24 - 1, 2**24 - 1))
    ]


def contexts() -> list[Json]:
    some = [Context(DOMAIN, NOW, NOW - 5), Context(2**128 - 1, 2**40 - 1, 2**40 - 1)]
    return [
        {
            "domain": hexed(one.domain),
            "l1_time": one.l1_time,
            "queue_covered": one.queue_covered,
            "element": hexed(one.element()),
        }
        for one in some
    ]


def queue_ops() -> list[QueueOp]:
    hashes = [key_hash(public_key(secret)) for secret in SECRETS]
    return [
        NewAccount(1, NOW - 100, 0, hashes[0], OWNERS[0], 1_000_000, OWNERS[0]),
        NewAccount(2, NOW - 90, 1, hashes[1], OWNERS[1], 2_000_000, 0xFACE),
        Deposit(3, NOW - 80, 0, 500, OWNERS[0]),
        ForcedExit(4, NOW + 10, 0, OWNERS[0]),
        KeyChange(5, NOW + 20, 1, hashes[0], OWNERS[1]),
        ForcedStartClose(6, NOW + 30, 5, 7, Lane.BA, OWNERS[1]),
        ForcedClaim(7, NOW + 40, 5, 7, Lane.AB, pack_lane(11, 13), GARBAGE, OWNERS[0]),
        ForcedFinalize(8, NOW + 50, 5, 7, 0xFACE),
        Deposit(9, 2**40 - 1, 2**24 - 1, 2**64 - 1, 2**160 - 1),
        ForcedStartClose(10, 2**40 - 1, 2**24 - 1, 2**32 - 1, Lane.BA, 2**160 - 1),
        ForcedClaim(11, 2**40 - 1, 2**24 - 1, 2**32 - 1, Lane.BA, 2**96 - 1, LARGEST, 1),
        ForcedFinalize(12, 2**40 - 1, 2**24 - 1, 2**32 - 1, 2**160 - 1),
    ]


def queue() -> list[Json]:
    out, rolling = [], NO_OPS_HASH
    for op in queue_ops():
        rolling = rolling_hash(rolling, op)
        fields = {n: _hexed_field(getattr(op, n)) for n in op.__dataclass_fields__}
        out.append(
            {
                "op": op.TYPE.name,
                "fields": fields,
                "payer": hexed(op.payer),
                "elements": hexed_all(op.elements()),
                "rolling_hash": "0x" + rolling.hex(),
            }
        )
    return out


def _hexed_field(value: int | Signature) -> str | list[str]:
    if isinstance(value, Signature):
        return hexed_all([value.key.x, value.key.y, value.r.x, value.r.y, value.s])
    return hexed(int(value))


# --- two batches ----------------------------------------------------------------------------


def _sign(body: Body, *who: int) -> Transaction:
    if isinstance(body, Finalize):
        return Transaction(body)
    fresh = bytes(31) + bytes([int(body.TYPE)])
    message = body.message(DOMAIN)
    return Transaction(body, tuple(sign(SECRETS[one], message, fresh) for one in who))


def executed_batches() -> list[list[ExecutedProof]]:
    """Every transaction type, deposits and an exit, in two batches of two proofs and one."""
    state, ops = State(), queue_ops()[:4]
    ab, ba = channel_id(0, 1, 1), channel_id(1, 0, 0)
    first = [
        _sign(Transfer(0, 1, 0, 1_000, 10, LATER), 0),
        _sign(Open(0, 1, 1, 50_000, 20, WINDOW_S, LATER), 0),
        _sign(Open(1, 0, 0, 60_000, 0, WINDOW_S, LATER), 1),
    ]
    second = [
        _sign(Claim(ab, Lane.AB, pack_lane(120, 3_600)), 0),
        _sign(TopUp(ab, Lane.BA, 1, 700, 5, LATER), 1),
        _sign(Withdraw(0, 2, 12_345, 7, LATER), 0),
        _sign(StartClose(ba, Lane.BA, 3, LATER), 0),
    ]
    third = [
        _sign(Close(ab, pack_lane(150, 4_500), pack_lane(30, 900), 50_000, 700, 2**40 - 1), 0, 1),
        _sign(Finalize(ba)),
    ]
    end = NOW + 7_200 + WINDOW_S

    def proof(
        l1_time: int, oldest_left: int | None, ops: list[QueueOp], transactions: list[Transaction]
    ) -> ExecutedProof:
        context = Context(DOMAIN, l1_time, queue_covered(l1_time, oldest_left))
        listed = [(transaction, None) for transaction in transactions]
        return execute_proof(state, SHAPE, context, OPERATOR, ops, listed)

    return [
        [proof(NOW, ops[2].enqueue_time, ops[:2], first), proof(NOW, None, ops[2:3], second)],
        [proof(end, None, ops[3:], third)],
    ]


VECTOR_COMMITMENT = bytes(range(0xC0, 0xF0))
"""Stands for a KZG commitment: only its hash goes into a challenge."""


def batches() -> list[Json]:
    out = []
    for proofs in executed_batches():
        z = challenge(proofs)
        named = versioned_hash(VECTOR_COMMITMENT)
        blob = {"versioned_hash": "0x" + named.hex(), "z": hexed(challenge(proofs, named))}
        out.append({"z": hexed(z), "blob": blob, "proofs": [_proof(one, z) for one in proofs]})
    return out


def _proof(proof: ExecutedProof, z: int) -> Json:
    return {
        "queue_slots": proof.shape.queue_slots,
        "user_slots": proof.shape.user_slots,
        "ops": [trace.op.number for trace in proof.queue],
        "transactions": [codec.transaction_to_json(trace.transaction) for trace in proof.users],
        "operator_index": proof.operator_index,
        "l1_time": proof.context.l1_time,
        "queue_covered": proof.context.queue_covered,
        "data": hexed_all(proof.data),
        "messages": hexed_all(proof.messages),
        "links": hexed_all(link_elements(proof.old_root, proof.new_root, proof.context)),
        "public_inputs": hexed_all(public_inputs(proof, z).values()),
    }


def vectors() -> Json:
    """The whole file."""
    return {
        "source": "generated by tests/vectors/generate.py from protocol/; see docs/protocol.md",
        **primitives(),
        "leaves": leaves(),
        "signed_messages": signed_messages(),
        "data_elements": data_elements(),
        "headers": headers(),
        "contexts": contexts(),
        "queue": queue(),
        "batches": batches(),
        "exits": exits(),
    }


def text() -> str:
    """The file's text."""
    return json.dumps(vectors(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
