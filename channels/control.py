"""Commands to a running node: JSON lines over a loopback socket, for those who can read its folder.

The node writes `control.json` (0600) with its port and a random token; the first line of a
connection is that token. Every request `{"id", "command", ...}` has one answer with the same id,
`{"id", "result"}` or `{"id", "error": {"code", "detail"}}`; many may be under way at once.
Integers are decimal strings. The other end is channels/control_client.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from channels.duties import Duty
from channels.errors import BadFrame, ChannelsError
from protocol.codec import to_int
from protocol.errors import ProtocolError

if TYPE_CHECKING:  # whoever only commands a node does not load one
    from channels.node import Node

FILE_NAME = "control.json"
MAX_LINE_BYTES = 65_536
_log = structlog.get_logger(__name__)
Fields = dict[str, Any]
_Command = Callable[["Node", "Arguments"], Awaitable[Any]]


class Arguments:
    """The fields of a command, read strictly. Every method raises BadFrame or Malformed."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def number(self, name: str) -> int:
        """A non-negative integer."""
        return to_int(name, self._fields.get(name))

    def text(self, name: str) -> str:
        """A text."""
        given = self._fields.get(name)
        if not isinstance(given, str):
            raise BadFrame(f"{name} is not a text")
        return given

    def optional_text(self, name: str) -> str | None:
        """A text, or None where it is left out or null."""
        return None if self._fields.get(name) is None else self.text(name)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        given = self._fields.get(name, default)
        if not isinstance(given, bool):
            raise BadFrame(f"{name} is not true or false")
        return given


async def _info(node: Node, _: Arguments) -> Any:
    return node.info()


async def _health(node: Node, _: Arguments) -> Any:
    return node.health()


async def _channels(node: Node, _: Arguments) -> Any:
    return node.channels()


async def _balance(node: Node, _: Arguments) -> Any:
    return await node.balance()


async def _spans(node: Node, given: Arguments) -> Any:
    start_s, end_s = given.number("start_s"), given.number("end_s")
    return await node.spans(start_s, end_s, given.number("span_s"))


async def _add_peer(node: Node, given: Arguments) -> Any:
    node.add_peer(given.number("index"), given.text("url"))


async def _open_channel(node: Node, given: Arguments) -> Any:
    submission = await node.start_open(
        given.number("peer"),
        deposit_ntok=given.number("deposit_ntok"),
        window_s=given.number("window_s"),
    )
    assert submission.channel_id is not None
    if given.flag("wait", True):
        await node.wait_channel(submission.channel_id, submission.transaction_id)
    return {"channel_id": submission.channel_id, "transaction_id": submission.transaction_id}


async def _ready(node: Node, given: Arguments) -> Any:
    channel = await node.wait_channel(given.number("channel_id"))
    await channel.ready()


async def _pay(node: Node, given: Arguments) -> Any:
    channel = node.channel(given.number("channel_id"))
    return await channel.pay(
        energy_wh=given.number("energy_wh"),
        price_utok_per_kwh=given.number("price_utok_per_kwh"),
        payment_id=given.optional_text("payment_id"),
    )


async def _top_up(node: Node, given: Arguments) -> Any:
    channel = node.channel(given.number("channel_id"))
    wait = given.flag("wait", True)
    return {"transaction_id": await channel.top_up(given.number("amount_ntok"), wait=wait)}


async def _close(node: Node, given: Arguments) -> Any:
    await node.channel(given.number("channel_id")).close(wait=given.flag("wait", True))


async def _force_close(node: Node, given: Arguments) -> Any:
    await node.channel(given.number("channel_id")).force_close(wait=given.flag("wait", True))


async def _withdraw(node: Node, given: Arguments) -> Any:
    amount_ntok, wait = given.number("amount_ntok"), given.flag("wait", True)
    return {"transaction_id": await node.withdraw(amount_ntok=amount_ntok, wait=wait)}


async def _transfer(node: Node, given: Arguments) -> Any:
    amount_ntok, wait = given.number("amount_ntok"), given.flag("wait", True)
    to = given.number("to")
    return {"transaction_id": await node.transfer(to, amount_ntok=amount_ntok, wait=wait)}


async def _collect(node: Node, _: Arguments) -> Any:
    return {"base_units": await node.collect()}


async def _wait(node: Node, given: Arguments) -> Any:
    return await node.wait_transaction(given.text("transaction_id"))


async def _queue_fee(node: Node, _: Arguments) -> Any:
    return {"fee_wei": await node.queue_fee_wei()}


async def _force(node: Node, given: Arguments) -> Any:
    try:
        what = Duty(given.text("what"))
    except ValueError:
        raise BadFrame("what is claim, start_close or finalize") from None
    if what is Duty.CLOSE:
        raise BadFrame("what is claim, start_close or finalize")
    record = await node.force(given.number("channel_id"), what)
    return {"transaction": None if record is None else record.signed.transaction_hash}


async def _retire_key(node: Node, _: Arguments) -> Any:
    return {"channels": await node.retire_key()}


_COMMANDS: dict[str, _Command] = {
    "info": _info,
    "health": _health,
    "channels": _channels,
    "balance": _balance,
    "spans": _spans,
    "add_peer": _add_peer,
    "open_channel": _open_channel,
    "ready": _ready,
    "pay": _pay,
    "top_up": _top_up,
    "close": _close,
    "force_close": _force_close,
    "withdraw": _withdraw,
    "transfer": _transfer,
    "collect": _collect,
    "wait": _wait,
    "queue_fee": _queue_fee,
    "force": _force,
    "retire_key": _retire_key,
}


def plain(given: Any) -> Any:
    """JSON of a result: records become objects, integers decimal strings."""
    if is_dataclass(given) and not isinstance(given, type):
        return plain(asdict(given))
    if isinstance(given, dict):
        return {str(name): plain(one) for name, one in given.items()}
    if isinstance(given, list):
        return [plain(one) for one in given]
    return str(given) if type(given) is int else given


class ControlServer:
    """Serves one node's commands. `stopped` is set by the stop command."""

    def __init__(self, node: Node, folder: Path) -> None:
        self._node = node
        self._path = folder / FILE_NAME
        self._token = secrets.token_hex(32)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.stopped = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def serving(cls, node: Node, folder: Path | str) -> AsyncIterator[ControlServer]:
        """Listen until the block is left; `control.json` exists as long."""
        control = cls(node, Path(folder))
        server = await asyncio.start_server(
            control._connection, "127.0.0.1", 0, limit=MAX_LINE_BYTES
        )
        port = server.sockets[0].getsockname()[1]
        control._announce(port)
        try:
            yield control
        finally:
            control._path.unlink(missing_ok=True)
            server.close()
            for writer in control._connections.values():
                writer.close()
            await asyncio.gather(*control._connections, return_exceptions=True)

    def _announce(self, port: int) -> None:
        beside = self._path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"port": port, "token": self._token, "url": self._node.url}, file)
        beside.replace(self._path)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        running: set[asyncio.Task[None]] = set()
        try:
            given = (await reader.readline()).decode(errors="replace").strip()
            if not secrets.compare_digest(given.encode(), self._token.encode()):
                return
            while line := await reader.readline():
                answering = asyncio.create_task(self._answer(line, writer))
                running.add(answering)
                answering.add_done_callback(running.discard)
        except (ValueError, ConnectionError):
            pass  # a line too long, or the other end is gone
        finally:
            for answering in running:
                answering.cancel()
            del self._connections[task]
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        number: Any = None
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise BadFrame("a command is a JSON object")
            number = fields.pop("id", None)
            name = fields.pop("command", None)
            if name == "stop":
                self.stopped.set()
                result = None
            elif name in _COMMANDS:
                result = await _COMMANDS[name](self._node, Arguments(fields))
            else:
                raise BadFrame(f"no command {str(name)[:40]!r}; there are {sorted(_COMMANDS)}")
            answer = {"id": number, "result": plain(result)}
        except (ChannelsError, ProtocolError) as error:
            failure = {"code": type(error).__name__, "detail": str(error)}
            answer = {"id": number, "error": failure}
        except ValueError:
            failure = {"code": "BadFrame", "detail": "not JSON"}
            answer = {"id": number, "error": failure}
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
