"""Which rollup this is, and the key to leave it with."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from protocol.codec import Json
from sequencer.api.documented import answers, answers_file
from sequencer.api.media import answers_bytes, answers_json
from sequencer.api.models import Info
from sequencer.api.services import Services
from sequencer.errors import NotFound


def router(services: Services) -> APIRouter:
    """/v1/info, /v1/exit-key."""
    routes = APIRouter()

    @routes.get("/v1/info", dependencies=[Depends(answers_json)], **answers(Info))
    def get_info() -> Json:
        """Which rollup this is, and what it asks of a transaction."""
        ledger, fixed = services.ledger, services.info
        rollup, key = ledger.rollup, ledger.receipt_key.public
        return {
            "chain_id": str(fixed.chain_id),
            "contract": fixed.contract,
            "domain": str(rollup.domain),
            "operator_index": str(rollup.operator_index),
            "queue_slots": str(rollup.shape.queue_slots),
            "user_slots": str(rollup.shape.user_slots),
            "data_mode": str(ledger.sealing.data_mode),
            "proofs_per_batch": str(ledger.sealing.proofs_per_batch),
            "minimum_fee_ntok": str(ledger.policy.minimum_fee_ntok),
            "valid_at_least_s": str(ledger.policy.valid_at_least_s),
            "valid_at_most_s": str(ledger.policy.valid_at_most_s),
            "receipt_key": [str(key.x), str(key.y)],
            "receipt_endorsement": fixed.endorsement,
            "included_within_s": str(ledger.policy.included_within_s),
            "version": version("wattlane"),
            "l1_time": str(ledger.book.position.l1_time),
            "key_is_insecure": fixed.key_is_insecure,
            "exodus_start": str(ledger.ending.exodus_start),
            "sunset": str(ledger.ending.sunset),
        }

    @routes.get(
        "/v1/exit-key",
        response_class=Response,
        dependencies=[Depends(answers_bytes)],
        **answers_file("A .zkey file", 404, not_modified=True),
    )
    def get_exit_key(request: Request) -> Response:
        """The exit circuit's proving key, for every household to keep; its ETag is its SHA-256."""
        if services.exit_key is None:
            raise NotFound("the exit circuit's key")
        return services.exit_key.answer(request)

    return routes
