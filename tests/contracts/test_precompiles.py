"""The embedded precompiles against anvil's, on good and bad inputs: same answer, same refusal."""

from __future__ import annotations

import random

import pytest

from contracts.blob_transactions import Sidecar
from contracts.chain import Chain
from contracts.chain.eip2537 import InvalidInput, g1_add, g1_msm, pairing_check
from contracts.chain.eip4844 import point_evaluation
from contracts.errors import L1Error
from contracts.kzg import open_at
from contracts.rpc import Rpc
from contracts.verifying_key import FIELD_BYTES, P
from protocol.blobs import blob_of, versioned_hash
from protocol.crypto.field import R
from tests.contracts.points import (
    encode,
    off_curve_g1,
    off_curve_g2,
    off_subgroup_g1,
    off_subgroup_g2,
)
from tests.support.kzg_on_chain import warm_up
from tests.support.simulated_proofs import g1_bytes, g2_bytes

G1ADD, G1MSM, PAIRING = (f"0x{number:040x}" for number in (0x0B, 0x0C, 0x0F))
INFINITY_G1, INFINITY_G2 = bytes(128), bytes(256)
POINT_EVALUATION = f"0x{0x0A:040x}"
FUNCTIONS = {
    POINT_EVALUATION: point_evaluation,
    G1ADD: g1_add,
    G1MSM: g1_msm,
    PAIRING: pairing_check,
}


def _scalar_bytes(scalar: int) -> bytes:
    return scalar.to_bytes(32, "big")


def _corruptions(rng: random.Random, good: bytes) -> list[bytes]:
    """Wrong lengths, padding, coordinates + p, flipped bits."""
    bad = [good[:-1], good + b"\0", b"", good[1:] + b"\0"]
    for _ in range(6):
        coordinate = FIELD_BYTES * rng.randrange(min(len(good), 384) // FIELD_BYTES)
        element = int.from_bytes(good[coordinate : coordinate + FIELD_BYTES], "big")
        for changed in (element + P, element ^ (1 << 500), element ^ 1, element ^ (1 << 384)):
            encoded = changed.to_bytes(FIELD_BYTES, "big")
            bad.append(good[:coordinate] + encoded + good[coordinate + FIELD_BYTES :])
    return bad


def _inputs() -> list[tuple[str, bytes]]:
    rng = random.Random(2537)
    g1_special = [
        INFINITY_G1,
        g1_bytes(1),
        g1_bytes(R - 1),
        off_curve_g1(),
        off_subgroup_g1(),
        off_subgroup_g1(1000),
        encode(0, 2),  # on the curve, of order 3
        encode(0, P - 2),
        encode(0, 1),
        encode(P, 0),
        encode(P, P),
    ]
    g2_special = [INFINITY_G2, g2_bytes(1), off_curve_g2(), off_subgroup_g2(), encode(P, 0, 0, 0)]
    inputs: list[tuple[str, bytes]] = []
    for left in g1_special:
        inputs += [(G1ADD, left + right) for right in g1_special]
        for scalar in (0, 1, 2, R - 1, R, R + 1, 2**255, 2**256 - 1):
            inputs.append((G1MSM, left + _scalar_bytes(scalar)))
        inputs += [(PAIRING, left + right) for right in g2_special]
    for _ in range(20):
        a, b = rng.randrange(R), rng.randrange(R)
        inputs.append((G1ADD, g1_bytes(a) + g1_bytes(b)))
        inputs.append((G1ADD, g1_bytes(a) + g1_bytes(R - a)))
        terms = rng.randrange(1, 9)
        msm = b"".join(
            g1_bytes(rng.randrange(R)) + _scalar_bytes(rng.randrange(2**256)) for _ in range(terms)
        )
        inputs.append((G1MSM, msm))
        true = g1_bytes(a) + g2_bytes(b) + g1_bytes(-a * b) + g2_bytes(1)
        false = g1_bytes(a) + g2_bytes(b) + g1_bytes(a * b) + g2_bytes(1)
        inputs += [(PAIRING, true), (PAIRING, false), (PAIRING, true + false), (PAIRING, 2 * true)]
        inputs.append((PAIRING, true + INFINITY_G1 + g2_bytes(5) + g1_bytes(5) + INFINITY_G2))
    for address, good in (
        (G1ADD, g1_bytes(3) + g1_bytes(4)),
        (G1MSM, g1_bytes(3) + _scalar_bytes(5) + g1_bytes(4) + _scalar_bytes(6)),
        (PAIRING, g1_bytes(3) + g2_bytes(4) + g1_bytes(R - 12) + g2_bytes(1)),
    ):
        inputs += [(address, bad) for bad in _corruptions(rng, good)]
    return inputs


def _openings() -> list[tuple[str, bytes]]:
    """Inputs of the point evaluation: true ones, and each part of one changed."""
    sidecar, zero = Sidecar.of(blob_of([3, 1, 4])), b"\xc0" + bytes(47)
    inputs = [versioned_hash(zero) + _scalar_bytes(9) + bytes(32) + zero + zero]
    for z in (0, 9, R - 1):
        opening = open_at(sidecar.blob, z)
        head = sidecar.versioned_hash + _scalar_bytes(z) + _scalar_bytes(opening.y)
        inputs.append(head + sidecar.commitment + opening.proof)
    good = inputs[2]
    inputs += [good[:-1], good + b"\0", b"", good[:32] + _scalar_bytes(R + 9) + good[64:]]
    inputs.append(good[:64] + _scalar_bytes(open_at(sidecar.blob, 9).y + R) + good[96:])
    for place in (0, 1, 31, 63, 95, 96, 100, 143, 144, 150, 191):
        inputs.append(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    inputs += [good[:144] + point for point in (zero, bytes(48), sidecar.commitment)]
    return [(POINT_EVALUATION, one) for one in inputs]


def _on_chain(rpc: Rpc, address: str, data: bytes) -> bytes | None:
    call = {"to": address, "data": "0x" + data.hex(), "gas": hex(3_000_000)}
    try:
        return rpc.data("eth_call", call, "latest")
    except L1Error:
        return None


def _here(address: str, data: bytes) -> bytes | None:
    try:
        return FUNCTIONS[address](data)
    except InvalidInput:
        return None


def test_the_embedded_precompiles_agree_with_anvils(anvil: Chain) -> None:
    warm_up(anvil.url)
    inputs = _inputs() + _openings()
    accepted = refused = 0
    for address, data in inputs:
        here = _here(address, data)
        assert here == _on_chain(anvil.rpc, address, data), (address, data.hex())
        accepted += here is not None
        refused += here is None
    assert accepted >= 150
    assert refused >= 150


def test_the_embedded_chain_runs_these_functions(embedded: Chain) -> None:
    warm_up(embedded.url)
    for address, data in _inputs()[::5] + _openings():
        assert _on_chain(embedded.rpc, address, data) == _here(address, data)


@pytest.mark.parametrize("terms", [1, 2, 7, 8, 128, 129])
def test_gas_is_the_same_on_both_chains(anvil: Chain, embedded: Chain, terms: int) -> None:
    msm = b"".join(g1_bytes(i + 1) + _scalar_bytes(i) for i in range(terms))
    pairing = (g1_bytes(1) + g2_bytes(2)) * min(terms, 8)
    warm_up(anvil.url)
    warm_up(embedded.url)
    opening = _openings()[1:2] if terms == 1 else []
    for address, data in ((G1MSM, msm), (PAIRING, pairing), *opening):
        enough = _least_gas(anvil, address, data)
        assert _works(embedded, address, data, enough)
        assert not _works(embedded, address, data, enough - 1)


def _works(chain: Chain, address: str, data: bytes, gas: int) -> bool:
    call = {"to": address, "data": "0x" + data.hex(), "gas": hex(gas)}
    try:
        return bool(chain.rpc.data("eth_call", call, "latest"))
    except L1Error:
        return False


def _least_gas(chain: Chain, address: str, data: bytes) -> int:
    low, high = 21_000, 12_000_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _works(chain, address, data, middle) else (middle, high)
    return high
