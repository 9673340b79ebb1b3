"""Accounts, found by their owner, and each with its Merkle witness."""

from __future__ import annotations

from fastapi import APIRouter, Query

from protocol.codec import Json, to_int
from sequencer.api.parameters import optional_number
from sequencer.api.services import Services

_ROOT = Query("soft", description="soft, final, or a recent state root (0x... or decimal)")


def router(services: Services) -> APIRouter:
    """/v1/accounts."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/accounts")
    def get_accounts(key_hash: str | None = None, l1_address: str | None = None) -> list[Json]:
        """Accounts of a key or an L1 address, in the soft state."""
        return views.accounts(
            optional_number("key_hash", key_hash), optional_number("l1_address", l1_address)
        )

    @routes.get("/v1/accounts/{index}")
    def get_account(index: str, root: str = _ROOT) -> Json:
        """An account with its Merkle witness in a recent root."""
        return views.account(to_int("index", index), root)

    return routes
