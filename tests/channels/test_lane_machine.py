"""A Hypothesis machine over two sides and a wire that loses, repeats and reorders.

Invariants by name: C4 (lanes and money never fall; a payout adds up to the deposits) and C7 (no
acknowledged voucher is lost by a crash, no two signed vouchers conflict).
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from channels.closing import complete_close, propose_close, sign_close
from channels.errors import CloseSigned, Refused
from channels.lanes import (
    ChannelState,
    L1Clock,
    Payment,
    accept_voucher,
    adopt_signed,
    sign_payment,
)
from protocol.channels import Lane, lane_paid_ntok
from protocol.vouchers import Voucher
from tests.channels.street import ANN, BEN, NOW, POLICY, Home, ann, ben, leaf

SIDES = st.sampled_from([Lane.AB, Lane.BA])


class LaneMachine(RuleBasedStateMachine):
    """Both sides' memories and disks, and every frame that was ever sent."""

    @initialize(deposit_a=st.integers(0, 3_000), deposit_b=st.integers(0, 3_000))
    def start(self, deposit_a: int, deposit_b: int) -> None:
        self.channel = leaf(deposit_a_ntok=deposit_a, deposit_b_ntok=deposit_b)
        self.disk: dict[Lane, ChannelState] = {
            Lane.AB: ann(self.channel),
            Lane.BA: ben(self.channel),
        }
        self.homes: dict[Lane, Home] = {Lane.AB: ANN, Lane.BA: BEN}
        self.sent: dict[Lane, list[tuple[Voucher, Payment]]] = {Lane.AB: [], Lane.BA: []}
        self.acknowledged = {Lane.AB: 0, Lane.BA: 0}
        self.seen = {Lane.AB: 0, Lane.BA: 0}

    def _other(self, side: Lane) -> Lane:
        return Lane.BA if side is Lane.AB else Lane.AB

    @rule(side=SIDES, energy_wh=st.integers(1, 50), price=st.integers(1, 40), saved=st.booleans())
    def pay(self, side: Lane, energy_wh: int, price: int, saved: bool) -> None:
        """Sign; written before it is sent, or (crash) neither written nor sent."""
        payment = Payment(energy_wh, price)
        try:
            after, given = sign_payment(self.disk[side], payment, NOW, self.homes[side].sign)
        except Refused:
            return
        if saved:
            self.disk[side] = after
            self.sent[side].append((given, payment))

    @precondition(lambda self: any(self.sent.values()))
    @rule(side=SIDES, data=st.data(), saved=st.booleans())
    def deliver(self, side: Lane, data: st.DataObject, saved: bool) -> None:
        """Any frame ever sent arrives, late or again; the receiver may crash before its write."""
        if not self.sent[side]:
            return
        given, payment = data.draw(st.sampled_from(self.sent[side]))
        payee = self._other(side)
        clock = L1Clock(NOW, 0)
        try:
            after = accept_voucher(
                self.disk[payee], given, payment, clock, self.homes[payee].key_hash, POLICY
            )
        except Refused:
            return
        if saved:
            self.disk[payee] = after
            self.acknowledged[side] = given.lane_value

    @rule(side=SIDES)
    def resync(self, side: Lane) -> None:
        """The payee shows the highest voucher that it holds; the payer takes it back."""
        shown = self.disk[self._other(side)].received
        if shown is not None:
            self.disk[side] = adopt_signed(self.disk[side], shown)

    @precondition(lambda self: self.disk[Lane.AB].lanes == self.disk[Lane.BA].lanes)
    @rule()
    def close(self) -> None:
        """Both sign; from then on neither side's lane moves."""
        body = propose_close(self.disk[Lane.AB], NOW)
        first = sign_close(self.disk[Lane.AB], body, NOW, ANN.sign)
        assert first.close is not None
        second = sign_close(self.disk[Lane.BA], body, NOW, BEN.sign, first.close.own_signature)
        assert second.close is not None
        self.disk[Lane.AB] = complete_close(first, second.close.own_signature)
        self.disk[Lane.BA] = second
        for side in Lane:
            with pytest.raises(CloseSigned):
                sign_payment(self.disk[side], Payment(1, 1), NOW, self.homes[side].sign)

    @invariant()
    def test_c4_lanes_never_fall_and_payouts_add_up(self) -> None:
        for side in Lane:
            lane_value = self.disk[side].signed_lane
            assert lane_value >= self.seen[side]
            assert lane_paid_ntok(lane_value) >= lane_paid_ntok(self.seen[side])
            self.seen[side] = lane_value
        ab = self.disk[Lane.BA].received_lane
        ba = self.disk[Lane.AB].received_lane
        payout = self.channel.payout(ab, ba)
        total = self.channel.deposit_a_ntok + self.channel.deposit_b_ntok
        assert payout.a_ntok >= 0
        assert payout.b_ntok >= 0
        assert payout.a_ntok + payout.b_ntok == total

    @invariant()
    def test_c4_a_payee_is_always_covered(self) -> None:
        """Enforcing what it holds, with all it has signed held against it, pays it in full."""
        for side in Lane:
            mine = self.disk[side]
            paid_in, paid_out = lane_paid_ntok(mine.received_lane), lane_paid_ntok(mine.signed_lane)
            own = mine.deposit_ntok(side)
            payout = self.channel.payout(*mine.lanes)
            gets = payout.a_ntok if side is Lane.AB else payout.b_ntok
            assert gets >= own + paid_in - paid_out

    @invariant()
    def test_c7_no_acknowledged_voucher_is_lost(self) -> None:
        for side in Lane:
            assert self.disk[self._other(side)].received_lane >= self.acknowledged[side]

    @invariant()
    def test_c7_no_two_signed_vouchers_conflict(self) -> None:
        for side in Lane:
            values = [given.lane_value for given, _ in self.sent[side]]
            assert values == sorted(set(values))


LaneMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLaneMachine = LaneMachine.TestCase
