"""The rollup contract on an L1 of its own, and beside it a model that shares no code with it.

What must hold of both is looked at after every step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, cast

from hypothesis.stateful import RuleBasedStateMachine, invariant

from contracts.abi import load
from contracts.deploy import rollup_arguments
from protocol.batch import Shape, domain_of
from protocol.queue import (
    NO_OPS_HASH,
    Deposit,
    NewAccount,
    QueueOp,
    rolling_hash,
)
from protocol.state import genesis_root
from protocol.units import DAY_S
from tests.support.direct_l1 import CHAIN_ID, DirectL1, Reverted
from tests.support.simulated_proofs import SimulatedKey

SHAPE = Shape(queue_slots=1, user_slots=2)
OPERATOR, STRANGER, *HOMES = (bytes([i]) * 20 for i in range(0x11, 0x16))
ROLLUP, TOKEN = load("rollup").functions, load("token").functions
NTOK_UNITS = 10**9
EXODUS_PLACE = 6
"""Of the exodus contract in the rollup's settings."""


def hexed(address: bytes) -> str:
    return "0x" + address.hex()


def deployed() -> tuple[DirectL1, bytes, bytes, SimulatedKey, SimulatedKey]:
    """L1 with token and rollup, and everybody with tokens."""
    everybody = [OPERATOR, STRANGER, *HOMES]
    l1, key, exit_key = DirectL1(everybody), SimulatedKey(5), SimulatedKey(6)
    l1.now = 1_790_000_000
    token = l1.deploy(OPERATOR, load("token"), "Token", "T", 18)
    arguments = rollup_arguments(
        token=hexed(token),
        operator=hexed(OPERATOR),
        owner=hexed(OPERATOR),
        shape=SHAPE,
        key=key.key,
        exit_key=exit_key.key,
        exodus_blueprint=hexed(l1.create(OPERATOR, load("exodus").blueprint_deployment())),
    )
    rollup = l1.deploy(OPERATOR, load("rollup"), *arguments)
    for who in everybody:
        l1.call(OPERATOR, token, TOKEN["mint"].encode_call(hexed(who), 10**40))
        l1.call(who, token, TOKEN["approve"].encode_call(hexed(rollup), 2**256 - 1))
    return l1, token, rollup, key, exit_key


class RollupModel(RuleBasedStateMachine):
    """`seen`: what was taken, and every reason for which it was not."""

    seen: ClassVar[Counter[str]] = Counter()
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.l1, self.token, self.rollup, self.key, self.exit_key = deployed()
        (settings,) = self._view("settings")
        self.exodus_contract = bytes.fromhex(cast(tuple[str, ...], settings)[EXODUS_PLACE][2:])
        self.domain = domain_of(CHAIN_ID, int.from_bytes(self.rollup, "big"))
        self.owners: list[bytes] = []
        self.queue: list[QueueOp] = []
        self.consumed = 0
        self.root, self.l1_time, self.batches = genesis_root(), 0, 0
        self.inside_ntok = 0
        self.pending: Counter[bytes] = Counter()
        self.exodus = False
        self.exited: set[int] = set()
        self.refunded: set[int] = set()
        self.pause_end = 0
        self.sunset: int | None = None

    # --- calls ------------------------------------------------------------------------------

    def _view(self, name: str, *arguments: object) -> tuple[object, ...]:
        data = ROLLUP[name].encode_call(*arguments)
        return ROLLUP[name].decode_result(self.l1.call(STRANGER, self.rollup, data))

    def _send(
        self,
        who: bytes,
        data: bytes,
        refusals: Sequence[str],
        wei: int = 0,
        to: bytes | None = None,
    ) -> bytes | None:
        """What it returns, or None where it is refused, as it must be if `refusals` names why.

        That nothing changed then is seen by the invariants: the model books nothing.
        """
        type(self).steps += 1
        try:
            output = self.l1.call(who, to or self.rollup, data, wei)
        except Reverted as error:
            reason = error.reason
        else:
            assert not refusals, f"taken, though {refusals}"
            return output
        assert reason in refusals, f"{reason}, not {refusals}"
        self.seen[reason] += 1
        return None

    # --- what the model knows ----------------------------------------------------------------

    def _held(self) -> int:
        return self.inside_ntok + sum(self.pending.values()) + self._unprocessed_ntok()

    def _unprocessed_ntok(self) -> int:
        left = [op for op in self.queue[self.consumed :] if op.number not in self.refunded]
        return sum(map(brought, left))

    def _oldest_waits(self) -> int:
        left = self.queue[self.consumed :]
        return self.l1.now - left[0].enqueue_time if left else 0

    def _is_after_sunset(self, days: int) -> bool:
        return self.sunset is not None and self.l1.now >= self.sunset + days * DAY_S

    # --- what must hold ---------------------------------------------------------------------

    @invariant()
    def c1_the_balance_is_all_that_is_owed(self) -> None:
        data = TOKEN["balanceOf"].encode_call(hexed(self.rollup))
        (units,) = TOKEN["balanceOf"].decode_result(self.l1.call(STRANGER, self.token, data))
        assert units == self._held() * NTOK_UNITS
        assert self._view("held_ntok") == (self._held(),)
        assert self.l1.balance_wei(self.rollup) == 0
        who = HOMES[self.steps % len(HOMES)]
        assert self._view("pending_ntok", hexed(who)) == (self.pending[who],)

    @invariant()
    def c2_the_root_is_the_last_accepted_batchs(self) -> None:
        assert self._view("state_root") == (self.root,)

    @invariant()
    def c3_the_queue_is_what_was_enqueued_and_taken_in_order(self) -> None:
        assert self._view("progress") == ((self.l1_time, self.consumed, self.batches),)
        assert self._view("enqueued") == (len(self.queue),)
        if self.queue:
            expected = NO_OPS_HASH
            for op in self.queue:
                expected = rolling_hash(expected, op)
            recorded = expected, self.queue[-1].enqueue_time
            assert self._view("queue_record", len(self.queue)) == (recorded,)


def number_of(address: bytes) -> int:
    return int.from_bytes(address, "big")


def brought(op: QueueOp) -> int:
    """What an op brought to L1."""
    return op.amount_ntok if isinstance(op, NewAccount | Deposit) else 0
