"""Accounts, found by their owner, and each with its Merkle witness."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from protocol.codec import Json
from sequencer.api.cursors import Paging
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import AccountRow, ProvenAccount
from sequencer.api.parameters import Cursor, Index, Number, Root, optional_number
from sequencer.api.services import Services
from sequencer.views import ROWS_A_PAGE

_PAGING = Paging("accounts", "index")
Limit = Annotated[int, Query(ge=1, le=ROWS_A_PAGE, description="Rows a page")]


def router(services: Services) -> APIRouter:
    """/v1/accounts."""
    routes, views = json_routes(), services.views

    @routes.get("/v1/accounts", **answers(list[AccountRow], 400, paged=True))
    def get_accounts(
        request: Request,
        response: Response,
        key_hash: Number = None,
        l1_address: Number = None,
        cursor: Cursor = None,
        limit: Limit = ROWS_A_PAGE,
    ) -> list[Json]:
        """Accounts in the soft state, in order: all, or those of a key or an L1 address."""
        first = _PAGING.start(cursor, -1) + 1
        rows = views.accounts(optional_number(key_hash), optional_number(l1_address), first, limit)
        return _PAGING.linked(request, response, rows, limit)

    @routes.get("/v1/accounts/{index}", **answers(ProvenAccount, 400, 404))
    def get_account(index: Index, root: Root = "soft") -> Json:
        """An account with its Merkle witness in a recent root."""
        return views.account(index, root)

    return routes
