# pragma version 0.4.3
"""
@title Settlement token for tests and demos
@license AGPL-3.0-only, as the snekmate modules that it is made of
@notice An ERC-20 with permit from snekmate 0.1.2. Its owner mints: on a real chain Wattlane settles
        in a token that exists already, and this contract is not deployed.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc20

initializes: ownable
initializes: erc20[ownable := ownable]

exports: erc20.__interface__


@deploy
def __init__(name: String[25], symbol: String[5], decimals: uint8):
    """
    @notice The sender becomes owner and minter.
    @param decimals Of the token; 9 and fewer or more all work with the rollup, up to 36.
    """
    ownable.__init__()
    erc20.__init__(name, symbol, decimals, name, "1")
