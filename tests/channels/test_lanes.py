"""Each reason for which a payer does not sign and a payee does not accept, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.errors import (
    AmountMismatch,
    BadPayment,
    BadVoucherSignature,
    ChannelClosing,
    ChannelNotFinal,
    CloseSigned,
    KeyNotAcceptable,
    L1TooOld,
    LaneFull,
    OverCapacity,
    Refused,
    RollupEnded,
    VoucherFalls,
    VoucherRepeats,
    WindowNotAcceptable,
    WrongChannel,
    WrongEpoch,
    WrongLane,
    WrongVoucherKey,
)
from channels.lanes import (
    ChannelState,
    L1Clock,
    Payment,
    accept_voucher,
    adopt_signed,
    require_open,
    see_leaf,
    sign_payment,
)
from channels.policy import Policy
from protocol.channels import Lane, Status, lane_paid_ntok, lane_wh, pack_lane
from protocol.crypto.jubjub import IDENTITY, Point
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.units import DAY_S
from protocol.vouchers import Voucher
from tests.channels.street import (
    ANN,
    BEN,
    CLOCK,
    DEPOSIT_NTOK,
    DOMAIN,
    EVE,
    LEAF,
    NOW,
    PAYMENT,
    POLICY,
    WINDOW_S,
    ann,
    ben,
    leaf,
    unverified,
    voucher,
)

FIRST = PAYMENT.on(0)


def accept(
    state: ChannelState,
    given: Voucher,
    payment: Payment = PAYMENT,
    clock: L1Clock = CLOCK,
    policy: Policy = POLICY,
) -> ChannelState:
    """Ben's step, under the default circumstances."""
    return accept_voucher(state, given, payment, clock, BEN.key_hash, policy)


def test_a_payment_is_signed_by_one_side_and_accepted_by_the_other() -> None:
    payer, payee = ann(), ben()
    for number in range(1, 4):
        payer, given = sign_payment(payer, PAYMENT, NOW, ANN.sign)
        payee = accept(payee, given)
        assert payee.received == payer.signed == given
        assert lane_wh(given.lane_value) == number * 5
        assert lane_paid_ntok(given.lane_value) == number * 1_000
        assert verify(given.signature, given.message(DOMAIN))
    assert payer.lanes == payee.lanes == (3 * FIRST, 0)


def test_both_can_pay_and_what_is_received_can_be_paid_on() -> None:
    """Ben has no deposit: his capacity is what Ann has paid him."""
    payer, payee = ann(), ben()
    payer, given = sign_payment(payer, PAYMENT, NOW, ANN.sign)
    payee = accept(payee, given)
    payee, back = sign_payment(payee, PAYMENT, NOW, BEN.sign)
    payer = accept_voucher(payer, back, PAYMENT, CLOCK, ANN.key_hash, POLICY)
    assert payer.lanes == payee.lanes == (FIRST, FIRST)
    with pytest.raises(OverCapacity):
        sign_payment(payee, PAYMENT, NOW, BEN.sign)


def test_the_peer_of_each_side() -> None:
    assert (ann().peer_index, ben().peer_index) == (BEN.index, ANN.index)


@pytest.mark.parametrize(
    ("energy_wh", "price"),
    [(0, 1), (-1, 1), (1, 0), (1, -5), (1 << 40, 1), (1, 1 << 64), (1 << 30, 1 << 30), (True, 1)],
)
def test_refuses_energy_price_and_amount_out_of_range(energy_wh: int, price: int) -> None:
    with pytest.raises(BadPayment):
        Payment(energy_wh, price)


def test_refuses_fractions() -> None:
    with pytest.raises(BadPayment):
        Payment(1.5, 200)  # type: ignore[arg-type]
    with pytest.raises(BadPayment):
        Payment(1, "200")  # type: ignore[arg-type]


def test_refuses_to_overflow_a_lane_in_energy_or_money() -> None:
    with pytest.raises(LaneFull):
        PAYMENT.on(pack_lane((1 << 40) - 5, 0))
    with pytest.raises(LaneFull):
        PAYMENT.on(pack_lane(0, (1 << 56) - 1_000))
    assert PAYMENT.on(pack_lane((1 << 40) - 6, (1 << 56) - 1_001)) == (1 << 96) - 1


# --- the payer ----------------------------------------------------------------------------------


def test_payer_refuses_beyond_its_capacity() -> None:
    payer = ann()
    for _ in range(10):
        payer, _given = sign_payment(payer, PAYMENT, NOW, ANN.sign)
    with pytest.raises(OverCapacity) as raised:
        sign_payment(payer, PAYMENT, NOW, ANN.sign)
    assert raised.value.capacity_ntok == DEPOSIT_NTOK
    sign_payment(payer, PAYMENT, NOW, ANN.sign, trusted_ntok=1_000)


def test_payer_refuses_in_a_channel_that_is_not_final_closing_or_gone() -> None:
    with pytest.raises(ChannelNotFinal):
        sign_payment(unverified(ann()), PAYMENT, NOW, ANN.sign)
    with pytest.raises(ChannelClosing):
        sign_payment(ann(leaf(status=Status.CLOSING)), PAYMENT, NOW, ANN.sign)
    with pytest.raises(ChannelClosing):
        sign_payment(see_leaf(ann(), None), PAYMENT, NOW, ANN.sign)


def test_payer_builds_on_its_lane_in_the_leaf_when_its_store_is_older() -> None:
    """What stands in the leaf was signed here once, even if this store has forgotten it."""
    standing = pack_lane(50, 9_000)
    _, given = sign_payment(ann(leaf(lane_ab=standing)), PAYMENT, NOW, ANN.sign)
    assert given.lane_value == PAYMENT.on(standing)


def test_payer_adopts_its_own_voucher_that_the_peer_shows() -> None:
    shown = voucher(pack_lane(50, 5_000))
    payer = adopt_signed(ann(), shown)
    assert payer.signed == shown
    assert adopt_signed(payer, voucher(FIRST)) is payer, "an older one changes nothing"
    with pytest.raises(WrongVoucherKey):
        adopt_signed(payer, voucher(pack_lane(60, 6_000), by=EVE))
    with pytest.raises(WrongLane):
        adopt_signed(payer, voucher(pack_lane(60, 6_000), lane=Lane.BA, by=BEN))


# --- the payee ----------------------------------------------------------------------------------


def test_payee_refuses_a_voucher_that_falls() -> None:
    payee = accept(ben(), voucher(FIRST))
    with pytest.raises(VoucherFalls):
        accept(payee, voucher(FIRST - 1))


def test_higher_is_the_order_of_the_one_integer() -> None:
    """More energy for less money is lower: never two comparisons."""
    payee = accept(ben(), voucher(FIRST))
    with pytest.raises(VoucherFalls):
        accept(payee, voucher(pack_lane(1_000_000, 999)), Payment(1, 1))


def test_payee_refuses_a_voucher_that_repeats() -> None:
    payee = accept(ben(), voucher(FIRST))
    with pytest.raises(VoucherRepeats):
        accept(payee, voucher(FIRST))


def test_payee_refuses_a_voucher_not_above_the_lane_in_the_leaf() -> None:
    standing = leaf(lane_ab=FIRST)
    with pytest.raises(VoucherRepeats):
        accept(ben(standing), voucher(FIRST))


def test_payee_refuses_a_voucher_that_exceeds_the_payers_capacity() -> None:
    big = Payment(DEPOSIT_NTOK + 1, 1)
    given = voucher(big.on(0))
    with pytest.raises(OverCapacity) as raised:
        accept(ben(), given, big)
    assert raised.value.capacity_ntok == DEPOSIT_NTOK
    assert accept(ben(), given, big, policy=Policy(trust_limit_ntok=1)).received == given


def test_only_the_payers_deposit_counts() -> None:
    rich_payee = leaf(deposit_a_ntok=0, deposit_b_ntok=1 << 40)
    with pytest.raises(OverCapacity):
        accept(ben(rich_payee), voucher(FIRST, channel_id=rich_payee.id))


def test_payee_counts_what_it_has_signed_the_other_way_and_no_more() -> None:
    channel = leaf(deposit_a_ntok=0, deposit_b_ntok=5_000)
    payee, _ = sign_payment(ben(channel), PAYMENT, NOW, BEN.sign)
    payee = accept(payee, voucher(FIRST))
    with pytest.raises(OverCapacity):
        accept(payee, voucher(PAYMENT.on(FIRST)))


def test_payee_refuses_a_voucher_of_another_lane() -> None:
    with pytest.raises(WrongLane):
        accept(ben(), voucher(FIRST, lane=Lane.BA, by=BEN))


def test_payee_refuses_a_voucher_of_another_channel() -> None:
    with pytest.raises(WrongChannel):
        accept(ben(), voucher(FIRST, channel_id=LEAF.id + 1))


def test_payee_refuses_a_voucher_of_another_epoch() -> None:
    """The channel that the same two had before: ten closes ago or ten opens ahead."""
    with pytest.raises(WrongEpoch) as raised:
        accept(ben(), voucher(FIRST, channel_id=leaf(epoch=4).id))
    assert (raised.value.expected, raised.value.given) == (5, 4)


def test_payee_refuses_a_voucher_for_another_domain() -> None:
    with pytest.raises(BadVoucherSignature):
        accept(ben(), voucher(FIRST, domain=DOMAIN + 1))


def test_payee_refuses_a_signature_over_another_lane_value() -> None:
    signed = voucher(pack_lane(1, 1)).signature
    with pytest.raises(BadVoucherSignature):
        accept(ben(), Voucher(LEAF.id, Lane.AB, FIRST, signed))


def test_payee_refuses_any_bit_changed_in_the_signature() -> None:
    good = voucher(FIRST)
    old = good.signature
    for bad in (
        Signature(old.key, old.r, old.s ^ 1),
        Signature(old.key, Point(old.r.x ^ 1, old.r.y), old.s),
        Signature(old.key, old.r, old.s + (1 << 251)),
    ):
        with pytest.raises(BadVoucherSignature):
            accept(ben(), replace(good, signature=bad))


def test_payee_refuses_a_voucher_of_another_key() -> None:
    with pytest.raises(WrongVoucherKey):
        accept(ben(), voucher(FIRST, by=EVE))


def test_payee_refuses_an_unsafe_key() -> None:
    """The identity as key "signs" anything: s = k, R = kG. Nodes refuse it, `verify` does not."""
    channel = leaf(key_hash_a=key_hash(IDENTITY))
    honest = voucher(FIRST, channel_id=channel.id)
    forged = replace(honest, signature=replace(honest.signature, key=IDENTITY))
    with pytest.raises(KeyNotAcceptable):
        accept(ben(channel), forged)


def test_payee_refuses_a_channel_pinned_to_another_key_of_its_own() -> None:
    with pytest.raises(KeyNotAcceptable, match="this wallet"):
        accept(ben(leaf(key_hash_b=EVE.key_hash)), voucher(FIRST))


def test_payee_refuses_what_is_in_no_final_root() -> None:
    with pytest.raises(ChannelNotFinal):
        accept(unverified(ben()), voucher(FIRST))


def test_payee_refuses_in_a_closing_or_gone_channel() -> None:
    with pytest.raises(ChannelClosing):
        accept(ben(leaf(status=Status.CLOSING)), voucher(FIRST))
    with pytest.raises(ChannelClosing):
        accept(see_leaf(ben(), None), voucher(FIRST))


def test_payee_refuses_when_its_newest_final_block_is_a_quarter_window_old() -> None:
    limit = WINDOW_S // 4
    accept(ben(), voucher(FIRST), clock=L1Clock(NOW, limit - 1))
    with pytest.raises(L1TooOld):
        accept(ben(), voucher(FIRST), clock=L1Clock(NOW, limit))


def test_payee_refuses_when_its_leaf_was_last_seen_a_quarter_window_ago() -> None:
    """L1 goes on, but the sequencer has stopped to show this channel in its newest root."""
    with pytest.raises(L1TooOld):
        accept(ben(), voucher(FIRST), clock=L1Clock(NOW + WINDOW_S // 4, 0))


def test_payee_refuses_everything_once_the_exodus_has_started() -> None:
    """What is accepted late might not be raised any more: raises end 14 days after the start."""
    with pytest.raises(RollupEnded, match="wattlane exit"):
        accept(ben(), voucher(FIRST), clock=L1Clock(NOW, 0, exodus_start=NOW - 1))


@pytest.mark.parametrize("window_s", [DAY_S - 1, 30 * DAY_S + 1])
def test_payee_refuses_a_window_that_its_owner_does_not_want(window_s: int) -> None:
    channel = leaf(window_s=window_s)
    with pytest.raises(WindowNotAcceptable):
        accept(ben(channel), voucher(FIRST))


def test_payee_refuses_other_terms_than_the_voucher_pays() -> None:
    with pytest.raises(AmountMismatch):
        accept(ben(), voucher(FIRST), Payment(4, 250))


def test_a_refusal_changes_nothing() -> None:
    payee = ben()
    with pytest.raises(Refused):
        accept(payee, voucher(FIRST, by=EVE))
    assert payee == ben()


# --- what the chain says ------------------------------------------------------------------------


def test_a_channel_that_was_there_and_is_no_more_is_gone() -> None:
    assert not see_leaf(unverified(ben()), None).is_gone, "it never was"
    gone = see_leaf(ben(), None)
    assert gone.is_gone
    assert not see_leaf(gone, ben().verified).is_gone


def test_a_signed_close_is_named_with_its_end() -> None:
    from channels.closing import propose_close, sign_close

    silent = sign_close(ann(), propose_close(ann(), NOW), NOW, ANN.sign)
    with pytest.raises(CloseSigned):
        require_open(silent, NOW)
