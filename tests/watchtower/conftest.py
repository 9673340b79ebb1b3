"""The nodes' rollup and homes, for towers that watch over them."""

from __future__ import annotations

from tests.channels.conftest import fast_curve, open_node, rollup, wallets

__all__ = ["fast_curve", "open_node", "rollup", "wallets"]
