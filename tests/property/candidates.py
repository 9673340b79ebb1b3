"""Random transactions and queue ops for a street, most of them good, many wrong in one way."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from protocol.channels import Channel, Lane, pack_lane
from protocol.crypto.jubjub import Point
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S, L1_TIME_SLACK_S, MAX_WINDOW_S, MIN_WINDOW_S
from tests.property.queue_candidates import holder_of, queue_op
from tests.protocol.street import DOMAIN, Home, home, signed

HOMES = tuple(home(index) for index in (0, 1, 5, 63))
"""Who may have an account; the last one's index has three digits in base 4."""
SCATTERED = tuple(home(index) for index in (0, 4_096, 2**24 - 1, 63))
"""Homes in three windows of the accounts tree."""

AMOUNTS = (0, 1, 999, 250_000, 2**56 - 1, 2**63, 2**64 - 1)
TIMES = (DAY_S, L1_TIME_SLACK_S, 2 * DAY_S, 30 * DAY_S)


@dataclass(slots=True)
class Street:
    """A state that moves, and the randomness that moves it."""

    rng: random.Random
    state: State
    context: Context
    homes: tuple[Home, ...] = HOMES
    slots: tuple[int, ...] = tuple(range(6))

    def owner(self, index: int) -> Home:
        """Whoever has that index, or would, with the key that its account has now."""
        account = self.state.find_account(index)
        return holder_of(account.key_hash, index) if account else home(index)

    def candidate(self) -> tuple[Transaction, int | None]:
        """A transaction, and where an OPEN is to go."""
        rng = self.rng
        body = self._body()
        if rng.random() < 0.35:
            body = self._spoilt(body)
        transaction = self._signed(body)
        if rng.random() < 0.12:
            transaction = self._badly_signed(transaction)
        slot = rng.choice(self.slots) if isinstance(body, Open) and rng.random() < 0.7 else None
        return transaction, slot

    def op(self, number: int) -> QueueOp:
        """A queue op, applicable or not."""
        return queue_op(self.rng, self.state, self.context, self.homes, number)

    def pass_time(self) -> None:
        """Move L1 on, mostly a little; the queue may lag behind."""
        rng = self.rng
        now = self.context.l1_time + (rng.choice(TIMES) if rng.random() < 0.4 else 60)
        covered = now if rng.random() < 0.7 else now - rng.randrange(3 * DAY_S)
        self.context = replace(self.context, l1_time=now, queue_covered=covered)

    # --- one body ------------------------------------------------------------------------------

    def _body(self) -> Body:
        rng = self.rng
        channels = list(self.state.channels.values())
        if channels and rng.random() < 0.75:
            return self._on_channel(rng.choice(channels))
        first, second = rng.sample(self.homes, 2)
        nonce, balance = self._nonce(first.index), self._balance(first.index)
        fee, until = rng.choice((0, 1, 30)), self._until()
        amount = rng.randrange(balance // 3 + 1)
        match rng.randrange(4):
            case 0:
                return Transfer(first.index, second.index, nonce, amount, fee, until)
            case 1:
                amount = 0 if rng.random() < 0.2 else amount
                return Withdraw(first.index, nonce, amount, fee, until)
            case _:
                window = rng.choice((MIN_WINDOW_S, MAX_WINDOW_S, 3 * DAY_S))
                return Open(first.index, second.index, nonce, amount, fee, window, until)

    def _on_channel(self, channel: Channel) -> Body:
        rng, side = self.rng, Lane(self.rng.randrange(2))
        index = channel.a_index if side is Lane.AB else channel.b_index
        nonce, until = self._nonce(index), self._until()
        match rng.choice(("top up", "claim", "claim", "start", "close", "finalize")):
            case "top up":
                amount = rng.randrange(self._balance(index) // 3 + 1)
                return TopUp(channel.id, side, nonce, amount, rng.choice((0, 2)), until)
            case "claim":
                return Claim(channel.id, side, self._raised(channel.lane(side)))
            case "start":
                return StartClose(channel.id, side, nonce, until)
            case "close":
                ab = channel.lane_ab if rng.random() < 0.3 else self._raised(channel.lane_ab)
                ba = channel.lane_ba if rng.random() < 0.3 else self._raised(channel.lane_ba)
                deposits = channel.deposit_a_ntok, channel.deposit_b_ntok
                return Close(channel.id, ab, ba, *deposits, until)
            case _:
                return Finalize(channel.id)

    def _raised(self, lane: int) -> int:
        step = pack_lane(self.rng.randrange(5_000), self.rng.randrange(200_000))
        return min(lane + step, 2**96 - 1)

    def _nonce(self, index: int) -> int:
        account = self.state.find_account(index)
        return account.nonce if account else 0

    def _balance(self, index: int) -> int:
        account = self.state.find_account(index)
        return account.balance_ntok if account else 1_000

    def _until(self) -> int:
        return self.context.l1_time + self.rng.choice((0, 1, 3_600))

    # --- what can be wrong ---------------------------------------------------------------------

    def _spoilt(self, body: Body) -> Body:
        """One field changed to something near or extreme (sometimes that is good as well)."""
        rng = self.rng
        fields = [name for name in body.__dataclass_fields__ if name != "TYPE"]
        name = rng.choice(fields)
        value = getattr(body, name)
        match name:
            case "side" | "lane":
                changed: object = Lane(1 - value)
            case "nonce":
                changed = rng.choice((value + 1, max(value - 1, 0), 2**32 - 1))
            case "valid_until":
                changed = rng.choice((self.context.l1_time - 1, 2**40 - 1))
            case "window_s":
                changed = rng.choice((MIN_WINDOW_S - 1, MAX_WINDOW_S + 1, 0, 2**32 - 1))
            case "fee_ntok":
                changed = rng.choice((0, 2**32 - 1))
            case "channel_id":
                changed = rng.choice((value ^ 1, value ^ (1 << 32), value + (1 << 64)))
            case "lane_value" | "lane_ab" | "lane_ba":
                changed = rng.choice((max(value - (1 << 50), 0), 0, 2**96 - 1))
            case _ if name.endswith("_ntok"):
                changed = rng.choice(AMOUNTS)
            case _:
                changed = rng.choice((0, 1, 5, 6, 2**24 - 1))
        return replace(body, **{name: changed})  # type: ignore[arg-type]

    def _signers(self, body: Body) -> tuple[Home, ...]:
        match body:
            case Transfer():
                return (self.owner(body.from_index),)
            case Withdraw():
                return (self.owner(body.index),)
            case Open():
                return (self.owner(body.a_index),)
            case Finalize():
                return ()
        a, b = body.channel_id & 0xFFFFFF, body.channel_id >> 32 & 0xFFFFFF
        match body:
            case Close():
                return self._pinned(body.channel_id, a, Lane.AB), self._pinned(
                    body.channel_id, b, Lane.BA
                )
            case Claim():
                payer = a if body.lane is Lane.AB else b
                return (self._pinned(body.channel_id, payer, body.lane),)
        return (self.owner(a if body.side is Lane.AB else b),)

    def _pinned(self, channel_id: int, index: int, side: Lane) -> Home:
        """A party with the key that the channel has of it."""
        found = [one for one in self.state.channels.values() if one.id == channel_id]
        return holder_of(found[0].key_hash(side), index) if found else self.owner(index)

    def _signed(self, body: Body) -> Transaction:
        domain = DOMAIN if self.rng.random() < 0.97 else DOMAIN ^ 1
        return signed(body, *self._signers(body), domain=domain)

    def _badly_signed(self, honest: Transaction) -> Transaction:
        """A signature bent, or made by somebody else."""
        rng, body = self.rng, honest.body
        if not honest.signatures:
            return honest
        if rng.random() < 0.4:
            others = [rng.choice(self.homes) for _ in honest.signatures]
            return signed(body, *others)
        bent = list(honest.signatures)
        at = rng.randrange(len(bent))
        one = bent[at]
        match rng.randrange(3):
            case 0:
                bent[at] = replace(one, s=one.s ^ 1)
            case 1:
                bent[at] = replace(one, r=Point(one.r.y, one.r.x))
            case _:
                bent[at] = replace(one, key=Point(one.key.x, one.key.y ^ 1))
        return Transaction(body, tuple(bent))
