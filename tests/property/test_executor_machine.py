"""The executor keeps C1, C3, C4 and C6 of docs/protocol.md under any sequence of anything."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from protocol.channels import channel_id
from protocol.queue import KeyChange, NewAccount, OpType
from protocol.state import State
from protocol.transactions import TxType
from tests.property.executor_model import SHAPE, amount_of
from tests.property.forced_machine import ForcedMachine

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def channel_ids_of(state: State) -> set[int]:
    """The ids that the leaves spell out."""
    return {channel_id(c.a_index, c.b_index, c.epoch) for c in state.channels.values()}


class Conservation(ForcedMachine):
    """C1: what L1 holds = accounts + channels + withdrawals + unprocessed deposits, exactly."""

    @invariant()
    def equal_to_the_nano_token(self) -> None:
        accounts = sum(one.balance_ntok for one in self.state.accounts.values())
        channels = sum(
            one.deposit_a_ntok + one.deposit_b_ntok for one in self.state.channels.values()
        )
        stranded = self.stranded_ntok - sum(
            amount_of(op) for op in self.l1_queue[self.consumed :] if not self._can_apply(op)
        )
        owed = accounts + channels + self.fees_ntok + self.withdrawn_ntok
        assert owed + self.unprocessed_ntok + stranded == self.deposited_ntok

    def _can_apply(self, op: object) -> bool:
        """As the machine's garbage rule made it: an account over another, a deposit to nobody."""
        if isinstance(op, NewAccount):
            return op.key_hash != 5
        return bool(getattr(op, "index", 0) < 5)


class Queue(ForcedMachine):
    """C3: each queue op takes effect exactly once, in order."""

    @invariant()
    def proofs_show_l1_its_own_queue(self) -> None:
        shown = [
            proof.messages[8 * j : 8 * j + 7]
            for proof in self.proofs
            for j in range(SHAPE.queue_slots)
            if proof.messages[8 * j]
        ]
        done = self.l1_queue[: self.consumed - len(self.queue)]
        assert shown == [op.elements() for op in done]
        assert sum(proof.data[0] >> 24 for proof in self.proofs) == len(done)

    @invariant()
    def accounts_are_those_that_the_queue_made(self) -> None:
        """With the key that its owner, and nobody else, has last sent."""
        owners: dict[int, tuple[int, int]] = {}
        for op in self.l1_queue[: self.consumed]:
            if isinstance(op, NewAccount):
                owners.setdefault(op.index, (op.key_hash, op.owner))
            elif isinstance(op, KeyChange) and owners[op.index][1] == op.sender:
                owners[op.index] = op.key_hash, op.sender
        found = {i: (one.key_hash, one.l1_address) for i, one in self.state.accounts.items()}
        assert found == owners


class Lanes(ForcedMachine):
    """C4: lanes and what they pay never fall; a channel's payouts add up to its deposits."""

    @invariant()
    def nothing_fell_and_every_payout_added_up(self) -> None:
        assert not self.faults

    @invariant()
    def the_model_knows_exactly_the_channels_that_exist(self) -> None:
        assert channel_ids_of(self.state) == set(self.seen)


def test_c1_money_is_conserved_to_the_last_unit() -> None:
    run_state_machine_as_test(Conservation, settings=SETTINGS)


def test_c3_each_queue_op_takes_effect_exactly_once_and_in_order() -> None:
    run_state_machine_as_test(Queue, settings=SETTINGS)


def test_c4_lanes_never_fall_and_payouts_add_up_to_deposits() -> None:
    run_state_machine_as_test(Lanes, settings=SETTINGS)


def test_c6_every_proof_replays_and_the_machine_reached_every_type() -> None:
    """Replay is checked at every proof of every run; here, that the runs were worth it."""
    ForcedMachine.applied.clear()
    run_state_machine_as_test(ForcedMachine, settings=settings(SETTINGS, max_examples=80))
    reached = set(ForcedMachine.applied)
    assert {kind.name for kind in TxType} - {"NOOP"} <= reached
    assert {kind.name for kind in OpType} - {"NONE"} | {"NO-OP"} <= reached
    refused = {
        "WrongNonce",
        "WrongKey",
        "BadSignature",
        "Expired",
        "InsufficientBalance",
        "UnknownChannel",
        "ChannelNotOpen",
        "ChannelNotClosing",
    }
    assert refused <= reached
