# pragma version 0.4.3
"""
@title Where the rollup stands
@license Apache-2.0
@notice Owns one storage word with all that a batch looks at besides the root: how far batches and
        queue are, until when it pauses, whether its end has begun. A word read or written once is
        2,100 or 5,000 gas, so they share one.
@dev    Six numbers of 40 bits: times in seconds since 1970, counts below 10^12.
"""

BITS: constant(uint256) = 40
LIMIT: constant(uint256) = 2**BITS


struct Standing:
    l1_time: uint256  # seconds; of the last batch
    processed: uint256  # queue ops that took effect
    batches: uint256
    enqueued: uint256  # queue ops; the number of the newest
    pause_end: uint256  # seconds; 0 where there was no pause yet
    exodus_start: uint256  # seconds; 0 before


word: uint256


@internal
@view
def _load() -> Standing:
    packed: uint256 = self.word
    return Standing(
        l1_time=packed % LIMIT,
        processed=(packed >> BITS) % LIMIT,
        batches=(packed >> 2 * BITS) % LIMIT,
        enqueued=(packed >> 3 * BITS) % LIMIT,
        pause_end=(packed >> 4 * BITS) % LIMIT,
        exodus_start=packed >> 5 * BITS,
    )


@internal
def _store(standing: Standing):
    low: uint256 = standing.l1_time | standing.processed << BITS | standing.batches << 2 * BITS
    high: uint256 = standing.enqueued | standing.pause_end << BITS
    self.word = low | (high | standing.exodus_start << 2 * BITS) << 3 * BITS
