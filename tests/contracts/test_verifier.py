"""The verifier: no byte of a proof may change, and no degenerate point or key gets through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import errors
from contracts.batches import Submission
from contracts.chain import Chain
from contracts.chain.anvil import start_anvil
from contracts.deploy import deploy_rollup
from contracts.verifying_key import FIELD_BYTES, P, VerifyingKey, negate
from tests.contracts.points import off_curve_g1, off_subgroup_g1, off_subgroup_g2
from tests.support.simulated_proofs import EXIT_KEY, SimulatedKey, g1_bytes, g2_bytes
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, with_proof

A, B, C = slice(0, 128), slice(128, 384), slice(384, 512)


def _splice(honest: Submission, part: slice, point: bytes) -> Submission:
    """The submission with a part of its proof replaced."""
    spliced = bytearray(honest.proofs[0].proof_bytes)
    spliced[part] = point
    return with_proof(honest, proof_bytes=bytes(spliced))


@pytest.mark.parametrize("coordinate", range(8))
@pytest.mark.parametrize(
    "byte", [0, 15, 16, 40, 63], ids=["padding", "last padding", "highest", "middle", "lowest"]
)
def test_each_byte_class_of_the_proof_is_checked(
    shared: SimulatedRollup, coordinate: int, byte: int
) -> None:
    honest = shared.submission(shared.statement())
    changed = bytearray(honest.proofs[0].proof_bytes)
    changed[coordinate * FIELD_BYTES + byte] ^= 1
    with pytest.raises(errors.PrecompileRefused):
        shared.try_submit(with_proof(honest, proof_bytes=bytes(changed)))


@pytest.mark.parametrize("part", [A, B, C], ids="ABC")
def test_other_valid_points_are_refused(shared: SimulatedRollup, part: slice) -> None:
    honest = shared.submission(shared.statement())
    original = honest.proofs[0].proof_bytes[part]
    another = g2_bytes(7) if len(original) == 256 else g1_bytes(7)
    for point in (negate(original), another):
        with pytest.raises(errors.ProofRejected):
            shared.try_submit(_splice(honest, part, point))


@pytest.mark.parametrize("part", [A, B, C], ids="ABC")
def test_infinity_is_refused(shared: SimulatedRollup, part: slice) -> None:
    honest = shared.submission(shared.statement())
    infinity = bytes(part.stop - part.start)
    with pytest.raises(errors.ProofInfinity):
        shared.try_submit(_splice(honest, part, infinity))


@pytest.mark.parametrize("part", [A, B, C], ids="ABC")
def test_points_off_the_subgroup_are_refused(shared: SimulatedRollup, part: slice) -> None:
    honest = shared.submission(shared.statement())
    point = off_subgroup_g2() if part is B else off_subgroup_g1()
    with pytest.raises(errors.PrecompileRefused):
        shared.try_submit(_splice(honest, part, point))


@pytest.mark.parametrize("coordinate", range(8))
def test_coordinates_at_or_above_p_are_refused(shared: SimulatedRollup, coordinate: int) -> None:
    honest = shared.submission(shared.statement())
    place = slice(coordinate * FIELD_BYTES, (coordinate + 1) * FIELD_BYTES)
    aliased = int.from_bytes(honest.proofs[0].proof_bytes[place], "big") + P
    with pytest.raises(errors.PrecompileRefused):
        shared.try_submit(_splice(honest, place, aliased.to_bytes(FIELD_BYTES, "big")))


def test_a_proof_of_another_batch_is_refused(shared: SimulatedRollup) -> None:
    one, two = shared.submission(shared.statement(1)), shared.submission(shared.statement(2))
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(with_proof(one, proof_bytes=two.proofs[0].proof_bytes))


def _deploy(chain: Chain, token: str, key: VerifyingKey) -> None:
    operator = chain.accounts[0]
    deploy_rollup(
        chain.url,
        operator,
        token=token,
        operator=operator.address,
        shape=SHAPE,
        key=key,
        exit_key=EXIT_KEY.key,
    )


def test_degenerate_keys_cannot_be_deployed(shared: SimulatedRollup) -> None:
    chain, token, good = shared.chain, shared.token.address, SimulatedKey(3).key
    inf_g1, inf_g2 = bytes(128), bytes(256)
    for bad in (
        replace(good, alpha_g1=inf_g1),
        replace(good, beta_g2=inf_g2),
        replace(good, gamma_g2=inf_g2),
        replace(good, delta_g2=inf_g2),
        *(replace(good, ic_g1=(*good.ic_g1[:i], inf_g1, *good.ic_g1[i + 1 :])) for i in range(5)),
    ):
        with pytest.raises(errors.KeyInfinity):
            _deploy(chain, token, bad)
    with pytest.raises(errors.KeyGammaIsDelta):
        _deploy(chain, token, replace(good, gamma_g2=good.delta_g2))


def test_keys_off_the_curve_or_subgroup_cannot_be_deployed(shared: SimulatedRollup) -> None:
    chain, token, good = shared.chain, shared.token.address, SimulatedKey(3).key
    for bad in (
        replace(good, alpha_g1=off_curve_g1()),
        replace(good, alpha_g1=off_subgroup_g1()),
        replace(good, beta_g2=off_subgroup_g2()),
        replace(good, gamma_g2=off_subgroup_g2()),
        replace(good, delta_g2=off_subgroup_g2()),
        replace(good, ic_g1=(*good.ic_g1[:4], off_subgroup_g1())),
        replace(good, ic_g1=(off_subgroup_g1(), *good.ic_g1[1:])),
    ):
        with pytest.raises(errors.PrecompileRefused):
            _deploy(chain, token, bad)


def test_a_chain_without_eip_2537_is_refused(shared: SimulatedRollup) -> None:
    """Before Prague the addresses answer every call with success and no data."""
    if shared.chain.kind != "anvil":
        pytest.skip("the embedded chain has no older rules")
    with start_anvil(0, None, "cancun") as old, pytest.raises(errors.PrecompileRefused):
        _deploy(old, shared.token.address, SimulatedKey(3).key)
