# pragma version 0.4.3
"""
@title Words as polynomials over Fr
@license Apache-2.0
@notice Owns how lists of field elements are hashed, at which point, and evaluated there; stateless.
"""

R: constant(uint256) = 52435875175126190479447740508185965837690552500527637822603658699938581184513
MAX_WORDS: constant(uint256) = 96

MODE_CALLDATA: constant(uint256) = 0
PROOF_COUNT: constant(uint256) = 1  # proofs in a batch
Z_TAG: constant(bytes32) = keccak256("wattlane-z")


@internal
@pure
def _challenge(
    old_root: uint256,
    new_root: uint256,
    context: uint256,
    digest: uint256,
    data_commitment: bytes32,
    messages_hash: bytes32,
) -> uint256:
    """
    @param data_commitment `_hash` of the data elements.
    @param messages_hash `_hash` of the message elements.
    @return z: a hash of everything that is fixed before both polynomials are evaluated, mod R.
    """
    preimage: Bytes[288] = abi_encode(
        Z_TAG,
        MODE_CALLDATA,
        PROOF_COUNT,
        old_root,
        new_root,
        context,
        digest,
        data_commitment,
        messages_hash,
    )
    return convert(keccak256(preimage), uint256) % R


@internal
@pure
def _hash(words: DynArray[uint256, MAX_WORDS]) -> bytes32:
    """
    @return keccak256 of the words, 32 bytes each, with nothing before or between them.
    """
    # abi_encode puts an offset and the length before the words.
    return keccak256(slice(abi_encode(words), 64, 32 * len(words)))


@internal
@pure
def _evaluate(words: DynArray[uint256, MAX_WORDS], z: uint256) -> uint256:
    """
    @return sum of words[i] z^i mod R, by Horner from the last word; words may be any integers.
    """
    total: uint256 = 0
    count: uint256 = len(words)
    for i: uint256 in range(count, bound=MAX_WORDS):
        total = uint256_addmod(
            uint256_mulmod(total, z, R), words[count - 1 - i], R
        )
    return total
