"""A state with Ann's and Ben's channel in it, and the worlds that a tower looks at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from channels.errors import SequencerUnreachable
from channels.forced import SignedL1, Wanted
from channels.handover import LaneName
from channels.l1 import Fate, FinalBlock
from protocol.accounts import Account
from protocol.channels import Channel, Status
from protocol.queue import QueueOp
from protocol.state import State
from protocol.transactions import Claim, Transaction
from protocol.units import L1_TIME_SLACK_S
from tests.channels.street import ANN, BEN, LEAF, NOW, WINDOW_S

DEADLINE = NOW + L1_TIME_SLACK_S + WINDOW_S
QUARTER = DEADLINE - WINDOW_S + WINDOW_S // 4
CLOSING = replace(LEAF, status=Status.CLOSING, deadline=DEADLINE)
SLOT = 3


def state_with(*channels: Channel) -> State:
    """Ann, Ben, and these channels from slot 3 on."""
    accounts = {
        home.index: Account(home.key_hash, 0xA0 + home.index, 9, 10**6, 0, 0) for home in (ANN, BEN)
    }
    return State.of(accounts, dict(enumerate(channels, start=SLOT)))


@dataclass
class World:
    """L1 (the tower's own view) and a sequencer, both as the test says."""

    state: State = field(default_factory=lambda: state_with(LEAF))
    block: int = 1
    time: int = NOW
    processed: int = 0
    ops: list[QueueOp] = field(default_factory=list)
    soft_closing: list[Channel] = field(default_factory=list)
    is_down: bool = False
    claims: list[Claim] = field(default_factory=list)
    forced: list[Wanted] = field(default_factory=list)
    key_by_lane: dict[LaneName, list[bytes]] = field(default_factory=dict)
    l1_address: int = 0x70

    def to_final(self, *channels: Channel) -> None:
        """A new final block with these channels."""
        self.state, self.block = state_with(*channels), self.block + 1

    # --- L1 ---------------------------------------------------------------------------------

    async def final(self) -> FinalBlock:
        return FinalBlock(self.block, self.time, self.state.root, self.processed)

    async def replayed(self) -> State:
        return self.state

    async def head_time(self) -> int:
        return self.time

    async def queue_fee_wei(self) -> int:
        return 10**13

    async def ops_after(self, number: int) -> tuple[QueueOp, ...]:
        return tuple(op for op in self.ops if op.number > number)

    async def sign_forced(
        self, wanted: Wanted, value_wei: int, replacing: SignedL1 | None = None
    ) -> SignedL1:
        self.forced.append(wanted)
        return SignedL1(f"0x{len(self.forced):064x}", wanted.key.encode(), len(self.forced))

    async def send(self, signed: SignedL1) -> bool:
        return True

    async def fate(self, signed: SignedL1) -> Fate | None:
        return Fate(1)

    # --- the sequencer ----------------------------------------------------------------------

    async def closing_channels(self) -> list[tuple[int, Channel]]:
        if self.is_down:
            raise SequencerUnreachable("http://sequencer", "down")
        return list(enumerate(self.soft_closing, start=SLOT))

    async def submit(self, transaction: Transaction) -> object:
        if self.is_down:
            raise SequencerUnreachable("http://sequencer", "down")
        assert isinstance(transaction.body, Claim)
        self.claims.append(transaction.body)
        return None

    # --- keepers ----------------------------------------------------------------------------

    async def keys(self, name: LaneName) -> list[bytes]:
        return self.key_by_lane.get(name, [])
