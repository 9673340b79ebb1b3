"""C7: nothing leaves a node before its own disk has it, and what the disk refuses never leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from channels import store
from channels.box import Box
from channels.changes import apply_all
from channels.errors import StoreFailed
from channels.frames import Ask, Standing
from channels.node import Node
from channels.records import Change, SaveReceived, SaveSigned
from channels.sessions import Session
from protocol.units import DAY_S
from tests.channels.conftest import FAST, OpenNode

PATIENT = replace(FAST, payment_timeout_s=60.0)


class Disk:
    """The disk of all nodes here: it refuses changes of a kind, or holds them back."""

    def __init__(self) -> None:
        self.refused: type[Change] | None = None
        self.held: type[Change] | None = None
        self.is_asked, self.goes_on = threading.Event(), threading.Event()

    def apply(self, connection: Connection, changes: Iterable[Change], path: str) -> None:
        """As apply_all."""
        given = list(changes)
        if self.refused and any(isinstance(change, self.refused) for change in given):
            raise StoreFailed(path, "No space left on device")
        if self.held and any(isinstance(change, self.held) for change in given):
            self.is_asked.set()
            assert self.goes_on.wait(60)
        apply_all(connection, given, path)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """All stores write through it."""
    made = Disk()
    monkeypatch.setattr(store, "apply_all", made.apply)
    return made


@pytest.fixture
async def street(disk: Disk, open_node: OpenNode) -> AsyncIterator[tuple[Node, Node, int]]:
    """Ann, Ben, and the channel in which Ann pays."""
    async with (
        open_node(0, settings=PATIENT) as ann,
        open_node(1, settings=PATIENT, peers={0: ann.url}) as ben,
    ):
        channel = await ann.open_channel(1, deposit_ntok=100_000, window_s=DAY_S)
        await channel.ready()
        yield ann, ben, channel.id


def paying(node: Node, channel_id: int) -> asyncio.Task[object]:
    """A payment under way."""
    paid = node.channel(channel_id).pay(energy_wh=1, price_utok_per_kwh=100)
    return asyncio.create_task(paid)


async def ask(node: Node, peer_index: int, channel_id: int) -> Standing:
    """A question and its answer: whatever was sent before has come before."""
    session = node.neighbours.find(peer_index)
    assert session is not None
    answer = await session.request(Ask(0, channel_id), 60)
    assert isinstance(answer, Standing)
    return answer


async def test_c7_a_voucher_that_the_disk_refuses_never_leaves(
    disk: Disk, street: tuple[Node, Node, int]
) -> None:
    ann, ben, channel_id = street
    disk.refused = SaveSigned
    payments = [paying(ann, channel_id) for _ in range(3)]
    found = await asyncio.gather(*payments, return_exceptions=True)
    assert [type(one) for one in found] == [StoreFailed] * 3
    assert (await ask(ann, 1, channel_id)).received is None
    assert ben.channel(channel_id).info.paid_in_ntok == 0


async def test_c7_a_voucher_leaves_once_the_payers_disk_has_it(
    disk: Disk, street: tuple[Node, Node, int]
) -> None:
    ann, ben, channel_id = street
    disk.held = SaveSigned
    payment = paying(ann, channel_id)
    assert await asyncio.to_thread(disk.is_asked.wait, 60)
    assert (await ask(ann, 1, channel_id)).received is None
    disk.goes_on.set()
    await payment
    assert ben.channel(channel_id).info.paid_in_ntok == 100


async def test_c7_an_acknowledgement_leaves_once_the_payees_disk_has_the_voucher(
    disk: Disk, street: tuple[Node, Node, int]
) -> None:
    ann, ben, channel_id = street
    disk.held = SaveReceived
    payment = paying(ann, channel_id)
    assert await asyncio.to_thread(disk.is_asked.wait, 60)
    await ask(ben, 0, channel_id)
    assert not payment.done()
    assert ann.channel(channel_id).info.unacknowledged == 1
    disk.goes_on.set()
    await payment


async def test_c7_a_payer_that_gives_up_waiting_does_not_stop_its_voucher(
    disk: Disk, street: tuple[Node, Node, int]
) -> None:
    ann, ben, channel_id = street
    disk.held = SaveSigned
    payment = paying(ann, channel_id)
    assert await asyncio.to_thread(disk.is_asked.wait, 60)
    payment.cancel()
    disk.goes_on.set()
    async with asyncio.timeout(60):
        while not ben.channel(channel_id).info.paid_in_ntok:  # noqa: ASYNC110 - other tasks' state
            await asyncio.sleep(0.01)
    assert payment.cancelled()


async def test_c7_a_voucher_signed_while_a_new_session_is_compared_waits_for_the_disk(
    disk: Disk, street: tuple[Node, Node, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payer dials too: what the barrier before the new session's offers does not cover."""
    ann, ben, channel_id = street
    box, desk, store_ = ann._boxes[channel_id], ann._payments._standings, ann._parts.store
    old, compare, write = box.synced, desk.compare, store_.write
    is_compared, goes_on = asyncio.Event(), asyncio.Event()

    async def compared(given: Box, session: Session) -> Standing:
        standing = await compare(given, session)
        monkeypatch.setattr(store_, "write", barrier)
        return standing

    def barrier(*changes: Change) -> asyncio.Future[None]:
        monkeypatch.setattr(store_, "write", write)
        is_compared.set()
        return asyncio.ensure_future(held(write(*changes)))

    async def held(written: asyncio.Future[None]) -> None:
        await written
        await goes_on.wait()

    monkeypatch.setattr(desk, "compare", compared)
    ann.add_peer(1, ben.url)
    async with asyncio.timeout(60):
        await is_compared.wait()
        disk.refused = SaveSigned
        payment = paying(ann, channel_id)
        await asyncio.sleep(0)  # its first step: unless it has to wait, it has signed
        goes_on.set()
        with pytest.raises(StoreFailed):
            await payment
        while box.synced is old or box.synced is None:  # noqa: ASYNC110 - other tasks' state
            await asyncio.sleep(0.01)
    assert (await ask(ann, 1, channel_id)).received is None
    assert ben.channel(channel_id).info.paid_in_ntok == 0
