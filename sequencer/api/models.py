"""The answers of the HTTP API, as its OpenAPI document describes them; tests hold answers to them.

Integers that count money, energy, time or rows are decimal strings, so that none is rounded.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sequencer.api.parameters import ID

Decimal = Annotated[str, Field(pattern="^[0-9]{1,78}$", description="A decimal integer")]
Id = Annotated[str, Field(pattern=ID, description="A transaction's id")]
Hex = Annotated[str, Field(pattern="^0x[0-9a-f]*$")]
Pair = Annotated[list[Decimal], Field(min_length=2, max_length=2, description="A point: x, y")]
Level = Annotated[list[Decimal], Field(min_length=3, max_length=3)]
Siblings = Annotated[
    list[Level],
    Field(min_length=12, max_length=12, description="Three siblings a level, from the leaf up"),
]
Status = Literal["accepted", "soft", "proved", "final", "rejected"]


class Answer(BaseModel):
    """An object with these fields and no other."""

    model_config = ConfigDict(extra="forbid")


class Health(Answer):
    """Whether the sequencer works; `ailments`: what is wrong, by part."""

    status: Literal["ok", "degraded"]
    ailments: dict[str, str]


class Live(Answer):
    """The process gets on."""

    status: Literal["live"]


class Ready(Answer):
    """The process takes requests."""

    status: Literal["ready"]


class Info(Answer):
    """Which rollup this is, and what it asks of a transaction."""

    chain_id: Decimal
    contract: str = Field(pattern="^0x[0-9a-fA-F]{40}$")
    domain: Decimal
    operator_index: Decimal
    queue_slots: Decimal
    user_slots: Decimal
    data_mode: Literal["calldata", "blob"]
    proofs_per_batch: Decimal
    minimum_fee_ntok: Decimal
    valid_at_least_s: Decimal
    valid_at_most_s: Decimal
    receipt_key: Pair
    receipt_endorsement: str = Field(pattern="^(0x[0-9a-f]{130})?$")
    included_within_s: Decimal
    version: str
    l1_time: Decimal
    key_is_insecure: bool
    exodus_start: Decimal
    sunset: Decimal


class Signature(Answer):
    """A Schnorr signature on Jubjub."""

    key: Pair
    r: Pair
    s: Decimal


class Receipt(Answer):
    """What the operator signed about a transaction. Ref: docs/protocol.md."""

    id: Id
    status: Status | Literal["sealed"]
    batch: Decimal
    position: Decimal
    state_root: Decimal
    deadline: Decimal = Field(default="0")
    signature: Signature


class Refusal(BaseModel):
    """Why a transaction was rejected after it had been accepted: a problem, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str


class Transaction(Answer):
    """Where a transaction stands. `slot`: its channel's, where it has one."""

    id: Id
    status: Status
    batch: Decimal | None
    position: Decimal | None
    slot: Decimal | None
    error: Refusal | None
    receipt: Receipt | None


class Accepted(Answer):
    """It is durable; its id says where it stands."""

    id: Id
    status: Literal["accepted"]


class NotAccepted(Answer):
    """It was refused, and may be offered again."""

    problem: Refusal


class Intake(Answer):
    """What became of each transaction of a post, in order."""

    results: list[Accepted | NotAccepted]


class AccountLeaf(Answer):
    """An account."""

    key_hash: Decimal
    l1_address: Decimal
    nonce: Decimal
    balance_ntok: Decimal
    sold_wh: Decimal
    bought_wh: Decimal


class ChannelLeaf(Answer):
    """A channel. `status`: 1 open, 2 closing."""

    a_index: Decimal
    b_index: Decimal
    epoch: Decimal
    window_s: Decimal
    status: Decimal
    deadline: Decimal
    deposit_a_ntok: Decimal
    deposit_b_ntok: Decimal
    lane_ab: Decimal
    lane_ba: Decimal
    key_hash_a: Decimal
    key_hash_b: Decimal


class AccountRow(Answer):
    """An account of the soft state with its index."""

    index: Decimal
    account: AccountLeaf


class ChannelRow(Answer):
    """A channel of the soft state with its slot and id."""

    slot: Decimal
    channel: ChannelLeaf
    channel_id: Decimal


class AccountInclusion(Answer):
    """An account, or that there is none, with its Merkle path."""

    index: Decimal
    account: AccountLeaf | None
    siblings: Siblings
    channels_root: Decimal


class ChannelInclusion(Answer):
    """A channel, or that there is none, with its Merkle path."""

    slot: Decimal
    channel: ChannelLeaf | None
    siblings: Siblings
    accounts_root: Decimal


class ProvenAccount(Answer):
    """An account in the state with this root."""

    root: Decimal
    inclusion: AccountInclusion


class ProvenChannel(Answer):
    """A channel in the state with this root."""

    root: Decimal
    inclusion: ChannelInclusion


class Proof(Answer):
    """One proof of a batch. `proof`: null until it is made."""

    transaction_count: Decimal
    op_count: Decimal
    queue_covered: Decimal
    new_root: Decimal
    digest: Decimal
    proof: Hex | None
    prove_seconds: float | None
    constraints: int | None


class Batch(Answer):
    """A sealed batch. What L1 says of it is null until it does."""

    number: Decimal
    status: Literal["sealed", "proved", "submitted", "accepted", "final"]
    transactions: list[Id]
    transaction_count: Decimal
    first_op: Decimal
    op_count: Decimal
    l1_time: Decimal
    queue_covered: Decimal
    old_root: Decimal
    new_root: Decimal
    proofs: list[Proof]
    prove_seconds: float | None
    constraints: int | None
    l1_tx: str | None
    l1_block: Decimal | None
    gas_used: int | None
    calldata_bytes: int | None
    data_mode: Literal["calldata", "blob"]


class OpenBatch(Answer):
    """The batch that is being filled."""

    number: Decimal
    status: Literal["open"]
    transactions: list[Id]
    old_root: Decimal


class Queue(Answer):
    """The number of the last op of L1's queue that was seen, sealed and final."""

    seen: Decimal
    sealed: Decimal
    final: Decimal


class State(Answer):
    """Where the rollup stands. `roots`: those that witnesses can be had for."""

    soft_root: Decimal
    sealed_root: Decimal
    sealed_batch: Decimal
    proved_root: Decimal
    proved_batch: Decimal
    final_root: Decimal
    final_batch: Decimal
    final_block: Decimal
    l1_time: Decimal
    queue: Queue
    mempool: Decimal
    roots: list[Decimal]


class Op(BaseModel):
    """An op of L1's queue; the fields depend on its type."""

    model_config = ConfigDict(extra="allow")

    type: str


class QueueOp(Answer):
    """An op of L1's queue and where it stands."""

    number: Decimal
    op: Op
    status: Literal["soft", "proved", "final"]
    batch: Decimal | None


class Taken(Answer):
    """How many lines of a report are shown."""

    taken: Decimal


class Flow(Answer):
    """Energy that a home says it bought in a channel. Nobody has proved it."""

    channel_id: Decimal
    payer: Decimal
    payee: Decimal
    total_wh: Decimal
    recent_wh: Decimal


class Event(Answer):
    """Something that happened to a transaction (its id) or a batch ("batch 3"), in Unix seconds."""

    id: Decimal
    kind: str
    subject: str
    at: float
