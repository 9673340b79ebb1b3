"""Several proofs in one pairing equation: no wrong proof hides behind others, wherever it stands.

The forgeries are made with the key's trapdoor: all their points are valid, only the equation of a
proof is off by a factor that the test chooses.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from py_arkworks_bls12381 import GT, G1Point, G2Point

from contracts import errors
from contracts.abi import Contract, contract_from, load
from contracts.batches import Submission, SubmittedProof
from contracts.build import SOURCES, compile_contract
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import deploy_blueprint, deploy_contract, rollup_arguments
from contracts.finality import LATEST
from contracts.reader import ABI
from contracts.verifying_key import FIELD_BYTES, P, joined, negate, words
from protocol.batch import challenge
from protocol.crypto.field import R
from tests.contracts.points import off_curve_g1, off_subgroup_g1, off_subgroup_g2
from tests.support.simulated_proofs import EXIT_KEY, SimulatedKey, g1_bytes, g2_bytes, padded
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, with_proof

ROOTS = (11, 22, 33)
EACH = range(len(ROOTS))
A, B, C = slice(0, 128), slice(128, 384), slice(384, 512)


def _forged(rollup: SimulatedRollup, off_by: dict[int, int], count: int = 3) -> Submission:
    """A batch whose k-th proof is off by off_by[k], and right where there is none."""
    statements = rollup.statements([11 * (k + 1) for k in range(count)])
    z = challenge(statements)
    submission = rollup.batch(statements)
    for k, factor in off_by.items():
        inputs = statements[k].public_inputs(z)
        proof_bytes = _trapdoor(rollup).prove(inputs.values(), factor % R)
        submission = with_proof(submission, k, proof_bytes=proof_bytes)
    return submission


def _trapdoor(rollup: SimulatedRollup) -> SimulatedKey:
    assert isinstance(rollup.key, SimulatedKey)
    return rollup.key


def _splice(honest: Submission, number: int, part: slice, point: bytes) -> Submission:
    """The submission with a part of one of its proofs replaced."""
    spliced = bytearray(honest.proofs[number].proof_bytes)
    spliced[part] = point
    return with_proof(honest, number, proof_bytes=bytes(spliced))


@pytest.mark.parametrize("number", range(16))
def test_one_wrong_proof_among_sixteen_is_found(shared: SimulatedRollup, number: int) -> None:
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(_forged(shared, {number: 1}, 16))


@pytest.mark.parametrize(("one", "other"), list(permutations(EACH, 2)))
def test_two_wrong_proofs_that_cancel_are_refused(
    shared: SimulatedRollup, one: int, other: int
) -> None:
    forged = _forged(shared, {one: 5, other: -5})
    assert _product_is_one(shared, forged)  # all weights 1 would let it through
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(forged)


def test_three_wrong_proofs_that_cancel_are_refused(shared: SimulatedRollup) -> None:
    forged = _forged(shared, {0: 1, 1: 2, 2: -3})
    assert _product_is_one(shared, forged)
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(forged)


def test_points_that_are_moved_from_proof_to_proof_are_refused(shared: SimulatedRollup) -> None:
    """C_0 + P and C_1 - P: the sum of all C is what it was."""
    honest = shared.honest_batch(ROOTS)
    shift = G1Point()
    for one, other in permutations(EACH, 2):
        moved = _splice(honest, one, C, _plus(honest.proofs[one].proof_bytes[C], shift))
        moved = _splice(moved, other, C, _plus(honest.proofs[other].proof_bytes[C], -shift))
        assert _product_is_one(shared, moved)
        with pytest.raises(errors.ProofRejected):
            shared.try_submit(moved)


@pytest.mark.parametrize(("left_out", "other"), list(permutations(EACH, 2)))
def test_a_proof_cannot_be_fitted_to_the_weights(
    shared: SimulatedRollup, left_out: int, other: int
) -> None:
    """Were a proof left out of the weights' hash, it could be made last, to cancel another one's
    error."""
    placed = _forged(shared, {other: 5})
    weights = _weights(shared, placed, left_out)
    error = -5 * weights[other] * pow(weights[left_out], -1, R) % R
    last = _forged(shared, {left_out: error}).proofs[left_out]
    proofs = (*placed.proofs[:left_out], last, *placed.proofs[left_out + 1 :])
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(replace(placed, proofs=proofs))


def _weights(rollup: SimulatedRollup, submission: Submission, left_out: int) -> list[int]:
    """docs/protocol.md, Appendix A, but for one proof, which is not hashed."""
    z = challenge(rollup.statements([proof.new_root for proof in submission.proofs]))
    alpha, beta, gamma, delta, ic = _trapdoor(rollup).key.for_contract()
    seed = _keccak(*alpha, *beta, *gamma, *delta, *(word for point in ic for word in point))
    for k, proof in enumerate(submission.proofs):
        numbers = proof.old_root, proof.new_root, proof.digest, proof.y_data, proof.y_msg
        if k != left_out:
            points = words(proof.proof_bytes)
            seed = _keccak(seed, z, *numbers, *points)
    return [1, *(1 + _keccak(seed, k) % 2**128 for k in range(1, len(submission.proofs)))]


def _keccak(*numbers: int) -> int:
    return int.from_bytes(keccak(b"".join(n.to_bytes(32, "big") for n in numbers)), "big")


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The rollup with one line changed: every weight is 1."""
    folder: Path = tmp_path_factory.mktemp("careless")
    for source in SOURCES.glob("*.vy"):
        shutil.copy(source, folder)
    changed = folder / "combination.vy"
    line = "    return 1 + convert(keccak256(abi_encode(seed, k)), uint256) % 2**128\n"
    text = changed.read_text()
    assert text.count(line) == 1
    changed.write_text(text.replace(line, "    return 1\n"))
    return contract_from(compile_contract(folder / "rollup.vy"))


def test_with_weights_that_are_known_the_same_forgeries_get_through(
    embedded: Chain, shared: SimulatedRollup, careless: Contract
) -> None:
    """That the tests above could fail: nothing but the weights stands in the way."""
    if shared.chain is not embedded:
        pytest.skip("once is enough: it is about the contract, not about the chain")
    client, operator = shared.client, embedded.accounts[0]
    arguments = rollup_arguments(
        token=shared.token.address,
        operator=operator.address,
        owner=operator.address,
        shape=SHAPE,
        key=shared.key.key,
        exit_key=EXIT_KEY.key,
        exodus_blueprint=deploy_blueprint(client.sender, load("exodus")),
    )
    address = deploy_contract(client.sender, careless, *arguments)
    other = RollupClient(embedded.url, address, operator, finality=LATEST)
    victim = SimulatedRollup(embedded, shared.key, shared.token, other)
    victim.try_submit(victim.honest_batch(ROOTS))
    victim.try_submit(_forged(victim, {0: 5, 2: -5}))
    victim.try_submit(_forged(victim, {0: 1, 1: 2, 2: -3}))
    with pytest.raises(errors.ProofRejected):
        victim.try_submit(_forged(victim, {0: 5, 2: -6}))


# --- points ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", EACH)
@pytest.mark.parametrize("part", [A, B, C], ids="ABC")
def test_bad_points_are_refused_in_every_place(
    shared: SimulatedRollup, number: int, part: slice
) -> None:
    honest = shared.honest_batch(ROOTS)
    original = honest.proofs[number].proof_bytes[part]
    in_g2 = part is B
    for point in (negate(original), g2_bytes(7) if in_g2 else g1_bytes(7)):
        with pytest.raises(errors.ProofRejected):
            shared.try_submit(_splice(honest, number, part, point))
    with pytest.raises(errors.ProofInfinity):
        shared.try_submit(_splice(honest, number, part, bytes(len(original))))
    off_curve = original[:-1] + bytes([original[-1] ^ 1])
    off_subgroup = off_subgroup_g2() if in_g2 else off_subgroup_g1()
    for point in (off_curve, off_subgroup, off_curve if in_g2 else off_curve_g1()):
        with pytest.raises(errors.PrecompileRefused):
            shared.try_submit(_splice(honest, number, part, point))
    for start in range(0, len(original), FIELD_BYTES):
        aliased = int.from_bytes(original[start : start + FIELD_BYTES], "big") + P
        coordinate = aliased.to_bytes(FIELD_BYTES, "big")
        point = original[:start] + coordinate + original[start + FIELD_BYTES :]
        with pytest.raises(errors.PrecompileRefused):
            shared.try_submit(_splice(honest, number, part, point))


@pytest.mark.parametrize("part", [A, C], ids="AC")
def test_points_off_the_subgroup_that_cancel_are_refused(
    shared: SimulatedRollup, part: slice
) -> None:
    """Their sum is in the subgroup: what is only added is not checked, so nothing is."""
    honest = shared.honest_batch(ROOTS)
    stray = _point(off_subgroup_g1())
    assert not stray.is_in_subgroup()
    for one, other in permutations(EACH, 2):
        moved = _splice(honest, one, part, _plus(honest.proofs[one].proof_bytes[part], stray))
        point = _plus(honest.proofs[other].proof_bytes[part], -stray)
        with pytest.raises(errors.PrecompileRefused):
            shared.try_submit(_splice(moved, other, part, point))


# --- the view ----------------------------------------------------------------------------------


def test_anyone_may_ask_whether_proofs_hold(shared: SimulatedRollup) -> None:
    for count in (1, 2, 16):
        statements = shared.statements([k + 1 for k in range(count)])
        z = challenge(statements)
        honest = shared.batch(statements)
        assert _proofs_hold(shared, honest, z)
        assert not _proofs_hold(shared, honest, z + 1)
        last = count - 1
        for field in ("digest", "y_data", "y_msg"):
            value = getattr(honest.proofs[last], field) + 1
            assert not _proofs_hold(shared, with_proof(honest, last, **{field: value}), z)
    with pytest.raises(errors.Reverted):
        _proofs_hold(shared, replace(honest, proofs=()), z)


def _proofs_hold(rollup: SimulatedRollup, submission: Submission, z: int) -> bool:
    function = ABI.functions["proofs_hold"]
    proofs = [_arguments(proof) for proof in submission.proofs]
    result = rollup.client.call(function.encode_call(proofs, z))
    return function.decode_result(result) == (True,)


def _arguments(proof: SubmittedProof) -> tuple[object, ...]:
    points = tuple(words(proof.proof_bytes[part]) for part in (A, B, C))
    return proof.old_root, proof.new_root, proof.digest, proof.y_data, proof.y_msg, points


# --- arithmetic --------------------------------------------------------------------------------


def _product_is_one(rollup: SimulatedRollup, submission: Submission) -> bool:
    """Whether the product of the proofs' equations, each to the power of 1, is 1."""
    key = _trapdoor(rollup)
    statements = rollup.statements([proof.new_root for proof in submission.proofs])
    z = challenge(statements)
    g1, g2 = [], []
    for statement, proof in zip(statements, submission.proofs, strict=True):
        inputs = statement.public_inputs(z).values()
        weighted = key.ic[0] + sum(x * u for x, u in zip(inputs, key.ic[1:], strict=True))
        g1 += [_point(proof.proof_bytes[A]), _point(g1_bytes(-key.alpha))]
        g1 += [_point(g1_bytes(-weighted)), -_point(proof.proof_bytes[C])]
        g2 += [_point_g2(proof.proof_bytes[B])]
        g2 += [_point_g2(g2_bytes(scalar)) for scalar in (key.beta, key.gamma, key.delta)]
    return GT.pairing_check(g1, g2)


def _unpadded(encoded: bytes) -> bytes:
    return b"".join(encoded[i + 16 : i + FIELD_BYTES] for i in range(0, len(encoded), FIELD_BYTES))


def _point(encoded: bytes) -> G1Point:
    return G1Point.from_xy_bytes_unchecked_be(_unpadded(encoded))


def _point_g2(encoded: bytes) -> G2Point:
    return G2Point.from_xy_bytes_unchecked_be(_unpadded(encoded))


def _plus(encoded: bytes, point: G1Point) -> bytes:
    moved = padded((_point(encoded) + point).to_xy_bytes_be())
    assert joined(words(moved)) == moved
    return moved
