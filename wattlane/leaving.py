"""What is left to do for an L1 address to leave, decided from what it holds and what L1 says.

Pure and repeatable: each step disappears from the answer once L1 shows it, whoever took it, so a
run that was cut off anywhere goes on from there. Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from protocol.exits import AccountExitWitness, ChannelExitWitness, ExitWitness, LaneRaiseWitness
from protocol.queue import Deposit, NewAccount
from protocol.units import DAY_S
from wattlane.holdings import Holdings
from wattlane.money import show_tokens

RAISE_TIME_S = 14 * DAY_S
"""How long lanes can be raised after the start; channels are settled afterwards."""


@dataclass(frozen=True, slots=True)
class ForceExit:
    """Enqueue a forced exit: either it is processed, or seven days later the exodus is due."""

    account_index: int


@dataclass(frozen=True, slots=True)
class StartExodus:
    """Freeze the root: from then on nothing but exits happens."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Prove an account, a channel or a voucher to the contract."""

    witness: ExitWitness


@dataclass(frozen=True, slots=True)
class Refund:
    """Have a deposit credited that no batch took in."""

    op: NewAccount | Deposit


@dataclass(frozen=True, slots=True)
class Settle:
    """Share out a channel that was proved."""

    slot: int


@dataclass(frozen=True, slots=True)
class Collect:
    """Take out of the contract what is credited."""

    amount_ntok: int


Step = ForceExit | StartExodus | Prove | Refund | Settle | Collect


@dataclass(frozen=True, slots=True)
class Later:
    """Something that is possible from `at` (L1 time) on."""

    what: str
    at: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are to be taken, and what comes later."""

    steps: tuple[Step, ...]
    later: tuple[Later, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelOnL1:
    """How far a channel's exit is. `raised_ntok`: what vouchers proved, by lane (0: none was)."""

    is_exited: bool = False
    is_settled: bool = False
    raised_ntok: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What L1 says. Times in seconds.

    `started_at`: None before the exodus; `may_start_at`: from when on it can be started as things
    are, None where no op waits and no end was announced. `is_idle`: no op waits in the queue.
    `collectable_ntok`: what `withdraw` would pay out.
    """

    now: int
    root: int
    started_at: int | None
    may_start_at: int | None
    is_idle: bool = False
    exited_accounts: frozenset[int] = frozenset()
    channels: Mapping[int, ChannelOnL1] = field(default_factory=dict)
    refunded: frozenset[int] = frozenset()
    collectable_ntok: int = 0


def plan(holdings: Holdings, standing: Standing) -> Plan:
    """What to do now, and what can be done only later."""
    collect = (Collect(standing.collectable_ntok),) if standing.collectable_ntok else ()
    if standing.started_at is not None:
        steps, later = _after_start(holdings, standing, standing.started_at)
        return Plan((*steps, *collect), later)
    if standing.may_start_at is not None and standing.now >= standing.may_start_at:
        return Plan((StartExodus(), *collect))
    force = _force(holdings) if standing.is_idle else ()
    later = (
        ()
        if standing.may_start_at is None
        else (Later("the exodus can be started", standing.may_start_at),)
    )
    return Plan((*force, *collect), later)


def _force(holdings: Holdings) -> tuple[Step, ...]:
    """Nothing waits in the queue, so nothing can be late: one op of one's own starts the clock."""
    rich = [one.inclusion.index for one in holdings.accounts if one.account.balance_ntok]
    rich += [one.inclusion.index for one in holdings.accounts if holdings.channels]
    return (ForceExit(rich[0]),) if rich else ()


def foreseen(holdings: Holdings, standing: Standing) -> Plan:
    """The plan as it will be once the exodus has started, if it started now."""
    return plan(holdings, replace(standing, started_at=standing.started_at or standing.now))


def _after_start(
    holdings: Holdings, standing: Standing, started_at: int
) -> tuple[tuple[Step, ...], tuple[Later, ...]]:
    end = started_at + RAISE_TIME_S
    steps: list[Step] = []
    later: list[Later] = []
    if standing.now < end:  # the only steps with a deadline
        steps += [Prove(one) for one in holdings.raises if _raises(one, standing)]
    steps += [
        Prove(one)
        for one in holdings.accounts
        if one.account.balance_ntok and one.inclusion.index not in standing.exited_accounts
    ]
    steps += [Refund(op) for op in holdings.deposits if op.number not in standing.refunded]
    for channel in holdings.channels:
        slot = channel.inclusion.slot
        there = standing.channels.get(slot, ChannelOnL1())
        if not there.is_exited:
            steps.append(Prove(channel))
        if there.is_settled:
            continue
        if standing.now >= end:
            steps.append(Settle(slot))
        else:
            later.append(Later(f"channel {slot} can be settled", end))
    return tuple(steps), tuple(later)


def _raises(witness: LaneRaiseWitness, standing: Standing) -> bool:
    statement = witness.statement()
    there = standing.channels.get(statement.slot, ChannelOnL1())
    return not there.is_settled and statement.paid_ntok > there.raised_ntok[statement.lane]


def describe(step: Step) -> str:
    """A step in words, as a person reads it before and after."""
    match step:
        case ForceExit(index):
            return f"force the exit of account {index} through the queue"
        case StartExodus():
            return "start the exodus"
        case Prove(witness):
            return _describe_proof(witness)
        case Refund(op):
            return f"deposit in op {op.number}: {show_tokens(op.amount_ntok)} tokens back"
        case Settle(slot):
            return f"settle channel {slot}"
        case Collect(amount_ntok):
            return f"collect {show_tokens(amount_ntok)} tokens"


def _describe_proof(witness: ExitWitness) -> str:
    if isinstance(witness, AccountExitWitness):
        account = witness.statement()
        return f"account {account.index}: {show_tokens(account.balance_ntok)} tokens"
    if isinstance(witness, ChannelExitWitness):
        channel = witness.statement()
        total = show_tokens(channel.deposit_a_ntok + channel.deposit_b_ntok)
        return f"channel {channel.slot}: deposits of {total} tokens"
    lane = witness.statement()
    paid = show_tokens(lane.paid_ntok)
    return f"channel {lane.slot}, voucher of lane {lane.lane.name.lower()}: {paid} tokens"
