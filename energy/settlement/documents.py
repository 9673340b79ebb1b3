"""Clearings and settlements as canonical documents: one byte string each, and so one digest.

The market signs and publishes these bytes (energy/signed.py); whoever recomputes a clearing or a
settlement compares digests. A decoder takes nothing that cannot have been made: a flow's amount is
its energy times its price, and in an interval's first settlement no home without a reading pays or
is paid.
"""

from __future__ import annotations

from energy.canonical import Value, decode, encode
from energy.clearing.trades import Clearing, Trade
from energy.errors import BadDocument, BadInterval
from energy.fields import Fields
from energy.intervals import Interval
from energy.settlement.flows import Flow, FlowKind, Metered, Outside, Party, Settlement, Stage
from protocol.units import AMOUNT_BITS, INDEX_BITS, LANE_WH_BITS

MOST_TRADES = 1 << 20
MOST_BYTES = 1 << 28
"""A street's documents are far smaller; these bound what a stranger can make a reader hold."""
MOST_HOME = (1 << INDEX_BITS) - 1
MOST_WH = (1 << LANE_WH_BITS) - 1
MOST_PRICE = (1 << AMOUNT_BITS) - 1
DIGEST_BYTES = 32
MOST_REASON = 1 << 14
"""Characters of a reason, which may hold names out of the community's file, however long."""
NO_TRADE = -1


def encode_clearing(clearing: Clearing) -> bytes:
    """The clearing's canonical bytes."""
    return encode(
        {
            "type": "clearing",
            "start_ms": clearing.interval.start_ms,
            "end_ms": clearing.interval.end_ms,
            "rules_version": clearing.rules_version,
            "price_utok_per_kwh": clearing.price_utok_per_kwh,
            "trades": [_trade_value(trade) for trade in clearing.trades],
            "left_out": [{"order": order, "reason": reason} for order, reason in clearing.left_out],
        }
    )


def decode_clearing(encoded: bytes) -> Clearing:
    """The clearing of its canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, "clearing", MOST_BYTES), "clearing")
    fields.of_type("clearing")
    clearing = Clearing(
        _interval(fields),
        fields.whole("rules_version"),
        fields.whole("price_utok_per_kwh", most=MOST_PRICE),
        tuple(_trade(one) for one in fields.items("trades", MOST_TRADES)),
        tuple(_left_out(one) for one in fields.items("left_out", MOST_TRADES)),
    )
    fields.end()
    return clearing


def encode_settlement(settlement: Settlement) -> bytes:
    """The settlement's canonical bytes."""
    return encode(
        {
            "type": "settlement",
            "start_ms": settlement.interval.start_ms,
            "end_ms": settlement.interval.end_ms,
            "clearing": settlement.clearing,
            "rules_version": settlement.rules_version,
            "revision": settlement.revision,
            "stage": settlement.stage.value,
            "before": settlement.before,
            "metered": [_metered_value(one) for one in settlement.metered],
            "flows": [_flow_value(flow) for flow in settlement.flows],
        }
    )


def decode_settlement(encoded: bytes) -> Settlement:
    """The settlement of its canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, "settlement", MOST_BYTES), "settlement")
    fields.of_type("settlement")
    interval = _interval(fields)
    revision = fields.whole("revision")
    settlement = Settlement(
        interval,
        fields.octets("clearing", DIGEST_BYTES),
        fields.whole("rules_version"),
        revision,
        fields.one_of("stage", Stage),
        tuple(_metered(one, interval) for one in fields.items("metered", MOST_TRADES)),
        tuple(_flow(one) for one in fields.items("flows", MOST_TRADES)),
        fields.octets("before", DIGEST_BYTES if revision else 0),
    )
    fields.end()
    _check_homes(settlement)
    return settlement


def _check_homes(settlement: Settlement) -> None:
    homes = [one.home for one in settlement.metered]
    if homes != sorted(set(homes)):
        raise BadDocument("settlement", "its homes are not each metered once, in order")
    if settlement.revision or settlement.stage is Stage.FINAL:
        return  # an adjustment may take back what a reading that was withdrawn had brought
    known = set(homes)
    for flow in settlement.flows:
        for party in (flow.payer, flow.payee):
            if isinstance(party, int) and party not in known:
                raise BadDocument(
                    "settlement", f"home {party} has a flow and no reading: no reading, no payment"
                )


def _interval(fields: Fields) -> Interval:
    start_ms, end_ms = fields.whole("start_ms"), fields.whole("end_ms")
    try:
        return Interval(start_ms, end_ms)
    except BadInterval as error:
        raise BadDocument(fields.what, str(error)) from error


def _trade_value(trade: Trade) -> Value:
    return {
        "seller": trade.seller,
        "buyer": trade.buyer,
        "sell_order": trade.sell_order,
        "buy_order": trade.buy_order,
        "energy_wh": trade.energy_wh,
        "price_utok_per_kwh": trade.price_utok_per_kwh,
    }


def _trade(given: Value) -> Trade:
    fields = Fields(given, "trade")
    trade = Trade(
        fields.whole("seller", most=MOST_HOME),
        fields.whole("buyer", most=MOST_HOME),
        fields.octets("sell_order", DIGEST_BYTES),
        fields.octets("buy_order", DIGEST_BYTES),
        fields.whole("energy_wh", 1, MOST_WH),
        fields.whole("price_utok_per_kwh", most=MOST_PRICE),
    )
    fields.end()
    if trade.seller == trade.buyer:
        raise BadDocument("trade", f"home {trade.seller} trades with itself")
    return trade


def _left_out(given: Value) -> tuple[bytes, str]:
    fields = Fields(given, "order left out")
    left_out = (fields.octets("order", DIGEST_BYTES), fields.text("reason", MOST_REASON))
    fields.end()
    return left_out


def _metered_value(metered: Metered) -> Value:
    return {
        "home": metered.home,
        "import_wh": metered.import_wh,
        "export_wh": metered.export_wh,
        "first": metered.first,
        "last": metered.last,
        "is_measured": metered.is_measured,
    }


def _metered(given: Value, interval: Interval) -> Metered:
    fields = Fields(given, "metered home")
    metered = Metered(
        fields.whole("home", most=MOST_HOME),
        interval,
        fields.whole("import_wh", most=MOST_WH),
        fields.whole("export_wh", most=MOST_WH),
        fields.octets("first", DIGEST_BYTES),
        fields.octets("last", DIGEST_BYTES),
        fields.flag("is_measured"),
    )
    fields.end()
    return metered


def _flow_value(flow: Flow) -> Value:
    value: dict[str, Value] = {
        "kind": flow.kind.value,
        "energy_wh": flow.energy_wh,
        "price_utok_per_kwh": flow.price_utok_per_kwh,
        "amount_ntok": flow.amount_ntok,
    }
    for name, party in (("payer", flow.payer), ("payee", flow.payee)):
        if isinstance(party, Outside):
            value[f"{name}_outside"] = party.value
        else:
            value[name] = party
    if flow.trade != NO_TRADE:
        value["trade"] = flow.trade
    if flow.adjusts is not None:
        value["adjusts"] = flow.adjusts.value
    return value


def _flow(given: Value) -> Flow:
    fields = Fields(given, "flow")
    kind = fields.one_of("kind", FlowKind)
    flow = Flow(
        kind,
        _party(fields, "payer"),
        _party(fields, "payee"),
        fields.whole("energy_wh", 1, MOST_WH),
        fields.whole("price_utok_per_kwh", most=MOST_PRICE),
        fields.whole("amount_ntok", most=MOST_PRICE),
        fields.whole("trade") if fields.has("trade") else NO_TRADE,
        fields.one_of("adjusts", FlowKind) if kind is FlowKind.ADJUSTMENT else None,
    )
    fields.end()
    if flow.amount_ntok != flow.energy_wh * flow.price_utok_per_kwh:
        raise BadDocument("flow", "its amount is not its energy times its price")
    return flow


def _party(fields: Fields, name: str) -> Party:
    outside = f"{name}_outside"
    if fields.has(outside):
        return fields.one_of(outside, Outside)
    return fields.whole(name, most=MOST_HOME)
