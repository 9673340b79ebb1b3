# pragma version 0.4.3
"""
@title A contract that asks for queue ops, and does as its test says when change comes back
@license Apache-2.0
"""

REFUSE: constant(uint256) = 1
REENTER: constant(uint256) = 2

mode: uint256
target: address
inner: Bytes[1024]
inner_value: uint256
received: public(uint256)


@external
def set(mode: uint256, inner: Bytes[1024], inner_value: uint256):
    """
    @param inner What to call when change comes back, with `inner_value` ether.
    """
    self.mode = mode
    self.inner = inner
    self.inner_value = inner_value


@external
@payable
def ask(target: address, call: Bytes[1024], wei_sent: uint256):
    self.target = target
    raw_call(target, call, value=wei_sent)


@external
@payable
def __default__():
    if msg.sender != self.target:
        return  # the test fills it up
    assert self.mode != REFUSE
    self.received += msg.value
    if self.mode == REENTER:
        self.mode = 0
        raw_call(self.target, self.inner, value=self.inner_value)
