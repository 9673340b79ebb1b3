# pragma version 0.4.3
"""
@title How the rollup ends
@license Apache-2.0
@notice Owns the switch that is turned once: where an op has waited for more than seven days, or an
        announced end has come, anyone may start the exodus. From then on no batch, no deposit and no other op is taken; what the
        last state says is paid out through the exodus contract, the only one that credits here.
"""

import governance
import queue
import standing
import vault

uses: governance
uses: queue
uses: standing
uses: vault

EXODUS_AGE: constant(uint256) = 7 * 86400  # seconds; the oldest op older: anyone starts it


event ExodusStarted:
    start: uint256  # seconds


EXODUS: immutable(address)


@deploy
def __init__(exodus: address):
    """
    @param exodus The contract that credits what the last state and the waiting ops are worth.
    """
    EXODUS = exodus


@external
def start_exodus():
    """
    @notice Ends the rollup, for ever. Nobody is asked.
    """
    now: standing.Standing = standing._load()
    assert now.exodus_start == 0, "ExodusStarted"
    assert (
        governance._is_over() or queue._oldest_is_older_than(now, EXODUS_AGE)
    ), "TooEarlyForExodus"
    now.exodus_start = block.timestamp
    standing._store(now)
    log ExodusStarted(start=block.timestamp)


@external
@nonreentrant
def credit_exit(recipient: address, amount_ntok: uint256):
    """
    @notice Makes an amount available to `withdraw`; called by the exodus contract, once for each
            part of the last state.
    """
    assert msg.sender == EXODUS, "NotExodus"
    assert standing._load().exodus_start > 0, "ExodusNotStarted"
    vault.pending_ntok[recipient] += amount_ntok


@external
@view
def exodus_start() -> uint256:
    """
    @return When the exodus started, seconds; 0 before.
    """
    return standing._load().exodus_start
