"""What stands on the household's first page, made from what its node says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sequencer.pages import formats
from sequencer.pages.marks import Mark
from wattlane.household.chart import Chart, Interval, chart

DAY_S, HOUR_S, MINUTE_S = 86_400, 3_600, 60
L1_LATE_S = 2 * HOUR_S
Told = Mapping[str, int | str | None]
"""A record as a node's control port gives it."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel as this home sees it. `status`: in the newest final root; `soft_status`: as the
    operator has it, which has come as far as `mark` says. `own_ntok`: what the home would get if it
    ended now.
    """

    channel_id: int
    peer: int
    status: str
    soft_status: str
    mark: Mark
    deposit_ntok: int
    own_ntok: int
    bought_wh: int
    sold_wh: int
    spent_ntok: int
    earned_ntok: int
    deadline: int
    window_s: int
    waiting: int

    @property
    def is_open(self) -> bool:
        """It takes payments."""
        return self.status == "open"

    @property
    def is_closing(self) -> bool:
        """Its window runs."""
        return self.status == "closing"

    @property
    def is_ending(self) -> bool:
        """The operator has a close, or the end, that is not final yet."""
        return self.soft_status != self.status


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know or to do."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Money:
    """ntok: in the newest final root, as the operator has it, and waiting on L1."""

    final_ntok: int
    soft_ntok: int
    on_l1_ntok: int

    @property
    def mark(self) -> Mark:
        """Whether what the operator says is final."""
        return Mark("final" if self.final_ntok == self.soft_ntok else "soft")


@dataclass(frozen=True, slots=True)
class DayPage:
    """All of the first page. `money` None: the sequencer or L1 does not answer now."""

    index: int
    span: str
    sold_wh: int
    bought_wh: int
    earned_ntok: int
    spent_ntok: int
    payments: int
    money: Money | None
    intervals: tuple[Interval, ...]
    chart: Chart
    channels: tuple[ChannelLine, ...]
    warnings: tuple[Notice, ...]
    l1_time: int

    @property
    def net_ntok(self) -> int:
        """Earned minus spent."""
        return self.earned_ntok - self.spent_ntok


@dataclass(frozen=True, slots=True)
class SpanOf:
    """A time to show: "day" by the hour, or "hour" by the minute."""

    name: str
    start_s: int
    end_s: int
    span_s: int


def day_of(now: datetime) -> SpanOf:
    """The day of `now` (which has a time zone), midnight to midnight."""
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return SpanOf("day", int(start.timestamp()), int(start.timestamp()) + DAY_S, HOUR_S)


def hour_before(now: datetime) -> SpanOf:
    """The sixty minutes up to and with this one."""
    end = int(now.timestamp()) // MINUTE_S * MINUTE_S + MINUTE_S
    return SpanOf("hour", end - HOUR_S, end, MINUTE_S)


def channel_line(given: Told) -> ChannelLine:
    """A channel from the node's record of it."""
    paid_out, paid_in = _int(given, "paid_out_ntok"), _int(given, "paid_in_ntok")
    deposit = _int(given, "deposit_own_ntok")
    total = deposit + _int(given, "deposit_peer_ntok")
    status = str(given["status"])
    return ChannelLine(
        channel_id=_int(given, "channel_id"),
        peer=_int(given, "peer_index"),
        status=status,
        soft_status=str(given["soft_status"]),
        mark=Mark(str(given["level"])),
        deposit_ntok=deposit,
        own_ntok=min(max(deposit + paid_in - paid_out, 0), total),
        bought_wh=_int(given, "energy_out_wh"),
        sold_wh=_int(given, "energy_in_wh"),
        spent_ntok=paid_out,
        earned_ntok=paid_in,
        deadline=_int(given, "deadline"),
        window_s=_int(given, "window_s"),
        waiting=_int(given, "unacknowledged"),
    )


def day_page(
    info: Told,
    channels: Sequence[Told],
    balance: Told | None,
    spans: Sequence[Told],
    shown: SpanOf,
    now: datetime,
) -> DayPage:
    """The page from the answers of the node's control port."""
    lines = tuple(channel_line(one) for one in channels)
    intervals = tuple(
        Interval(
            _label(_int(one, "start_s"), shown, now),
            _int(one, "sold_wh"),
            _int(one, "bought_wh"),
            _int(one, "earned_ntok"),
            _int(one, "spent_ntok"),
        )
        for one in spans
    )
    return DayPage(
        index=_int(info, "account_index"),
        span=shown.name,
        sold_wh=sum(one.sold_wh for one in intervals),
        bought_wh=sum(one.bought_wh for one in intervals),
        earned_ntok=sum(one.earned_ntok for one in intervals),
        spent_ntok=sum(one.spent_ntok for one in intervals),
        payments=sum(_int(one, "payments") for one in spans),
        money=None if balance is None else money(balance),
        intervals=intervals,
        chart=chart(intervals),
        channels=tuple(one for one in lines if one.status != "closed"),
        warnings=warnings(info, lines, int(now.timestamp())),
        l1_time=_int(info, "final_time"),
    )


def money(balance: Told) -> Money:
    """What the account holds."""
    names = ("final_ntok", "soft_ntok", "pending_l1_ntok")
    return Money(*(_int(balance, name) for name in names))


def warnings(info: Told, channels: Sequence[ChannelLine], now_s: int) -> tuple[Notice, ...]:
    """What the household should know. `now_s`: this machine's clock."""
    found = []
    if info.get("problem"):
        found.append(Notice("Your node has trouble", str(info["problem"])))
    l1_time = _int(info, "final_time")
    if now_s - l1_time > L1_LATE_S:
        late = formats.span(now_s - l1_time)
        found.append(Notice("L1 is behind", f"The newest final block is {late} old."))
    for one in channels:
        if one.is_closing:
            left = one.deadline - l1_time
            when = f"in {formats.span(left)}" if left > 0 else "now"
            text = f"Its window ends {when}, at {formats.moment(one.deadline)}. Keep the node on."
            found.append(Notice(f"The channel with home {one.peer} is closing", text))
        if one.waiting:
            waiting = formats.plural(one.waiting, "payment")
            text = f"{waiting} signed and not acknowledged; offered again by itself."
            found.append(Notice(f"Home {one.peer} does not answer", text))
    if any(one.is_open for one in channels) and not _int(info, "towers"):
        text = "If it is off longer than a channel's window, a neighbour could close with an old "
        text += "state. A watchtower would claim for you: wattlane node run --towers."
        found.append(Notice("Nobody watches while your node is off", text))
    return tuple(found)


def _label(start_s: int, shown: SpanOf, now: datetime) -> str:
    at = datetime.fromtimestamp(start_s, now.tzinfo)
    return f"{at:%H}:00" if shown.name == "day" else f"{at:%H:%M}"


def _int(given: Told, name: str) -> int:
    return int(given.get(name) or 0)
