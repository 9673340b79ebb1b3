"""Wattlane: neighbours pay each other for electricity. Node, NodeSettings, Wallet are the SDK.

They are loaded when first used, so that `import wattlane` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from channels.node import Node
    from channels.settings import NodeSettings
    from channels.wallet import Wallet

__all__ = ["Node", "NodeSettings", "Wallet"]


def __getattr__(name: str) -> object:
    if name == "Node":
        from channels.node import Node

        return Node
    if name == "NodeSettings":
        from channels.settings import NodeSettings

        return NodeSettings
    if name == "Wallet":
        from channels.wallet import Wallet

        return Wallet
    raise AttributeError(f"module 'wattlane' has no attribute {name!r}")
