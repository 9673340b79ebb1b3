# pragma version 0.4.3
"""
@title A token whose issuer can block addresses: transfers to and from them revert
@license Apache-2.0
"""

decimals: public(constant(uint8)) = 9

balanceOf: public(HashMap[address, uint256])
blocked: public(HashMap[address, bool])


@external
def set_blocked(whom: address, blocked: bool):
    self.blocked[whom] = blocked


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
    assert not self.blocked[owner] and not self.blocked[to], "blocked"
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    return True
