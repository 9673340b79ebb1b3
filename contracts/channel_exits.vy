# pragma version 0.4.3
"""
@title The channels of the last state: what was proved of each, and how its deposits are shared
@license Apache-2.0
@notice Owns a channel's leaf, noted once; its lanes, which only rise; and its settlement, which
        happens once and gives its two owners exactly both deposits.
@dev    When each may happen, and that it was proved, is the business of the importing contract.
        Units: ntok = 10^-9 token.
"""

AMOUNT_LIMIT: constant(uint256) = 2**64
PAID_LIMIT: constant(uint256) = 2**56

# How far a channel is.
NOT_EXITED: constant(uint256) = 0
EXITED: constant(uint256) = 1
SETTLED: constant(uint256) = 2


# A channel's leaf with the owners of its two accounts.
struct Leaf:
    deposit_a: uint256  # ntok
    deposit_b: uint256  # ntok
    paid_ab: uint256  # ntok
    paid_ba: uint256  # ntok
    l1_address_a: address
    l1_address_b: address


struct ChannelExit:
    stage: uint256  # NOT_EXITED, EXITED or SETTLED
    leaf: Leaf


# The same in storage: deposit_a + deposit_b 2^64 + paid_ab 2^128 + paid_ba 2^184 + stage 2^240.
struct PackedExit:
    amounts: uint256
    l1_address_a: address
    l1_address_b: address


event ChannelExited:
    slot: indexed(uint256)
    l1_address_a: indexed(address)
    l1_address_b: indexed(address)
    deposit_a: uint256
    deposit_b: uint256
    paid_ab: uint256
    paid_ba: uint256


event LaneRaised:
    slot: indexed(uint256)
    lane: indexed(uint256)
    paid: uint256


event ChannelSettled:
    slot: indexed(uint256)
    l1_address_a: indexed(address)
    l1_address_b: indexed(address)
    amount_a_ntok: uint256
    amount_b_ntok: uint256


exits: HashMap[uint256, PackedExit]  # slot -> its leaf
raised_lanes: HashMap[uint256, uint256]  # slot -> paid of lane ab + of lane ba 2^56, as proved


@internal
def _note(slot: uint256, leaf: Leaf):
    """
    @param leaf Amounts of 64 bits, what was paid of 56.
    """
    assert self.exits[slot].amounts == 0, "AlreadyExited"
    self.exits[slot] = PackedExit(
        amounts=(
            leaf.deposit_a
            | leaf.deposit_b << 64
            | leaf.paid_ab << 128
            | leaf.paid_ba << 184
            | EXITED << 240
        ),
        l1_address_a=leaf.l1_address_a,
        l1_address_b=leaf.l1_address_b,
    )
    log ChannelExited(
        slot=slot,
        l1_address_a=leaf.l1_address_a,
        l1_address_b=leaf.l1_address_b,
        deposit_a=leaf.deposit_a,
        deposit_b=leaf.deposit_b,
        paid_ab=leaf.paid_ab,
        paid_ba=leaf.paid_ba,
    )


@internal
def _raise(slot: uint256, lane: uint256, paid: uint256):
    """
    @param lane 0 or 1.
    @param paid 56 bits.
    """
    lanes: uint256 = self.raised_lanes[slot]
    before: uint256 = self._paid(lanes, lane)
    assert paid > before, "RaiseNotHigher"
    self.raised_lanes[slot] = lanes + ((paid - before) << (56 * lane))
    log LaneRaised(slot=slot, lane=lane, paid=paid)


@internal
def _settle(slot: uint256) -> (Leaf, uint256, uint256):
    """
    @return The leaf, and what A and B get: ntok, together both deposits.
    """
    channel: ChannelExit = self._channel_exit(slot)
    assert channel.stage != NOT_EXITED, "ChannelNotExited"
    assert channel.stage == EXITED, "AlreadySettled"
    self.exits[slot].amounts += (SETTLED - EXITED) << 240
    leaf: Leaf = channel.leaf
    lanes: uint256 = self.raised_lanes[slot]
    amount_b: uint256 = self._share_of_b(
        leaf.deposit_a,
        leaf.deposit_b,
        max(leaf.paid_ab, self._paid(lanes, 0)),
        max(leaf.paid_ba, self._paid(lanes, 1)),
    )
    amount_a: uint256 = leaf.deposit_a + leaf.deposit_b - amount_b
    log ChannelSettled(
        slot=slot,
        l1_address_a=leaf.l1_address_a,
        l1_address_b=leaf.l1_address_b,
        amount_a_ntok=amount_a,
        amount_b_ntok=amount_b,
    )
    return leaf, amount_a, amount_b


@internal
@pure
def _share_of_b(
    deposit_a: uint256, deposit_b: uint256, paid_ab: uint256, paid_ba: uint256
) -> uint256:
    """
    @return deposit_b + paid_ab - paid_ba, though at least 0 and at most both deposits, in ntok.
    """
    gained: uint256 = deposit_b + paid_ab
    return min(gained - min(gained, paid_ba), deposit_a + deposit_b)


@internal
@pure
def _paid(lanes: uint256, lane: uint256) -> uint256:
    """
    @return A lane's 56 bits of a word of raised_lanes, ntok.
    """
    return (lanes >> (56 * lane)) % PAID_LIMIT


@internal
@view
def _channel_exit(slot: uint256) -> ChannelExit:
    packed: PackedExit = self.exits[slot]
    return ChannelExit(
        stage=packed.amounts >> 240,
        leaf=Leaf(
            deposit_a=packed.amounts % AMOUNT_LIMIT,
            deposit_b=(packed.amounts >> 64) % AMOUNT_LIMIT,
            paid_ab=(packed.amounts >> 128) % PAID_LIMIT,
            paid_ba=(packed.amounts >> 184) % PAID_LIMIT,
            l1_address_a=packed.l1_address_a,
            l1_address_b=packed.l1_address_b,
        ),
    )


@external
@view
def channel_exit(slot: uint256) -> ChannelExit:
    """
    @return How far the channel is (0 not exited, 1 exited, 2 settled), and its leaf as proved.
    """
    return self._channel_exit(slot)


@external
@view
def raised(slot: uint256, lane: uint256) -> uint256:
    """
    @param lane 0 or 1.
    @return What the highest voucher proved for this lane promises, ntok; 0 where none was.
    """
    assert lane <= 1, "LaneTooLarge"
    return self._paid(self.raised_lanes[slot], lane)
