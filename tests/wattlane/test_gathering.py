"""Where a home's holdings come from: L1's data, and where those are gone, its own witnesses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from channels.books import Books
from channels.lanes import ChannelState
from channels.records import Identity, Intent, StoredChannel
from channels.witnesses import WitnessSet
from contracts.addresses import address_of
from contracts.blob_sources import BlobUnavailable
from contracts.errors import RpcRefused
from contracts.rebuilding import Rebuilt, RecordIncomplete, rebuild
from protocol.channels import Lane
from protocol.errors import ReplayMismatch
from protocol.inclusion import prove_account
from protocol.queue import QueueOp
from protocol.vouchers import Voucher
from tests.protocol.street import ANNA, BERT
from tests.prover.circuits.exit_cases import RAISED, channel_at, left_state, voucher
from tests.wattlane import records
from tests.wattlane.record_reader import RecordReader
from wattlane.gathering import BooksOfAnotherRollup, Gatherer, NoWayOut
from wattlane.holdings import WitnessesOfAnotherRoot, vouchers_of
from wattlane.l1_record import rebuild_state

WHOLE = records.record()
STATE = rebuild_state(WHOLE)
OWNER = address_of(ANNA.l1_address)


class QueueReader(RecordReader):
    """Shows its queue by number, too; not at all where `refuses`."""

    refuses = False
    hides = False

    def queue_ops_by_number(
        self, first: int, last: int, from_block: int = 0, to_block: int | None = None
    ) -> tuple[QueueOp, ...]:
        if self.refuses:
            raise RpcRefused("http://192.0.2.1", "eth_getLogs", "pruned", -32_000)
        return () if self.hides else self.record.ops[first - 1 : last]


def books(*sets: WitnessSet, domain: int = records.DOMAIN) -> Books:
    return Books(Identity(domain, ANNA.index, ANNA.key_hash), (), (), sets)


def witnesses(root: int = STATE.root) -> WitnessSet:
    return WitnessSet(root, 1, True, (prove_account(STATE, ANNA.index),), ())


def gatherer(
    reader: RecordReader,
    kept: Books | None,
    follow: Callable[[], Rebuilt] | None = None,
    only_witnesses: bool = False,
) -> tuple[Gatherer, list[str]]:
    said: list[str] = []
    how = follow or partial(rebuild, reader)
    return Gatherer(reader, OWNER, kept, how, only_witnesses, said.append), said


def failing(error: Exception) -> Callable[[], Rebuilt]:
    def follow() -> Rebuilt:
        raise error

    return follow


def test_l1s_data_come_first_and_need_no_books() -> None:
    gather, said = gatherer(QueueReader(), None)
    held = gather()
    assert (held.root, said) == (STATE.root, [])
    assert [one.inclusion.index for one in held.accounts] == [ANNA.index]
    assert held.deposits == ()  # op 7 waits, but Bert has paid for it
    mine, _ = gatherer(QueueReader(), None)
    of_bert = replace(mine, owner=address_of(BERT.l1_address))()
    assert [op.number for op in of_bert.deposits] == [7]


@pytest.mark.parametrize(
    "error",
    [
        RecordIncomplete("2 batches"),
        BlobUnavailable(3, bytes(32), ()),
        RpcRefused("http://192.0.2.1", "eth_getLogs", "pruned", -32_000),
    ],
    ids=["incomplete", "no blob", "pruned"],
)
def test_where_they_are_gone_the_witnesses_do(error: Exception) -> None:
    gather, said = gatherer(QueueReader(), books(witnesses()), failing(error))
    assert [one.inclusion.index for one in gather().accounts] == [ANNA.index]
    assert "using the witnesses kept" in said[0]
    lost, _ = gatherer(QueueReader(), books(witnesses(5)), failing(error))
    with pytest.raises(NoWayOut, match=r"cannot be rebuilt .*only L1's own data"):
        lost()
    nothing, _ = gatherer(QueueReader(), None, failing(error))
    with pytest.raises(NoWayOut, match=r"\(none"):
        nothing()


def test_data_that_are_wrong_are_no_reason_to_look_elsewhere() -> None:
    gather, _ = gatherer(QueueReader(), books(witnesses()), failing(ReplayMismatch("a lie")))
    with pytest.raises(ReplayMismatch):
        gather()


def test_witnesses_are_used_where_one_asks_for_them_and_the_queue_is_read_all_the_same() -> None:
    reader = QueueReader()
    gather, said = gatherer(reader, books(witnesses()), failing(AssertionError()), True)
    of_bert = replace(gather, owner=address_of(BERT.l1_address))()
    assert [op.number for op in of_bert.deposits] == [7]
    reader.hides = True
    gather()
    assert said == ["of 1 ops that wait L1 shows only 0"]
    reader.refuses = True
    assert gather().deposits == ()
    assert "deposits that wait cannot be found" in said[-1]
    with pytest.raises(WitnessesOfAnotherRoot):
        gatherer(reader, None, None, True)[0]()


def test_books_of_another_rollup_are_refused() -> None:
    gather, _ = gatherer(QueueReader(), books(witnesses(), domain=5))
    with pytest.raises(BooksOfAnotherRollup, match="domain 0x5"):
        gather()


def test_the_best_vouchers_of_both_lanes_are_in_the_books() -> None:
    state = left_state()
    channel = channel_at(state)
    own, theirs = voucher(state, Lane.AB, RAISED, ANNA), voucher(state, Lane.BA, 7, BERT)

    def stored(signed: Voucher | None, received: Voucher | None) -> StoredChannel:
        known = ChannelState(5, channel.id, Lane.AB, signed=signed, received=received)
        return StoredChannel(known, Intent.KEEP, ())

    kept = replace(books(), channels=(stored(own, theirs), stored(None, None), stored(own, None)))
    assert vouchers_of(kept) == [own, theirs, own]
