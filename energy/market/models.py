"""What a market's API answers, for both of its ends: integers here, decimal strings on the way.

Bytes travel as hexadecimal after 0x. Times are Unix ms, UTC; prices utok per kWh.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from energy.settlement.flows import Outside


def _number(given: object) -> object:
    if isinstance(given, str):
        digits = given.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 78):
            raise ValueError("not a decimal integer")
        return int(given)
    return given


def _octets(given: object) -> object:
    if isinstance(given, str):
        if not given.startswith("0x"):
            raise ValueError("not hexadecimal after 0x")
        return bytes.fromhex(given[2:])
    return given


def _party(given: object) -> object:
    if isinstance(given, str) and not given.isdigit():
        return Outside(given)
    return _number(given)


def _party_text(given: int | Outside) -> str:
    return given.value if isinstance(given, Outside) else str(given)


Decimal = Annotated[
    int,
    BeforeValidator(_number),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^-?[0-9]{1,78}$"}),
]
Hex = Annotated[
    bytes,
    BeforeValidator(_octets),
    PlainSerializer(lambda given: "0x" + given.hex(), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]*$"}),
]
PartyName = Annotated[
    int | Outside,
    BeforeValidator(_party),
    PlainSerializer(_party_text, return_type=str),
    WithJsonSchema({"type": "string", "description": "An account, or a party outside"}),
]
Stage = Literal["provisional", "corrected", "final"]
OrderState = Literal["standing", "replaced", "cancelled", "ended"]
Status = Literal["not traded", "to come", "running", "waiting", "provisional", "corrected", "final"]


class Answer(BaseModel):
    """An object of these fields."""

    model_config = ConfigDict(frozen=True)


class Health(Answer):
    """Whether the market works. `problem`: what ails it."""

    status: Literal["ok", "degraded"]
    problem: str | None
    seq: Decimal
    time_ms: Decimal


class MarketInfo(Answer):
    """Which market this is. `key`: signs its journal. `account`: the community's own.

    `seq`: the journal's last entry. `time_ms`: the market's clock now.
    """

    name: str
    domain: Decimal
    account: Decimal
    community: Hex
    key: Hex
    seq: Decimal
    time_ms: Decimal
    zone: str
    rules_version: Decimal
    interval_ms: Decimal
    clearing: str
    timing: str
    mode: str
    topology: str


class Taken(Answer):
    """A document is on disk. `is_new`: False where the journal had it already."""

    seq: Decimal
    digest: Hex
    kind: str
    is_new: bool


class EntryRow(Answer):
    """An entry of the journal, as it stands there."""

    seq: Decimal
    time_ms: Decimal
    document: Hex
    chain: Hex
    signature: Hex


class JournalPage(Answer):
    """Entries in order, and the number of the newest one there is."""

    key: Hex
    newest: Decimal
    entries: list[EntryRow]


class MemberRow(Answer):
    """A home."""

    account: Decimal
    name: str
    feeder: str
    is_green: bool
    battery_wh: Decimal
    import_w: Decimal
    export_w: Decimal


class CommunityRow(Answer):
    """The community as it is now, by entry `seq`; `document`: its canonical bytes."""

    seq: Decimal
    digest: Hex
    name: str
    profile: str
    members: list[MemberRow]
    document: Hex


class OrderRow(Answer):
    """An order as its account signed it, and where it stands.

    `limit_utok_per_kwh` None: as the grid pays or takes. `energy_wh` 0: all that the meter shows.
    `day_from`, `day_until`: minutes of a local day. `budget_ntok` 0: without bound. `place`: its
    priority in time, lower first. `ended_ms`: when it was changed or cancelled.
    """

    digest: Hex
    account: Decimal
    name: str
    number: Decimal
    side: Literal["sell", "buy"]
    limit_utok_per_kwh: Decimal | None
    energy_wh: Decimal
    from_ms: Decimal
    until_ms: Decimal
    day_from: Decimal
    day_until: Decimal
    preferred: list[Decimal]
    green_only: bool
    budget_ntok: Decimal
    replaces: Hex
    place: Decimal
    taken_ms: Decimal
    ended_ms: Decimal | None
    state: OrderState


class AccountRow(Answer):
    """An account of the market. `next_order`, `next_funds`: the numbers that its next order or
    cancel, and its next statement of funds, must have. `meters`: newest readings, by meter.
    """

    account: Decimal
    name: str
    next_order: Decimal
    next_funds: Decimal
    meters: dict[str, Decimal]


class Book(Answer):
    """The orders that stand at a time."""

    at_ms: Decimal
    orders: list[OrderRow]


class PriceRow(Answer):
    """An interval of a day. `price_utok_per_kwh`: of what was traded, on average and rounded down;
    None where nothing was.
    """

    start_ms: Decimal
    end_ms: Decimal
    status: Status
    price_utok_per_kwh: Decimal | None
    lowest_utok_per_kwh: Decimal | None
    highest_utok_per_kwh: Decimal | None
    traded_wh: Decimal
    retail_utok_per_kwh: Decimal
    feed_in_utok_per_kwh: Decimal


class TradeRow(Answer):
    """A trade of a clearing."""

    seller: Decimal
    buyer: Decimal
    energy_wh: Decimal
    price_utok_per_kwh: Decimal
    sell_order: Hex
    buy_order: Hex


class LeftOut(Answer):
    """An order that was not cleared, or not wholly, and why."""

    order: Hex
    reason: str


class ClearingRow(Answer):
    """A clearing. `digest`: of its document, entry `seq`; both None while the interval runs."""

    seq: Decimal | None
    digest: Hex | None
    rules_version: Decimal
    price_utok_per_kwh: Decimal
    trades: list[TradeRow]
    left_out: list[LeftOut]


class MeteredRow(Answer):
    """What a home's meter shows."""

    home: Decimal
    import_wh: Decimal
    export_wh: Decimal
    first: Hex
    last: Hex
    is_measured: bool


class FlowRow(Answer):
    """Money that one party owes another."""

    kind: str
    payer: PartyName
    payee: PartyName
    energy_wh: Decimal
    price_utok_per_kwh: Decimal
    amount_ntok: Decimal
    trade: Decimal


class SettlementRow(Answer):
    """A settlement, its first (0) or a later revision."""

    seq: Decimal
    digest: Hex
    revision: Decimal
    stage: Stage
    rules_version: Decimal
    metered: list[MeteredRow]
    flows: list[FlowRow]


class IntervalRow(Answer):
    """All about an interval: its clearing, and its settlements, the newest last."""

    start_ms: Decimal
    end_ms: Decimal
    status: Status
    clearing: ClearingRow | None
    settlements: list[SettlementRow]


class DueRow(Answer):
    """What one account owes another by all settlements, and with the interval that runs."""

    payer: Decimal
    payee: Decimal
    energy_wh: Decimal
    amount_ntok: Decimal
    running_energy_wh: Decimal
    running_amount_ntok: Decimal


class Dues(Answer):
    """Dues as of an entry of the journal; they only ever add up, payments are not counted here."""

    seq: Decimal
    time_ms: Decimal
    dues: list[DueRow]


class Problem(BaseModel):
    """What was wrong; `code` names it, and its own fields follow. Ref: RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="The code as a URN; it never changes its meaning")
    title: str
    status: int
    detail: str = Field(description="For people")
    code: str
