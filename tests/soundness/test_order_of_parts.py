"""Queue slots, then windows, then the fee: no part may act on the tree that another one began with.

Each lie is a whole batch: what the parts do is true of some state, and of another one than theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from protocol.batch import ExecutedProof, seal
from protocol.channels import Lane
from protocol.execute import credit_fees, execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import Deposit
from protocol.state import AccountUpdate, State
from protocol.trace import QueueTrace, UserTrace
from protocol.transactions import Claim, Transfer
from protocol.windows import ProofWindows
from prover.circuits.batch import CLOSED
from tests.protocol.street import ANNA, CARL, CONTEXT, LATER, NOW, signed
from tests.prover.circuits.cases import FAR, LANE_AB, channel_of, street_with_channel
from tests.prover.circuits.proofs import SMALL, executed, failing_of

TO_BERT = signed(Transfer(0, 1, 1, 900, 0, LATER), ANNA)
TO_77 = signed(Transfer(0, 77, 1, 800, 0, LATER), ANNA)
AFAR = signed(Transfer(0, FAR, 1, 900, 0, LATER), ANNA)
WITH_FEE = signed(Transfer(0, FAR, 1, 900, 7, LATER), ANNA)
DEPOSIT = Deposit(1, NOW, 0, 5_000, 0xCAFE)
NODE = "old node is in the tree"
LEAF = "old leaf is in the tree"


def windows_from_before_the_queue() -> ExecutedProof:
    """Anna's deposit is consumed, and vanishes: her window is that from before it."""
    start = street_with_channel()
    queue = [execute_queue_op(start.copy(), CONTEXT, DEPOSIT)]
    done = executed(start.copy(), [], [(AFAR, None)])
    return told(start, done.new_root, done, queue=queue)


def window_2_from_before_the_queue() -> ExecutedProof:
    """The same with window 1 as it should be: window 2's path knows of no deposit."""
    start, after = street_with_channel(), street_with_channel()
    queue = [execute_queue_op(after, CONTEXT, DEPOSIT)]
    done, other = (executed(state.copy(), [], [(AFAR, None)]) for state in (after, start))
    windows = replace(done.windows, accounts=(done.windows.accounts[0], other.windows.accounts[1]))
    return told(start, other.new_root, done, queue=queue, windows=windows)


def fee_from_before_the_windows() -> ExecutedProof:
    """Carl gets his fee where nobody has paid anything: the payments vanish."""
    start = street_with_channel()
    done = executed(start.copy(), [], [(WITH_FEE, None)])
    end = start.copy()
    fees = credit_fees(end, CARL.index, 7)
    return told(start, end.root, done, fees=fees)


def one_coin_twice() -> ExecutedProof:
    """Two payments from one balance with one nonce, each from the state before both."""
    start = street_with_channel()
    states = [start.copy(), start.copy()]
    traces = [
        execute(state, CONTEXT, tx) for state, tx in zip(states, (TO_BERT, TO_77), strict=True)
    ]
    done = executed(start.copy(), [], [(TO_77, None)])
    return told(start, done.new_root, done, users=traces)


def one_voucher_undoes_another() -> ExecutedProof:
    """A higher claim is followed by a lower one, which is higher than what was there before."""
    start = street_with_channel()
    channel = channel_of(start)
    claims = [signed(Claim(channel.id, Lane.AB, LANE_AB + more), ANNA) for more in (9, 1)]
    traces = [execute(start.copy(), CONTEXT, claim) for claim in claims]
    done = executed(start.copy(), [], [(claims[1], None)])
    return told(start, done.new_root, done, users=traces)


def told(
    start: State,
    new_root: int,
    done: ExecutedProof,
    *,
    queue: Sequence[QueueTrace] = (),
    users: Sequence[UserTrace] | None = None,
    windows: ProofWindows | None = None,
    fees: AccountUpdate | None = None,
) -> ExecutedProof:
    """A proof from `start` to what is claimed, else as `done`."""
    return seal(
        SMALL,
        CONTEXT,
        CARL.index if fees or done.fees else 0,
        start.tree_roots,
        new_root,
        queue,
        done.users if users is None else users,
        windows or done.windows,
        fees or done.fees,
    )


LIES: list[tuple[Callable[[], ExecutedProof], str]] = [
    (windows_from_before_the_queue, f"{CLOSED}/accounts1/{NODE}"),
    (window_2_from_before_the_queue, f"{CLOSED}/accounts2/{NODE}"),
    (fee_from_before_the_windows, f"tail/operator/{LEAF}"),
    (one_coin_twice, f"user1/account1/{LEAF}"),
    (one_voucher_undoes_another, f"user1/channel/{LEAF}"),
]


@pytest.mark.parametrize(("lie", "says_no"), LIES)
def test_no_part_acts_on_an_older_tree(lie: Callable[[], ExecutedProof], says_no: str) -> None:
    assert failing_of(lie(), {}) == {says_no}
