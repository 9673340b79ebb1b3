"""C1 over a whole exodus: all that is owed is credited and withdrawn, and nothing is left."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from contracts import errors
from contracts.addresses import address_number, address_of
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.exodus import RAISE_TIME_S, ExodusClient
from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, lane_paid_ntok, pack_lane
from protocol.exits import LaneRaise, account_exit, channel_exit
from protocol.queue import Deposit, NewAccount
from protocol.state import State
from tests.support.simulated_exodus import ExitProver
from tests.support.simulated_proofs import EXIT_KEY
from tests.support.simulated_rollup import (
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
)

HOMES, ACCOUNTS, CHANNELS, OPS_LEFT = 3, 6, 4, 3
SEVEN_DAYS_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Village:
    """A rollup, the state that its last batch left, and who lives there."""

    rollup: SimulatedRollup
    state: State
    homes: tuple[RollupClient, ...]

    def pending_ntok(self) -> Counter[str]:
        """What the rollup would pay out now, by address."""
        addresses = [home.account.address for home in self.homes]
        return Counter({to: self.rollup.client.pending_ntok(to) for to in addresses})

    def tokens_ntok(self) -> int:
        """The tokens that the rollup holds."""
        balance = self.rollup.token.balance_of(self.rollup.client.address)
        return self.rollup.client.settings().ntok(balance)


@pytest.mark.parametrize(("seed", "decimals"), [(1, 18), (2, 6)])
def test_c1_an_exodus_pays_out_all_that_was_ever_deposited(
    chain: Chain, seed: int, decimals: int
) -> None:
    rng = random.Random(seed)
    village = _village(chain, rng, decimals)
    client = village.rollup.client
    settings, held_ntok = client.settings(), client.held_ntok()
    assert village.tokens_ntok() == held_ntok
    chain.advance_time(SEVEN_DAYS_S + 1)
    client.start_exodus()
    exodus = client.exodus_client()
    prover = ExitProver(EXIT_KEY, village.state.root, settings.domain)

    owed = village.pending_ntok()
    for index in rng.sample(sorted(village.state.accounts), ACCOUNTS):
        account = account_exit(village.state, index).statement()
        exodus.exit_account(account, prover.prove(account))
        owed[address_of(account.l1_address)] += account.balance_ntok
        assert village.pending_ntok() == owed
    for op in client.queue_ops_by_number(client.progress().processed + 1, client.enqueued()):
        if not isinstance(op, NewAccount | Deposit):  # void, whatever it asked for
            with pytest.raises(errors.OpHoldsNothing):
                exodus.refund(op)
            continue
        exodus.refund(op)
        owed[address_of(op.payer)] += op.amount_ntok
        assert village.pending_ntok() == owed
    channels = village.state.channels
    lanes = _raise_lanes(exodus, prover, village.state, rng)
    raised = {slot: [exodus.raised(slot, lane) << 40 for lane in Lane] for slot in channels}
    for others in (raised, {slot: [c.lane_ab, c.lane_ba] for slot, c in channels.items()}):
        assert any(
            c.payout(*lanes[slot]) != c.payout(*others[slot]) for slot, c in channels.items()
        )
    leaves = {slot: channel_exit(village.state, slot).statement() for slot in channels}
    for leaf in leaves.values():
        exodus.exit_channel(leaf, prover.prove(leaf))
    chain.advance_time(RAISE_TIME_S)
    for slot, channel in channels.items():
        exodus.settle(slot)
        shares = channel.payout(*lanes[slot])
        owed[address_of(leaves[slot].l1_address_a)] += shares.a_ntok
        owed[address_of(leaves[slot].l1_address_b)] += shares.b_ntok
        assert village.pending_ntok() == owed

    assert sum(owed.values()) == held_ntok == client.held_ntok() == village.tokens_ntok()
    for home in village.homes:
        home.withdraw()
    rests = village.pending_ntok()
    assert all(rest < settings.ntok_per_base_unit for rest in rests.values())
    assert sum(rests.values()) == client.held_ntok() == village.tokens_ntok()
    if settings.ntok_per_base_unit == 1:
        assert village.rollup.token.balance_of(client.address) == 0
    for home in village.homes:
        with pytest.raises(errors.NothingToWithdraw):
            home.withdraw()


def _village(chain: Chain, rng: random.Random, decimals: int) -> Village:
    """Deposits of which one batch has taken in most, split over accounts, channels and payouts."""
    rollup = deploy_simulated(chain, chain.accounts[0], decimals=decimals)
    client, settings = rollup.client, rollup.client.settings()
    accounts = chain.accounts[:HOMES]
    homes = tuple(RollupClient(chain.url, client.address, account) for account in accounts)
    for home in homes[1:]:
        rollup.token.transfer(home.account.address, 10**30)
        home.approve(10**18)
    for number in range(ACCOUNTS + OPS_LEFT):
        payer, owner = rng.choice(homes), rng.choice(homes).account.address
        amount_ntok = rng.randrange(1, 10**9) * settings.ntok_per_base_unit
        if number == ACCOUNTS:
            payer.deposit(0, _owner_of(client, 0), amount_ntok)
        else:
            payer.new_account(2**250 + number, owner, amount_ntok)
    client.force_exit(0)
    client.change_key(0, 1)
    ops = rollup.queue(1, ACCOUNTS)
    inside = sum(op.amount_ntok for op in ops if isinstance(op, NewAccount))
    proofs = ACCOUNTS // SHAPE.queue_slots
    payouts = [
        payout(slot, home.account.address, rng.randrange(1, inside // 10), proof=proofs - 1)
        for slot, home in enumerate(homes)
    ]
    inside -= sum(one.amount_ntok for one in payouts)
    state = _state(client, rng, inside)
    client.submit_batch(rollup.honest_batch([*range(1, proofs), state.root], ops, payouts))
    return Village(rollup, state, homes)


def _state(client: RollupClient, rng: random.Random, inside_ntok: int) -> State:
    """Every account and channel that there may be, holding exactly `inside_ntok` between them."""
    cuts = sorted(rng.randrange(inside_ntok + 1) for _ in range(ACCOUNTS + 2 * CHANNELS - 3))
    shares = [b - a for a, b in zip([0, *cuts], [*cuts, inside_ntok], strict=True)]
    shares += [0, 0]  # one account and one side of a channel have nothing
    rng.shuffle(shares)
    accounts = {
        index: Account(
            2**250 + index, address_number(_owner_of(client, index)), 0, shares.pop(), 0, 0
        )
        for index in range(ACCOUNTS)
    }
    channels = {}
    for slot in rng.sample(range(2**24), CHANNELS):
        a, b = rng.sample(range(ACCOUNTS), 2)
        deposit_a_ntok, deposit_b_ntok = shares.pop(), shares.pop()
        channels[slot] = Channel(
            a_index=a,
            b_index=b,
            epoch=slot,
            window_s=86_400,
            status=rng.choice(list(Status)),
            deadline=0,
            deposit_a_ntok=deposit_a_ntok,
            deposit_b_ntok=deposit_b_ntok,
            lane_ab=_lane(rng, deposit_a_ntok),
            lane_ba=_lane(rng, deposit_b_ntok),
            key_hash_a=1,
            key_hash_b=2,
        )
    assert shares == []
    return State.of(accounts, channels)


def _lane(rng: random.Random, deposit_ntok: int) -> int:
    """A lane value: mostly within the payer's deposit, sometimes far beyond."""
    most = deposit_ntok + 1 if rng.random() < 0.8 else 2**56
    return pack_lane(rng.randrange(2**40), rng.randrange(most))


def _raise_lanes(
    exodus: ExodusClient, prover: ExitProver, state: State, rng: random.Random
) -> dict[int, tuple[int, int]]:
    """Raise some lanes, some to less than the leaf has; returns those that will count."""
    counted: dict[int, tuple[int, int]] = {}
    for slot, channel in state.channels.items():
        values = []
        for lane in Lane:
            voucher = _lane(rng, channel.deposit_a_ntok)
            if rng.random() < 0.5 and lane_paid_ntok(voucher):
                raised = LaneRaise(slot, lane, lane_paid_ntok(voucher))
                exodus.raise_lane(raised, prover.prove(raised))
                values.append(max(voucher, channel.lane(lane)))
            else:
                values.append(channel.lane(lane))
        counted[slot] = (values[0], values[1])
    return counted


def _owner_of(client: RollupClient, index: int) -> str:
    owner = client.account_owner(index)
    assert owner is not None
    return owner
