# pragma version 0.4.3
"""
@title The calldata of a batch, as everyone will read it
@license Apache-2.0
@notice Owns one rule: submit_batch's calldata holds its three arrays where the ABI's encoder puts
        them, whole. The compiler's decoder takes more: an array beyond the end (it reads zeros
        there), two in one place. Other decoders refuse that, and could not follow the rollup.
"""

ARRAY_OFFSETS_AT: constant(uint256) = 4 + 32 * 22  # after selector, l1_time and the proof's words
HEAD: constant(uint256) = 32 * 25  # bytes of the arguments before the first array


@internal
@view
def _check_arrays(data_length: uint256, ops_length: uint256, withdrawals_length: uint256):
    """
    @dev An array is its length, then of data one word an element, of ops 8, of withdrawals 3.
    """
    ops_at: uint256 = HEAD + 32 * (1 + data_length)
    withdrawals_at: uint256 = ops_at + 32 * (1 + 8 * ops_length)
    end: uint256 = withdrawals_at + 32 * (1 + 3 * withdrawals_length)
    offsets: Bytes[96] = slice(msg.data, ARRAY_OFFSETS_AT, 96)
    assert offsets == abi_encode(HEAD, ops_at, withdrawals_at), "BadCalldata"
    assert len(msg.data) >= 4 + end, "BadCalldata"
