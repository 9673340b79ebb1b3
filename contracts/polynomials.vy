# pragma version 0.4.3
"""
@title A batch's challenge z, and powers of it
@license Apache-2.0
@notice Owns the point at which data and messages are evaluated: a hash of everything that is fixed
        before; stateless.
"""

R: constant(uint256) = 52435875175126190479447740508185965837690552500527637822603658699938581184513

MODE_CALLDATA: constant(uint256) = 0
MODE_BLOB: constant(uint256) = 1
Z_TAG: constant(bytes32) = keccak256("wattlane-z")
EXPONENT_BITS: constant(uint256) = 7  # an element's place in its proof is below 99


@internal
@pure
def _start(
    mode: uint256, count: uint256, data_commitment: bytes32, messages_commitment: bytes32
) -> bytes32:
    """
    @param mode Where the data are, which says what `data_commitment` is of them.
    @param count Proofs in the batch.
    @return What the challenge's hash chain starts from.
    """
    return keccak256(
        abi_encode(Z_TAG, mode, count, data_commitment, messages_commitment)
    )


@internal
@pure
def _bind(
    previous: bytes32, old_root: uint256, new_root: uint256, context: uint256, digest: uint256
) -> bytes32:
    """
    @return The chain with one more proof. z is what stands at its end, mod R.
    """
    return keccak256(abi_encode(previous, old_root, new_root, context, digest))


@internal
@pure
def _power(z: uint256, exponent: uint256) -> uint256:
    """
    @return z^exponent mod R, for exponents below 2^7.
    """
    result: uint256 = 1
    square: uint256 = z
    rest: uint256 = exponent
    for bit: uint256 in range(EXPONENT_BITS):
        if rest == 0:
            break
        if rest & 1 == 1:
            result = uint256_mulmod(result, square, R)
        square = uint256_mulmod(square, square, R)
        rest >>= 1
    return result
