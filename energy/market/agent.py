"""A household's agent: shows its readings, says what its channels carry, and pays what it owes.

It pays by its own copy of the journal alone, in which everything was computed again here: its own
orders (which only its key can sign), its own readings, the price. What was paid is read from the
node's lanes, and dues are cumulative, so whatever was cut off, repeated or paid by hand, only the
difference is paid. The money moves through the node's control port, under the node's own rules.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from channels.errors import CommandFailed, NodeNotRunning
from channels.service_client import TOO_MANY
from energy.community.rules import PaymentMode
from energy.errors import EnergyError, MarketRefused, MarketUnreachable, StrangeReading
from energy.market.client import MarketClient
from energy.market.follower import Follower
from energy.market.funds import ChannelFunds, Funds, encode_funds
from energy.market.own_entry import check_own
from energy.meters.metering import to_share
from energy.meters.reading import Reading
from energy.settlement.dues import Due, Pair, Part, to_pay
from energy.signed import Signed, encode_signed, message
from protocol.crypto.schnorr import Signature, key_hash

_log = structlog.get_logger(__name__)
_KNOWN_ALREADY = frozenset({"ReplayedReading"})
_MOST_REFUSED = 20
"""Readings that are refused one after the other in a round, before the next round."""


class Node(Protocol):
    """What an agent asks of a node; ControlClient is one."""

    async def channels(self) -> list[dict[str, Any]]:
        """ChannelInfo's fields of each channel."""

    async def pay(
        self,
        channel_id: int,
        *,
        energy_wh: int,
        price_utok_per_kwh: int,
        payment_id: str | None = None,
    ) -> Any:
        """Pay; both sides have it on disk on return, and `latency_ms` says how long it took."""


class Meter(Protocol):
    """What an agent asks of a meter's store; MeterStore is one."""

    def last(self) -> Reading | None:
        """The newest record."""

    def readings(self, span: None = None, after: int = -1) -> Iterable[Reading]:
        """Records of higher sequence, in order."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What was paid to whom, and how long it took from the call to the acknowledgement."""

    payee: int
    channel_id: int
    energy_wh: int
    price_utok_per_kwh: int
    latency_ms: float


class Agent:
    """The agent of one account. `sign`: with the account's key. `meter`: None where it has none,
    or it is read elsewhere. `meters`: DIDs of meters that are its own too.
    """

    def __init__(
        self,
        account: int,
        sign: Callable[[int], Signature],
        client: MarketClient,
        follower: Follower,
        node: Node,
        meter: Meter | None = None,
        meters: Iterable[str] = (),
    ) -> None:
        self.account = account
        self.problem: str | None = None
        self._sign, self._client, self._follower = sign, client, follower
        self._node, self._meter, self._meters = node, meter, frozenset(meters)
        self._stated_ms = 0
        self._trued_up_ms = 0
        self._refused: MarketRefused | None = None
        self._key_hash: int | None = None

    async def once(self) -> list[Payment]:
        """A whole round. Raises what each of its steps raises."""
        await self._follower.catch_up()
        self._refused = None
        if await self.share() + await self.state_funds():
            await self._follower.catch_up()
        paid = await self.pay()
        if self._refused is not None:
            self._say(f"a reading is not taken: {self._refused}")
        return paid

    async def run(self, pause_s: float = 2.0) -> None:
        """Go on for ever. What fails is said in `problem` and tried again; nothing is paid that
        does not follow."""
        while True:
            try:
                await self.once()
            except (EnergyError, CommandFailed, NodeNotRunning) as error:
                self._say(str(error))
            await asyncio.sleep(pause_s)

    async def share(self) -> int:
        """Show the market what it has not seen of the meter; how many records.

        All of them where payments are streamed, otherwise those at the intervals' ends. Raises
        StrangeReading, MeterStoreUnusable, MarketUnreachable. One that is refused is passed over:
        the next one may still follow, and what is owed is paid all the same. Where they are too
        many for now, the rest comes with the next round.
        """
        if self._meter is None:
            return 0
        own = await asyncio.to_thread(self._meter.last)
        if own is None:
            return 0
        market = self._follower.market
        shown = market.measuring.newest(own.meter)
        after = -1 if shown is None else shown.sequence - 1
        meter = self._meter
        fresh = await asyncio.to_thread(lambda: list(meter.readings(after=after)))
        if shown is not None and (not fresh or fresh[0].digest != shown.digest):
            raise StrangeReading(shown.meter, shown.sequence)
        rules = market.periods.rules_at(market.periods.next_interval())
        if rules.mode is PaymentMode.SLOT:  # the one that was shown says whether a device is new
            fresh = list(to_share(fresh, rules.interval_ms))
        fresh = [one for one in fresh if shown is None or one.sequence > shown.sequence]
        refused = 0
        for reading in fresh:
            try:
                await self._client.submit(reading.encoded)
                refused = 0
            except MarketRefused as error:
                if error.reason_code in _KNOWN_ALREADY:
                    continue
                self._refused, refused = error, refused + 1
                if refused == _MOST_REFUSED or error.status == TOO_MANY:
                    break
        return len(fresh)

    async def state_funds(self) -> bool:
        """Say what the channels can carry, where that has changed; whether it was said.

        A channel that is new, topped up or closing is said at once; what lanes carry, which each
        payment changes, once for each interval that was settled. Raises CommandFailed,
        NodeNotRunning, MarketUnreachable, MarketRefused. With it goes the newest entry that the
        copy has followed: where the market has shown others another journal, they find out.
        """
        found = map(_line, await self._node.channels())
        lines = tuple(sorted(found, key=lambda one: one.channel_id))
        market = self._follower.market
        before = market.purses.of_account(self.account)
        known = {one.channel_id: one for one in before.channels} if before else {}
        is_new = any(_differs(known.get(one.channel_id), one) for one in lines)
        has_moved = self._settled_ms() > self._stated_ms and lines != tuple(known.values())
        if not (is_new or has_moved):
            return False
        number = market.purses.newest_number(self.account) + 1
        now_ms = min(time.time_ns() // 1_000_000, market.time_ms)
        funds = Funds(self.account, number, now_ms, lines, *market.chain.newest)
        await self._client.submit(self._signed(encode_funds(funds)))
        self._stated_ms = self._settled_ms()
        return True

    async def pay(self, *, trues_up: bool | None = None) -> list[Payment]:
        """Pay what is owed by now, as the copy says.

        `trues_up`: return, too, what others have paid too much; None: once for each interval that
        was settled. Who could not be paid is said in `problem`, and paid with the next call. Only
        channels whose funds were stated are paid over, as no others are counted. Raises
        NodeNotRunning, InOtherHands, and what `catch_up` raises but MarketUnreachable.
        """
        channels = await self._node.channels()
        try:
            await self._follower.catch_up()  # after the lanes were read: no payment is ahead of it
        except MarketUnreachable:
            trues_up = False  # what is known to be due is paid all the same
        await self._check_own()
        market, periods = self._follower.market, self._follower.market.periods
        streams = periods.rules_at(periods.next_interval()).mode is PaymentMode.STREAMING
        running = market.running() if streams else None
        owed = running.owed if running else periods.owed
        settled_ms = self._settled_ms()
        if trues_up is None:
            trues_up = settled_ms > self._trued_up_ms
        payees = {pair[1] for pair in owed if pair[0] == self.account}
        if trues_up:
            payees |= {one["peer_index"] for one in channels if one["paid_in_ntok"]}
        self.problem = None
        done = await asyncio.gather(
            *(self._pay(payee, owed, channels, trues_up) for payee in sorted(payees))
        )
        if trues_up and self.problem is None:
            self._trued_up_ms = settled_ms
        return [payment for payments in done for payment in payments]

    async def _check_own(self) -> None:
        market, meter = self._follower.market, self._meter
        if self._key_hash is None:
            own = self._sign(message(b"", market.community.domain))
            self._key_hash = key_hash(own.key)
        last = await asyncio.to_thread(meter.last) if meter else None
        meters = self._meters | ({last.meter} if last else frozenset())
        check_own(market, self.account, self._key_hash, meters)

    async def _pay(
        self,
        payee: int,
        owed: Mapping[Pair, Due],
        all_channels: Sequence[dict[str, Any]],
        trues_up: bool,
    ) -> list[Payment]:
        pair, back = (self.account, payee), (payee, self.account)
        purses = self._follower.market.purses
        channels = [
            one
            for one in all_channels
            if one["peer_index"] == payee and purses.counts(one["channel_id"], self.account)
        ]
        paid = {
            pair: purses.paid(pair, _lanes(channels, "out")),
            back: purses.paid(back, _lanes(channels, "in"), to_payee=True),
        }
        done: list[Payment] = []
        try:
            for part in to_pay(owed, paid, pair, trues_up=trues_up):
                done += await self._pay_part(payee, part, channels)
        except CommandFailed as error:  # a neighbour that is off keeps nobody else waiting
            self._say(f"account {payee} could not be paid: {error}")
        return done

    async def _pay_part(
        self, payee: int, part: Part, channels: Sequence[dict[str, Any]]
    ) -> list[Payment]:
        """A part over the channels that can carry it, the one with the most first."""
        left_wh, price, done = part.energy_wh, part.price_utok_per_kwh, []
        for channel in sorted(channels, key=_spendable_ntok, reverse=True):
            energy_wh = min(left_wh, _spendable_ntok(channel) // price)
            if energy_wh <= 0:
                continue
            wh, ntok = channel["energy_out_wh"] + energy_wh, channel["paid_out_ntok"]
            ntok += energy_wh * price
            receipt = await self._node.pay(
                channel["channel_id"],
                energy_wh=energy_wh,
                price_utok_per_kwh=price,
                payment_id=f"market:{wh}:{ntok}",
            )
            channel["energy_out_wh"], channel["paid_out_ntok"] = wh, ntok
            latency_ms = float(receipt.latency_ms)
            done.append(Payment(payee, channel["channel_id"], energy_wh, price, latency_ms))
            left_wh -= energy_wh
            if not left_wh:
                return done
        self._say(
            f"{left_wh} Wh at {price} utok per kWh are owed to account {payee} and no channel can "
            "carry them: top one up, or open one"
        )
        return done

    def _say(self, problem: str) -> None:
        self.problem = problem
        _log.warning("agent", account=self.account, problem=problem)

    def _settled_ms(self) -> int:
        rounds = self._follower.market.periods.rounds.values()
        return next((one.interval.end_ms for one in reversed(rounds) if one.chain), 0)

    def _signed(self, document: bytes) -> bytes:
        domain = self._follower.market.community.domain
        return encode_signed(Signed(document, self._sign(message(document, domain))))


def _lanes(channels: Iterable[Mapping[str, Any]], way: str) -> dict[int, Due]:
    """What the own lanes carry ("out"), or the others' ("in"), by channel."""
    return {
        one["channel_id"]: Due(one[f"energy_{way}_wh"], one[f"paid_{way}_ntok"]) for one in channels
    }


def _spendable_ntok(channel: Mapping[str, Any]) -> int:
    if channel["status"] != "open":
        return 0
    most_ntok = channel["deposit_own_ntok"] + channel["paid_in_ntok"] - channel["paid_out_ntok"]
    return int(most_ntok)


def _line(channel: Mapping[str, Any]) -> ChannelFunds:
    return ChannelFunds(
        channel_id=channel["channel_id"],
        is_open=channel["status"] == "open",
        deposit_ntok=channel["deposit_own_ntok"],
        peer_deposit_ntok=channel["deposit_peer_ntok"],
        paid_wh=channel["energy_out_wh"],
        paid_ntok=channel["paid_out_ntok"],
        got_wh=channel["energy_in_wh"],
        got_ntok=channel["paid_in_ntok"],
    )


def _differs(before: ChannelFunds | None, now: ChannelFunds) -> bool:
    """Whether the channel is another one than before, whatever its lanes carry."""
    return before is None or (before.is_open, before.deposit_ntok, before.peer_deposit_ntok) != (
        now.is_open,
        now.deposit_ntok,
        now.peer_deposit_ntok,
    )
