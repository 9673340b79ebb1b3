"""Nothing false can stand in a journal: what does not follow from the entries before is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from energy.canonical import encode
from energy.community.document import encode_community
from energy.community.rules import Side
from energy.errors import (
    AlreadyFounded,
    AnotherRollup,
    BadDocument,
    DoesNotFollow,
    EnergyError,
    FromTheFuture,
    NoCommunityYet,
    NotSigned,
    OutOfTurn,
    ReadingRefused,
    UnknownKind,
    UnknownMember,
    UnknownMeter,
)
from energy.market.market import Market, fold, shown_kind
from energy.market.periods import GRACE_MS
from energy.meters.sample import Clock, Sample
from energy.meters.signing import Salts
from energy.settlement.documents import encode_clearing, encode_settlement
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.street import (
    FIRST_QUARTER,
    HOMES,
    METERS,
    Street,
    community_of,
    quarter,
    signed,
    trading,
)


def _reading_of_a_stranger() -> bytes:
    sample = Sample(START_MS, Clock.SYNCHRONISED, 0, 0, raw=b"raw")
    return METERS[5].record(None, sample, Salts(bytes(32), bytes(32))).encoded


@pytest.mark.parametrize("what", ["trades", "price", "left_out", "version"])
def test_a_clearing_that_the_orders_do_not_give_is_named(what: str) -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    true = made.market.periods.clearing(made.market.periods.next_interval())
    false = {
        "trades": lambda: replace(true, trades=true.trades[:1]),
        "price": lambda: replace(true, price_utok_per_kwh=true.price_utok_per_kwh + 1),
        "left_out": lambda: replace(true, left_out=((bytes(32), "no reason"),)),
        "version": lambda: replace(true, rules_version=2),
    }[what]()
    with pytest.raises(DoesNotFollow, match="clearing"):
        made.put(encode_clearing(false), quarter(1))
    made.put(encode_clearing(true), quarter(1))


def test_a_clearing_before_its_time_or_out_of_order_is_named() -> None:
    made = trading()
    made.read_all(quarter(1), {1: (0, 1_000)})
    early = made.market.periods.clearing(made.market.periods.next_interval())
    with pytest.raises(DoesNotFollow, match="not due"):
        made.put(encode_clearing(early), quarter(1))
    other = replace(early, interval=replace(early.interval, start_ms=quarter(0) + 1))
    with pytest.raises(DoesNotFollow, match="the next interval is"):
        made.put(encode_clearing(other), quarter(1) + GRACE_MS)


def test_a_settlement_that_the_meters_do_not_give_is_named() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.put(made.market.due(quarter(1)) or b"", quarter(1))
    found = made.market.periods.rounds[quarter(0)]
    true = made.market.periods.settlement(found, quarter(1))
    assert true is not None
    changes = (
        replace(true, flows=true.flows[1:]),
        replace(true, revision=1, before=bytes(32)),
        replace(true, clearing=bytes(32)),
        replace(true, metered=true.metered[:2], flows=()),
    )
    for false in changes:
        with pytest.raises(DoesNotFollow, match="settlement"):
            made.put(encode_settlement(false), quarter(1))
    made.put(encode_settlement(true), quarter(1))
    with pytest.raises(DoesNotFollow, match="revision"):
        made.put(encode_settlement(true), quarter(1))


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (lambda made: encode({"type": "letter"}), UnknownKind),
        (lambda made: signed(encode({"type": "letter"}), SIGNERS[1]), UnknownKind),
        (lambda made: b"\xff\x00", BadDocument),
        (lambda made: made.order(1, Side.SELL, 1, signer=SIGNERS[2]), NotSigned),
        (lambda made: made.order(5, Side.SELL, 1), UnknownMember),
        (lambda made: made.order(0, Side.SELL, 1), UnknownMember),
        (lambda made: made.funds(1, START_MS + 120_000), FromTheFuture),
        (lambda made: (made.funds(1, START_MS), made.funds(1, START_MS))[1], OutOfTurn),
        (lambda made: made.signed_community(community_of(name="Another")), AlreadyFounded),
        (lambda made: _reading_of_a_stranger(), UnknownMeter),
        (lambda made: made.reading(1, START_MS + 60_000, 0, 0), ReadingRefused),
    ],
)
def test_a_document_that_may_not_stand_there_is_refused_and_changes_nothing(
    document: Callable[[Street], bytes], error: type[EnergyError]
) -> None:
    made = Street()
    made.begin()
    seq = made.market.seq
    with pytest.raises(error):
        made.put(document(made), START_MS)
    assert made.market.seq == seq
    made.read_all(quarter(0), {home: (0, 0) for home in HOMES if home not in made.readings})


def test_a_market_begins_with_its_community() -> None:
    made = Street()
    for document in (made.order(1, Side.SELL, 1), made.reading(1, START_MS, 0, 0)):
        with pytest.raises(NoCommunityYet):
            made.put(document, START_MS)
    assert Market().due(START_MS) is None
    with pytest.raises(NotSigned):
        made.put(signed(encode_community(community_of()), SIGNERS[1]), START_MS)
    with pytest.raises(AnotherRollup):
        Market(domain=1).prepare(made.signed_community(), START_MS)


def test_a_journal_that_was_changed_is_found_out_wherever_it_was() -> None:
    made = trading()
    made.read_all(quarter(1), FIRST_QUARTER)
    made.make_due(quarter(1))
    for place, one in enumerate(made.entries[:-1]):
        if shown_kind(one.document) == "funds":
            continue  # whoever says nothing of its channels just cannot pay
        with pytest.raises(EnergyError):
            fold([*made.entries[:place], *made.entries[place + 1 :]])
