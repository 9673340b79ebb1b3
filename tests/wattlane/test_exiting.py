"""Taking the steps of a plan: once each, whatever was done before, whoever was faster.

L1 is a stand-in here that keeps the exodus's books; tests/e2e/test_exodus.py has the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts.client import RollupClient
from contracts.errors import AlreadyExited, ExodusStarted, RaiseNotHigher, RpcError
from contracts.exodus import ExitedChannel, ExodusClient
from contracts.finality import BlockRef
from contracts.reader import Progress, QueueRecord
from protocol.channels import Lane
from protocol.exits import AccountExit, ChannelExit, ExitKind, ExitWitness, LaneRaise
from protocol.queue import QueueOp
from protocol.units import DAY_S
from tests.protocol.street import ANNA, NOW
from tests.prover.circuits.exit_cases import OTHER_SLOT, SLOT
from tests.wattlane.records import SETTINGS
from tests.wattlane.test_leaving import OPS, STATE, held
from wattlane.exiting import EXODUS_AFTER_S, SUNSET_END_S, Leaver, NoEffect, RootMoves
from wattlane.holdings import Holdings
from wattlane.leaving import RAISE_TIME_S, Later, Plan, Step, describe

OLDEST = 5
"""The op that waits longest."""


@dataclass
class StandIn:
    """What the rollup and its exodus know. `breaks`: the call (counted from 0) that fails."""

    now: int = NOW
    root: int = STATE.root
    started: int = 0
    enqueued_ops: int = OLDEST
    pending: int = 0
    exited: set[int] = field(default_factory=set)
    channels: dict[int, bool] = field(default_factory=dict)
    raises: dict[tuple[int, Lane], int] = field(default_factory=dict)
    refunded: set[int] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    breaks: int = -1
    sunset: int = 0
    faster: type[Exception] | None = None
    account: Any = field(default_factory=lambda: SimpleNamespace(address="0x" + "11" * 20))

    def _send(self, what: str) -> None:
        if len(self.sent) == self.breaks:
            self.breaks = -1
            raise RpcError("http://192.0.2.1", what, "no connection")
        self.sent.append(what)

    # --- the rollup

    def latest_block(self) -> BlockRef:
        return BlockRef(1, bytes(32), self.now)

    def state_root(self, block: int | None = None) -> int:
        return self.root

    def settings(self) -> object:
        return replace(SETTINGS, base_units_per_ntok=1, ntok_per_base_unit=10)

    def pending_ntok(self, recipient: str, block: int | None = None) -> int:
        return self.pending

    def progress(self, block: int | None = None) -> Progress:
        return Progress(0, OLDEST - 1, 1)

    def enqueued(self, block: int | None = None) -> int:
        return self.enqueued_ops

    def powers(self, block: int | None = None) -> object:
        return SimpleNamespace(sunset=self.sunset)

    def queue_record(self, number: int, block: int | None = None) -> QueueRecord:
        return QueueRecord(bytes(32), NOW - DAY_S)

    def force_exit(self, index: int) -> None:
        self._send(f"force_exit {index}")
        self.enqueued_ops += 1

    def start_exodus(self) -> None:
        self._send("start_exodus")
        self.started = self.now
        if self.faster is ExodusStarted:
            raise ExodusStarted("ExodusStarted")

    def withdraw(self) -> None:
        self._send("withdraw")
        self.pending %= 10  # whole base units alone

    # --- its exodus

    def start_time(self, block: int | None = None) -> int | None:
        return self.started or None

    def is_exited(self, kind: ExitKind, index: int, block: int | None = None) -> bool:
        assert kind is ExitKind.ACCOUNT
        return index in self.exited

    def is_refunded(self, number: int, block: int | None = None) -> bool:
        return number in self.refunded

    def channel(self, slot: int, block: int | None = None) -> ExitedChannel | None:
        if slot not in self.channels:
            return None
        return ExitedChannel(ChannelExit(slot, 0, 0, 0, 0, 0, 0), self.channels[slot])

    def raised(self, slot: int, lane: Lane, block: int | None = None) -> int:
        return self.raises.get((slot, lane), 0)

    def exit_account(self, leaf: AccountExit, proof: bytes) -> None:
        self._send(f"exit_account {leaf.index}")
        self.exited.add(leaf.index)
        self.pending += leaf.balance_ntok
        if self.faster is AlreadyExited:
            raise AlreadyExited("AlreadyExited")

    def exit_channel(self, leaf: ChannelExit, proof: bytes) -> None:
        self._send(f"exit_channel {leaf.slot}")
        self.channels[leaf.slot] = False

    def raise_lane(self, voucher: LaneRaise, proof: bytes) -> None:
        self._send(f"raise_lane {voucher.slot} {voucher.lane.name}")
        self.raises[voucher.slot, voucher.lane] = voucher.paid_ntok
        if self.faster is RaiseNotHigher:
            raise RaiseNotHigher("RaiseNotHigher")

    def settle(self, slot: int) -> None:
        self._send(f"settle {slot}")
        self.channels[slot] = True
        self.pending += 70

    def refund(self, op: QueueOp) -> None:
        self._send(f"refund {op.number}")
        self.refunded.add(op.number)
        self.pending += 3


class Proofs:
    """Proves anything; counts."""

    def __init__(self) -> None:
        self.made = 0

    def prove(self, witness: ExitWitness) -> bytes:
        self.made += 1
        return bytes(512)


def leave(
    l1: StandIn, gather: Callable[[], Holdings] = held, proofs: Proofs | None = None
) -> tuple[Plan, list[str]]:
    done: list[str] = []

    def note(step: Step) -> None:
        done.append(describe(step))

    client, exodus = cast(RollupClient, l1), cast(ExodusClient, l1)
    return Leaver(client, exodus, proofs or Proofs(), note).run(gather), done


DUE = NOW - DAY_S + EXODUS_AFTER_S + 1
EVERYTHING = [
    "start_exodus",
    f"raise_lane {SLOT} AB",
    f"raise_lane {SLOT} BA",
    f"exit_account {ANNA.index}",
    f"refund {OPS[0].number}",
    f"refund {OPS[2].number}",
    f"exit_channel {SLOT}",
    f"exit_channel {OTHER_SLOT}",
    "withdraw",
]


def test_before_it_is_due_nothing_is_sent_and_the_date_is_told() -> None:
    l1 = StandIn(now=DUE - 1)
    assert leave(l1)[0] == Plan((), (Later("the exodus can be started", DUE),))
    assert l1.sent == []


def test_everything_is_done_in_order_and_then_nothing_more() -> None:
    l1, proofs = StandIn(now=DUE), Proofs()
    left, done = leave(l1, proofs=proofs)
    assert l1.sent == EVERYTHING
    assert len(done) == len(EVERYTHING)
    assert proofs.made == 5
    assert [one.at for one in left.later] == [DUE + RAISE_TIME_S] * 2
    assert l1.pending == 6  # less than a base unit of the token stays

    assert leave(l1) == (left, [])
    l1.now += RAISE_TIME_S
    over, done = leave(l1)
    assert (over, done) == (
        Plan(()),
        [f"settle channel {SLOT}", f"settle channel {OTHER_SLOT}", "collect 0.000000146 tokens"],
    )
    assert leave(l1) == (Plan(()), [])


@pytest.mark.parametrize("at", range(len(EVERYTHING)))
def test_cut_off_anywhere_it_goes_on_from_there(at: int) -> None:
    l1 = StandIn(now=DUE, breaks=at)
    with pytest.raises(RpcError, match="no connection"):
        leave(l1)
    leave(l1)
    assert l1.sent == EVERYTHING


@pytest.mark.parametrize("faster", [ExodusStarted, AlreadyExited, RaiseNotHigher])
def test_whoever_was_faster_has_done_it(faster: type[Exception]) -> None:
    l1 = StandIn(now=DUE, faster=faster)
    leave(l1)
    assert l1.sent == EVERYTHING


def test_an_empty_queue_gets_a_forced_exit_once() -> None:
    l1 = StandIn(enqueued_ops=OLDEST - 1, now=NOW)
    left, _ = leave(l1)
    assert l1.sent == [f"force_exit {ANNA.index}"]
    assert left.later[0].at == DUE
    leave(l1)
    assert len(l1.sent) == 1


def test_an_announced_end_comes_whatever_waits() -> None:
    l1 = StandIn(now=DUE - 1, sunset=DUE - 1 - SUNSET_END_S + 1)
    assert leave(l1)[0].later[0].at == DUE
    l1.sunset -= 1
    leave(l1)
    assert l1.sent[0] == "start_exodus"


class Deaf(StandIn):
    """Takes an account's exit and does not show it."""

    def is_exited(self, kind: ExitKind, index: int, block: int | None = None) -> bool:
        return False


def test_a_step_without_effect_is_not_repeated_for_ever() -> None:
    l1 = Deaf(now=DUE)
    with pytest.raises(NoEffect, match="account 0"):
        leave(l1)
    assert l1.sent.count(f"exit_account {ANNA.index}") == 1


def test_holdings_are_gathered_again_where_the_root_has_changed() -> None:
    l1, roots = StandIn(now=DUE), iter([1, STATE.root])

    def gather() -> Holdings:
        return replace(held(), root=next(roots))

    leave(l1, gather)
    assert l1.sent == EVERYTHING
    moving: Iterator[int] = iter(range(100))
    with pytest.raises(RootMoves):
        leave(StandIn(now=DUE), lambda: replace(held(), root=next(moving)))
