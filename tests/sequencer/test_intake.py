"""Accepted by any process, executed by the batcher: durable, in order, once, on either database."""

from __future__ import annotations

import pytest

from protocol.channels import Lane, channel_id, pack_lane
from protocol.errors import (
    BadSignature,
    InvalidSignature,
    InvalidTransaction,
    UnknownAccount,
    UnknownChannel,
    WrongKey,
    WrongNonce,
)
from protocol.queue import KeyChange
from protocol.transactions import Claim, Close, Finalize, Open, TopUp, Transaction, Transfer
from protocol.units import DAY_S
from sequencer.admission import Policy
from sequencer.ending import Ending
from sequencer.errors import FeeTooLow, MempoolFull, NotFound, RollupEnded, WrongDomain
from sequencer.intake import Intake
from sequencer.ledger import L1Update
from sequencer.storage import intake as rows
from sequencer.storage import mempool
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, CARL, home, signed
from tests.sequencer.databases import both_databases
from tests.sequencer.world import FEE_NTOK, World

pytestmark = both_databases


def intake_of(world: World, policy: Policy | None = None) -> Intake:
    """As another process has it: on the database alone."""
    return Intake(world.database, policy or world.policy, lambda: world.clock_s)


def accept(world: World, *transactions: Transaction) -> list[str]:
    intake = intake_of(world)
    offered = [intake.check(one) for one in transactions]
    assert intake.accept(offered) == [None] * len(offered)
    return [one.id for one in offered]


def test_accepted_is_durable_and_then_soft_with_a_receipt(world: World) -> None:
    ids = accept(world, *(world.transfer(nonce) for nonce in range(3)))
    assert [world.status(id_) for id_ in ids] == ["accepted"] * 3
    promised = Views(world.ledger).transaction(ids[2])["receipt"]
    assert (promised["status"], promised["deadline"]) == ("accepted", "0")
    world.restart()
    assert world.ledger.take_accepted(64) == 3
    assert [world.status(id_) for id_ in ids] == ["soft"] * 3
    assert Views(world.ledger).transaction(ids[2])["receipt"]["status"] == "soft"
    batch = world.sealed()
    assert [one.id for one in batch.included] == ids
    world.to_final(batch)
    assert [world.status(id_) for id_ in ids] == ["final"] * 3


def test_what_does_not_apply_is_rejected_with_its_reason_and_the_rest_goes_on(
    world: World,
) -> None:
    first, gap, next_ = accept(
        world, world.transfer(0), world.transfer(7), world.transfer(1, amount_ntok=6)
    )
    assert world.ledger.take_accepted(64) == 3
    assert [world.status(id_) for id_ in (first, gap, next_)] == ["soft", "rejected", "soft"]
    assert Views(world.ledger).transaction(gap)["error"]["code"] == "WrongNonce"
    world.restart()
    assert [one.id for one in world.ledger.book.soft.pending] == [first, next_]


def test_what_was_rejected_may_be_tried_again(world: World) -> None:
    late = world.transfer(1)
    (id_,) = accept(world, late)
    world.ledger.take_accepted(64)
    assert world.status(id_) == "rejected"
    accept(world, world.transfer(0), late)
    assert world.status(id_) == "accepted"
    world.ledger.take_accepted(64)
    assert world.status(id_) == "soft"


def test_a_repeated_rejection_is_told_once(world: World) -> None:
    gap = world.transfer(7)
    for _ in range(3):
        (id_,) = accept(world, gap)
        assert world.ledger.take_accepted(64) == 1
    told = [one for one in Views(world.ledger).events(0) if one["subject"] == id_]
    assert [one["kind"] for one in told] == ["rejected"]
    assert world.status(id_) == "rejected"


def test_only_the_newest_rejected_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool, "MOST_REJECTED", 3)
    (soft,) = accept(world, world.transfer(0))
    ids = [accept(world, world.transfer(nonce))[0] for nonce in range(7, 12)]
    assert world.ledger.take_accepted(64) == 6
    for id_ in ids[:2]:
        with pytest.raises(NotFound):
            world.status(id_)
    assert [world.status(id_) for id_ in (soft, *ids[2:])] == ["soft", *["rejected"] * 3]
    accept(world, world.transfer(7))  # what is forgotten may be tried again
    assert world.ledger.take_accepted(64) == 1
    assert [world.status(id_) for id_ in (ids[0], *ids[3:])] == ["rejected"] * 3
    with pytest.raises(NotFound):
        world.status(ids[2])


def test_the_same_transaction_is_taken_once_however_often_it_comes(world: World) -> None:
    transaction = world.transfer(0)
    ids = accept(world, transaction, transaction)
    accept(world, transaction)
    assert world.ledger.submit(transaction) == ids[0]
    assert world.ledger.take_accepted(64) == 1
    accept(world, transaction)
    assert world.ledger.take_accepted(64) == 0
    world.to_final(world.sealed())
    accept(world, transaction)
    assert world.ledger.take_accepted(64) == 0
    assert world.status(ids[0]) == "final"


def test_what_was_taken_while_a_copy_came_in_is_dropped(world: World) -> None:
    transaction = world.transfer(0)
    id_ = world.ledger.submit(transaction)
    with world.database.write() as connection:  # as a process that looked a moment earlier
        rows.add(connection, [intake_of(world).check(transaction)], 1.0)
    assert world.ledger.take_accepted(64) == 1
    assert len(world.ledger.book.soft.pending) == 1
    assert world.status(id_) == "soft"


def test_a_write_that_fails_leaves_all_of_it_in_the_intake(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = accept(world, world.transfer(0), world.transfer(1))
    with monkeypatch.context() as patch:
        patch.setattr(rows, "remove", _refuse)
        with pytest.raises(OSError, match="cut"):
            world.ledger.take_accepted(64)
    assert [world.status(id_) for id_ in ids] == ["accepted"] * 2
    assert world.ledger.take_accepted(64) == 2
    assert [world.status(id_) for id_ in ids] == ["soft"] * 2


def _refuse(*_arguments: object) -> None:
    raise OSError("cut")


def test_the_batcher_executes_no_more_than_a_few_batches_ahead(world: World) -> None:
    accept(world, *(world.transfer(nonce) for nonce in range(20)))
    taken = [world.ledger.take_accepted(7) for _ in range(4)]
    assert taken == [7, 7, 2, 0]
    world.to_final(world.sealed())
    assert world.ledger.take_accepted(7) == 4


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"fee_ntok": 0}, FeeTooLow),
        ({"from_index": 9}, UnknownAccount),
        ({"from_index": 1}, WrongKey),
    ],
)
def test_what_can_be_told_without_executing_is_refused_at_once(
    world: World, change: dict[str, int], error: type[Exception]
) -> None:
    fields = {
        "from_index": 0,
        "to_index": 1,
        "nonce": 0,
        "amount_ntok": 5,
        "fee_ntok": FEE_NTOK,
        "valid_until": world.later,
    }
    with pytest.raises(error):
        intake_of(world).check(signed(Transfer(**{**fields, **change}), ANNA))


def test_a_signature_over_something_else_is_refused(world: World) -> None:
    transaction = world.transfer(0)
    other = Transaction(world.transfer(1).body, transaction.signatures)
    with pytest.raises(BadSignature):
        intake_of(world).check(other)
    with pytest.raises(WrongDomain):
        intake_of(world).check(transaction, world.rollup.domain + 1)


def test_a_nonce_that_was_used_is_refused(world: World) -> None:
    world.ledger.submit(world.transfer(0))
    world.to_final(world.sealed())
    with pytest.raises(WrongNonce):
        intake_of(world).check(world.transfer(0, amount_ntok=6))


def test_a_key_that_the_queue_gives_an_account_may_sign(world: World) -> None:
    intake, other = intake_of(world), home(9)
    body = Transfer(0, 1, 0, 5, FEE_NTOK, world.later)
    with pytest.raises(WrongKey):
        intake.check(signed(body, other))
    world.enqueue(KeyChange(0, 0, 0, other.key_hash, ANNA.l1_address))
    changed = Transfer(0, 1, 1, 5, FEE_NTOK, world.later)  # the change has used a nonce
    (id_,) = accept(world, signed(changed, other))
    assert world.ledger.take_accepted(64) == 1
    assert world.status(id_) == "soft"
    newcomer = home(3)
    with pytest.raises(UnknownAccount):
        intake.check(signed(Transfer(3, 1, 0, 5, FEE_NTOK, world.later), newcomer))
    world.new_accounts(newcomer)
    intake.check(signed(Transfer(3, 1, 0, 5, FEE_NTOK, world.later), newcomer))


def test_channels_are_claimed_and_closed_by_their_keys_final_or_not(world: World) -> None:
    intake, id_ = intake_of(world), channel_id(0, 1, 0)
    claim = Claim(id_, Lane.AB, pack_lane(1, 10))
    accept(world, signed(Open(0, 1, 0, 500, FEE_NTOK, DAY_S, world.later), ANNA))
    world.ledger.take_accepted(64)
    intake.check(signed(claim, ANNA))  # the channel is not final yet: its accounts' keys sign
    with pytest.raises(WrongKey):
        intake.check(signed(claim, CARL))
    with pytest.raises(UnknownChannel):
        intake.check(Transaction(Finalize(id_)))
    world.to_final(world.sealed())
    close = Close(id_, 0, 0, 500, 0, world.later)
    for good in (
        signed(claim, ANNA),
        signed(close, ANNA, BERT),
        signed(TopUp(id_, Lane.BA, 0, 5, FEE_NTOK, world.later), BERT),
        Transaction(Finalize(id_)),
    ):
        intake.check(good)
    for body, signers in ((claim, [BERT]), (close, [BERT, ANNA])):
        with pytest.raises(WrongKey):
            intake.check(signed(body, *signers))


def test_the_mempool_has_limits(world: World) -> None:
    intake = intake_of(world, Policy(minimum_fee_ntok=FEE_NTOK, mempool_limit=5, party_limit=3))
    anna = [intake.check(world.transfer(nonce)) for nonce in range(4)]
    outcomes = intake.accept(anna)
    assert outcomes[:3] == [None] * 3
    assert outcomes[3] == MempoolFull("account 0", 3)
    bert = [intake.check(world.transfer(n, sender=BERT, to=ANNA)) for n in range(3)]
    outcomes = intake.accept(bert)
    assert outcomes == [None, None, MempoolFull("everyone", 5)]
    assert intake.accept(anna[:3]) == [None] * 3  # what is there needs no room
    assert world.ledger.take_accepted(64) == 5


def test_after_the_exodus_nothing_is_accepted(world: World) -> None:
    position = world.ledger.book.position
    accept(world, world.transfer(0))
    world.ledger.observe(L1Update(position, ending=Ending(exodus_start=7)))
    with pytest.raises(RollupEnded):
        intake_of(world).check(world.transfer(1))
    assert world.ledger.take_accepted(64) == 1
    assert not world.ledger.book.soft.pending


def test_what_the_intake_refuses_the_ledger_would_refuse(world: World) -> None:
    """The same mistake has the same name, whoever finds it."""
    wrong = [
        signed(Transfer(9, 1, 0, 5, FEE_NTOK, world.later), ANNA),
        signed(Transfer(0, 1, 0, 5, FEE_NTOK, world.later), BERT),
        Transaction(world.transfer(0, 6).body, world.transfer(0).signatures),
        Transaction(Finalize(channel_id(0, 1, 0))),
    ]
    for transaction in wrong:
        with pytest.raises((InvalidTransaction, InvalidSignature)) as early:
            intake_of(world).check(transaction)
        with pytest.raises((InvalidTransaction, InvalidSignature)) as late:
            world.ledger.submit(transaction)
        assert type(early.value) is type(late.value)
