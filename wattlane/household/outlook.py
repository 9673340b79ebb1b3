"""Asking everyone what decides the way out: the node, the sequencer, L1. None may be there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from channels.control_client import ControlClient
from channels.errors import ChannelsError, CommandFailed, SequencerError
from channels.sequencer_client import SequencerClient
from channels.store import stored_contract
from contracts.errors import L1Error
from contracts.finality import FINALIZED, Finality
from contracts.reader import RollupReader
from wattlane.exiting import may_start_at
from wattlane.household.day import ChannelLine, Money, channel_line, money
from wattlane.household.leaving import OnL1, Operator, Place, Situation

SEQUENCER_WAIT_S = 4.0
NODE_WAIT_S = 6.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Household:
    """Which home this page is about. `contract` None: what its node has stored."""

    folder: Path
    sequencer_url: str
    l1_url: str
    contract: str | None = None
    confirmations: int | None = None

    def place(self) -> Place:
        """What commands need. Raises StoreCorrupt."""
        contract = self.contract or stored_contract(self.folder) or "CONTRACT"
        return Place(self.folder, self.l1_url, contract, self.confirmations)


async def situation(
    home: Household, on_l1: Callable[[Place], OnL1 | None] | None = None
) -> Situation:
    """How things stand now; what does not answer in time is not there. `on_l1` asks L1."""
    place = home.place()
    (operator, fee_ntok), l1, (channels, held, fee_wei) = await asyncio.gather(
        _operator(home.sequencer_url), asyncio.to_thread(on_l1 or _on_l1, place), _node(home.folder)
    )
    return Situation(operator, l1, channels, held, fee_ntok, fee_wei)


async def _operator(url: str) -> tuple[Operator, int]:
    try:
        async with SequencerClient(url, timeout_s=SEQUENCER_WAIT_S, attempts=1) as client:
            info = await client.info()
        async with httpx.AsyncClient(trust_env=False, timeout=SEQUENCER_WAIT_S) as http:
            answer = await http.get(url.rstrip("/") + "/v1/health")
            well = answer.json()["status"] == "ok"
    except (SequencerError, httpx.HTTPError, ValueError, KeyError, TypeError):
        return Operator.SILENT, 0
    return (Operator.ANSWERS if well else Operator.AILS), info.minimum_fee_ntok


def _on_l1(place: Place) -> OnL1 | None:
    confirmations = place.confirmations
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    try:
        reader = RollupReader(place.l1_url, place.contract, finality=finality)
        block = reader.latest_block()
        next_op = reader.progress(block.number).processed + 1
        oldest = next_op if next_op <= reader.enqueued(block.number) else None
        return OnL1(
            now=block.timestamp,
            exodus_start=reader.exodus_start(block.number) or None,
            exodus_from=may_start_at(reader, oldest, block.number),
        )
    except (L1Error, ValueError):
        return None


async def _node(folder: Path) -> tuple[list[ChannelLine] | None, Money | None, int | None]:
    try:
        async with ControlClient.connect(folder) as node:
            lines = [channel_line(one) for one in await node.channels()]
            channels = [one for one in lines if one.status != "closed"]
            balance = await in_time(node.balance())
            fee_wei = await in_time(node.queue_fee_wei())
    except ChannelsError:
        return None, None, None
    return channels, None if balance is None else money(balance), fee_wei


async def in_time(asked: Awaitable[T]) -> T | None:
    """The answer of a node, or None where what it needs for it does not answer in time."""
    try:
        return await asyncio.wait_for(asked, NODE_WAIT_S)
    except (CommandFailed, TimeoutError):
        return None
