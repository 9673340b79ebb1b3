"""What homes that opt in report of their energy: for pictures, neither proved nor durable."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from protocol.channels import Channel
from protocol.codec import Json
from protocol.crypto.schnorr import Signature
from protocol.errors import Malformed, UnknownAccount
from protocol.flows import FlowReport, check_report, report_from_json
from sequencer.api.documented import answers, json_routes
from sequencer.api.media import JSON, reads_json
from sequencer.api.models import Flow, Taken
from sequencer.api.request_schemas import FLOW_REPORT
from sequencer.api.services import Services

_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": FLOW_REPORT}}}}


def router(services: Services) -> APIRouter:
    """/v1/flows."""
    routes, ledger, board = json_routes(), services.ledger, services.flows

    def channels() -> Mapping[int, Channel]:
        with ledger.lock:
            found = ledger.book.soft.state.channels
        return {one.id: one for one in found.values()}

    def check(report: FlowReport, signature: Signature) -> Mapping[int, Channel]:
        with ledger.lock:
            account = ledger.book.soft.state.find_account(report.account_index)
        if account is None:
            raise UnknownAccount(report.account_index)
        check_report(report, signature, ledger.rollup.domain, account.key_hash)
        return channels()

    @routes.post(
        "/v1/flows",
        status_code=202,
        openapi_extra=_BODY,
        dependencies=[Depends(reads_json)],
        **answers(Taken, 400, 403, 404, 415, 422, status=202),
    )
    async def post_flows(request: Request) -> Json:
        """Report what an account has bought in its channels so far, signed with its key.

        It is shown as reported; it moves no money. `taken`: how many of its lines are shown.
        """
        board.follow(channels)
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        report, signature = report_from_json(given)
        board.check_time(report)
        known = await run_in_threadpool(check, report, signature)
        return {"taken": str(await board.publish(report, signature, known))}

    @routes.get("/v1/flows", **answers(list[Flow]))
    async def get_flows() -> list[Json]:
        """What was reported lately: `recent_wh` within the last minute. Nobody has proved it."""
        board.follow(channels)
        return [
            {
                "channel_id": str(one.channel_id),
                "payer": str(one.payer),
                "payee": str(one.payee),
                "total_wh": str(one.total_wh),
                "recent_wh": str(one.recent_wh),
            }
            for one in board.flows(await run_in_threadpool(channels))
        ]

    return routes
