"""Bills from a home's real files: the node's store, the meter's, and a copy of the journal."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from channels.books import read_books
from energy.bills.bill import Bill, Group, Records, make_bill
from energy.bills.bill_file import decode_bill, encode_bill
from energy.bills.lines import Paid
from energy.bills.month import Month
from energy.bills.own_files import OwnFiles, OwnReadings
from energy.bills.shown import show_bill
from energy.community.rules import Side
from energy.errors import JournalEndsBefore, LineDoesNotFollow, UnknownMember
from energy.intervals import Interval
from energy.market.entries import Entry
from energy.market.journal import Journal
from energy.meters.corrections import correct
from energy.meters.sample import Quality
from energy.meters.signing import Salts
from energy.meters.store import Kept, MeterStore
from energy.settlement.documents import decode_settlement, encode_settlement
from energy.settlement.flows import Metered
from tests.energy.bills.street_files import (
    Files,
    closed_on_l1,
    trading,
    with_one_line_changed,
    write_files,
)
from tests.energy.market.journals import KEY, entry
from tests.energy.market.street import METERS, Street, quarter
from tests.wattlane.records import START, Plan, record_of
from wattlane import bill_on_l1
from wattlane.bill_on_l1 import check_batches, cited_batches
from wattlane.bill_view import bill_lines, member_lines
from wattlane.billing import follow_bill, home_bill, read_copy
from wattlane.errors import BadChoice

JUNE = Month(2026, 6)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Home 3's files, never changed."""
    return asyncio.run(write_files(tmp_path_factory.mktemp("street"), trading()))


@pytest.fixture(scope="module")
def bill(files: Files) -> Bill:
    """Home 3's bill by them."""
    return decode_bill(encode_bill(home_bill(files.home, files.journal)[0]))


def _follow(files: Files, given: Bill) -> int:
    return follow_bill(given, files.home, files.journal, [files.meter]).lines


def test_a_bill_from_files_follows_from_them(files: Files, bill: Bill) -> None:
    """1,800 Wh imported, all of neighbours; each line has its voucher."""
    assert (bill.home, bill.month, len(bill.entries)) == (3, JUNE, 2)
    assert bill.sums[Group.BOUGHT].energy_wh == 1_800
    assert {one.payment.how for one in bill.lines} == {Paid.VOUCHER}
    assert all(one.open_ntok == 0 for one in bill.reckonings)
    assert bill.comparison.gain_ntok > 0
    followed = follow_bill(bill, files.home, files.journal, [files.meter])
    assert (followed.lines, followed.readings, followed.settlements) == (len(bill.lines), 2, 2)
    assert not followed.batches


def test_a_bill_outlives_its_home_and_its_meters_key(tmp_path: Path) -> None:
    """Later its key is revoked from the past on, a seller is green no more, and the home leaves."""
    street = trading()
    members = {one.account: one for one in street.community.members}
    revoked = replace(members[3].meters[0], revoked_ms=quarter(1) + 1)
    changed = replace(members[1], is_green=False), replace(members[3], meters=(revoked,))
    street.amend(quarter(3), members=(changed[0], members[2], changed[1]))
    street.leaves(3, quarter(3) + 1)
    files = asyncio.run(write_files(tmp_path, street))
    last, copy = home_bill(files.home, files.journal)
    assert (last.name, copy.history.names[3]) == ("no. 3", "no. 3")
    assert last.avoided is not None
    assert last.avoided.energy_wh == 1_800
    assert _follow(files, last) == len(last.lines)
    own = Records(copy.history, copy.head, copy.settled, copy.clearings)
    with pytest.raises(UnknownMember):
        make_bill(own, 4, JUNE)


def test_a_changed_line_is_named(files: Files, bill: Bill) -> None:
    lie, number = with_one_line_changed(bill)
    with pytest.raises(LineDoesNotFollow, match=f"^line {number}: settlement: energy_wh is"):
        _follow(files, decode_bill(encode_bill(lie)))


def test_another_meters_records_do_not_show_it(files: Files, bill: Bill, tmp_path: Path) -> None:
    """The first line is named, with the reading that is missing."""
    with MeterStore(tmp_path, METERS[1].did) as store:
        chain = files.street.readings[1]
        store.append([Kept(one, b"raw", Salts(bytes(32), bytes(32))) for one in chain])
    with pytest.raises(LineDoesNotFollow, match="is not among your meter's records") as caught:
        follow_bill(bill, files.home, files.journal, [tmp_path])
    assert (caught.value.line, caught.value.step) == (1, "reading")


def test_a_meters_chain_must_hold(files: Files, bill: Bill, tmp_path: Path) -> None:
    """A record that was changed on the disk is found, and so is what came after it."""
    first, middle, last = files.street.readings[3]
    forged = replace(middle, import_wh=middle.import_wh - 100)
    with MeterStore(tmp_path, METERS[3].did) as store:
        store.append([Kept(one, b"raw", None) for one in (first, forged, last)])
    with pytest.raises(LineDoesNotFollow, match="reading"):
        follow_bill(bill, files.home, files.journal, [tmp_path])


def test_what_own_readings_cannot_bear_out(files: Files) -> None:
    """A break in the chain, a forged end, other energy, another time: each by its reason."""
    first, middle, last = files.street.readings[3]
    member = files.street.community.member(3)
    both = Interval(first.end_ms, last.end_ms)
    shown = Metered(3, both, 1_800, 0, first.digest, last.digest)
    own = OwnReadings([[first, middle, last]])
    assert own.fault(shown, [member]) == ""
    assert "your meter shows 1800 Wh in" in own.fault(replace(shown, import_wh=1_801), [member])
    early = replace(shown, interval=Interval(first.end_ms - 1, last.end_ms - 1))
    assert "of another time" in own.fault(early, [member])
    backwards = replace(shown, first=last.digest, last=first.digest)
    assert "in their order" in own.fault(backwards, [member])
    forged = replace(middle, import_wh=middle.import_wh - 100)
    broken = OwnReadings([[first, forged, last]])
    assert "record 2 of your meter does not name the one before" in broken.fault(shown, [member])
    unsigned = replace(shown, last=forged.digest)
    assert "record 1 is not signed by its key" in broken.fault(unsigned, [member])
    stranger = files.street.community.member(1)
    assert "is no meter of this home" in own.fault(shown, [stranger])


def test_corrected_readings_bear_out_what_was_adjusted(files: Files) -> None:
    first, middle, last = files.street.readings[3]
    member = files.street.community.member(3)
    made = correct(
        METERS[3],
        middle,
        (middle.import_wh - 100, 0),
        number=1,
        made_ms=last.end_ms,
        quality=Quality.MEASURED,
        reason="misread",
    )
    chain, rest_wh = [first, middle, last], last.import_wh - middle.import_wh
    quarters = Interval(first.end_ms, middle.end_ms), Interval(middle.end_ms, last.end_ms)
    shown = (
        Metered(3, quarters[0], middle.import_wh - 100, 0, first.digest, made.digest),
        Metered(3, quarters[1], rest_wh + 100, 0, made.digest, last.digest),
    )
    own = OwnReadings([chain], [made])
    for one in shown:
        assert own.fault(one, [member]) == ""
        assert "your meter shows" in own.fault(replace(one, import_wh=one.import_wh + 1), [member])
        assert "is not among your meter's records" in OwnReadings([chain]).fault(one, [member])
    forged = replace(made, import_wh=made.import_wh - 1)
    lying = replace(shown[0], import_wh=forged.import_wh, last=forged.digest)
    assert "is not its meter's" in OwnReadings([chain], [forged]).fault(lying, [member])


def test_a_shorter_copy_of_the_journal_is_told(files: Files, bill: Bill, tmp_path: Path) -> None:
    """With the entry that is needed."""
    journal = Journal(tmp_path, KEY.public)
    journal.append(files.street.entries[:-1])
    journal.close()
    with pytest.raises(JournalEndsBefore, match="fetch the market's journal again"):
        follow_bill(bill, files.home, tmp_path, [files.meter])


def _lying(street: Street) -> list[Entry]:
    """The journal with 1 Wh more in the first flow of the last settlement, signed all the same."""
    kept = street.entries[:-1]
    honest = decode_settlement(street.entries[-1].document)
    first = honest.flows[0]
    more = first.energy_wh + 1
    dearer = replace(first, energy_wh=more, amount_ntok=more * first.price_utok_per_kwh)
    lie = replace(honest, flows=(dearer, *honest.flows[1:]))
    return [*kept, entry(kept[-1], encode_settlement(lie), street.entries[-1].time_ms)]


def test_a_market_that_lies_is_found_out(files: Files, tmp_path: Path) -> None:
    """A bill that agrees with a wrong settlement does not follow: the journal is computed again."""
    journal = Journal(tmp_path, KEY.public)
    journal.append(_lying(files.street))
    journal.close()
    told, copy = home_bill(files.home, tmp_path)
    assert copy.fault is not None
    assert copy.fault.place == files.street.entries[-1].seq
    with pytest.raises(LineDoesNotFollow, match="of the journal: the settlement") as caught:
        follow_bill(told, files.home, tmp_path, [files.meter])
    first_of_last = next(one.number for one in told.lines if one.entry == 1)
    assert (caught.value.line, caught.value.step) == (first_of_last, "settlement")


def test_the_price_is_held_against_the_own_order(files: Files, bill: Bill) -> None:
    """With fees: what the order allows, no more."""
    copy = read_copy(files.journal, None)
    own = OwnFiles(3, copy, OwnReadings([]), {})
    trade = next(one for one in bill.lines if one.order)
    at_ms = bill.entries[0].interval.start_ms
    assert own.of_order(trade.order, Side.BUY, 280_000, at_ms) == ""
    assert "300001 utok a kWh with fees, your order pays at most 300000" in own.of_order(
        trade.order, Side.BUY, 280_001, at_ms
    )
    assert "none of yours to sell" in own.of_order(trade.order, Side.SELL, 1, at_ms)
    assert "there is no order" in own.of_order(bytes(32), Side.BUY, 1, at_ms)
    seller = OwnFiles(1, copy, OwnReadings([]), {})
    (sold,) = (name for name, one in copy.orders.items() if one.account == 1)
    assert seller.of_order(sold, Side.SELL, 101_000, at_ms) == ""
    assert "99999 utok a kWh after fees" in seller.of_order(sold, Side.SELL, 100_999, at_ms)


def test_a_bill_of_somebody_else(files: Files, bill: Bill) -> None:
    """Needs its own home's files."""
    with pytest.raises(BadChoice, match="the bill is of account 2"):
        follow_bill(replace(bill, home=2), files.home, files.journal, [files.meter])


def test_lanes_count_from_where_the_market_began(files: Files, bill: Bill) -> None:
    """A bill that starts them elsewhere does not follow."""
    moved = replace(
        bill,
        reckonings=tuple(
            replace(each, channels=tuple(replace(one, start_ab_ntok=1) for one in each.channels))
            for each in bill.reckonings
        ),
    )
    with pytest.raises(LineDoesNotFollow, match="began to count channel"):
        _follow(files, moved)


def test_an_empty_journal_has_no_bill(files: Files, tmp_path: Path) -> None:
    """And the answer says up to where it was read."""
    journal = Journal(tmp_path, KEY.public)
    journal.append(files.street.entries[:3])
    journal.close()
    with pytest.raises(BadChoice, match="nothing was settled up to entry 3"):
        home_bill(files.home, tmp_path)


def test_what_is_shown_in_a_terminal(files: Files) -> None:
    """Every line with what it rests on."""
    made, _ = home_bill(files.home, files.journal)
    text = "\n".join(bill_lines(show_bill(made, {1: "Ada"}), with_lines=True))
    assert "saved by the community" in text
    assert "trade, Ada: 0.600 kWh" in text
    assert "rules 1, readings" in text
    assert f"paid: {made.lines[0].payment.channel_id:#x}" in text


def test_members_who_gain_and_lose(files: Files) -> None:
    """From the journal alone, as the treasurer has it."""
    lines = member_lines(files.journal, None, lambda *_: None)
    assert lines[0].startswith("Sunny Street, 2026-06")
    assert len(lines) == 2 + 3 + 1
    assert lines[-1].startswith("  3 members, 0 lose; all together gain ")


def test_reading_changes_nothing(files: Files, tmp_path: Path) -> None:
    """A node, a meter and a market may be running: their files are only read."""
    copied = tmp_path / "copy"
    shutil.copytree(files.home, copied)
    before = read_books(copied)
    home_bill(copied, files.journal)
    assert read_books(copied) == before


def test_batches_are_named_and_followed(
    files: Files, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With L1 each line leads to the batch that has its lane; another batch does not follow."""
    on_l1 = bill_on_l1.OnL1(record_of((), ()), 6)
    looked = closed_on_l1(bill, 3)
    monkeypatch.setattr(bill_on_l1, "channels_on_l1", lambda *_: looked)
    named, _ = home_bill(files.home, files.journal, None, on_l1)
    assert {one.payment.batch for one in named.lines} == {3}
    assert cited_batches(named) == [2, 3]
    assert follow_bill(named, files.home, files.journal, [files.meter], on_l1).batches
    assert not follow_bill(named, files.home, files.journal, [files.meter]).batches
    monkeypatch.setattr(bill_on_l1, "channels_on_l1", lambda *_: closed_on_l1(bill, 4))
    with pytest.raises(LineDoesNotFollow, match="ended it in 4") as caught:
        follow_bill(named, files.home, files.journal, [files.meter], on_l1)
    assert (caught.value.line, caught.value.step) == (1, "batch")


def test_cited_batches_are_checked_with_their_proofs(bill: Bill) -> None:
    """Those alone, as verify-batch does."""
    paid = replace(bill.lines[0].payment, batch=2)
    named = replace(bill, lines=(replace(bill.lines[0], payment=paid),))
    empty: Plan = ((START + 10, [()]), (START + 20, [()]))
    checks = list(check_batches(named, bill_on_l1.OnL1(record_of((), empty), 2)))
    assert {one.batch for one in checks} == {2}
    assert any("py_arkworks" in one.step for one in checks)
    assert list(check_batches(bill, bill_on_l1.OnL1(record_of((), empty), 2))) == []
