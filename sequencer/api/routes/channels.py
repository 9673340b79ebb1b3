"""Channels, found by account, id or status, and each with its Merkle witness."""

from __future__ import annotations

from fastapi import APIRouter, Query

from protocol.codec import Json, to_int
from sequencer.api.parameters import optional_number
from sequencer.api.services import Services

_ROOT = Query("soft", description="soft, final, or a recent state root (0x... or decimal)")


def router(services: Services) -> APIRouter:
    """/v1/channels."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/channels")
    def get_channels(
        account: str | None = None,
        channel_id: str | None = None,
        status: str | None = None,
        from_slot: str = "0",
    ) -> list[Json]:
        """Channels in the soft state: of an account, with an id, or of a status (open, closing).

        In the order of their slots, at most 1,000; `from_slot` asks for more.
        """
        return views.channels(
            optional_number("account", account),
            optional_number("channel_id", channel_id),
            status,
            to_int("from_slot", from_slot),
        )

    @routes.get("/v1/channels/{slot}")
    def get_channel(slot: str, root: str = _ROOT) -> Json:
        """A channel with its Merkle witness in a recent root."""
        return views.channel(to_int("slot", slot), root)

    return routes
