"""The way out for a household, stage by stage, as things stand: pure, and decided anew each time.

With the operator: close channels together, withdraw, collect. Against a silent one: the same
through L1's queue, which every batch must empty. Where batches stop for good: the exodus. What the
page cannot do (the wallet's passphrase, proofs of exits) is a command to copy.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sequencer.pages import formats
from wattlane.household.day import ChannelLine, Money
from wattlane.leaving import RAISE_TIME_S
from wattlane.money import show_ether


class Operator(Enum):
    """How the sequencer is."""

    ANSWERS = "answers"
    AILS = "ails"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class OnL1:
    """What L1 says of the rollup: the exodus's start (None: not started) and from when on it may
    be started as things are (None: nothing waits). Times in seconds."""

    now: int
    exodus_start: int | None
    exodus_from: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """What the commands need: the home's folder, its L1, the contract."""

    folder: Path
    l1_url: str
    contract: str
    confirmations: int | None = None

    def command(self, *words: str) -> str:
        """`wattlane WORDS` with these options, as a shell takes it."""
        options = ["--folder", str(self.folder), "--l1", self.l1_url, "--contract", self.contract]
        if self.confirmations is not None and words[0] == "exit":
            options += ["--confirmations", str(self.confirmations)]
        return shlex.join(["wattlane", *words, *options])


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides. `channels` and `money` None: the node does not run, or cannot say.

    `fee_ntok`: what the sequencer asks for a transaction; `queue_fee_wei`: what a forced op costs.
    """

    operator: Operator
    l1: OnL1 | None
    channels: Sequence[ChannelLine] | None
    money: Money | None
    fee_ntok: int = 0
    queue_fee_wei: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A button: `errand` with its `subject`. `grave`: it cannot be taken back and costs more."""

    errand: str
    subject: str
    label: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """Something within a stage: a channel, say, with what can be done about it."""

    title: str
    text: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """`state`: done, now or later."""

    key: str
    title: str
    state: str
    text: str
    items: tuple[Item, ...] = ()
    actions: tuple[Action, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """The stages in order. `kind`: together, forced, exodus or unknown."""

    kind: str
    title: str
    text: str
    stages: tuple[Stage, ...]

    @property
    def is_out(self) -> bool:
        """Nothing is left to do."""
        return all(one.state == "done" for one in self.stages)


def way_out(situation: Situation, place: Place) -> Way:
    """What to do now and what comes then."""
    if situation.l1 is not None and situation.l1.exodus_start is not None:
        return _exodus(situation.l1, situation.l1.exodus_start, situation.money, place)
    if situation.channels is None:
        return _asleep(situation, place)
    if situation.operator is Operator.SILENT:
        return _forced(situation, situation.channels, place)
    return _together(situation, situation.channels)


def _together(situation: Situation, channels: Sequence[ChannelLine]) -> Way:
    money = situation.money
    closed = not channels
    items = tuple(_close_item(one, situation.l1) for one in channels)
    spendable = max(money.soft_ntok - situation.fee_ntok, 0) if money else 0
    amount = formats.tokens_exactly(spendable)
    withdrawing = money is not None and money.soft_ntok != money.final_ntok and not spendable
    withdraw = Stage(
        "withdraw",
        "Withdraw your balance",
        _state(closed, money is not None and not spendable),
        f"{amount} tokens go to your L1 account with the next batch."
        if spendable
        else "It is on its way: the next final batch brings it to L1."
        if withdrawing
        else "Nothing is left in the rollup.",
        actions=(Action("withdraw", str(spendable), f"Withdraw {amount} tokens"),)
        if spendable and closed
        else (),
    )
    text = "The operator works, so this takes minutes and costs no gas but the last step's."
    if situation.operator is Operator.AILS:
        text = "The operator answers and has trouble: this may take a while."
    return Way(
        "together",
        "Leave together with the operator",
        text,
        (
            Stage(
                "close",
                "Close your channels",
                "done" if closed else "now",
                "All are closed." if closed else "With each neighbour, at what you both signed.",
                items,
                _close_all(channels),
            ),
            withdraw,
            _collect(money, closed and not spendable, withdrawing),
        ),
    )


def _close_all(channels: Sequence[ChannelLine]) -> tuple[Action, ...]:
    opened = [one for one in channels if one.is_open and not one.is_ending]
    return (Action("close_all", "", "Close all together"),) if len(opened) > 1 else ()


def _close_item(one: ChannelLine, l1: OnL1 | None) -> Item:
    own = f"you get {formats.tokens(one.own_ntok)} tokens"
    if one.is_closing:
        return Item(f"With home {one.peer}", _closing_text(one, l1))
    id_ = str(one.channel_id)
    alone = Action("force_close", id_, "Close without the neighbour", grave=True)
    if one.is_ending:
        text = f"{one.soft_status.capitalize()} at the operator; {own}. It is not final yet."
        return Item(f"With home {one.peer}", text, (alone,))
    window = formats.span(one.window_s)
    return Item(
        f"With home {one.peer}",
        f"Open; {own}. Without the neighbour it takes {window} more.",
        (Action("close", id_, "Close together"), alone),
    )


def _closing_text(one: ChannelLine, l1: OnL1 | None) -> str:
    if l1 is not None and one.deadline <= l1.now:
        return "Its window is over: it is paid out with the next batch."
    return (
        f"Closing; its window ends at {formats.moment(one.deadline)}. "
        "Keep your node on until then: it claims what you are owed and does the rest."
    )


def _forced(situation: Situation, channels: Sequence[ChannelLine], place: Place) -> Way:
    fee = "a fee in ether that is burned"
    if situation.queue_fee_wei is not None:
        fee = f"{show_ether(situation.queue_fee_wei)} ether, which is burned"
    items = tuple(
        Item(f"With home {one.peer}", _closing_text(one, situation.l1))
        if one.is_closing
        else Item(
            f"With home {one.peer}",
            f"Open; you get {formats.tokens(one.own_ntok)} tokens. Costs {fee}.",
            (Action("force_start", str(one.channel_id), "Close through L1", grave=True),),
        )
        for one in channels
    )
    return Way(
        "forced",
        "Leave through L1",
        "The operator does not answer. L1's queue does not need it: every batch has to take the "
        "oldest ops, and where no batch comes anyone may make one after 3 days.",
        (
            Stage(
                "close",
                "Close your channels through L1",
                "done" if not channels else "now",
                "All are closed." if not channels else "One op for each; your node does the rest.",
                items,
            ),
            Stage(
                "force_exit",
                "Ask L1 for your balance",
                "later" if channels else "now",
                "A forced exit takes the whole balance of your account out. It needs the wallet's "
                "passphrase.",
                commands=(place.command("force", "exit"),),
            ),
            _exodus_stage(situation.l1, place),
            _collect(situation.money, not channels, False),
        ),
    )


def _exodus_stage(l1: OnL1 | None, place: Place) -> Stage:
    start = None if l1 is None else l1.exodus_from
    due = l1 is not None and start is not None and l1.now >= start
    if due:
        text = "L1's queue was not served for 7 days: anyone may start the exodus now."
    elif start is not None:
        text = f"If no batch comes until {formats.moment(start)}, anyone may start the exodus."
    else:
        text = "If an op of yours is not served within 7 days, anyone may start the exodus."
    return Stage(
        "exodus",
        "If no batch comes any more",
        "now" if due else "later",
        text,
        commands=(place.command("exit") if due else place.command("exit", "--dry-run"),),
    )


def _exodus(l1: OnL1, start: int, money: Money | None, place: Place) -> Way:
    end = start + RAISE_TIME_S
    over = l1.now >= end
    return Way(
        "exodus",
        "The exodus has started",
        "The rollup has ended with its last root. Everyone proves to the contract what is theirs "
        "in it; nobody has to be asked. It needs the wallet's passphrase and a little ether.",
        (
            Stage(
                "prove",
                "Prove what is yours",
                "now",
                "Your vouchers counted until "
                f"{formats.moment(end)}; accounts and deposits have no deadline."
                if over
                else f"Your vouchers count until {formats.moment(end)}: run this before.",
                commands=(place.command("exit"),),
            ),
            Stage(
                "settle",
                "Have your channels settled",
                "now" if over else "later",
                "Run it again: the time for vouchers is over."
                if over
                else f"Run it again from {formats.moment(end)} on.",
                commands=(place.command("exit"),) if over else (),
            ),
            _collect(money, over, False),
        ),
    )


def _asleep(situation: Situation, place: Place) -> Way:
    stages = [
        Stage(
            "wake",
            "Start your node",
            "now",
            "It holds your vouchers and the wallet, and does most of this for you.",
            commands=(
                shlex.join(
                    ["wattlane", "node", "run", "--folder", str(place.folder), "--l1", place.l1_url]
                ),
            ),
        )
    ]
    if situation.operator is Operator.SILENT:
        stages.append(_exodus_stage(situation.l1, place))
    return Way("unknown", "Your node does not answer", "Without it only L1 is left.", tuple(stages))


def _collect(money: Money | None, is_next: bool, arriving: bool) -> Stage:
    waiting = money.on_l1_ntok if money else 0
    amount = formats.tokens_exactly(waiting)
    out = is_next and not waiting and not arriving and money is not None and not money.final_ntok
    return Stage(
        "collect",
        "Collect on L1",
        "now" if waiting else "done" if out else "later",
        f"{amount} tokens wait in the contract for you."
        if waiting
        else "All of it is yours on L1."
        if out
        else "What was withdrawn waits in the contract as soon as its batch is final.",
        actions=(Action("collect", "", f"Collect {amount} tokens"),) if waiting else (),
    )


def _state(is_next: bool, is_done: bool) -> str:
    if not is_next:
        return "later"
    return "done" if is_done else "now"
