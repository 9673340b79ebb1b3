# pragma version 0.4.3
"""
@title A token that misbehaves as its test tells it to
@license Apache-2.0
@notice Takes a fee, answers false, answers nothing, or calls back while it moves.
"""

interface Rollup:
    def deposit(account_index: uint256, owner: address, amount_base_units: uint256): payable
    def withdraw() -> uint256: nonpayable
    def new_account(key_hash: uint256, owner: address, amount: uint256) -> uint256: payable


decimals: public(constant(uint8)) = 9

FEE: constant(uint256) = 1
ANSWER_FALSE: constant(uint256) = 2
REENTER_DEPOSIT: constant(uint256) = 3
REENTER_WITHDRAW: constant(uint256) = 4
REENTER_NEW_ACCOUNT: constant(uint256) = 5
MOVE_NOTHING: constant(uint256) = 6
SEND_TWICE: constant(uint256) = 7
CALL: constant(uint256) = 8

QUEUE_FEE: constant(uint256) = 10**13  # wei

balanceOf: public(HashMap[address, uint256])
mode: public(uint256)
rollup: Rollup
target: address
payload: Bytes[2048]


@external
@payable
def __default__():
    pass


@external
def set(mode: uint256, rollup: address):
    self.mode = mode
    self.rollup = Rollup(rollup)


@external
def call_back(target: address, payload: Bytes[2048]):
    """
    @notice What mode CALL calls.
    """
    self.target = target
    self.payload = payload


@external
def mint(to: address, amount: uint256):
    self.balanceOf[to] += amount


@external
def approve(spender: address, amount: uint256) -> bool:
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    return self._move(msg.sender, to, amount)


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    return self._move(owner, to, amount)


@internal
def _move(owner: address, to: address, amount: uint256) -> bool:
    mode: uint256 = self.mode
    if mode == ANSWER_FALSE:
        return False
    if mode == MOVE_NOTHING:
        return True
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    if mode == FEE:
        self.balanceOf[to] -= amount // 10
    elif mode == SEND_TWICE:
        self.balanceOf[to] += amount
    elif mode == REENTER_DEPOSIT:
        self.mode = 0
        extcall self.rollup.deposit(0, owner, 500, value=QUEUE_FEE)
    elif mode == REENTER_NEW_ACCOUNT:
        self.mode = 0
        ignored: uint256 = extcall self.rollup.new_account(1, owner, amount, value=QUEUE_FEE)
    elif mode == REENTER_WITHDRAW:
        self.mode = 0
        ignored: uint256 = extcall self.rollup.withdraw()
    elif mode == CALL:
        self.mode = 0
        raw_call(self.target, self.payload)
    return True
