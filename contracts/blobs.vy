# pragma version 0.4.3
"""
@title A batch's data in a blob: that its polynomial has a value at a point
@license Apache-2.0
@notice Owns one rule: `_check_opening` returns only if the blob's polynomial is y at z. The blob's
        field is the circuit's own, so this y is the D(z) that the proofs speak of.
@dev    Ref: EIP-4844 (blobhash, and the point-evaluation precompile with its one answer). On a
        chain without it the address answers with no data, so everything fails closed.
"""

import polynomials

POINT_EVALUATION: constant(address) = 0x000000000000000000000000000000000000000A
ELEMENTS_PER_BLOB: constant(uint256) = 4096


@internal
@view
def _only_hash() -> bytes32:
    """
    @return The versioned hash of the transaction's blob. There must be exactly one: a second would
            be stored by everyone, and read by nobody.
    """
    versioned_hash: bytes32 = blobhash(0)
    assert versioned_hash != empty(bytes32) and blobhash(1) == empty(bytes32), "NotOneBlob"
    return versioned_hash


@internal
@view
def _check_opening(versioned_hash: bytes32, z: uint256, y: uint256, opening: bytes32[3]):
    """
    @param z, y Below R.
    @param opening Commitment and KZG proof, 48 bytes each, one after the other. The precompile
           checks that the versioned hash is this commitment's.
    """
    success: bool = False
    answer: Bytes[65] = b""
    success, answer = raw_call(
        POINT_EVALUATION,
        abi_encode(versioned_hash, z, y, opening),
        max_outsize=65,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert success and answer == abi_encode(ELEMENTS_PER_BLOB, polynomials.R), "BlobMismatch"
