"""The errands of the page: commands to the node that bring a household out, in words and deeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from channels.control_client import ControlClient
from sequencer.pages import formats

Work = Callable[[ControlClient, int], Awaitable[str]]


async def _close(node: ControlClient, channel_id: int) -> str:
    await node.close(channel_id)
    return "Closed, and final on L1."


async def _close_all(node: ControlClient, _: int) -> str:
    opened = [int(one["channel_id"]) for one in await node.channels() if one["status"] == "open"]
    for channel_id in opened:
        await node.close(channel_id, wait=False)
    return f"{formats.plural(len(opened), 'channel')} agreed; final with the next batch."


async def _force_close(node: ControlClient, channel_id: int) -> str:
    await node.force_close(channel_id, wait=False)
    return "Begun: the window runs from the next batch on, and your node does the rest."


async def _force_start(node: ControlClient, channel_id: int) -> str:
    sent = await node.force(channel_id, "start_close")
    return "L1's queue has it already." if sent is None else f"In L1's queue, by {sent}."


async def _withdraw(node: ControlClient, amount_ntok: int) -> str:
    await node.withdraw(amount_ntok)
    return f"{formats.tokens_exactly(amount_ntok)} tokens are on your L1 account."


async def _collect(node: ControlClient, _: int) -> str:
    units = await node.collect()
    return "Collected." if units else "Nothing waited."


ERRANDS: dict[str, tuple[str, Work]] = {
    "close": ("Closing a channel together", _close),
    "close_all": ("Closing all channels together", _close_all),
    "force_close": ("Closing a channel without the neighbour", _force_close),
    "force_start": ("Closing a channel through L1", _force_start),
    "withdraw": ("Withdrawing to L1", _withdraw),
    "collect": ("Collecting on L1", _collect),
}


async def carry_out(folder: Path, work: Work, subject: int) -> str:
    """One errand at the folder's node; what to say when it is done. Raises ChannelsError."""
    async with ControlClient.connect(folder) as node:
        return await work(node, subject)
