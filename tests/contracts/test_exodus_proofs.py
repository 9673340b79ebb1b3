"""Exit proofs: each says one thing of one root, and nothing else is credited with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import errors
from contracts.abi import Contract, load
from contracts.addresses import address_of
from contracts.chain import Chain
from contracts.verifying_key import FIELD_BYTES, MalformedKey, P, proof_words
from protocol.channels import Lane
from protocol.crypto.field import R
from protocol.exits import AccountExit, ChannelExit, Exit, LaneRaise
from tests.contracts.points import off_curve_g1, off_curve_g2, off_subgroup_g1, off_subgroup_g2
from tests.support.simulated_exodus import (
    StandInExodus,
    account_exit,
    channel_exit,
    deploy_stand_in,
    fresh,
)
from tests.support.simulated_proofs import SimulatedKey

A, B, C = slice(0, 128), slice(128, 384), slice(384, 512)
FUNCTIONS = load("exodus").functions


@pytest.fixture(scope="module")
def exodus(chain: Chain, standin: Contract) -> StandInExodus:
    """One for all tests here, which change nothing."""
    return deploy_stand_in(chain, standin, load("exodus"), SimulatedKey(7))


def exits() -> tuple[Exit, ...]:
    """One of each kind, none of them exited."""
    return account_exit(), channel_exit(paid_ab_ntok=5), LaneRaise(fresh(), Lane.BA, 44)


@pytest.mark.parametrize("kind", range(3), ids=["account", "channel", "raise"])
def test_a_proof_of_another_root_or_domain_is_refused(exodus: StandInExodus, kind: int) -> None:
    statement = exits()[kind]
    exodus.run(exodus.prover.call(statement))
    other_root = replace(exodus.prover, root=exodus.prover.root + 1)
    other_domain = replace(exodus.prover, domain=exodus.prover.domain + 1)
    with pytest.raises(errors.ProofRejected):
        exodus.run(other_root.call(statement))
    if isinstance(statement, LaneRaise):
        with pytest.raises(errors.ProofRejected):
            exodus.run(other_domain.call(statement))


def test_a_proof_holds_for_nothing_but_its_statement(exodus: StandInExodus) -> None:
    account, channel, raised = exits()
    assert isinstance(account, AccountExit)
    assert isinstance(channel, ChannelExit)
    assert isinstance(raised, LaneRaise)
    lane = Lane(1 - raised.lane)
    others: dict[Exit, tuple[Exit, ...]] = {
        account: tuple(
            replace(account, **{field: value + 1})
            for field, value in (
                ("index", account.index),
                ("l1_address", account.l1_address),
                ("balance_ntok", account.balance_ntok),
            )
        ),
        channel: (
            replace(channel, slot=channel.slot + 1),
            replace(channel, deposit_a_ntok=channel.deposit_a_ntok + 1),
            replace(channel, deposit_b_ntok=channel.deposit_b_ntok + 1),
            replace(
                channel,
                deposit_a_ntok=channel.deposit_b_ntok,
                deposit_b_ntok=channel.deposit_a_ntok,
            ),
            replace(channel, paid_ab_ntok=0),
            replace(channel, paid_ba_ntok=1),
            replace(channel, l1_address_a=channel.l1_address_a + 1),
            replace(channel, l1_address_b=channel.l1_address_b + 1),
        ),
        raised: (
            replace(raised, slot=raised.slot + 1),
            replace(raised, lane=lane),
            replace(raised, paid_ntok=raised.paid_ntok + 1),
        ),
    }
    for statement, changed in others.items():
        proof = exodus.prover.prove(statement)
        exodus.run(exodus.prover.call(statement, proof))
        for other in changed:
            with pytest.raises(errors.ProofRejected):
                exodus.run(exodus.prover.call(other, proof))


def test_no_kind_passes_for_another(exodus: StandInExodus) -> None:
    """Statements whose public inputs differ in nothing but the kind."""
    index, domain = fresh(), exodus.prover.domain
    account = AccountExit(index, domain, 9)
    same: tuple[Exit, ...] = (
        account,
        ChannelExit(index, 9, 0, 0, 0, domain, 0),
        LaneRaise(index, Lane.AB, 9),
    )
    publics = [one.public(exodus.prover.root, domain).values() for one in same]
    assert len({(root, what >> 8, first, second) for root, what, first, second in publics}) == 1
    for claimed in same:
        for proved in same:
            call = exodus.prover.call(claimed, exodus.prover.prove(proved))
            if claimed is proved:
                exodus.run(call)
            else:
                with pytest.raises(errors.ProofRejected):
                    exodus.run(call)


def test_arguments_that_alias_others_are_refused(exodus: StandInExodus) -> None:
    """Wider than their place, or by r more: the field would take each for another statement."""
    points = proof_words(exodus.prover.prove(account_exit()))
    to = address_of(5)
    leaf = (1, 1, 1, 1, to, to)

    def account(index: int, balance_ntok: int) -> bytes:
        return FUNCTIONS["exit_account"].encode_call(index, to, balance_ntok, points)

    def channel(slot: int, place: int, amount_ntok: int) -> bytes:
        fields = (*leaf[:place], amount_ntok, *leaf[place + 1 :])
        return FUNCTIONS["exit_channel"].encode_call(slot, fields, points)

    def raised(slot: int, lane: int, paid_ntok: int) -> bytes:
        return FUNCTIONS["raise_lane"].encode_call(slot, lane, paid_ntok, points)

    for index in (2**24, R, 7 + R, 2**256 - 1):
        for call in (account(index, 5), channel(index, 0, 5), raised(index, 0, 5)):
            with pytest.raises(errors.IndexTooLarge):
                exodus.run(call)
    for amount_ntok in (2**64, 5 + R, 2**256 - 1):
        for call in (
            account(1, amount_ntok),
            channel(1, 0, amount_ntok),
            channel(1, 1, amount_ntok),
        ):
            with pytest.raises(errors.ExitAmountTooLarge):
                exodus.run(call)
    for paid_ntok in (2**56, 5 + R, 2**256 - 1):
        for call in (channel(1, 2, paid_ntok), channel(1, 3, paid_ntok), raised(1, 0, paid_ntok)):
            with pytest.raises(errors.ExitAmountTooLarge):
                exodus.run(call)
    for lane in (2, 1 + R, 2**256 - 1):
        with pytest.raises(errors.LaneTooLarge):
            exodus.run(raised(1, lane, 5))


def test_addresses_beyond_160_bits_are_refused(exodus: StandInExodus) -> None:
    """The ABI's own check: an address that carries the next field's bits, or r more."""
    account, channel, _ = exits()
    for statement, word in ((account, 1), (channel, 5), (channel, 6)):
        call = exodus.prover.call(statement)
        start = 4 + 32 * word
        address = int.from_bytes(call[start : start + 32], "big")
        for aliased in (address + 2**160, address + R, address + 2**255):
            changed = call[:start] + aliased.to_bytes(32, "big") + call[start + 32 :]
            with pytest.raises(errors.MalformedCalldata):
                exodus.run(changed)
        exodus.run(call)


@pytest.mark.parametrize("kind", range(3), ids=["account", "channel", "raise"])
@pytest.mark.parametrize("part", [A, B, C], ids="ABC")
def test_points_that_are_none_of_the_subgroup_are_refused(
    exodus: StandInExodus, kind: int, part: slice
) -> None:
    statement = exits()[kind]
    proof = bytearray(exodus.prover.prove(statement))
    x = int.from_bytes(proof[part][:FIELD_BYTES], "big")
    aliased = (x + P).to_bytes(FIELD_BYTES, "big") + proof[part][FIELD_BYTES:]
    off_curve = off_curve_g2() if part is B else off_curve_g1()
    off_subgroup = off_subgroup_g2() if part is B else off_subgroup_g1()
    for point in (aliased, off_curve, off_subgroup):
        proof[part] = point
        with pytest.raises(errors.PrecompileRefused):
            exodus.run(exodus.prover.call(statement, bytes(proof)))
    proof[part] = bytes(part.stop - part.start)
    with pytest.raises(errors.ProofInfinity):
        exodus.run(exodus.prover.call(statement, bytes(proof)))


def test_a_proof_by_another_key_is_refused(exodus: StandInExodus) -> None:
    forger = replace(exodus.prover, key=SimulatedKey(8))
    for statement in exits():
        with pytest.raises(errors.ProofRejected):
            exodus.run(forger.call(statement))


def test_a_proof_of_another_length_is_never_sent(exodus: StandInExodus) -> None:
    for proof in (b"", bytes(511), bytes(513)):
        with pytest.raises(MalformedKey):
            exodus.client.exit_account(account_exit(), proof)
