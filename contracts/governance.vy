# pragma version 0.4.3
"""
@title What the owner can do, all of it
@license Apache-2.0
@notice Owns three powers and their limits. A pause of deposits and batches: at most three days, not
        again within thirty, and never of batches while an op has waited for more than three days.
        Another operator: 45 days after it was announced, which is longer than any way out takes (a
        window of 30 days, 7 until the exodus, 3 of pause). The end: thirty days after it was
        announced nothing is deposited any more, sixty days after anyone may start the exodus.
        None of them touches the state, a balance, a withdrawal, a forced op or an exit.
@dev    Two-step ownership of our own, a dozen lines: snekmate's `ownable_2step` is AGPL-3.0-only
        and would make the rollup so (NOTICE; only the test token is made of snekmate's modules).
"""

import standing

uses: standing

DAY: constant(uint256) = 86400  # seconds
PAUSE_TIME: constant(uint256) = 3 * DAY  # the longest pause
PAUSE_REST: constant(uint256) = 30 * DAY  # from the end of a pause to the next
OPERATOR_NOTICE: constant(uint256) = 45 * DAY
SUNSET_DEPOSITS: constant(uint256) = 30 * DAY  # from the announcement to the last deposit
SUNSET_END: constant(uint256) = 60 * DAY  # from the announcement to the exodus


# All that may change, besides the state.
struct Powers:
    owner: address
    pending_owner: address  # zero where ownership is not being handed over
    operator: address
    next_operator: address  # zero where none is announced
    next_operator_from: uint256  # seconds; when it may take over
    pause_end: uint256  # seconds; of the last pause, perhaps still to come; 0 where there was none
    sunset: uint256  # seconds; when the end was announced; 0 where it was not


event OwnershipOffered:
    pending_owner: indexed(address)


event OwnershipTaken:
    owner: indexed(address)


event Paused:
    pause_end: uint256  # seconds


event Unpaused:
    pause_end: uint256  # seconds


event OperatorAnnounced:
    operator: indexed(address)
    start: uint256  # seconds; not before


event OperatorChanged:
    operator: indexed(address)


event SunsetAnnounced:
    sunset: uint256  # seconds


owner: address
pending_owner: address
operator: address
next_operator: address
next_operator_from: uint256
sunset: uint256


@deploy
def __init__(owner: address, operator: address):
    """
    @param owner Zero: nobody has any of these powers.
    """
    self.owner = owner
    self.operator = operator


@external
def transfer_ownership(pending_owner: address):
    """
    @notice Offers the ownership; whoever is named takes it by `accept_ownership`. Zero: nobody.
    """
    self._check_owner()
    self.pending_owner = pending_owner
    log OwnershipOffered(pending_owner=pending_owner)


@external
def accept_ownership():
    """
    @notice Takes the ownership that was offered to the sender.
    """
    assert msg.sender == self.pending_owner, "NotPendingOwner"
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnershipTaken(owner=msg.sender)


@external
def pause():
    """
    @notice Stops deposits and batches for three days, unless `unpause` ends it before.
    """
    self._check_owner()
    now: standing.Standing = standing._load()
    if now.pause_end > 0:
        assert block.timestamp >= now.pause_end + PAUSE_REST, "PauseTooSoon"
    self._end_pause_at(now, block.timestamp + PAUSE_TIME)
    log Paused(pause_end=block.timestamp + PAUSE_TIME)


@external
def unpause():
    """
    @notice Ends a pause.
    """
    self._check_owner()
    now: standing.Standing = standing._load()
    assert block.timestamp < now.pause_end, "NotPaused"
    self._end_pause_at(now, block.timestamp)
    log Unpaused(pause_end=block.timestamp)


@external
def announce_operator(operator: address):
    """
    @notice Names who shall be the next operator, in place of whoever was named before.
    """
    self._check_owner()
    start: uint256 = block.timestamp + OPERATOR_NOTICE
    self.next_operator = operator
    self.next_operator_from = start
    log OperatorAnnounced(operator=operator, start=start)


@external
def apply_operator():
    """
    @notice Makes the announced operator the operator, when its time has come. Anyone may call it,
            so that an announcement is no option to be drawn whenever it suits the owner.
    """
    operator: address = self.next_operator
    assert operator != empty(address), "NoOperatorAnnounced"
    assert block.timestamp >= self.next_operator_from, "OperatorTooSoon"
    self.operator = operator
    self.next_operator = empty(address)
    log OperatorChanged(operator=operator)


@external
def announce_sunset():
    """
    @notice Announces the end, for good: deposits end 30 days from now, and from 60 days on anyone
            may start the exodus.
    """
    self._check_owner()
    assert self.sunset == 0, "AlreadyAnnounced"
    self.sunset = block.timestamp
    log SunsetAnnounced(sunset=block.timestamp)


@internal
@view
def _check_owner():
    assert msg.sender == self.owner, "NotOwner"


@internal
def _end_pause_at(before: standing.Standing, end: uint256):
    now: standing.Standing = before
    now.pause_end = end
    standing._store(now)


@internal
@view
def _check_deposits():
    """
    @notice Whether money may come in: not in a pause, not after the sunset.
    """
    assert block.timestamp >= standing._load().pause_end, "Paused"
    sunset: uint256 = self.sunset
    assert sunset == 0 or block.timestamp < sunset + SUNSET_DEPOSITS, "SunsetReached"


@internal
@view
def _is_over() -> bool:
    """
    @return Whether an announced end has come.
    """
    sunset: uint256 = self.sunset
    return sunset > 0 and block.timestamp >= sunset + SUNSET_END


@external
@view
def powers() -> Powers:
    """
    @return Who may do what from when, and what was announced.
    """
    return Powers(
        owner=self.owner,
        pending_owner=self.pending_owner,
        operator=self.operator,
        next_operator=self.next_operator,
        next_operator_from=self.next_operator_from,
        pause_end=standing._load().pause_end,
        sunset=self.sunset,
    )
