"""The L1 of tests/channels/rollup.py: a queue of forced ops, and a node's port to it over HTTP.

A transaction is JSON with its nonce; it goes into a block at once, or when the test says `mine`.
`reorg` takes the newest ops out of their blocks again, and their transactions with them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
from eth_account import Account

from channels.errors import L1Unreachable
from channels.forced import SignedL1, WantClaim, Wanted, WantStartClose
from channels.l1 import Fate, FinalBlock
from contracts.queue_ops import queue_op_from
from protocol.channels import Lane
from protocol.codec import (
    account_from_json,
    channel_from_json,
    signature_from_json,
    signature_to_json,
)
from protocol.queue import ForcedClaim, ForcedFinalize, ForcedStartClose, QueueOp
from protocol.state import State

DOMAIN = 0xD0
OPERATOR = Account.from_key(bytes([7]) * 32)
"""Its L1 key."""
FEE_WEI = 10**13

Json = dict[str, Any]


class FakeQueue:
    """L1's queue, and the transactions that put ops into it."""

    def __init__(self) -> None:
        self.ops: list[QueueOp] = []
        self.processed = 0
        self.fee_wei = FEE_WEI
        self.mines_itself = True
        self.reverts = False
        self.pool: dict[str, Json] = {}
        self.mined: dict[str, Json] = {}
        self.sent = 0

    @property
    def waiting(self) -> list[QueueOp]:
        """Ops that no batch has consumed."""
        return self.ops[self.processed :]

    def send(self, raw: Json, time: int) -> Json:
        """{"accepted"}: False where another transaction has used the nonce."""
        self.sent += 1
        name = transaction_hash(raw)
        taken = {(one["sender"], one["nonce"]) for one in self.mined.values()}
        if name not in self.mined:
            if (raw["sender"], raw["nonce"]) in taken:
                return {"accepted": False}
            same = [key for key, one in self.pool.items() if one["nonce"] == raw["nonce"]]
            for key in same:
                del self.pool[key]
            self.pool[name] = raw
            if self.mines_itself:
                self.mine(time)
        return {"accepted": True}

    def mine(self, time: int) -> None:
        """A block with all that waits."""
        for name, raw in self.pool.items():
            self.mined[name] = raw
            if not self.reverts:
                number = len(self.ops) + 1
                raw["number"] = number
                self.ops.append(_op(raw, number, time))
        self.pool.clear()

    def reorg(self, count: int, *, keep_in_pool: bool = False) -> None:
        """The newest `count` ops were never there."""
        gone = {op.number for op in self.ops[-count:]}
        del self.ops[-count:]
        for name in [key for key, one in self.mined.items() if one.get("number") in gone]:
            raw = self.mined.pop(name)
            del raw["number"]
            if keep_in_pool:
                self.pool[name] = raw

    def to_json(self) -> Json:
        """What the port reads."""
        return {
            "fee": self.fee_wei,
            "processed": self.processed,
            "ops": [[[str(e) for e in op.elements()], str(op.payer)] for op in self.ops],
            "mined": {name: raw.get("number") for name, raw in self.mined.items()},
            "nonces": [raw["nonce"] for raw in (*self.pool.values(), *self.mined.values())],
        }


def transaction_hash(raw: Json) -> str:
    """The name of a transaction."""
    fields = {key: given for key, given in raw.items() if key != "number"}
    return "0x" + hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _op(raw: Json, number: int, time: int) -> QueueOp:
    slot, epoch = raw["slot"], int(raw["channel_id"]) >> 64
    sender = int(raw["sender"])
    if raw["kind"] == "claim":
        signature = signature_from_json(raw["signature"])
        value = int(raw["lane_value"])
        return ForcedClaim(number, time, slot, epoch, Lane(raw["lane"]), value, signature, sender)
    if raw["kind"] == "start_close":
        return ForcedStartClose(number, time, slot, epoch, Lane(raw["lane"]), sender)
    return ForcedFinalize(number, time, slot, epoch, sender)


class RollupL1:
    """The L1 port over HTTP to the tests' rollup, from this process or another."""

    def __init__(self, url: str, l1_address: int = 0) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=120, trust_env=False)
        self.l1_address = l1_address
        self.replays = 0

    async def _ask(self) -> Json:
        try:
            answer: Json = (await self._http.get("/l1")).json()
        except httpx.HTTPError as error:
            raise L1Unreachable("test", str(error)) from error
        if answer["down"]:
            raise L1Unreachable("test", "down")
        return answer

    async def domain(self) -> int:
        """The test's domain."""
        await self._ask()
        return DOMAIN

    async def final(self) -> FinalBlock:
        """The sealed root."""
        answer = await self._ask()
        processed = answer["queue"]["processed"]
        root = int(answer["root"])
        return FinalBlock(answer["number"], answer["timestamp"], root, processed)

    async def head_time(self) -> int:
        """L1's time."""
        return int((await self._ask())["head_time"])

    async def replayed(self) -> State:
        """The sealed state."""
        await self._ask()
        self.replays += 1
        given = (await self._http.get("/l1/state")).json()
        return State.of(
            {int(index): account_from_json(one) for index, one in given["accounts"].items()},
            {int(slot): channel_from_json(one) for slot, one in given["channels"].items()},
        )

    async def queue_fee_wei(self) -> int:
        """What the test says."""
        return int((await self._ask())["queue"]["fee"])

    async def ops_after(self, number: int) -> tuple[QueueOp, ...]:
        """The queue."""
        found = []
        for place, (elements, payer) in enumerate((await self._ask())["queue"]["ops"], start=1):
            op = queue_op_from(place, [int(one) for one in elements], int(payer))
            assert op is not None
            found.append(op)
        return tuple(found[number:])

    async def sign_forced(
        self, wanted: Wanted, value_wei: int, replacing: SignedL1 | None = None
    ) -> SignedL1:
        """A transaction as JSON."""
        queue = (await self._ask())["queue"]
        assert value_wei >= queue["fee"]
        nonce = max(queue["nonces"], default=0) + 1 if replacing is None else replacing.nonce
        raw: Json = {
            "sender": str(self.l1_address),
            "nonce": nonce,
            "slot": wanted.slot,
            "channel_id": str(wanted.channel_id),
            "tip": 1 if replacing is None else 2,
        }
        if isinstance(wanted, WantClaim):
            raw["kind"], raw["lane"] = "claim", int(wanted.voucher.lane)
            raw["lane_value"] = str(wanted.voucher.lane_value)
            raw["signature"] = signature_to_json(wanted.voucher.signature)
        elif isinstance(wanted, WantStartClose):
            raw["kind"], raw["lane"] = "start_close", int(wanted.side)
        else:
            raw["kind"] = "finalize"
        return SignedL1(transaction_hash(raw), json.dumps(raw).encode(), nonce)

    async def send(self, signed: SignedL1) -> bool:
        """Into the pool."""
        await self._ask()
        answer = await self._http.post("/l1/send", json=json.loads(signed.raw))
        return bool(answer.json()["accepted"])

    async def fate(self, signed: SignedL1) -> Fate | None:
        """What became of it."""
        mined = (await self._ask())["queue"]["mined"]
        name = signed.transaction_hash
        return Fate(mined[name]) if name in mined else None

    async def operator(self) -> str:
        """Who endorses the tests' receipt key."""
        await self._ask()
        return str(OPERATOR.address)

    async def pending_ntok(self) -> int:
        """Nothing is ever pending here."""
        return 0

    async def collect(self) -> int:
        """Nothing to collect."""
        return 0

    async def token_balance(self) -> int:
        """No token."""
        return 0

    async def new_account(self, key_hash: int, amount_ntok: int) -> int:
        """Not on this L1."""
        raise L1Unreachable("test", "no accounts")

    async def deposit(self, index: int, amount_ntok: int) -> None:
        """Not on this L1."""
        raise L1Unreachable("test", "no deposits")
