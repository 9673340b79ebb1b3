"""Nodes for the agents' tests: lanes that both ends see, payments that can be cut off anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from channels.errors import CommandFailed, NodeNotRunning
from tests.energy.market.street import DEPOSIT_NTOK, channel_of

Lane = tuple[int, int]
"""(payer, payee)."""


@dataclass
class Lanes:
    """What every lane of a street carries: (Wh, ntok)."""

    carried: dict[Lane, tuple[int, int]] = field(default_factory=dict)
    payments: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(payer, payee, Wh, price), as they were made."""
    deposit_ntok: int = DEPOSIT_NTOK

    def of(self, payer: int, payee: int) -> tuple[int, int]:
        """(Wh, ntok) that a lane carries."""
        return self.carried.get((payer, payee), (0, 0))


@dataclass(frozen=True)
class Receipt:
    """What a payment is answered with."""

    latency_ms: float = 1.5


@dataclass
class FakeNode:
    """The node of one account. `dies_after_signing`: its next payment is signed and not answered.
    `offline`: neighbours that do not answer it."""

    account: int
    lanes: Lanes
    peers: tuple[int, ...]
    dies_after_signing: bool = False
    offline: frozenset[int] = frozenset()
    seen_ids: set[tuple[int, str]] = field(default_factory=set)

    async def channels(self) -> list[dict[str, Any]]:
        """As a node's control port gives them."""
        found = []
        for peer in self.peers:
            (out_wh, out_ntok), (in_wh, in_ntok) = (
                self.lanes.of(self.account, peer),
                self.lanes.of(peer, self.account),
            )
            found.append(
                {
                    "channel_id": channel_of(self.account, peer),
                    "peer_index": peer,
                    "status": "open",
                    "deposit_own_ntok": self.lanes.deposit_ntok,
                    "deposit_peer_ntok": self.lanes.deposit_ntok,
                    "energy_out_wh": out_wh,
                    "paid_out_ntok": out_ntok,
                    "energy_in_wh": in_wh,
                    "paid_in_ntok": in_ntok,
                }
            )
        return found

    async def pay(
        self,
        channel_id: int,
        *,
        energy_wh: int,
        price_utok_per_kwh: int,
        payment_id: str | None = None,
    ) -> Receipt:
        """Raise the lane, as a node does once it is on disk."""
        assert payment_id is not None
        assert energy_wh > 0 < price_utok_per_kwh
        peer = next(one for one in self.peers if channel_of(self.account, one) == channel_id)
        if peer in self.offline:
            raise CommandFailed("PeerUnreachable", "not connected")
        assert (channel_id, payment_id) not in self.seen_ids, "a payment was made twice"
        self.seen_ids.add((channel_id, payment_id))
        wh, ntok = self.lanes.of(self.account, peer)
        at = wh + energy_wh, ntok + energy_wh * price_utok_per_kwh
        self.lanes.carried[self.account, peer] = at
        self.lanes.payments.append((self.account, peer, energy_wh, price_utok_per_kwh))
        if self.dies_after_signing:
            self.dies_after_signing = False
            raise NodeNotRunning("the node's folder")
        return Receipt()
