# pragma version 0.4.3
"""
@title The token that the rollup holds, and what it owes to L1 addresses
@license Apache-2.0
@notice Owns the money's scale and the sum: what was deposited and not yet paid out is below 2^64
        ntok, deposits credit what has arrived whatever the token did, and withdraw() pays whole
        base units and keeps the remainder pending.
@dev    Units: ntok = 10^-9 token; a base unit is the token's smallest.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

NTOK_LIMIT: constant(uint256) = 2**64
NTOK_DECIMALS: constant(uint256) = 9
MAX_TOKEN_DECIMALS: constant(uint256) = 36


event WithdrawalPending:
    recipient: indexed(address)
    batch_number: indexed(uint256)
    position: uint256
    amount_ntok: uint256


event Withdrawn:
    recipient: indexed(address)
    amount_ntok: uint256
    amount_base_units: uint256


TOKEN: immutable(IERC20)
BASE_UNITS_PER_NTOK: immutable(uint256)  # 1 where the token has 9 decimals or fewer
NTOK_PER_BASE_UNIT: immutable(uint256)  # 1 where the token has 9 decimals or more

pending_ntok: public(HashMap[address, uint256])  # recipient -> ntok
held_ntok: public(uint256)  # ntok deposited and not yet paid out by withdraw()


@deploy
def __init__(token: IERC20):
    """
    @param token Its decimals are read once, here.
    """
    decimals: uint256 = convert(staticcall IERC20Detailed(token.address).decimals(), uint256)
    assert decimals <= MAX_TOKEN_DECIMALS, "BadDecimals"
    BASE_UNITS_PER_NTOK = 10 ** (max(decimals, NTOK_DECIMALS) - NTOK_DECIMALS)
    NTOK_PER_BASE_UNIT = 10 ** (NTOK_DECIMALS - min(decimals, NTOK_DECIMALS))
    TOKEN = token


@internal
def _take_deposit(amount_base_units: uint256) -> uint256:
    """
    @dev Pulls tokens from the caller and credits what has arrived, whatever the token did.
    @return ntok
    """
    before: uint256 = staticcall TOKEN.balanceOf(self)
    sent: bool = extcall TOKEN.transferFrom(
        msg.sender, self, amount_base_units, default_return_value=True
    )
    assert sent, "TokenRefused"
    received: uint256 = staticcall TOKEN.balanceOf(self) - before
    assert received > 0, "AmountZero"
    assert received % BASE_UNITS_PER_NTOK == 0, "NotWholeNtok"
    amount_ntok: uint256 = received // BASE_UNITS_PER_NTOK * NTOK_PER_BASE_UNIT
    held_ntok: uint256 = self.held_ntok + amount_ntok
    assert held_ntok < NTOK_LIMIT, "TooMuchDeposited"
    self.held_ntok = held_ntok
    return amount_ntok


@internal
def _owe(recipient: address, amount_ntok: uint256, batch_number: uint256, position: uint256):
    """
    @dev A batch has paid this out; `withdraw` sends it.
    """
    self.pending_ntok[recipient] += amount_ntok
    log WithdrawalPending(
        recipient=recipient,
        batch_number=batch_number,
        position=position,
        amount_ntok=amount_ntok,
    )


@external
@nonreentrant
def withdraw() -> uint256:
    """
    @notice Sends the caller its pending withdrawals: all whole base units of the token. What is
            less than one stays pending.
    @return Base units sent.
    """
    pending: uint256 = self.pending_ntok[msg.sender]
    units: uint256 = pending // NTOK_PER_BASE_UNIT
    assert units > 0, "NothingToWithdraw"
    paid_ntok: uint256 = units * NTOK_PER_BASE_UNIT
    amount_base_units: uint256 = units * BASE_UNITS_PER_NTOK
    self.pending_ntok[msg.sender] = pending - paid_ntok
    self.held_ntok -= paid_ntok
    log Withdrawn(
        recipient=msg.sender, amount_ntok=paid_ntok, amount_base_units=amount_base_units
    )
    sent: bool = extcall TOKEN.transfer(
        msg.sender, amount_base_units, default_return_value=True
    )
    assert sent, "TokenRefused"
    return amount_base_units
