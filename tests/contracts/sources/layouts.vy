# pragma version 0.4.3
"""
@title The contract's own layout functions, made callable for the golden vectors
@license Apache-2.0
"""

import combination
import messages
import polynomials
import queue
import standing
import verifier

initializes: standing
initializes: queue[standing := standing]
initializes: verifier
initializes: combination[verifier := verifier]


@deploy
def __init__(key: verifier.VerifyingKey):
    verifier.__init__(key)
    queue.__init__(10**13)


@external
@pure
def chain_hash(previous: bytes32, entry: queue.Op) -> bytes32:
    return queue._chain_hash(previous, entry)


@external
@pure
def enqueue_time(elements: uint256[7]) -> uint256:
    return queue._enqueue_time(elements)


@external
@pure
def check_withdrawal(
    word: uint256, count: uint256, consumed: uint256, queue_slots: uint256, user_slots: uint256
):
    messages._check_withdrawal(word, count, consumed, queue_slots, user_slots)


@external
@pure
def op_at(elements: uint256[7], slot: uint256, z: uint256) -> uint256:
    return messages._op_at(elements, slot, z)


@external
@pure
def withdrawal_at(word: uint256, width: uint256, z: uint256) -> uint256:
    return messages._withdrawal_at(word, width, z)


@external
@pure
def links_at(
    old_root: uint256, new_root: uint256, context: uint256, z: uint256, z_w: uint256
) -> uint256:
    return messages._links_at(old_root, new_root, context, z, z_w)


@external
@pure
def power(z: uint256, exponent: uint256) -> uint256:
    return polynomials._power(z, exponent)


@external
@pure
def bind_op(previous: bytes32, elements: uint256[7]) -> bytes32:
    return messages._bind_op(previous, elements)


@external
@pure
def bind_withdrawal(previous: bytes32, word: uint256) -> bytes32:
    return messages._bind_withdrawal(previous, word)


@external
@pure
def start(count: uint256, data: DynArray[uint256, 256], messages_commitment: bytes32) -> bytes32:
    return polynomials._start(
        polynomials.MODE_CALLDATA, count, keccak256(abi_encode(data)), messages_commitment
    )


@external
@pure
def start_blob(count: uint256, versioned_hash: bytes32, messages_commitment: bytes32) -> bytes32:
    return polynomials._start(polynomials.MODE_BLOB, count, versioned_hash, messages_commitment)


@external
@pure
def bind(
    previous: bytes32, old_root: uint256, new_root: uint256, context: uint256, digest: uint256
) -> bytes32:
    return polynomials._bind(previous, old_root, new_root, context, digest)


@external
@view
def key_hash() -> bytes32:
    return verifier.KEY_HASH


@external
@pure
def bind_proof(previous: bytes32, z: uint256, proof: combination.Proof) -> bytes32:
    return combination._bind(previous, z, proof)


@external
@pure
def weight(seed: bytes32, k: uint256) -> uint256:
    return combination._weight(seed, k)


@external
@view
def fee_wei(enqueued: uint256, processed: uint256) -> uint256:
    now: standing.Standing = empty(standing.Standing)
    now.enqueued = enqueued
    now.processed = processed
    return queue._fee_wei(now)


@external
def pack(given: standing.Standing) -> (uint256, standing.Standing):
    standing._store(given)
    return standing.word, standing._load()
