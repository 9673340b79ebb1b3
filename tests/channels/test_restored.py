"""An old backup put back: what is lost is at most income not yet claimed, never money paid."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from channels.backups import recover
from channels.books import read_books
from channels.closing import propose_close, sign_close
from channels.errors import (
    JustRestored,
    PeerNotReady,
    PeerRefused,
    PeerUnreachable,
    SecondCopy,
)
from channels.frames import CloseOffer
from channels.lanes import ChannelState, L1Clock, mark_restored, require_acceptable
from channels.node import Node
from channels.policy import RESTORED_QUIET_S
from channels.records import Direction
from channels.store import FILE_NAME
from protocol.channels import lane_paid_ntok
from protocol.transactions import Claim, Transaction
from protocol.units import DAY_S
from protocol.vouchers import Voucher
from tests.channels.conftest import FAST, OpenNode
from tests.channels.rollup import Rollup
from tests.channels.street import BEN, NOW, POLICY, ben
from tests.channels.test_payments import DEPOSIT_NTOK, SHORT, pay, until

PATIENT = replace(FAST, payment_timeout_s=60.0)


async def refusal(node: Node) -> str:
    """Why the neighbour and this node do not agree on their channel, by name."""
    box = next(iter(node._boxes.values()))
    await node.neighbours.session(box.peer_index, 60)
    box.synced = None
    with pytest.raises(PeerNotReady) as raised:
        await node._payments.resume(box)
    return raised.value.reason_code


@pytest.fixture(name="open_node")
def open_calmly(open_node: OpenNode) -> OpenNode:
    """Nodes that do not mind how long a neighbour takes."""
    return lambda index, **given: open_node(index, **({"settings": PATIENT} | given))


@dataclass
class Street:
    """Ann (account 0) has paid Ben (account 1) 100 ntok, both were saved, and she paid 300 more."""

    open: OpenNode
    rollup: Rollup
    channel_id: int
    folders: tuple[Path, Path]
    old: tuple[bytes, bytes]

    def put_back(self, index: int, *, properly: bool = True) -> None:
        """The old store in a node's place; `properly`: by the command that marks it as old."""
        (self.folders[index] / FILE_NAME).write_bytes(self.old[index])
        if properly:
            recover(self.folders[index])

    def state(self, node: Node) -> ChannelState:
        """The one channel as a node has it."""
        return node._boxes[self.channel_id].state

    def paid_in_ntok(self, node: Node) -> int:
        """What Ben has from Ann."""
        return node.channel(self.channel_id).info.paid_in_ntok

    def now_quiet_no_more(self) -> None:
        """L1's time goes on until a restored node accepts again."""
        self.rollup.advance(RESTORED_QUIET_S + 60)


@pytest.fixture
async def street(open_node: OpenNode, rollup: Rollup, tmp_path: Path) -> Street:
    """Both nodes are closed."""
    folders = (tmp_path / "node0", tmp_path / "node1")
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}):
        channel = await ann.open_channel(1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S)
        await pay(channel, "first")
    old = tuple((folder / FILE_NAME).read_bytes() for folder in folders)
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}):
        await pay(ann.channel(channel.id), "second", energy_wh=3)
    return Street(open_node, rollup, channel.id, folders, (old[0], old[1]))


# --- the payer ----------------------------------------------------------------------------------


async def test_a_restored_payer_learns_its_lane_and_pays_nothing_twice(street: Street) -> None:
    street.put_back(0)
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        channel = ann.channel(street.channel_id)
        again = await pay(channel, "second", energy_wh=3)
        assert (again, street.paid_in_ntok(home)) == (street.state(ann).signed_lane, 400)
        await pay(channel, "third")
        assert street.paid_in_ntok(home) == channel.info.paid_out_ntok == 500
    books = read_books(street.folders[0])
    assert books.paid_ntok(Direction.OUT) == 500, "what was learned counts once"
    assert [one.payment_id for one in books.bills] == ["first", "third"]


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_a_payer_without_any_backup_pays_nothing_twice(
    street: Street, is_claimed: bool
) -> None:
    """As with a channel that is younger than the backup: it is not marked as old beforehand."""
    shutil.rmtree(street.folders[0])
    async with street.open(1) as home:
        if is_claimed:  # then L1 shows the lane, and the neighbour nothing that is above it
            voucher = street.state(home).received
            assert voucher is not None
            claim = Claim(voucher.channel_id, voucher.lane, voucher.lane_value)
            await home._parts.sequencer.submit(Transaction(claim, (voucher.signature,)))
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        channel = ann.channel(street.channel_id)
        again = await pay(channel, "second", energy_wh=3)
        assert (again, street.paid_in_ntok(home)) == (street.state(ann).signed_lane, 400)
        await pay(channel, "third")
        assert street.paid_in_ntok(home) == 500


async def test_a_restored_payer_signs_nothing_while_its_peer_is_away(street: Street) -> None:
    street.put_back(0)
    async with street.open(0, settings=SHORT) as ann:
        with pytest.raises(PeerUnreachable):
            await pay(ann.channel(street.channel_id), "third")
        assert ann.channel(street.channel_id).info.paid_out_ntok == 100


def _show(node: Node, shown: Voucher | None) -> None:
    """A node that answers with another voucher than the one it holds, and believes it itself."""
    box = next(iter(node._boxes.values()))
    box.state = replace(box.state, received=shown)


async def test_a_payee_that_hides_what_it_holds_loses_by_it(street: Street) -> None:
    """Ann gets energy for 400 and then 200 more; no voucher of hers is worth more than 400."""
    street.put_back(0)
    async with street.open(1) as home:
        hidden = street.state(home).received
        assert hidden is not None
        assert lane_paid_ntok(hidden.lane_value) == 400
    street.put_back(1, properly=False)  # as if it had never had more
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await pay(ann.channel(street.channel_id), "third", energy_wh=2)
        given = street.state(home).received
        assert given is not None
        assert lane_paid_ntok(max(hidden.lane_value, given.lane_value)) == 400
        # Shown later after all, it is Ann's own signature: taken back, and no copy is suspected.
        _show(home, hidden)
        ann._boxes[street.channel_id].synced = None
        await pay(ann.channel(street.channel_id), "fourth")
        assert street.paid_in_ntok(home) == 500


async def test_a_restored_payer_waits_for_a_claim_that_is_only_soft(street: Street) -> None:
    """Ben hides the voucher from Ann, and shows it to the sequencer."""
    street.put_back(0)
    async with street.open(1) as home:
        hidden = street.state(home).received
        assert hidden is not None
    street.put_back(1, properly=False)
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        street.rollup.seals_itself = False
        claim = Claim(hidden.channel_id, hidden.lane, hidden.lane_value)
        await home._parts.sequencer.submit(Transaction(claim, (hidden.signature,)))
        await ann._rounds.once()
        assert await refusal(ann) == "ClaimNotFinal"
        street.rollup.seal()
        await until(lambda: street.state(ann).signed_lane == hidden.lane_value, 60)
        await until(lambda: street.state(home).received_lane == hidden.lane_value, 60)
        await pay(ann.channel(street.channel_id), "third")
        assert street.paid_in_ntok(home) == 500


async def test_an_old_store_that_nobody_marked_as_old_signs_nothing(street: Street) -> None:
    """For all it knows another copy has signed: it stops until its owner says which is kept."""
    street.put_back(0, properly=False)
    for _ in range(2):
        async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
            with pytest.raises(SecondCopy):
                await pay(ann.channel(street.channel_id), "third")
            assert "wattlane node recover" in (ann.info().problem or "")
            assert street.paid_in_ntok(home) == 400
            assert street.state(ann).signed_lane < street.state(home).received_lane
    recover(street.folders[0])
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        assert ann._copies.problem is None
        await pay(ann.channel(street.channel_id), "third")
        assert street.paid_in_ntok(home) == 500


# --- the payee ----------------------------------------------------------------------------------


async def test_a_restored_payee_learns_its_income_and_is_quiet_for_a_day(street: Street) -> None:
    """A CLOSE that it signed and forgot could land below whatever it accepted meanwhile."""
    street.put_back(1)
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await until(lambda: street.paid_in_ntok(home) == 400, 60)
        assert await refusal(ann) == "JustRestored"
        street.now_quiet_no_more()
        await until(lambda: home.info().final_time == street.rollup.final_time, 60)
        await pay(ann.channel(street.channel_id), "third")
        assert street.paid_in_ntok(home) == 500
    assert read_books(street.folders[1]).paid_ntok(Direction.IN) == 500


async def test_a_restored_payee_that_forgot_nothing_is_quiet_too_and_then_accepts(
    street: Street,
) -> None:
    recover(street.folders[1])
    for _ in range(2):  # the day runs on across restarts
        async with street.open(1) as home:
            began = street.state(home).quiet_until - RESTORED_QUIET_S
            assert began == street.rollup.final_time
    street.now_quiet_no_more()
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await pay(ann.channel(street.channel_id), "third")
        assert street.paid_in_ntok(home) == 500


async def test_a_restored_payee_keeps_what_the_backup_had_until_its_payer_is_there(
    street: Street,
) -> None:
    street.put_back(1)
    async with street.open(1) as home:
        assert street.paid_in_ntok(home) == 100
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await until(lambda: street.paid_in_ntok(home) == 400, 60)


async def test_a_payee_learns_while_payments_wait_for_it(street: Street) -> None:
    """The payer's newest voucher has not been acknowledged; the one before is signed anew."""
    async with street.open(0) as ann:
        async with street.open(1, peers={0: ann.url}) as home:
            channel = ann.channel(street.channel_id)
            await channel.ready()
            home._payments.take = _never  # type: ignore[method-assign,assignment]
            waiting = asyncio.create_task(pay(channel, "third"))
            await until(lambda: channel.info.unacknowledged == 1, 60)
        street.put_back(1)
        async with street.open(1, peers={0: ann.url}) as home:
            await until(lambda: street.paid_in_ntok(home) == 400, 60)
            street.now_quiet_no_more()
            await until(lambda: channel.info.unacknowledged == 0, 60)
            assert street.paid_in_ntok(home) == 500
        assert waiting.exception() is not None


async def _never(*_: object) -> object:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_payee_put_back_by_hand_is_told_and_its_payer_waits(street: Street) -> None:
    street.put_back(1, properly=False)
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        assert await refusal(ann) == "PeerForgot"
        await until(lambda: "wattlane node recover" in (home.info().problem or ""), 60)
        assert ann.channel(street.channel_id).info.paid_out_ntok == 400
    recover(street.folders[1])
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await until(lambda: street.paid_in_ntok(home) == 400, 60)
        assert home._copies.problem is None


async def test_a_restored_payee_signs_no_close_that_its_payer_asks_for(street: Street) -> None:
    """The payer hides what it has paid; a CLOSE pays at once, and no watchtower can claim more."""
    street.put_back(1)
    street.put_back(0, properly=False)  # as if she had never paid more
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await until(lambda: street.state(home).quiet_until > 0, 60)
        street.now_quiet_no_more()
        await until(lambda: home.info().final_time == street.rollup.final_time, 60)
        channel = ann.channel(street.channel_id)
        await channel.ready()
        with pytest.raises(PeerRefused) as raised:
            await channel.close(wait=False)
        assert raised.value.reason_code == "RestoredStale"
        box = ann._boxes[street.channel_id]
        box.state = sign_close(
            box.state, propose_close(box.state, NOW), NOW, ann._parts.wallet.sign
        )
        assert box.state.close is not None
        offer = CloseOffer(0, box.state.close.body, box.state.close.own_signature)
        session = await ann.neighbours.session(1, 60)
        with pytest.raises(PeerRefused) as raised:
            await session.request(offer, 60)
        assert raised.value.reason_code == "RestoredStale"
        assert street.state(home).close is None


async def test_the_owner_of_a_restored_node_may_close(street: Street) -> None:
    street.put_back(1)
    async with street.open(0) as ann, street.open(1, peers={0: ann.url}) as home:
        await home.channel(street.channel_id).close(timeout_s=120)
        assert street.state(home).close is not None
    assert street.rollup.final.channels == {}


def test_a_restored_channel_is_quiet_until_a_forgotten_close_has_run_out() -> None:
    quiet = mark_restored(ben(), NOW)
    assert mark_restored(quiet, NOW + 5) == quiet, "only the first time counts"
    for late_s, is_accepted in (
        (0, False),
        (RESTORED_QUIET_S, False),
        (RESTORED_QUIET_S + 1, True),
    ):
        clock, seen = L1Clock(NOW + late_s, 0), quiet.verified
        assert seen is not None
        state = replace(quiet, verified=replace(seen, l1_time=NOW + late_s))
        if is_accepted:
            require_acceptable(state, clock, BEN.key_hash, POLICY)
        else:
            with pytest.raises(JustRestored):
                require_acceptable(state, clock, BEN.key_hash, POLICY)
    unknown = replace(ben(), is_restored=True)
    with pytest.raises(JustRestored, match="known"):
        require_acceptable(unknown, L1Clock(NOW + 10**9, 0), BEN.key_hash, POLICY)
