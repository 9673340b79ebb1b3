# pragma version 0.4.3
"""
@title Words as polynomials over Fr
@license Apache-2.0
@notice Owns how a list of field elements is hashed and evaluated; stateless.
"""

R: constant(uint256) = 52435875175126190479447740508185965837690552500527637822603658699938581184513
MAX_WORDS: constant(uint256) = 192


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
