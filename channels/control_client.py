"""Commanding a node that runs as another process: one method a command, typed in and out."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.control import FILE_NAME, MAX_LINE_BYTES, Fields, plain
from channels.errors import CommandFailed, NodeNotRunning


@dataclass(frozen=True, slots=True)
class Paid:
    """An acknowledged payment; `latency_ms` was measured in the node."""

    lane_value: int
    amount_ntok: int
    latency_ms: float
    payment_id: str


class ControlClient:
    """Commands one running node. `async with ControlClient.connect(folder) as node:`

    Every command raises CommandFailed (the node's error by name) and NodeNotRunning.
    """

    def __init__(
        self, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._is_lost = False
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, folder: Path | str, timeout_s: float = 0.0
    ) -> AsyncIterator[ControlClient]:
        """Connect to the node of `folder`, waiting up to `timeout_s` for it to come up.

        Raises NodeNotRunning.
        """
        path = Path(folder)
        end = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                place = json.loads((path / FILE_NAME).read_text())
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", int(place["port"]), limit=16 * MAX_LINE_BYTES
                )
                break
            except (OSError, ValueError, KeyError, TypeError):
                if asyncio.get_running_loop().time() >= end:
                    raise NodeNotRunning(str(path)) from None
            await asyncio.sleep(0.05)
        writer.write(place["token"].encode() + b"\n")
        client = cls(path, reader, writer)
        try:
            yield client
        finally:
            writer.close()
            client._reading.cancel()
            await asyncio.gather(client._reading, return_exceptions=True)

    async def call(self, command: str, **fields: object) -> Any:
        """Any command: its result as JSON. Raises CommandFailed, NodeNotRunning."""
        if self._is_lost:
            raise NodeNotRunning(str(self._folder))
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        request = {"id": number, "command": command, **plain(fields)}
        self._writer.write(json.dumps(request).encode() + b"\n")
        try:
            return await waiting
        finally:
            self._waiting.pop(number, None)

    async def info(self) -> Fields:
        """NodeInfo's fields."""
        return _numbers(await self.call("info"))

    async def health(self) -> Fields:
        """NodeHealth's fields: `problem`, `relay`, and `peers` by account."""
        return dict(await self.call("health"))

    async def channels(self) -> list[Fields]:
        """ChannelInfo's fields for each channel."""
        return [_numbers(one) for one in await self.call("channels")]

    async def balance(self) -> Fields:
        """final_ntok, soft_ntok, pending_l1_ntok."""
        return _numbers(await self.call("balance"))

    async def spans(self, start_s: int, end_s: int, span_s: int) -> list[Fields]:
        """Span's fields: what was bought and sold between two times (Unix seconds)."""
        fields = {"start_s": start_s, "end_s": end_s, "span_s": span_s}
        return [_numbers(one) for one in await self.call("spans", **fields)]

    async def add_peer(self, index: int, url: str) -> None:
        """Where a neighbour listens."""
        await self.call("add_peer", index=index, url=url)

    async def open_channel(
        self, peer: int, *, deposit_ntok: int, window_s: int, wait: bool = True
    ) -> tuple[int, str]:
        """(channel id, transaction id); final if `wait`, else only submitted."""
        fields = {"deposit_ntok": deposit_ntok, "window_s": window_s, "wait": wait}
        result = await self.call("open_channel", peer=peer, **fields)
        return int(result["channel_id"]), str(result["transaction_id"])

    async def ready(self, channel_id: int) -> None:
        """Wait until the channel is final and the peer takes payments in it."""
        await self.call("ready", channel_id=channel_id)

    async def pay(
        self,
        channel_id: int,
        *,
        energy_wh: int,
        price_utok_per_kwh: int,
        payment_id: str | None = None,
    ) -> Paid:
        """Pay; both sides have it on disk on return."""
        result = await self.call(
            "pay",
            channel_id=channel_id,
            energy_wh=energy_wh,
            price_utok_per_kwh=price_utok_per_kwh,
            payment_id=payment_id,
        )
        return Paid(
            int(result["lane_value"]),
            int(result["amount_ntok"]),
            float(result["latency_ms"]),
            str(result["payment_id"]),
        )

    async def top_up(self, channel_id: int, amount_ntok: int, *, wait: bool = True) -> str:
        """Add to the own deposit; the transaction id."""
        result = await self.call(
            "top_up", channel_id=channel_id, amount_ntok=amount_ntok, wait=wait
        )
        return str(result["transaction_id"])

    async def close(self, channel_id: int, *, wait: bool = True) -> None:
        """Close together with the peer; final if `wait`, else agreed and submitted."""
        await self.call("close", channel_id=channel_id, wait=wait)

    async def force_close(self, channel_id: int, *, wait: bool = True) -> None:
        """START_CLOSE; the node then claims and finalises by itself as L1's time allows."""
        await self.call("force_close", channel_id=channel_id, wait=wait)

    async def withdraw(self, amount_ntok: int, *, wait: bool = True) -> str:
        """WITHDRAW; with `wait`, also collected on L1. The transaction id."""
        result = await self.call("withdraw", amount_ntok=amount_ntok, wait=wait)
        return str(result["transaction_id"])

    async def transfer(self, to: int, amount_ntok: int, *, wait: bool = True) -> str:
        """TRANSFER; the transaction id."""
        result = await self.call("transfer", to=to, amount_ntok=amount_ntok, wait=wait)
        return str(result["transaction_id"])

    async def collect(self) -> int:
        """Take out of the contract what is pending; base units of the token."""
        return int((await self.call("collect"))["base_units"])

    async def wait(self, transaction_id: str) -> None:
        """Wait until the sequencer calls a transaction final."""
        await self.call("wait", transaction_id=transaction_id)

    async def queue_fee_wei(self) -> int:
        """What a forced op costs on L1 now, besides gas."""
        return int((await self.call("queue_fee"))["fee_wei"])

    async def force(self, channel_id: int, what: str) -> str | None:
        """Bring "claim", "start_close" or "finalize" to L1 now; the L1 transaction's hash.

        None: L1's queue has it already.
        """
        sent = (await self.call("force", channel_id=channel_id, what=what))["transaction"]
        return None if sent is None else str(sent)

    async def retire_key(self) -> int:
        """Close by force all channels of the node's key; how many."""
        return int((await self.call("retire_key"))["channels"])

    async def stop(self) -> None:
        """Ask the node to stop; it finishes what is on its way to disk."""
        await self.call("stop")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                answer = json.loads(line)
                waiting = self._waiting.get(answer["id"])
                if waiting is None or waiting.done():
                    continue
                if "error" in answer:
                    error = answer["error"]
                    waiting.set_exception(CommandFailed(error["code"], error["detail"]))
                else:
                    waiting.set_result(answer["result"])
        except (ConnectionError, ValueError):
            pass  # the node died, or is none
        finally:
            self._is_lost = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(NodeNotRunning(str(self._folder)))


def _numbers(fields: Fields) -> Fields:
    return {
        name: int(given) if isinstance(given, str) and given.isdigit() else given
        for name, given in fields.items()
    }
