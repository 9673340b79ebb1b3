# pragma version 0.4.3
"""
@title The calldata of a batch, as everyone will read it
@license Apache-2.0
@notice Owns one rule: submit_batch's calldata holds its four arrays where the ABI's encoder puts
        them, whole. The compiler's decoder takes more: an array beyond the end (it reads zeros
        there), two in one place. Other decoders refuse that, and could not follow the rollup.
"""

PROOF_WORDS: constant(uint256) = 21
HEAD: constant(uint256) = 32 * 5  # bytes of l1_time and the arrays' offsets
OPENING: constant(uint256) = 32 * 3  # of the opening, which follows them where there is a blob
OFFSETS_AT: constant(uint256) = 4 + 32  # after selector and l1_time


@internal
@view
def _check_arrays(
    has_blob: bool,
    proofs_length: uint256,
    data_length: uint256,
    ops_length: uint256,
    withdrawals_length: uint256,
):
    """
    @dev An array is its length, then of proofs 21 words an element, of data one, of ops 8, of
         withdrawals one.
    """
    head: uint256 = HEAD
    if has_blob:
        head += OPENING
    data_at: uint256 = head + 32 * (1 + PROOF_WORDS * proofs_length)
    ops_at: uint256 = data_at + 32 * (1 + data_length)
    withdrawals_at: uint256 = ops_at + 32 * (1 + 8 * ops_length)
    end: uint256 = withdrawals_at + 32 * (1 + withdrawals_length)
    offsets: Bytes[128] = slice(msg.data, OFFSETS_AT, 128)
    assert offsets == abi_encode(head, data_at, ops_at, withdrawals_at), "BadCalldata"
    assert len(msg.data) >= 4 + end, "BadCalldata"
