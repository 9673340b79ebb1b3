# pragma version 0.4.3
"""
@title The check of a blob's opening alone
@license Apache-2.0
"""

import blobs


@external
@view
def check(versioned_hash: bytes32, z: uint256, y: uint256, opening: bytes32[3]):
    blobs._check_opening(versioned_hash, z, y, opening)
