"""Leaving when the operator is gone: the steps of a plan, taken on L1 one by one.

Invariant: before every step L1 is asked, so what was done before (by whomever) is not done again,
and a run that was cut off goes on where it was. Who sends a step does not matter to the contract:
only the owners that a proof names are credited. Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.client import RollupClient
from contracts.errors import (
    AlreadyExited,
    AlreadyRefunded,
    AlreadySettled,
    ExodusStarted,
    RaiseNotHigher,
)
from contracts.exodus import ExodusClient, ExodusReader
from contracts.reader import RollupReader
from protocol.channels import Lane
from protocol.exits import AccountExitWitness, ChannelExitWitness, ExitKind, ExitWitness
from protocol.units import DAY_S
from wattlane.errors import WattlaneError
from wattlane.holdings import Holdings
from wattlane.leaving import (
    ChannelOnL1,
    Collect,
    ForceExit,
    Plan,
    Prove,
    Refund,
    Settle,
    Standing,
    StartExodus,
    Step,
    describe,
    plan,
)

EXODUS_AFTER_S = 7 * DAY_S
"""An op that has waited longer lets anyone start the exodus."""

SUNSET_END_S = 60 * DAY_S
"""From the announcement of the rollup's end until anyone may start the exodus."""

DONE_BY_OTHERS = (
    ExodusStarted,
    AlreadyExited,
    AlreadyRefunded,
    AlreadySettled,
    RaiseNotHigher,
)
_GATHERED = 3


@dataclass
class RootMoves(WattlaneError):
    """Batches go on being accepted while exits from the last root are sought."""

    def __str__(self) -> str:
        return "the contract's root changes: somebody submits batches; try again"


@dataclass
class NoEffect(WattlaneError):
    """L1 accepted a step, and does not show it."""

    step: str

    def __str__(self) -> str:
        return f"L1 took the transaction but does not show its effect: {self.step}; try again"


class ExitProver(Protocol):
    """Makes proofs of exits."""

    def prove(self, witness: ExitWitness) -> bytes:
        """A proof that was verified, as L1 takes it (512 bytes). Raises ProverError leaves."""


def look(
    client: RollupReader, exodus: ExodusReader, holdings: Holdings, recipient: str
) -> Standing:
    """What L1's newest block says about these holdings and this recipient."""
    block = client.latest_block()
    number = block.number
    pending_ntok = client.pending_ntok(recipient, number)
    settings = client.settings()
    units = pending_ntok * settings.base_units_per_ntok // settings.ntok_per_base_unit
    next_op = client.progress(number).processed + 1
    oldest = next_op if next_op <= client.enqueued(number) else None
    slots = {one.inclusion.slot for one in holdings.channels}
    slots |= {one.inclusion.slot for one in holdings.raises}
    indexes = {one.inclusion.index for one in holdings.accounts}
    return Standing(
        now=block.timestamp,
        root=client.state_root(number),
        started_at=exodus.start_time(number),
        may_start_at=may_start_at(client, oldest, number),
        is_idle=oldest is None,
        exited_accounts=frozenset(
            index for index in indexes if exodus.is_exited(ExitKind.ACCOUNT, index, number)
        ),
        channels={slot: _channel(exodus, slot, number) for slot in slots},
        refunded=frozenset(
            op.number for op in holdings.deposits if exodus.is_refunded(op.number, number)
        ),
        collectable_ntok=pending_ntok if units else 0,
    )


def may_start_at(client: RollupReader, oldest: int | None, block: int) -> int | None:
    """When the oldest waiting op will have waited too long, or an announced end comes."""
    sunset = client.powers(block).sunset
    times = [sunset + SUNSET_END_S] if sunset else []
    if oldest is not None:
        times.append(client.queue_record(oldest, block).enqueue_time + EXODUS_AFTER_S + 1)
    return min(times, default=None)


def _channel(exodus: ExodusReader, slot: int, block: int) -> ChannelOnL1:
    there = exodus.channel(slot, block)
    return ChannelOnL1(
        is_exited=there is not None,
        is_settled=there is not None and there.settled,
        raised_ntok=(
            exodus.raised(slot, Lane.AB, block),
            exodus.raised(slot, Lane.BA, block),
        ),
    )


class Leaver:
    """Takes steps from one L1 account, for that account's holdings."""

    def __init__(
        self,
        client: RollupClient,
        exodus: ExodusClient,
        prover: ExitProver,
        done: Callable[[Step], None],
    ) -> None:
        """`done` is told of each step that L1 has taken."""
        self._client, self._exodus, self._prover = client, exodus, prover
        self._done = done

    def run(self, gather: Callable[[], Holdings]) -> Plan:
        """Take all steps that can be taken now; returns what is left for later.

        `gather` finds the holdings in the contract's root, again where that has changed. Raises
        RootMoves, NoEffect, ProverError leaves, InsufficientFunds, and as `gather` and the clients.
        """
        holdings, gathered = gather(), 1
        taken: set[str] = set()
        while True:
            standing = look(self._client, self._exodus, holdings, self._client.account.address)
            if standing.root != holdings.root:
                if gathered == _GATHERED:
                    raise RootMoves
                holdings, gathered = gather(), gathered + 1
                continue
            now = plan(holdings, standing)
            if not now.steps:
                return now
            step = now.steps[0]
            if describe(step) in taken:
                raise NoEffect(describe(step))
            taken.add(describe(step))
            self._take(step)
            self._done(step)

    def _take(self, step: Step) -> None:
        try:
            match step:
                case ForceExit(index):
                    self._client.force_exit(index)
                case StartExodus():
                    self._client.start_exodus()
                case Prove(witness):
                    self._send_proof(witness)
                case Refund(op):
                    self._exodus.refund(op)
                case Settle(slot):
                    self._exodus.settle(slot)
                case Collect():
                    self._client.withdraw()
        except DONE_BY_OTHERS:
            pass  # somebody else was a moment faster; what counts is that it is done

    def _send_proof(self, witness: ExitWitness) -> None:
        proof = self._prover.prove(witness)
        if isinstance(witness, AccountExitWitness):
            self._exodus.exit_account(witness.statement(), proof)
        elif isinstance(witness, ChannelExitWitness):
            self._exodus.exit_channel(witness.statement(), proof)
        else:
            self._exodus.raise_lane(witness.statement(), proof)
