"""Whether a bill follows from the records of whoever holds it: recomputed line by line, in order.

The first line that does not follow is named, with the check that failed. Every check of a line is
made, none depends on what the bill says of another: the reading, the settlement, the rules in
force, what the settlement says, the home's own order, the voucher, and the batch on L1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from energy.bills.bill import Bill, Records, make_bill, side_of
from energy.bills.lines import Entry, Line, Paid
from energy.bills.reckoning import PaidChannel
from energy.community.rules import Side
from energy.errors import BillDoesNotFollow, EnergyError, LineDoesNotFollow, NothingToBill
from energy.settlement.flows import FlowKind, Metered
from protocol.channels import Lane


class Evidence(Protocol):
    """What a household's own files say; each method answers what is wrong, "" where nothing is."""

    def of_reading(self, metered: Metered, place: int) -> str:
        """Of what the own meter showed between two of its signed readings, as it was settled by the
        journal's entry `place`."""
        ...

    def of_settlement(self, entry: Entry) -> str:
        """Of a settlement and its clearing, computed again from orders and readings."""
        ...

    def of_order(self, order: bytes, side: Side, price_utok_per_kwh: int, time_ms: int) -> str:
        """Of a price in the interval that begins then, by the own signed order."""
        ...

    def of_channel(self, channel: PaidChannel) -> str:
        """Of the lanes that a bill states: each by a voucher that its payer has signed, or L1."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """What was checked in a bill that follows. `batches`: False where no L1 was asked, so that
    what the bill says of batches is not checked."""

    lines: int
    readings: int
    settlements: int
    vouchers: int
    batches: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """The home's channels as L1 has them, after `batches` batches."""

    batches: int
    channels: Sequence[PaidChannel]


def verify_bill(bill: Bill, records: Records, evidence: Evidence, l1: Looked | None) -> Followed:
    """Recompute a bill. `records`: the own ones, of the journal up to the bill's head.

    Raises LineDoesNotFollow for the first line that does not follow; without one BillDoesNotFollow,
    for what stands beside the lines.
    """
    _check_head(bill, records)
    channels = _cited(bill)
    faults = _channel_faults(bill, channels, evidence, l1)
    own = replace(records, channels=channels, batches=bill.batches)
    try:
        expected = make_bill(own, bill.home, bill.month)
    except NothingToBill as error:
        raise LineDoesNotFollow("settlement", str(error), 1) from error
    except EnergyError as error:
        raise BillDoesNotFollow("community", str(error)) from error
    readings: set[Metered] = set()
    settlements: set[bytes] = set()
    for line in bill.lines:
        step, what = _line_fault(bill, expected, line, faults, records, evidence)
        if what:
            raise LineDoesNotFollow(step, what, line.number)
        entry = bill.entries[line.entry]
        settlements.add(entry.settlement)
        if entry.metered is not None:
            readings.add(entry.metered)
    if len(expected.lines) > len(bill.lines):
        missing = expected.lines[len(bill.lines)]
        raise LineDoesNotFollow("settlement", f"it is missing: {_said(missing)}", missing.number)
    _check_rest(bill, expected, evidence, faults)
    vouchers = sum(len(one.vouchers) for one in channels)
    looked = l1 is not None and bool(bill.batches)
    return Followed(len(bill.lines), len(readings), len(settlements), vouchers, looked)


def _check_head(bill: Bill, records: Records) -> None:
    if bill.head != records.head:
        raise BillDoesNotFollow(
            "journal",
            f"the bill was made at entry {bill.head.place} of the journal with chain "
            f"{bill.head.chain.hex()[:16]}, your copy has {records.head.chain.hex()[:16]} at "
            f"entry {records.head.place}: fetch the market's journal again, or it is another one",
        )


def _cited(bill: Bill) -> list[PaidChannel]:
    """The bill's channels, with the lane values that its lines name as steps.

    Of all lane values that cover a line the lowest known is named, so these alone lead to the same.
    """
    steps: dict[int, set[tuple[Lane, int]]] = {}
    known = {one.channel_id for each in bill.reckonings for one in each.channels}
    for line in bill.lines:
        payment = line.payment
        if payment.how is Paid.VOUCHER:
            if payment.channel_id not in known:
                what = f"channel {payment.channel_id:#x} is not among the bill's channels"
                raise LineDoesNotFollow("voucher", what, line.number)
            named = steps.setdefault(payment.channel_id, set())
            named.add((Lane(payment.lane), payment.lane_value))
    channels = [one for each in bill.reckonings for one in each.channels]
    if len(known) < len(channels):
        raise BillDoesNotFollow("channels", "one is listed twice")
    return [replace(one, steps=tuple(sorted(steps.get(one.channel_id, ())))) for one in channels]


def _channel_faults(
    bill: Bill, channels: Sequence[PaidChannel], evidence: Evidence, l1: Looked | None
) -> dict[int, tuple[str, str]]:
    """(check, what is wrong) of the channels with which something is, by their ids."""
    faults = {id_: ("batch", what) for id_, what in _batch_faults(bill, channels, l1).items()}
    for one in channels:
        if wrong := evidence.of_channel(one):
            faults[one.channel_id] = "voucher", wrong
    return faults


def _batch_faults(bill: Bill, channels: Iterable[PaidChannel], l1: Looked | None) -> dict[int, str]:
    """What is wrong with what the bill says of L1, by channel."""
    if not bill.batches:
        return {
            one.channel_id: "the bill looked at no batch, and yet names some"
            for one in channels
            if one.on_l1 or one.opened or one.ended
        }
    if l1 is None:
        return {}
    if l1.batches < bill.batches:
        what = f"L1 has {l1.batches} final batches, the bill looked at {bill.batches}"
        return {one.channel_id: what for one in channels}
    known = {one.channel_id: up_to_batch(one, bill.batches) for one in l1.channels}
    faults = {}
    for one in channels:
        on_l1 = known.get(one.channel_id)
        if on_l1 is None:
            faults[one.channel_id] = f"no batch on L1 opened channel {one.channel_id:#x}"
        elif (one.on_l1, one.opened, one.ended) != (on_l1.on_l1, on_l1.opened, on_l1.ended):
            faults[one.channel_id] = (
                f"L1 opened channel {one.channel_id:#x} in batch {on_l1.opened}, ended it in "
                f"{on_l1.ended or 'none yet'}, and has {len(on_l1.on_l1)} lane values of it; the "
                f"bill says {one.opened}, {one.ended or 'none yet'} and {len(one.on_l1)}"
            )
    return faults


def up_to_batch(channel: PaidChannel, batches: int) -> PaidChannel:
    """A channel as L1 had it after that many batches."""
    return replace(
        channel,
        on_l1=tuple(one for one in channel.on_l1 if one.batch <= batches),
        opened=channel.opened if channel.opened <= batches else 0,
        ended=channel.ended if channel.ended <= batches else 0,
    )


def _line_fault(
    bill: Bill,
    expected: Bill,
    line: Line,
    faults: Mapping[int, tuple[str, str]],
    records: Records,
    evidence: Evidence,
) -> tuple[str, str]:
    """(check, what is wrong) of a line, ("", "") where nothing is."""
    entry = bill.entries[line.entry]
    if line.amount_ntok != line.energy_wh * line.price_utok_per_kwh:
        product = line.energy_wh * line.price_utok_per_kwh
        return "amount", f"{line.energy_wh} Wh at {line.price_utok_per_kwh} are {product} ntok"
    if line.number > len(expected.lines):
        return "settlement", f"no settlement has it: {_said(line)}"
    there = expected.lines[line.number - 1]
    due = expected.entries[there.entry]
    if entry.settlement != due.settlement:
        return (
            "settlement",
            f"the journal has {due.settlement.hex()[:16]} here, of entry {due.place}",
        )
    if entry.metered is not None:
        wrong = evidence.of_reading(entry.metered, due.place)
        if wrong:
            return "reading", wrong
    if entry != due:
        return "settlement", _differing(entry, due)
    wrong = evidence.of_settlement(entry)
    if wrong:
        return "settlement", wrong
    in_force = records.community.rules_at(entry.interval.start_ms).version
    if in_force != entry.rules_version:
        return "rules", f"version {in_force} was in force, not {entry.rules_version}"
    if replace(line, payment=there.payment) != there:
        return "settlement", _differing(line, there)
    if line.kind is FlowKind.TRADE:
        start_ms = entry.interval.start_ms
        wrong = evidence.of_order(line.order, side_of(line), line.price_utok_per_kwh, start_ms)
        if wrong:
            return "order", wrong
    if line.payment.how is Paid.VOUCHER and line.payment.channel_id in faults:
        return faults[line.payment.channel_id]
    if line.payment != there.payment:
        return "voucher", _differing(line.payment, there.payment)
    return "", ""


def _check_rest(
    bill: Bill, expected: Bill, evidence: Evidence, faults: Mapping[int, tuple[str, str]]
) -> None:
    """What stands beside the lines. Raises BillDoesNotFollow."""
    for step, what in faults.values():
        raise BillDoesNotFollow(step, what)
    for entry, due in zip(bill.entries, expected.entries, strict=False):
        if entry != due:
            raise BillDoesNotFollow("entries", _differing(entry, due))
        if due.metered is not None and (wrong := evidence.of_reading(due.metered, due.place)):
            raise BillDoesNotFollow("entries", wrong)
    if bill.reckonings != expected.reckonings:
        raise BillDoesNotFollow("reckonings", "what is due and paid adds up to something else")
    for field in fields(bill):
        if field.name not in ("lines", "reckonings"):
            said, right = getattr(bill, field.name), getattr(expected, field.name)
            if said != right:
                raise BillDoesNotFollow(
                    field.name.replace("_", " "), f"{said} where {right} follows"
                )


def _differing(said: object, right: object) -> str:
    """The first field of two records of a kind that differs."""
    for field in fields(said):  # type: ignore[arg-type]
        one, other = getattr(said, field.name), getattr(right, field.name)
        if one != other:
            return f"{field.name} is {_short(one)}, not {_short(other)}"
    return "it is another one"


def _short(given: object) -> str:
    if isinstance(given, bytes):
        return given.hex()[:16] or "none"
    return str(getattr(given, "value", given))


def _said(line: Line) -> str:
    way, other = "owed to" if line.owes else "owed by", _short(line.other)
    return f"{line.kind.value}, {line.energy_wh} Wh, {line.amount_ntok} ntok {way} {other}"
