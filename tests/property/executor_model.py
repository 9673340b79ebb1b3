"""What stands beside the executor and shares no rule with it: L1's money, channels as seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from protocol.batch import ExecutedProof, Shape, domain_of
from protocol.channels import lane_paid_ntok
from protocol.crypto.schnorr import key_hash, public_key
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.state import AccountUpdate, ChannelUpdate, State
from protocol.trace import QueueTrace, UserTrace, Withdrawal
from protocol.windows import OpenWindows
from tests.property.strategies import CAP_NTOK

DOMAIN = domain_of(1, 2)
SHAPE = Shape(queue_slots=2, user_slots=6)
SECRETS = [(0xBEEF << 180) + n for n in range(3)]
HASHES = [key_hash(public_key(secret)) for secret in SECRETS]
SECRET_OF = dict(zip(HASHES, SECRETS, strict=True))

_TwoAccounts = tuple[AccountUpdate | None, AccountUpdate | None]


def amount_of(op: QueueOp) -> int:
    """What an op brought to L1."""
    return op.amount_ntok if isinstance(op, NewAccount | Deposit) else 0


@dataclass(frozen=True)
class Seen:
    """A channel as the model last saw it."""

    lane_ab: int
    lane_ba: int
    deposits_ntok: int


def is_empty(op: QueueOp) -> bool:
    """One that changes nothing though it applies."""
    return isinstance(op, Deposit) and op.amount_ntok == 0


class ExecutorModel(RuleBasedStateMachine):
    """What L1 took in and paid out, the queue op by op, and each channel as last seen."""

    applied: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.replica = State()
        self.base = State()
        self.now = 1_790_000_000
        self.l1_queue: list[QueueOp] = []
        self.consumed = 0
        self.stranded_ntok = 0
        self.withdrawn_ntok = 0
        self.fees_ntok = 0
        self.queue: list[QueueTrace] = []
        self.users: list[UserTrace] = []
        self.windows = OpenWindows()
        self.proofs: list[ExecutedProof] = []
        self.seen: dict[int, Seen] = {}
        self.faults: list[str] = []

    # --- L1 ---------------------------------------------------------------------------------

    @property
    def deposited_ntok(self) -> int:
        return sum(map(amount_of, self.l1_queue))

    @property
    def unprocessed_ntok(self) -> int:
        return sum(map(amount_of, self.l1_queue[self.consumed :]))

    def _room_ntok(self) -> int:
        """What the contract still takes in: all that is deposited stays below 2^64."""
        return CAP_NTOK - (self.deposited_ntok - self.withdrawn_ntok)

    def _accounts_promised(self) -> int:
        """The contract's counter."""
        honest = {op.index for op in self.l1_queue if isinstance(op, NewAccount)}
        return len(honest)

    # --- what traces show ------------------------------------------------------------------

    def _book_payments(self, withdrawal: Withdrawal | None) -> None:
        if withdrawal is not None:
            self.withdrawn_ntok += withdrawal.amount_ntok

    def _watch_channel(self, channel: ChannelUpdate | None, accounts: _TwoAccounts) -> None:
        """C4, from what is seen before and after."""
        if channel is None:
            return
        before, after = channel.before, channel.after
        if before is not None and after is None:
            self._watch_payout(accounts, self.seen.pop(before.id))
        elif after is not None:
            now = Seen(after.lane_ab, after.lane_ba, after.deposit_a_ntok + after.deposit_b_ntok)
            last = self.seen.get(after.id, Seen(0, 0, 0))
            for name in ("lane_ab", "lane_ba"):
                old, new = getattr(last, name), getattr(now, name)
                if new < old or lane_paid_ntok(new) < lane_paid_ntok(old):
                    self.faults.append(f"{name} fell from {old} to {new}")
            if now.deposits_ntok < last.deposits_ntok:
                self.faults.append("deposits fell")
            self.seen[after.id] = now

    def _watch_payout(self, accounts: _TwoAccounts, last: Seen) -> None:
        paid = 0
        for update in accounts:
            assert update is not None
            assert update.before is not None
            assert update.after is not None
            change = update.after.balance_ntok - update.before.balance_ntok
            if change < 0:
                self.faults.append("a payout took money")
            paid += change
        if paid != last.deposits_ntok:
            self.faults.append(f"{last.deposits_ntok} were deposited, {paid} paid out")
