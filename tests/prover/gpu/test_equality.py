"""On any device, sums, transforms and whole proofs are those of the CPU, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.curves.groups import G1, Group
from prover.curves.msm import multiply_and_add
from prover.curves.ntt import domain, reversed_powers, root_of_unity
from prover.gpu import kernels, offload, selection
from prover.gpu.device import Device
from prover.gpu.engine import Engine
from prover.gpu.errors import DeviceFailed
from prover.gpu.transform import DeviceDomain
from prover.groth16 import prove, setup
from prover.groth16.polynomials import quotient_scalars
from prover.r1cs.products import products
from tests.prover.curves.oracle import GROUPS, points
from tests.prover.gpu.emulated import EmulatedDevice
from tests.prover.random_system import random_system

Array = NDArray[np.uint64]
SPECIAL = [0, 1, 2, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 2**64, R - 2**64, 2**254]
ENTROPY = b"entropy of the tests, long enough"


def sum_on(device: Device, group: Group, table: Array, scalars: Array) -> Array:
    [parts] = Engine(device).add_up([(group, table, scalars)])
    return group.sum_of_doublings(parts)


def random_terms(group: Group, count: int) -> tuple[Array, Array]:
    """Points with repetitions, negatives and infinity; scalars large, small and special."""
    rng = random.Random(count)
    logs = [0, 1, 1, R - 1, 2, *(rng.randrange(R) for _ in range(40))]
    table = points(group, logs)[[rng.randrange(len(logs)) for _ in range(count)]]
    scalars = [rng.choice([*SPECIAL, *(rng.randrange(R) for _ in range(8))]) for _ in range(count)]
    return table, from_ints(scalars)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("count", [1, 2, 3, 40, 700, 3000])
def test_sums_equal_those_of_the_cpu(device: Device, group: Group, count: int) -> None:
    table, scalars = random_terms(group, count)
    assert np.array_equal(
        sum_on(device, group, table, scalars), multiply_and_add(group, table, scalars)
    )


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_one_bucket_for_all_cancelling_points_and_no_scalar_at_all(
    device: Device, group: Group
) -> None:
    same = np.repeat(points(group, [3]), 1001, axis=0)
    nines = from_ints([9] * 1001)
    assert np.array_equal(sum_on(device, group, same, nines), multiply_and_add(group, same, nines))
    opposite = np.concatenate([points(group, [4]), points(group, [R - 4])])
    assert not sum_on(device, group, opposite, from_ints([77, 77])).any()
    assert not sum_on(device, group, same, from_ints([0] * 1001)).any()
    infinite = np.zeros_like(same)
    assert not sum_on(device, group, infinite, nines).any()


@pytest.mark.parametrize("log_size", [1, 2, 7, 11])
def test_transforms_equal_those_of_the_cpu(device: Device, log_size: int) -> None:
    rng = random.Random(log_size)
    ours = domain(log_size)
    values = from_ints([rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(ours.size)])
    theirs = DeviceDomain(
        device, log_size, device.upload(ours.roots), device.upload(ours.inverse_roots)
    )
    buffer = device.upload(values)
    ours.interpolate(values)
    theirs.interpolate(buffer)
    assert np.array_equal(device.download(buffer), values)
    ours.evaluate(values)
    theirs.evaluate(buffer)
    assert np.array_equal(device.download(buffer), values)


def test_the_quotient_equals_that_of_the_cpu(device: Device) -> None:
    r1cs, witness = random_system(seed=3, n_constraints=500)
    size = 512
    want = quotient_scalars(products(r1cs, witness, size), witness, r1cs.n_public)
    given = products(r1cs, witness, size)
    given.a[r1cs.n_constraints : r1cs.n_constraints + r1cs.n_public + 1] = witness[
        : r1cs.n_public + 1
    ]
    to_coset = reversed_powers(pow(size, -1, R), root_of_unity(10), 9)
    engine = Engine(device)
    got = engine.quotient(domain(9), given.a, given.b, given.c, to_coset)
    assert np.array_equal(got, want)


def test_a_whole_proof_is_the_proof_of_the_cpu(
    device: Device, unselected: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    r1cs, witness = random_system(seed=5, n_constraints=300)
    key = setup(r1cs, entropy=ENTROPY)
    want = prove(key, r1cs, witness, entropy=ENTROPY)
    engine = Engine(device)
    calls: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        work = getattr(engine, name)

        def call(*args: Any) -> Any:
            calls.append(name)
            return work(*args)

        return call

    for name in ("add_up", "quotient"):
        monkeypatch.setattr(engine, name, watched(name))
    chosen = selection.Selection()
    chosen.engine = engine
    monkeypatch.setattr(selection, "_selections", [chosen])
    monkeypatch.setattr(offload, "LEAST_POINTS", 1)
    monkeypatch.setattr(offload, "LEAST_ELEMENTS", 1)
    assert prove(key, r1cs, witness, entropy=ENTROPY) == want
    assert calls[:2] == ["quotient", "add_up"]


def test_a_device_that_computes_rightly_passes_the_check(device: Device) -> None:
    Engine(device).check()


def test_windows_are_done_in_groups_where_memory_is_short() -> None:
    table, scalars = random_terms(G1, 700)
    want = multiply_and_add(G1, table, scalars)
    roomy, tight = EmulatedDevice(), EmulatedDevice(free_bytes=600_000)
    assert np.array_equal(sum_on(roomy, G1, table, scalars), want)
    assert np.array_equal(sum_on(tight, G1, table, scalars), want)
    groups = [
        [name for name, _ in device.launches].count("sort_digits") for device in (roomy, tight)
    ]
    assert groups[0] == 1
    assert groups[1] > 3
    with pytest.raises(DeviceFailed, match="GiB of its memory"):
        sum_on(EmulatedDevice(free_bytes=10_000), G1, table, scalars)


def test_no_result_depends_on_the_order_of_threads() -> None:
    table, scalars = random_terms(G1, 300)
    results = {
        sum_on(EmulatedDevice(threads=threads, seed=seed), G1, table, scalars).tobytes()
        for threads, seed in ((1, 0), (2, 1), (7, 2), (64, 3))
    }
    assert len(results) == 1


@pytest.mark.parametrize("seed", range(4))
def test_segments_keep_their_places_whatever_their_lengths(seed: int) -> None:
    """pair_up and take_ends: after all rounds each segment's end stands for all its entries."""
    rng = random.Random(seed)
    lengths = [rng.choice([0, 0, 1, 2, 3, 17, 100]) for _ in range(40)] + [seed]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    refs = np.array([2 * rng.randrange(50) for _ in range(offsets[-1])], dtype=np.int32)
    held = [[ref // 2] for ref in range(0, 100, 2)]  # entry i of the points stands for [i]
    device = EmulatedDevice()
    longest, rounds = max(lengths), 0
    while longest > 1:
        count = (int(offsets[-1]) + len(lengths) * ((2 << rounds) - 1)) >> (rounds + 1)
        left, right = np.empty(count, np.int32), np.empty(count, np.int32)
        device.run(kernels.pair_up, count, refs, offsets, rounds, left, right)
        held = [
            [x for ref in pair if ref >= 0 for x in held[ref // 2]]
            for pair in zip(left, right, strict=True)
        ]
        rounds, longest = rounds + 1, (longest + 1) // 2
    left, right = np.empty(len(lengths), np.int32), np.empty(len(lengths), np.int32)
    device.run(kernels.take_ends, len(lengths), refs, offsets, rounds, left, right)
    for s, end in enumerate(left):
        got = held[end // 2] if end >= 0 else []
        assert got == (refs[offsets[s] : offsets[s + 1]] // 2).tolist()
