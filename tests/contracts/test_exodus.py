"""The exodus: every leaf and every deposit left in the queue is credited once, to its owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from contracts import errors
from contracts.abi import Contract, load
from contracts.addresses import address_number, address_of
from contracts.chain import Chain
from contracts.exodus import (
    RAISE_TIME_S,
    Credit,
    ExitedChannel,
    ExodusClient,
    Settlement,
    refund_call,
    settle_call,
)
from contracts.transactions import Sender
from protocol.channels import Channel, Lane, Payout, Status, pack_lane
from protocol.exits import AccountExit, ChannelExit, Exit, ExitKind, LaneRaise
from protocol.queue import NO_OPS_HASH, Deposit, NewAccount
from tests.support.simulated_exodus import (
    DOMAIN,
    StandInExodus,
    account_exit,
    channel_exit,
    deploy_stand_in,
    fresh,
    owner,
)
from tests.support.simulated_proofs import SimulatedKey

MOST_NTOK, MOST_PAID_NTOK = 2**64 - 1, 2**56 - 1
LAST_INDEX = 2**24 - 1


@pytest.fixture(scope="module")
def deployed(chain: Chain, standin: Contract) -> StandInExodus:
    """One for all tests here: each takes a leaf of its own."""
    return deploy_stand_in(chain, standin, load("exodus"), SimulatedKey(7))


@pytest.fixture
def exodus(deployed: StandInExodus) -> Iterator[StandInExodus]:
    """An exodus that has just started."""
    yield deployed
    deployed.tell()


def test_an_account_is_credited_to_its_owner_once(exodus: StandInExodus) -> None:
    leaf = account_exit(12_345)
    recipient = address_of(leaf.l1_address)
    assert not exodus.client.is_exited(ExitKind.ACCOUNT, leaf.index)
    receipt = exodus.send(leaf)
    assert exodus.credited(recipient) == 12_345
    assert exodus.client.is_exited(ExitKind.ACCOUNT, leaf.index)
    expected = Credit(leaf.index, recipient, 12_345, receipt.block_number)
    assert list(exodus.client.account_credits(recipient=recipient)) == [expected]
    for again in (leaf, replace(leaf, balance_ntok=1), replace(leaf, l1_address=owner())):
        with pytest.raises(errors.AlreadyExited):
            exodus.run(exodus.prover.call(again))


def test_anyone_may_send_it_and_gets_nothing(exodus: StandInExodus, chain: Chain) -> None:
    leaf, stranger = account_exit(), chain.accounts[5]
    as_stranger = ExodusClient(Sender(exodus.sender.rpc, stranger), exodus.client.address)
    as_stranger.exit_account(leaf, exodus.prover.prove(leaf))
    assert exodus.credited(stranger.address) == 0
    assert exodus.credited(address_of(leaf.l1_address)) == leaf.balance_ntok


def test_each_account_has_a_bit_of_its_own(exodus: StandInExodus) -> None:
    first = 3 * 256 - 1
    for index in (first - 1, first, first + 1, LAST_INDEX):
        exodus.send(AccountExit(index, owner(), MOST_NTOK))
    exited = {
        index
        for index in (*range(first - 2, first + 5), first + 256, LAST_INDEX - 1, LAST_INDEX)
        if exodus.client.is_exited(ExitKind.ACCOUNT, index)
    }
    assert exited == {first - 1, first, first + 1, LAST_INDEX}


def test_an_empty_balance_leaves_too(exodus: StandInExodus) -> None:
    leaf = account_exit(0)
    exodus.send(leaf)
    assert exodus.client.is_exited(ExitKind.ACCOUNT, leaf.index)
    assert exodus.credited(address_of(leaf.l1_address)) == 0


def test_a_channel_is_noted_once_with_all_its_fields(exodus: StandInExodus) -> None:
    largest = channel_exit(MOST_NTOK, MOST_NTOK - 1, MOST_PAID_NTOK, MOST_PAID_NTOK - 1)
    empty = channel_exit(0, 0)
    for leaf in (largest, empty):
        assert exodus.client.channel(leaf.slot) is None
        assert not exodus.client.is_exited(ExitKind.CHANNEL, leaf.slot)
        block = exodus.send(leaf).block_number
        assert exodus.client.channel(leaf.slot) == ExitedChannel(leaf, settled=False)
        assert exodus.client.is_exited(ExitKind.CHANNEL, leaf.slot)
        assert list(exodus.client.channel_exits(block, block)) == [leaf]
        for again in (leaf, replace(leaf, paid_ab_ntok=1, l1_address_a=7)):
            with pytest.raises(errors.AlreadyExited):
                exodus.run(exodus.prover.call(again))
    assert exodus.credited(address_of(largest.l1_address_a)) == 0


def test_a_lane_only_rises(exodus: StandInExodus) -> None:
    slot = fresh()
    for lane, others in ((Lane.AB, 0), (Lane.BA, MOST_PAID_NTOK)):
        assert exodus.client.raised(slot, lane) == 0
        exodus.send(LaneRaise(slot, lane, 500))
        for lower in (0, 499, 500):
            with pytest.raises(errors.RaiseNotHigher):
                exodus.run(exodus.prover.call(LaneRaise(slot, lane, lower)))
        exodus.send(LaneRaise(slot, lane, 501))
        exodus.send(LaneRaise(slot, lane, MOST_PAID_NTOK))
        assert exodus.client.raised(slot, lane) == MOST_PAID_NTOK
        assert exodus.client.raised(slot, Lane(1 - lane)) == others
    assert [one.paid_ntok for one in exodus.client.raises(slot=slot)] == 2 * [
        500,
        501,
        MOST_PAID_NTOK,
    ]


def test_a_raise_of_nothing_is_no_raise(exodus: StandInExodus) -> None:
    with pytest.raises(errors.RaiseNotHigher):
        exodus.run(exodus.prover.call(LaneRaise(fresh(), Lane.AB, 0)))


def test_lanes_rise_for_14_days_and_channels_are_settled_from_then_on(
    exodus: StandInExodus,
) -> None:
    assert RAISE_TIME_S == 14 * 86_400
    leaf = channel_exit()
    exodus.send(leaf)
    higher = exodus.prover.call(LaneRaise(leaf.slot, Lane.AB, 5))
    for age_s in (0, 1, RAISE_TIME_S - 1):
        exodus.run_at_age(age_s, higher)
        with pytest.raises(errors.SettleTooEarly):
            exodus.run_at_age(age_s, settle_call(leaf.slot))
    for age_s in (RAISE_TIME_S, RAISE_TIME_S + 1, 400 * 86_400):
        exodus.run_at_age(age_s, settle_call(leaf.slot))
        with pytest.raises(errors.RaiseTooLate):
            exodus.run_at_age(age_s, higher)


def test_accounts_channels_and_deposits_have_no_deadline(exodus: StandInExodus) -> None:
    op = Deposit(1, 5, 3, 40, owner())
    exodus.enqueue(op, NO_OPS_HASH)
    calls = (
        exodus.prover.call(account_exit()),
        exodus.prover.call(channel_exit()),
        refund_call(op),
    )
    for age_s in (0, RAISE_TIME_S, 4_000 * 86_400):
        for call in calls:
            exodus.run_at_age(age_s, call)


def test_c4_a_settlement_shares_out_both_deposits_by_the_higher_lanes(
    exodus: StandInExodus,
) -> None:
    """Deposits of 70 and 30: lanes of the leaf, lanes raised, what A and B get."""
    cases = {
        ((0, 0), (0, 0)): (70, 30),
        ((70, 0), (0, 0)): (0, 100),
        ((71, 0), (0, 0)): (0, 100),
        ((0, 30), (0, 0)): (100, 0),
        ((0, 31), (0, 0)): (100, 0),
        ((900, 890), (0, 0)): (60, 40),
        ((MOST_PAID_NTOK, MOST_PAID_NTOK), (0, 0)): (70, 30),
        ((20, 5), (25, 0)): (50, 50),
        ((20, 5), (19, 4)): (55, 45),
        ((20, 5), (0, 6)): (56, 44),
        ((0, 0), (MOST_PAID_NTOK, MOST_PAID_NTOK - 1)): (69, 31),
    }
    leaves = [channel_exit(70, 30, *lanes) for lanes, _ in cases]
    for leaf, (_, raised) in zip(leaves, cases, strict=True):
        for lane, paid_ntok in zip(Lane, raised, strict=True):
            if paid_ntok:
                exodus.send(LaneRaise(leaf.slot, lane, paid_ntok))
    for settlement, shares in zip(_settled(exodus, leaves), cases.values(), strict=True):
        assert (settlement.amount_a_ntok, settlement.amount_b_ntok) == shares


def test_c4_the_shares_are_the_protocols_also_at_the_ends(exodus: StandInExodus) -> None:
    leaves = [
        channel_exit(0, 0),
        channel_exit(0, 0, 5, 9),
        channel_exit(MOST_NTOK, MOST_NTOK, MOST_PAID_NTOK, 0),
        channel_exit(MOST_NTOK, MOST_NTOK, 0, MOST_PAID_NTOK),
        channel_exit(0, MOST_NTOK, MOST_PAID_NTOK, 1),
        channel_exit(MOST_NTOK, 0, 0, MOST_PAID_NTOK),
    ]
    for leaf, settlement in zip(leaves, _settled(exodus, leaves), strict=True):
        deposits = leaf.deposit_a_ntok, leaf.deposit_b_ntok
        rules = Channel(1, 2, 0, 86_400, Status.OPEN, 0, *deposits, 0, 0, 0, 0)
        lanes = pack_lane(0, leaf.paid_ab_ntok), pack_lane(0, leaf.paid_ba_ntok)
        shares = Payout(settlement.amount_a_ntok, settlement.amount_b_ntok)
        assert shares == rules.payout(*lanes)
        assert shares.a_ntok + shares.b_ntok == sum(deposits)


def test_a_channel_is_settled_once_and_after_its_exit(exodus: StandInExodus) -> None:
    leaf = channel_exit()
    exodus.tell(age_s=RAISE_TIME_S)
    with pytest.raises(errors.ChannelNotExited):
        exodus.run(settle_call(leaf.slot))
    exodus.send(leaf)
    exodus.client.settle(leaf.slot)
    assert exodus.client.channel(leaf.slot) == ExitedChannel(leaf, settled=True)
    with pytest.raises(errors.AlreadySettled):
        exodus.run(settle_call(leaf.slot))
    with pytest.raises(errors.AlreadyExited):
        exodus.run(exodus.prover.call(leaf))


def test_owners_may_be_the_same(exodus: StandInExodus) -> None:
    leaf = channel_exit(70, 30, paid_ab_ntok=9)
    leaf = replace(leaf, l1_address_b=leaf.l1_address_a)
    _settled(exodus, [leaf])
    assert exodus.credited(address_of(leaf.l1_address_a)) == 100


def test_a_deposit_left_in_the_queue_goes_back_to_its_payer_once(exodus: StandInExodus) -> None:
    payer = owner()
    ops = (
        NewAccount(1, 5, 0, 2**250, owner(), 100, payer),
        Deposit(2, 6, 0, 20, payer),
        NewAccount(3, 6, 1, 7, owner(), 3, payer),
    )
    last = NO_OPS_HASH
    for op in ops:
        last = exodus.enqueue(op, last)
    exodus.tell(processed=1)
    with pytest.raises(errors.OpProcessed):
        exodus.run(refund_call(ops[0]))
    for op in ops[1:]:
        assert not exodus.client.is_refunded(op.number)
        exodus.client.refund(op)
        assert exodus.client.is_refunded(op.number)
        with pytest.raises(errors.AlreadyRefunded):
            exodus.run(refund_call(op))
    assert [exodus.client.is_refunded(number) for number in range(5)] == [0, 0, 1, 1, 0]
    assert exodus.credited(address_of(payer)) == 23
    assert exodus.credited(address_of(ops[2].owner)) == 0
    refunds = list(exodus.client.refunds(recipient=address_of(payer)))
    assert [(one.index, one.amount_ntok) for one in refunds] == [(2, 20), (3, 3)]


def test_only_an_op_that_was_enqueued_is_refunded(exodus: StandInExodus) -> None:
    first = Deposit(2**40 + 1, 5, 3, 40, owner())
    second = replace(first, number=first.number + 1, payer=owner())
    exodus.enqueue(second, exodus.enqueue(first, NO_OPS_HASH))
    for forged in (
        replace(second, amount_ntok=41),
        replace(second, payer=owner()),
        replace(second, index=4),
        replace(second, number=first.number),
        replace(second, number=second.number + 1),
        replace(first, number=second.number),
        NewAccount(second.number, 5, 3, 0, owner(), 40, second.payer),
    ):
        with pytest.raises(errors.QueueMismatch):
            exodus.run(refund_call(forged))
    with pytest.raises(errors.OpProcessed):
        exodus.run(refund_call(replace(first, number=0)))
    exodus.run(refund_call(first))
    exodus.run(refund_call(second))


def test_ops_of_other_kinds_hold_nothing(exodus: StandInExodus, standin: Contract) -> None:
    """Whatever stands where a deposit's amount would."""
    payer = address_of(owner())
    for kind in (0, 3, 4, 5, 6, 7, 255):
        number = 2**41 + 2 * kind
        elements = (kind + (5 << 40), 2**224 - 1, 0, 0, 0, 0, 0)
        _record(exodus, standin, number, elements, payer)
        call = load("exodus").functions["refund"].encode_call(number, (elements, payer))
        with pytest.raises(errors.OpHoldsNothing):
            exodus.run(call)


def test_nothing_is_credited_before_the_start(exodus: StandInExodus) -> None:
    op = Deposit(1, 5, 3, 40, owner())
    exodus.enqueue(op, NO_OPS_HASH)
    assert exodus.client.start_time() is not None
    exodus.tell(age_s=None)
    assert exodus.client.start_time() is None is exodus.client.raise_deadline()
    statements: tuple[Exit, ...] = (account_exit(), channel_exit(), LaneRaise(fresh(), Lane.AB, 5))
    for call in (
        *(exodus.prover.call(statement) for statement in statements),
        settle_call(1),
        refund_call(op),
    ):
        with pytest.raises(errors.ExodusNotStarted):
            exodus.run(call)


def test_it_says_whose_exodus_it_is(exodus: StandInExodus) -> None:
    client = exodus.client
    assert client.rollup_address() == exodus.address
    assert client.domain() == DOMAIN
    assert client.verifying_key() == exodus.prover.key.key
    start = client.start_time()
    assert start is not None
    assert client.raise_deadline() == start + RAISE_TIME_S
    with pytest.raises(ValueError, match="no exit"):
        client.is_exited(ExitKind.RAISE, 0)
    with pytest.raises(errors.LaneTooLarge):
        client.call(load("exodus").functions["raised"].encode_call(0, 2))


def test_an_exit_key_that_cannot_be_used_cannot_be_deployed(
    chain: Chain, standin: Contract
) -> None:
    key = SimulatedKey(3)
    key.key = replace(key.key, delta_g2=bytes(256))
    with pytest.raises(errors.KeyInfinity):
        deploy_stand_in(chain, standin, load("exodus"), key)


def _settled(exodus: StandInExodus, leaves: Sequence[ChannelExit]) -> list[Settlement]:
    """Exit channels and, when it is time, settle them: what each owner is credited."""
    for leaf in leaves:
        exodus.send(leaf)
    exodus.tell(age_s=RAISE_TIME_S)
    found = []
    for leaf in leaves:
        block = exodus.client.settle(leaf.slot).block_number
        (settlement,) = exodus.client.settlements(block, block)
        recipients = address_of(leaf.l1_address_a), address_of(leaf.l1_address_b)
        assert (settlement.slot, settlement.recipient_a, settlement.recipient_b) == (
            leaf.slot,
            *recipients,
        )
        amounts = settlement.amount_a_ntok, settlement.amount_b_ntok
        if recipients[0] != recipients[1]:
            assert tuple(exodus.credited(to) for to in recipients) == amounts
        found.append(settlement)
    return found


def _record(
    exodus: StandInExodus, standin: Contract, number: int, elements: tuple[int, ...], payer: str
) -> None:
    """Give an op of any content its record, after one with the hash 0."""
    words = (0, *elements, address_number(payer))
    hash_ = keccak(b"".join(word.to_bytes(32, "big") for word in words))
    exodus.sender.send(exodus.address, standin.functions["record"].encode_call(number, hash_))
