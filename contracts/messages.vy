# pragma version 0.4.3
"""
@title The message elements that a batch's proofs must have
@license Apache-2.0
@notice Owns what L1 demands of the messages: the consumed ops as the queue holds them, the listed
        withdrawals where they belong, and 0 everywhere else; then the three link elements, which
        say from which root to which the proof leads, and in what context. Only what is not 0 costs
        anything.
@dev    The link elements stand behind the W = 8Q + N others: old_root, new_root, context.
        A withdrawal is one word: recipient + amount 2^160, the message element, + position 2^224.
        Position = proof's number * W + the element's place among the W of that proof.
"""

import polynomials

R: constant(uint256) = polynomials.R
SLOT_WIDTH: constant(uint256) = 8  # elements of a queue slot; the last one is its output


@internal
@pure
def _check_withdrawal(
    word: uint256, count: uint256, consumed: uint256, queue_slots: uint256, user_slots: uint256
):
    """
    @dev Its position must be the output of a user slot of one of the `count` proofs, or of a queue
         slot that one of the `consumed` ops fills; its amount not 0.
    """
    width: uint256 = SLOT_WIDTH * queue_slots + user_slots
    position: uint256 = word >> 224
    assert position < count * width, "BadWithdrawalPosition"
    place: uint256 = position % width
    if place < SLOT_WIDTH * queue_slots:
        assert place % SLOT_WIDTH == 7, "BadWithdrawalPosition"
        op: uint256 = position // width * queue_slots + place // SLOT_WIDTH
        assert op < consumed, "BadWithdrawalPosition"
    assert (word >> 160) % 2**64 > 0, "WithdrawalZero"


@internal
@pure
def _bind_op(previous: bytes32, elements: uint256[7]) -> bytes32:
    """
    @return The hash of all messages so far, with one more consumed op.
    """
    return keccak256(abi_encode(previous, elements))


@internal
@pure
def _bind_withdrawal(previous: bytes32, word: uint256) -> bytes32:
    """
    @return The hash of all messages so far, with one more withdrawal.
    """
    return keccak256(abi_encode(previous, word))


@internal
@pure
def _op_at(elements: uint256[7], slot: uint256, z: uint256) -> uint256:
    """
    @return What the op in queue slot `slot` adds to its proof's M(z).
    """
    total: uint256 = 0
    for i: uint256 in range(7):
        total = uint256_addmod(uint256_mulmod(total, z, R), elements[6 - i], R)
    return uint256_mulmod(total, polynomials._power(z, SLOT_WIDTH * slot), R)


@internal
@pure
def _withdrawal_at(word: uint256, width: uint256, z: uint256) -> uint256:
    """
    @return What the withdrawal adds to its proof's M(z).
    """
    return uint256_mulmod(
        word % 2**224, polynomials._power(z, (word >> 224) % width), R
    )


@internal
@pure
def _links_at(
    old_root: uint256, new_root: uint256, context: uint256, z: uint256, z_w: uint256
) -> uint256:
    """
    @param z_w z^W.
    @return What the link elements add to their proof's M(z).
    """
    total: uint256 = uint256_addmod(uint256_mulmod(context, z, R), new_root, R)
    total = uint256_addmod(uint256_mulmod(total, z, R), old_root, R)
    return uint256_mulmod(total, z_w, R)
