# pragma version 0.4.3
"""
@title Calls the rollup for whoever calls it, so that a batch's data is not its transaction's own
@license Apache-2.0
"""


@external
def forward(to: address, payload: Bytes[16384]):
    raw_call(to, payload)
