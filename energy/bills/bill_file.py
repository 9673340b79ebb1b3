"""A bill as one file: canonical CBOR that holds every line, and every voucher with its signature.

It needs no signature of its own: nothing in it is believed, each line is recomputed from the
records of whoever verifies it. Sums are not in it, they are what its lines add up to.
"""

from __future__ import annotations

from collections.abc import Mapping

from energy.bills.bill import Avoided, Bill, Head
from energy.bills.comparison import Comparison
from energy.bills.lines import Entry, Line, Paid, Payment
from energy.bills.month import Month, parse_month
from energy.bills.reckoning_file import (
    MOST_MONEY,
    MOST_ROWS,
    index,
    inner,
    octets,
    reckoning_in,
    reckoning_out,
    wide,
)
from energy.canonical import Value, decode, encode
from energy.community.community import Carbon
from energy.errors import BadDocument, BadInterval, BadMonth
from energy.fields import Fields
from energy.intervals import Interval
from energy.settlement.flows import FlowKind, Metered, Outside, Party, Stage
from protocol.units import DOMAIN_BITS, INDEX_BITS

TYPE = "wattlane-bill"
VERSION = 1
SUFFIX = ".bill"
MOST_BYTES = 64 << 20
_WHAT = "bill"
_HASH = 32


def encode_bill(bill: Bill) -> bytes:
    """The bill's canonical bytes."""
    return encode(
        {
            "type": TYPE,
            "version": VERSION,
            "community": bill.community,
            "domain": bill.domain.to_bytes(DOMAIN_BITS // 8, "big"),
            "home": bill.home,
            "name": bill.name,
            "month": str(bill.month),
            "zone": bill.zone,
            "place": bill.head.place,
            "chain": bill.head.chain,
            "batches": bill.batches,
            "entries": [_entry_out(one) for one in bill.entries],
            "lines": [_line_out(one) for one in bill.lines],
            "reckonings": [reckoning_out(one) for one in bill.reckonings],
            "without_reading": bill.without_reading,
            "with_ntok": bill.comparison.with_ntok,
            "without_ntok": bill.comparison.without_ntok,
            "avoided": [] if bill.avoided is None else [_avoided_out(bill.avoided)],
        }
    )


def decode_bill(encoded: bytes) -> Bill:
    """A bill, of which nothing has been checked but its form. Raises BadDocument."""
    fields = Fields(decode(encoded, _WHAT, MOST_BYTES), _WHAT)
    fields.of_type(TYPE)
    fields.whole("version", VERSION, VERSION)
    home = index(fields, "home")
    bill = Bill(
        community=fields.text("community"),
        domain=int.from_bytes(fields.octets("domain", DOMAIN_BITS // 8), "big"),
        home=home,
        name=fields.text("name"),
        month=_month(fields),
        zone=fields.text("zone"),
        head=Head(fields.whole("place"), fields.octets("chain", _HASH)),
        batches=fields.whole("batches"),
        entries=tuple(
            _entry_in(one, home) for one in inner(fields, "entries", MOST_ROWS, "an entry")
        ),
        lines=tuple(
            _line_in(one, number)
            for number, one in enumerate(inner(fields, "lines", MOST_ROWS, "a line"), start=1)
        ),
        reckonings=tuple(
            reckoning_in(one) for one in inner(fields, "reckonings", MOST_ROWS, "a reckoning")
        ),
        without_reading=fields.whole("without_reading"),
        comparison=Comparison(_money(fields, "with_ntok"), _money(fields, "without_ntok")),
        avoided=_avoided_in(fields),
    )
    fields.end()
    for line in bill.lines:
        if line.entry >= len(bill.entries):
            raise BadDocument(_WHAT, f"line {line.number} names an entry that is not there")
    return bill


def _entry_out(entry: Entry) -> Mapping[str, Value]:
    interval, metered = entry.interval, entry.metered
    return {
        "place": entry.place,
        "settlement": entry.settlement,
        "clearing": entry.clearing,
        "start_ms": interval.start_ms,
        "end_ms": interval.end_ms,
        "rules_version": entry.rules_version,
        "revision": entry.revision,
        "stage": entry.stage.value,
        "metered": []
        if metered is None
        else [
            {
                "import_wh": metered.import_wh,
                "export_wh": metered.export_wh,
                "first": metered.first,
                "last": metered.last,
                "is_measured": metered.is_measured,
            }
        ],
    }


def _entry_in(fields: Fields, home: int) -> Entry:
    try:
        interval = Interval(fields.whole("start_ms"), fields.whole("end_ms"))
    except BadInterval as error:
        raise BadDocument(_WHAT, str(error)) from error
    entry = Entry(
        place=fields.whole("place"),
        settlement=fields.octets("settlement", _HASH),
        clearing=fields.octets("clearing", _HASH),
        interval=interval,
        rules_version=fields.whole("rules_version"),
        revision=fields.whole("revision"),
        stage=fields.one_of("stage", Stage),
        metered=_metered_in(fields, home, interval),
    )
    fields.end()
    return entry


def _metered_in(fields: Fields, home: int, interval: Interval) -> Metered | None:
    found = inner(fields, "metered", 1, "what a meter showed")
    if not found:
        return None
    one = found[0]
    metered = Metered(
        home,
        interval,
        one.whole("import_wh"),
        one.whole("export_wh"),
        one.octets("first", _HASH),
        one.octets("last", _HASH),
        one.flag("is_measured"),
    )
    one.end()
    return metered


def _line_out(line: Line) -> Mapping[str, Value]:
    payment = line.payment
    return {
        "entry": line.entry,
        "kind": line.kind.value,
        "adjusts": "" if line.adjusts is None else line.adjusts.value,
        "other": _party_out(line.other),
        "owes": line.owes,
        "energy_wh": line.energy_wh,
        "price_utok_per_kwh": line.price_utok_per_kwh,
        "amount_ntok": line.amount_ntok,
        "with_account": line.with_account,
        "order": line.order,
        "paid": payment.how.value,
        "channel_id": octets(payment.channel_id),
        "lane": payment.lane,
        "lane_value": octets(payment.lane_value),
        "batch": payment.batch,
    }


def _line_in(fields: Fields, number: int) -> Line:
    line = Line(
        number=number,
        entry=fields.whole("entry"),
        kind=fields.one_of("kind", FlowKind),
        adjusts=_adjusts_in(fields),
        other=_party_in(fields),
        owes=fields.flag("owes"),
        energy_wh=fields.whole("energy_wh"),
        price_utok_per_kwh=fields.whole("price_utok_per_kwh"),
        amount_ntok=fields.whole("amount_ntok", 0, MOST_MONEY),
        with_account=fields.whole("with_account", -1, 1 << INDEX_BITS),
        order=fields.octets("order"),
        payment=Payment(
            fields.one_of("paid", Paid),
            wide(fields, "channel_id"),
            fields.whole("lane", 0, 1),
            wide(fields, "lane_value"),
            fields.whole("batch"),
        ),
    )
    fields.end()
    return line


def _adjusts_in(fields: Fields) -> FlowKind | None:
    found = fields.text("adjusts")
    try:
        return FlowKind(found) if found else None
    except ValueError:
        raise fields.refused("adjusts", f"is {found[:40]!r}, no kind of flow") from None


def _party_out(party: Party) -> str:
    return party.value if isinstance(party, Outside) else str(party)


def _party_in(fields: Fields) -> Party:
    found = fields.text("other")
    if found.isascii() and found.isdigit() and str(int(found)) == found:
        return int(found)
    try:
        return Outside(found)
    except ValueError:
        raise fields.refused("other", f"is {found[:40]!r}, no account and no party") from None


def _avoided_out(avoided: Avoided) -> Mapping[str, Value]:
    return {
        "grams_per_kwh": avoided.carbon.grams_per_kwh,
        "source": avoided.carbon.source,
        "energy_wh": avoided.energy_wh,
    }


def _avoided_in(fields: Fields) -> Avoided | None:
    found = inner(fields, "avoided", 1, "what was avoided")
    if not found:
        return None
    one = found[0]
    carbon = Carbon(one.whole("grams_per_kwh"), one.text("source"))
    avoided = Avoided(carbon, one.whole("energy_wh"))
    one.end()
    return avoided


def _month(fields: Fields) -> Month:
    try:
        return parse_month(fields.text("month"))
    except BadMonth as error:
        raise BadDocument(_WHAT, str(error)) from error


def _money(fields: Fields, name: str) -> int:
    return fields.whole(name, -MOST_MONEY, MOST_MONEY)
