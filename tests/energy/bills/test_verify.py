"""A bill is followed line by line, and the first thing that does not follow is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from energy.bills.bill import Avoided, Bill, Head, Records, make_bill
from energy.bills.bill_file import decode_bill, encode_bill
from energy.bills.lines import Line, Payment
from energy.bills.reckoning import OnL1, PaidChannel
from energy.bills.verify import Looked, verify_bill
from energy.canonical import decode, digest, encode
from energy.community.community import Carbon
from energy.community.rules import Rules
from energy.errors import BadDocument, BillDoesNotFollow, LineDoesNotFollow
from energy.settlement.flows import FlowKind, Outside
from protocol.channels import Lane, pack_lane
from tests.energy.bills.records import (
    BUY,
    FIRST_STEP,
    JULY,
    JUNE,
    LANE,
    NOON_MS,
    SECOND,
    WITH_NEIGHBOUR,
    OwnFiles,
    channels,
    corrected,
    reading,
    records,
    settled,
    voucher,
)
from tests.energy.community.streets import street

L1 = Looked(9, channels())


def bill(own: Records | None = None) -> Bill:
    """Home 3's June."""
    return make_bill(own or records(), 3, JUNE)


def test_a_bill_that_follows() -> None:
    """With all that was checked, from its file."""
    followed = verify_bill(decode_bill(encode_bill(bill())), records(), OwnFiles(), L1)
    assert (followed.lines, followed.readings, followed.settlements) == (5, 2, 2)
    assert (followed.vouchers, followed.batches) == (2, True)
    assert not verify_bill(bill(), records(), OwnFiles(), None).batches


def test_an_adjustment_follows() -> None:
    """In the next month's bill."""
    own = records(corrected())
    july = decode_bill(encode_bill(make_bill(own, 3, JULY)))
    assert verify_bill(july, own, OwnFiles(), L1).lines == 2


def test_a_bill_follows_after_its_channels_have_gone_on() -> None:
    """Newer vouchers and newer batches are no contradiction."""
    newer = pack_lane(9_000, 900_000_000)
    on_l1 = replace(channels()[0], on_l1=(*channels()[0].on_l1, OnL1(9, Lane.BA, newer)))
    later = Looked(9, (on_l1, channels()[1]))
    assert verify_bill(bill(), records(), OwnFiles(lane=newer), later).lines == 5


def _line(number: int, **changes: object) -> Callable[[Bill], Bill]:
    def change(given: Bill) -> Bill:
        lines = list(given.lines)
        lines[number - 1] = replace(lines[number - 1], **changes)  # type: ignore[arg-type]
        return replace(given, lines=tuple(lines))

    return change


def _entry(at: int, **changes: object) -> Callable[[Bill], Bill]:
    def change(given: Bill) -> Bill:
        entries = list(given.entries)
        entries[at] = replace(entries[at], **changes)  # type: ignore[arg-type]
        return replace(given, entries=tuple(entries))

    return change


def _channel(**changes: object) -> Callable[[Bill], Bill]:
    """The channel with the neighbour, in the second reckoning."""

    def change(given: Bill) -> Bill:
        community, neighbour = given.reckonings
        other = replace(neighbour.channels[0], **changes)  # type: ignore[arg-type]
        return replace(given, reckonings=(community, replace(neighbour, channels=(other,))))

    return change


def _without(number: int) -> Callable[[Bill], Bill]:
    def change(given: Bill) -> Bill:
        kept = [one for one in given.lines if one.number != number]
        numbered = tuple(replace(one, number=at) for at, one in enumerate(kept, start=1))
        return replace(given, lines=numbered)

    return change


def _with(line: Line) -> Callable[[Bill], Bill]:
    return lambda given: replace(given, lines=(*given.lines, line))


_HIGH = pack_lane(1_300, 300_000_000)
_LIES: list[tuple[str, Callable[[Bill], Bill], int, str, str]] = [
    ("a wrong product", _line(3, amount_ntok=99_999_999), 3, "amount", "are 100000000 ntok"),
    (
        "a dearer kWh",
        _line(3, price_utok_per_kwh=210_000, amount_ntok=105_000_000),
        3,
        "settlement",
        "price_utok_per_kwh is 210000, not 200000",
    ),
    (
        "more energy",
        _line(1, energy_wh=900, amount_ntok=180_000_000),
        1,
        "settlement",
        "energy_wh is 900, not 800",
    ),
    ("another seller", _line(1, other=2), 1, "settlement", "other is 2, not 1"),
    ("the other way", _line(1, owes=False), 1, "settlement", "owes is False"),
    (
        "another fee",
        _line(2, kind=FlowKind.TAX, other=Outside.TAX_OFFICE),
        2,
        "settlement",
        "kind is tax, not grid fee",
    ),
    ("another order", _line(1, order=digest(b"else")), 1, "settlement", "order is"),
    ("a line too few", _without(4), 4, "settlement", "kind is from the grid, not grid fee"),
    ("the last line missing", _without(5), 5, "settlement", "it is missing: from the grid"),
    (
        "a line too many",
        _with(replace(bill().lines[4], number=6)),
        6,
        "settlement",
        "no settlement has it",
    ),
    ("another settlement", _entry(0, settlement=digest(b"x")), 1, "settlement", "entry 10"),
    ("an entry's place", _entry(1, place=12), 3, "settlement", "place is 12, not 11"),
    ("other rules", _entry(0, rules_version=2), 1, "settlement", "rules_version is 2, not 1"),
    (
        "no channel",
        _line(1, payment=Payment(bill().lines[0].payment.how, 5, 0, 1, 0)),
        1,
        "voucher",
        "channel 0x5 is not among",
    ),
    (
        "a lane that no voucher has",
        _line(
            3, payment=replace(bill().lines[2].payment, lane_value=pack_lane(1_400, 270_000_000))
        ),
        3,
        "voucher",
        "lane_value is",
    ),
    (
        "another batch",
        _line(1, payment=replace(bill().lines[0].payment, batch=6)),
        1,
        "voucher",
        "batch is 6, not 7",
    ),
    (
        "more than the node holds",
        _channel(lane_ba=_HIGH, vouchers=(voucher(WITH_NEIGHBOUR, Lane.BA, _HIGH, 3),)),
        1,
        "voucher",
        "your node has 1300 Wh, 260000000 ntok, the bill 1300 Wh, 300000000 ntok",
    ),
    (
        "a voucher of somebody else",
        _channel(vouchers=(voucher(WITH_NEIGHBOUR, Lane.BA, LANE, 1),)),
        1,
        "voucher",
        "another key than the payer's",
    ),
    (
        "a voucher of less",
        _channel(vouchers=(voucher(WITH_NEIGHBOUR, Lane.BA, FIRST_STEP, 3),)),
        1,
        "voucher",
        "its voucher is for something else",
    ),
    (
        "a forged voucher",
        _channel(
            vouchers=(
                replace(
                    voucher(WITH_NEIGHBOUR, Lane.BA, LANE, 3),
                    signature=voucher(WITH_NEIGHBOUR, Lane.BA, FIRST_STEP, 3).signature,
                ),
            )
        ),
        1,
        "voucher",
        "the payer has not signed",
    ),
    ("no voucher and no batch", _channel(vouchers=(), on_l1=()), 1, "voucher", "neither a voucher"),
    ("the wrong side", _channel(side=Lane.AB), 1, "voucher", "your side of channel"),
    ("a batch of its own", _channel(opened=1), 1, "batch", "opened channel 0x"),
    ("a lane on L1", _channel(on_l1=(OnL1(6, Lane.BA, LANE),)), 1, "batch", "L1 opened"),
]


@pytest.mark.parametrize(
    ("lie", "line", "step", "what"),
    [one[1:] for one in _LIES],
    ids=[one[0] for one in _LIES],
)
def test_the_first_line_that_does_not_follow_is_named(
    lie: Callable[[Bill], Bill], line: int, step: str, what: str
) -> None:
    """Whatever is changed in a bill, by its line and the check that failed."""
    told = decode_bill(encode_bill(lie(bill())))
    with pytest.raises(LineDoesNotFollow, match=what) as caught:
        verify_bill(told, records(), OwnFiles(), L1)
    assert (caught.value.line, caught.value.step) == (line, step)
    assert str(caught.value).startswith(f"line {line}: {step}: ")


_ASIDE: list[tuple[str, Callable[[Bill], Bill], str]] = [
    ("its head", lambda one: replace(one, head=Head(11, bytes(32))), "journal: the bill was made"),
    ("its name", lambda one: replace(one, name="no. 4"), "name: no. 4 where no. 3 follows"),
    (
        "its cost without",
        lambda one: replace(one, comparison=replace(one.comparison, without_ntok=9)),
        "comparison",
    ),
    ("unread intervals", lambda one: replace(one, without_reading=3), "without reading: 3 where 0"),
    ("carbon", lambda one: replace(one, avoided=Avoided(Carbon(999, "me"), 1_300)), "avoided"),
    (
        "what is open",
        lambda one: replace(
            one, reckonings=(replace(one.reckonings[0], before_ntok=(1, 0)), one.reckonings[1])
        ),
        "reckonings",
    ),
    (
        "a channel twice",
        lambda one: replace(
            one,
            reckonings=(
                one.reckonings[0],
                replace(one.reckonings[1], channels=one.reckonings[1].channels * 2),
            ),
        ),
        "channels: one is listed twice",
    ),
    ("the rollup", lambda one: replace(one, domain=7), "domain"),
]


@pytest.mark.parametrize(
    ("lie", "what"), [one[1:] for one in _ASIDE], ids=[one[0] for one in _ASIDE]
)
def test_what_stands_beside_the_lines_is_checked_too(
    lie: Callable[[Bill], Bill], what: str
) -> None:
    """After all lines follow."""
    with pytest.raises(BillDoesNotFollow, match=what) as caught:
        verify_bill(decode_bill(encode_bill(lie(bill()))), records(), OwnFiles(), L1)
    assert not isinstance(caught.value, LineDoesNotFollow)


@pytest.mark.parametrize(
    ("files", "line", "step"),
    [
        (OwnFiles(readings={reading(3, SECOND.end_ms): "it is not signed"}), 3, "reading"),
        (
            OwnFiles(settlements={settled()[1].digest: "it clears otherwise"}),
            3,
            "settlement",
        ),
        (OwnFiles(orders={BUY: "its highest price is lower"}), 1, "order"),
        (OwnFiles(lane=FIRST_STEP), 1, "voucher"),
    ],
    ids=["reading", "settlement", "order", "voucher"],
)
def test_the_households_own_files_decide(files: OwnFiles, line: int, step: str) -> None:
    """Each of them can contradict a bill that is right in itself."""
    with pytest.raises(LineDoesNotFollow) as caught:
        verify_bill(bill(), records(), files, L1)
    assert (caught.value.line, caught.value.step) == (line, step)


def test_rules_count_from_their_time() -> None:
    """A settlement by a version that was not in force names its first line."""
    rules = (Rules(1, street().rules[0].valid_from_ms), Rules(2, NOON_MS))
    own = records(community=street(rules=rules))
    with pytest.raises(LineDoesNotFollow, match="version 2 was in force, not 1") as caught:
        verify_bill(bill(own), own, OwnFiles(), L1)
    assert (caught.value.line, caught.value.step) == (1, "rules")


def test_l1_must_know_the_channel() -> None:
    """And have as many batches as the bill has looked at."""
    none: tuple[PaidChannel, ...] = ()
    for l1, what in (
        (Looked(9, none), "no batch on L1 opened"),
        (Looked(6, channels()), "L1 has 6"),
    ):
        with pytest.raises(LineDoesNotFollow, match=what):
            verify_bill(bill(), records(), OwnFiles(), l1)
    blind = replace(bill(), batches=0)
    with pytest.raises(LineDoesNotFollow, match="looked at no batch"):
        verify_bill(blind, records(), OwnFiles(), L1)


def test_a_file_is_a_bill_or_refused() -> None:
    """Its form is checked field by field."""
    whole = decode(encode_bill(bill()), "bill")
    assert isinstance(whole, dict)
    assert decode_bill(encode(whole)) == bill()
    for name, wrong in (
        ("month", "June"),
        ("type", "order"),
        ("version", 2),
        ("home", -1),
        ("chain", b""),
        ("entries", []),
        ("lines", [{}]),
        ("reckonings", 3),
        ("avoided", [1]),
        ("else", 1),
    ):
        with pytest.raises(BadDocument):
            decode_bill(encode({**whole, name: wrong}))
    with pytest.raises(BadDocument):
        decode_bill(b"%PDF-1.7")
