"""Channels, found by account, id or status, and each with its Merkle witness."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from protocol.codec import Json
from sequencer.api.cursors import Paging
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import ChannelRow, ProvenChannel
from sequencer.api.parameters import (
    ChannelStatus,
    Cursor,
    FromSlot,
    Index,
    Number,
    Root,
    optional_number,
)
from sequencer.api.services import Services
from sequencer.views import ROWS_A_PAGE

_PAGING = Paging("channels", "slot", ("from_slot",))
Limit = Annotated[int, Query(ge=1, le=ROWS_A_PAGE, description="Rows a page")]


def router(services: Services) -> APIRouter:
    """/v1/channels."""
    routes, views = json_routes(), services.views

    @routes.get("/v1/channels", **answers(list[ChannelRow], 400, paged=True))
    def get_channels(
        request: Request,
        response: Response,
        account: Number = None,
        channel_id: Number = None,
        status: ChannelStatus = None,
        from_slot: FromSlot = 0,
        cursor: Cursor = None,
        limit: Limit = ROWS_A_PAGE,
    ) -> list[Json]:
        """Channels in the soft state, by slot: all, of an account, with an id, or of a status."""
        rows = views.channels(
            optional_number(account),
            optional_number(channel_id),
            status,
            _PAGING.start(cursor, from_slot - 1) + 1,
            limit,
        )
        return _PAGING.linked(request, response, rows, limit)

    @routes.get("/v1/channels/{slot}", **answers(ProvenChannel, 400, 404))
    def get_channel(slot: Index, root: Root = "soft") -> Json:
        """A channel with its Merkle witness in a recent root."""
        return views.channel(slot, root)

    return routes
