"""Sharing a whole number of Wh or ntok in whole parts, none lost."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share a whole `total` in proportion to weights >= 0; the shares add up to it exactly.

    Each gets the floor of its quota, and what is left goes, one each, to the largest remainders,
    ties to the lower position. With total <= sum of weights no share exceeds its weight. The sum of
    the weights must not be 0 unless total is.
    """
    whole = sum(weights)
    if not total:
        return (0,) * len(weights)
    quotas = [divmod(total * weight, whole) for weight in weights]
    shares = [floor for floor, _ in quotas]
    remainders = [remainder for _, remainder in quotas]
    # a reversed sort keeps the order of equal ones: the lower position first
    by_remainder = sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return tuple(shares)


def in_order(total: int, most: Sequence[int]) -> tuple[int, ...]:
    """Give the first all that it can take, then the second, until `total` is given out."""
    shares = []
    for one in most:
        share = min(one, total)
        shares.append(share)
        total -= share
    return tuple(shares)
