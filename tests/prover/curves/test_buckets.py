"""Segments of points become their sums, however long; buckets are weighed by their index."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves import buckets
from prover.curves.bucket_kernels import sort_by_bucket
from prover.curves.buckets import sum_chunks, sum_segments, weigh
from prover.curves.groups import Group
from tests.prover.curves.oracle import GROUPS, coordinates, points, times_generator

LOGS = [1, 2, 3, 7, R - 7, R - 1, 0, 12345, R - 12345, 1]


def check_segments(group: Group, lengths: list[int]) -> None:
    rng = random.Random(len(lengths))
    table = points(group, LOGS)
    chosen = [(rng.randrange(len(LOGS)), rng.randrange(2)) for _ in range(sum(lengths))]
    refs = np.array([2 * i + sign for i, sign in chosen], dtype=np.int32)
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    logs = [LOGS[i] if sign == 0 else -LOGS[i] for i, sign in chosen]
    wanted = [sum(logs[start:stop]) % R for start, stop in pairwise(offsets.tolist())]
    for bounds in (offsets[None], np.array([offsets, offsets[-1:] + 0 * offsets, offsets])):
        found: list[list[object]] = [[] for _ in bounds]
        for first, sums, roots in sum_chunks(group, table, refs, bounds):
            assert {first} == set(map(len, found))
            for row, part in zip(roots.tolist(), found, strict=True):
                part += [group.decode(sums[ref >> 1]) if ref >= 0 else None for ref in row]
        want = [coordinates(times_generator(group, log)) for log in wanted]
        assert found == [want, [None] * len(want), want][: len(bounds)]
    out = np.ones((len(lengths) + 1, group.width), dtype=np.uint64)
    sum_segments(group, table, refs, offsets, out)
    assert [group.decode(point) for point in out[:-1]] == want
    assert (out[-1] == 1).all()


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_segments_of_all_lengths(group: Group) -> None:
    check_segments(group, [])
    check_segments(group, [0])
    check_segments(group, list(range(20)))
    check_segments(group, [0, 0, 63, 0, 64, 65, 1, 0, 127, 2, 0])


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("chunk", [1, 2, 10, 64])
def test_segments_cut_into_chunks(
    group: Group, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_CHUNK", chunk)
    check_segments(group, [0, 0, 5, 1, 0, 30, 2, 2, 2, 2, 17, 0, 0])


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("log_size", range(6))
def test_buckets_are_weighed_by_the_bits_of_their_index(group: Group, log_size: int) -> None:
    size = 1 << log_size
    logs = [random.Random(log_size).choice(LOGS) for _ in range(size)]
    room = np.empty((3 * size, group.width), dtype=np.uint64)
    room[:size] = points(group, logs)
    found = weigh(group, room, log_size)
    wanted = [sum(log for k, log in enumerate(logs) if k >> bit & 1) for bit in range(log_size)]
    for point, want in zip(found, [*wanted, sum(logs)], strict=True):
        assert group.decode(point) == coordinates(times_generator(group, want % R))


def test_digits_are_sorted_by_magnitude_and_zeros_left_out() -> None:
    digits = np.array([3, -1, 0, 4, -4, 1, 0, 3, -3], dtype=np.int16)
    refs = np.empty(digits.shape[0], dtype=np.int32)
    offsets = np.zeros(5, dtype=np.int64)
    sort_by_bucket(digits, offsets, refs, 1)
    assert offsets.tolist() == [1, 3, 3, 6, 8]
    assert refs[1:8].tolist() == [2 * 1 + 1, 2 * 5, 2 * 0, 2 * 7, 2 * 8 + 1, 2 * 3, 2 * 4 + 1]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_the_endomorphism_multiplies_by_the_base_of_the_parts(group: Group) -> None:
    base = 0xD201000000010000 ** (4 // group.n_parts)
    table = points(group, LOGS)
    out = np.ones((2 * len(LOGS) + 2, group.width), dtype=np.uint64)
    group.times_base(table, np.array([*range(2 * len(LOGS)), -1], dtype=np.int32), out)
    logs = [sign * log for log in LOGS for sign in (1, -1)]
    for log, point in zip([*logs, 0], out[:-1], strict=True):
        assert group.decode(point) == coordinates(times_generator(group, base * log % R))
    assert (out[-1] == 1).all()
    group.times_base(table, buckets.all_refs(len(LOGS)), table)
    assert (table == out[:-2:2]).all()


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_points_are_copied_as_references_say(group: Group) -> None:
    out = np.ones((5, group.width), dtype=np.uint64)
    group.copy(points(group, [3, 4]), np.array([2, -1, 1], dtype=np.int32), out, 1)
    assert group.decode(out[1]) == coordinates(times_generator(group, 4))
    assert group.decode(out[2]) is None
    assert group.decode(out[3]) == coordinates(times_generator(group, R - 3))
    assert (out[[0, 4]] == 1).all()
