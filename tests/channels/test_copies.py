"""Two copies of one node: they are found out, one goes on, and neither pays what the other has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.backups import recover
from channels.copies import CopyId, SignedCopy, copy_message, is_stated_by, supersedes
from channels.errors import ChannelsError, PeerNotReady, SecondCopy
from channels.frames import Newest, Present
from channels.node import Node
from channels.wallet import Wallet
from protocol.units import DAY_S
from tests.channels.conftest import OpenNode
from tests.channels.rollup import Rollup, RollupL1
from tests.channels.street import ANN, BEN, DOMAIN
from tests.channels.test_payments import DEPOSIT_NTOK, pay, until
from tests.channels.test_restored import PATIENT, open_calmly

__all__ = ["open_calmly"]

OpenCopy = Callable[..., AbstractAsyncContextManager[Node]]
ONE, TWO = "a1" * 16, "b2" * 16


def stated(copy: CopyId) -> SignedCopy:
    """A copy of Ann's node, signed by her."""
    return SignedCopy(copy, ANN.sign(copy_message(DOMAIN, ANN.index, copy)))


def test_a_copy_is_stated_by_its_own_account_alone() -> None:
    given = stated(CopyId(5, ONE))
    assert is_stated_by(given, DOMAIN, ANN.index, ANN.key_hash)
    assert not is_stated_by(given, DOMAIN + 1, ANN.index, ANN.key_hash)
    assert not is_stated_by(given, DOMAIN, BEN.index, ANN.key_hash)
    assert not is_stated_by(given, DOMAIN, ANN.index, BEN.key_hash)
    for other in (
        CopyId(6, ONE),
        CopyId(5, TWO),
        CopyId(-1, ONE),
        CopyId(5, "a1"),
        CopyId(5, "Z" * 32),
    ):
        assert not is_stated_by(replace(given, copy=other), DOMAIN, ANN.index, ANN.key_hash)
    too_late = stated(CopyId(1 << 62, ONE))
    assert not is_stated_by(too_late, DOMAIN, ANN.index, ANN.key_hash)


def test_of_two_copies_one_supersedes_the_other() -> None:
    copies = [CopyId(4, TWO), CopyId(5, ONE), CopyId(5, TWO)]
    for i, one in enumerate(copies):
        assert [supersedes(one, other) for other in copies] == [j < i for j in range(3)]


@pytest.fixture
def open_copy(rollup: Rollup, wallets: list[Wallet], tmp_path: Path) -> OpenCopy:
    """Opens account 0's node in a folder of another name."""

    def open_(name: str, **given: Any) -> AbstractAsyncContextManager[Node]:
        l1 = RollupL1(rollup.url, int(wallets[0].l1_address, 16))
        return Node.open(
            wallets[0],
            sequencer=rollup.url,
            l1=l1,
            folder=tmp_path / name,
            settings=PATIENT,
            **given,
        )

    return open_


@pytest.fixture
async def channel_id(open_node: OpenNode, tmp_path: Path) -> int:
    """A channel in which Ann (account 0) has paid Ben 100 ntok; her folder exists twice."""
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}):
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await pay(channel)
    shutil.copytree(tmp_path / "node0", tmp_path / "copy")
    return channel.id


async def test_the_earlier_of_two_equal_copies_stops_when_the_later_starts(
    open_node: OpenNode, open_copy: OpenCopy, channel_id: int
) -> None:
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as first,
    ):
        await first.channel(channel_id).ready()
        async with open_copy("copy", peers={1: ben.url}) as second:
            await pay(second.channel(channel_id))
            await until(lambda: first._copies.stopped is not None, 60)
            with pytest.raises(SecondCopy, match="started later"):
                await pay(first.channel(channel_id))
            await pay(second.channel(channel_id))
            held = ben.channel(channel_id).info.paid_in_ntok
            assert held == second.channel(channel_id).info.paid_out_ntok == 300
            assert first.channel(channel_id).info.paid_out_ntok == 100, "it signed nothing"
    # It stays so: the owner says which copy is kept.
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as first,
    ):
        with pytest.raises(SecondCopy):
            await pay(first.channel(channel_id))
        with pytest.raises(SecondCopy):
            await first.channel(channel_id).close()


async def test_a_later_copy_of_an_older_state_stops_too(
    open_node: OpenNode, open_copy: OpenCopy, channel_id: int, tmp_path: Path
) -> None:
    """Its neighbour shows a voucher that it has never signed. The owner then keeps the first."""
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as first,
    ):
        await pay(first.channel(channel_id))
        async with open_copy("copy", peers={1: ben.url}) as second:
            with pytest.raises(SecondCopy, match="not in this folder"):
                await pay(second.channel(channel_id))
            assert second.channel(channel_id).info.paid_out_ntok == 100, "it signed nothing"
        await until(lambda: first._copies.stopped is not None, 60)
    recover(tmp_path / "node0")
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as first,
    ):
        await pay(first.channel(channel_id))
        assert ben.channel(channel_id).info.paid_in_ntok == 300


async def test_a_stopped_copy_takes_no_payments_and_still_watches(
    open_node: OpenNode, rollup: Rollup, channel_id: int
) -> None:
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as ann,
    ):
        await pay(ann.channel(channel_id), energy_wh=2)
        await ben._copies.stop("for a test")
        with pytest.raises(ChannelsError):
            await pay(ann.channel(channel_id))
        rollup.advance(60)
        await until(lambda: ben.info().final_time == rollup.final_time, 60)
        assert ben.channel(channel_id).info.paid_in_ntok == 300


async def test_no_neighbour_can_stop_a_lone_copy(
    open_node: OpenNode, channel_id: int, wallets: list[Wallet]
) -> None:
    """Ben shows copies that Ann never stated: out of thin air, earlier ones, ones of his own."""
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as ann,
    ):
        own = ann._copies._own
        later = CopyId(own.copy.epoch + 9, TWO)
        mine = ben._copies._own
        lies = [
            SignedCopy(later, own.signature),
            SignedCopy(CopyId(1, TWO), wallets[0].sign(1)),
            mine,
            SignedCopy(later, wallets[1].sign(copy_message(domain_of(ann), 0, later))),
        ]
        for lie in lies:
            ben._copies.on_present = _answer(lie)  # type: ignore[method-assign]
            session = await ann.neighbours.session(1, 60)
            ann._copies._presenting.clear()
            with pytest.raises(PeerNotReady):
                await ann._copies.present(session)
        assert ann._copies.stopped is None
        # The same, stated by Ann's own key, is what stops her.
        truth = SignedCopy(later, wallets[0].sign(copy_message(domain_of(ann), 0, later)))
        ben._copies.on_present = _answer(truth)  # type: ignore[method-assign]
        ann._copies._presenting.clear()
        with pytest.raises(SecondCopy):
            await ann._copies.present(await ann.neighbours.session(1, 60))


def domain_of(node: Node) -> int:
    """The rollup's domain."""
    return node.info().domain


def _answer(copy: SignedCopy) -> Any:
    async def on_present(_: object, frame: Present) -> Newest:
        return Newest(frame.id, copy.copy.epoch, copy.copy.instance, copy.signature)

    return on_present


async def test_a_restored_copy_rises_above_epochs_that_it_does_not_remember(
    open_node: OpenNode, channel_id: int, tmp_path: Path, wallets: list[Wallet]
) -> None:
    """The lost copy's clock was ahead by a year."""
    recover(tmp_path / "node0")
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as ann,
    ):
        session = await ann.neighbours.session(1, 60)
        own = ann._copies._own.copy
        lost = CopyId(own.epoch + 365 * DAY_S * 1_000, TWO)
        statement = SignedCopy(lost, wallets[0].sign(copy_message(domain_of(ann), 0, lost)))
        ben._copies._newest[0] = statement
        ann._copies._presenting.clear()
        await ann._copies.present(session)
        assert ann._copies._own.copy.epoch == lost.epoch + 1
        await pay(ann.channel(channel_id))
    async with open_node(0) as ann:
        assert ann._copies._own.copy.epoch > lost.epoch + 1, "on disk"


async def test_a_copy_that_is_not_the_newest_is_not_dealt_with(
    open_node: OpenNode, open_copy: OpenCopy, channel_id: int
) -> None:
    """Ben's side: frames of a copy that a later one has replaced are refused."""
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as first,
    ):
        session = await first.neighbours.session(1, 60)
        await first.channel(channel_id).ready()
        theirs = next(one for one in ben._copies._shown if one.peer_index == 0)
        ben._copies.require_newest(theirs)
        async with open_copy("copy", peers={1: ben.url}) as second:
            await second.channel(channel_id).ready()
            with pytest.raises(ChannelsError, match="not the newest copy"):
                ben._copies.require_newest(theirs)
            await until(lambda: not session.is_open, 60)


async def test_a_statement_under_a_replaced_key_locks_nobody_out(
    open_node: OpenNode, channel_id: int, wallets: list[Wallet]
) -> None:
    """Whoever had the account's key before a KEY_CHANGE has stated the last copy that there is."""
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as ann,
    ):
        await ann.channel(channel_id).ready()
        last = CopyId((1 << 62) - 1, TWO)
        thief = wallets[2].sign(copy_message(domain_of(ann), 0, last))
        ben._copies._newest[0] = SignedCopy(last, thief)
        ann._copies._presenting.clear()
        await ann._copies.present(await ann.neighbours.session(1, 60))
        assert ben._copies._newest[0] == ann._copies._own


async def test_a_failed_presentation_keeps_no_session(open_node: OpenNode, channel_id: int) -> None:
    async with (
        open_node(1) as ben,
        open_node(0, peers={1: ben.url}) as ann,
    ):
        await ann.channel(channel_id).ready()
        right = ben._copies.on_present
        ben._copies.on_present = _answer(ben._copies._own)  # type: ignore[method-assign]
        session = await ann.neighbours.session(1, 60)
        ann._copies._presenting.clear()
        with pytest.raises(PeerNotReady):
            await ann._copies.present(session)
        assert session not in ann._copies._presenting
        ben._copies.on_present = right  # type: ignore[method-assign]
        await ann._copies.present(session)
        assert session in ann._copies._presenting, "once is enough"


async def test_one_problem_hides_no_other(open_node: OpenNode, channel_id: int) -> None:
    async with open_node(0) as ann:
        ann._copies.doubt(1)
        ann._rounds.problem = "L1 is silent"
        problem = ann.info().problem or ""
        assert "wattlane node recover" in problem
        assert "L1 is silent" in problem
