"""A household's own files as evidence: readings, its copy of the journal, its node's books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from energy.bills.channel_evidence import OwnChannel, channel_fault
from energy.bills.journal_records import JournalRecords, started
from energy.bills.lines import Entry
from energy.bills.reckoning import PaidChannel
from energy.clearing.supply_demand import fees_of
from energy.community.members import Member
from energy.community.rules import Side, Tariff
from energy.errors import ReadingRefused
from energy.meters.corrections import Correction
from energy.meters.meter import Meter, meters_of
from energy.meters.reading import NONE_BEFORE, Reading
from energy.meters.registers import between
from energy.orders.order import Order
from energy.settlement.flows import Metered


class OwnReadings:
    """The records of a home's own meters. Each meter's are one chain; its keys are the community's.

    A record is believed if all before it name one another and a key of the meter has signed it.
    Which keys a meter had is asked of the community up to the settlement alone: what is revoked
    afterwards, or leaves the file, changes nothing that was settled. A key that was revoked before
    a reading came is refused by the journal itself, when it is computed again.
    """

    def __init__(
        self, stores: Iterable[Iterable[Reading]], corrections: Iterable[Correction] = ()
    ) -> None:
        self._corrections = {one.digest: one for one in corrections}
        self._chains: list[list[Reading]] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._broken: dict[int, int] = {}
        self._signed: dict[bytes, bool] = {}
        for number, store in enumerate(stores):
            self._take(number, list(store))

    def _take(self, number: int, chain: list[Reading]) -> None:
        before = NONE_BEFORE
        for place, reading in enumerate(chain):
            if reading.before != before:
                self._broken.setdefault(number, place)
            before = reading.digest
            self._places[before] = number, place
        self._chains.append(chain)

    def fault(self, metered: Metered, homes: Sequence[Member]) -> str:
        """What is wrong with what a meter is said to have shown, "" where nothing is.

        `homes`: the home as it was in the interval, which says what its registers can show, and in
        each version of the community up to the settlement.
        """
        meters = [one for home in homes for one in meters_of(home).values()]
        metered, wrong = self._uncorrected(metered, meters)
        if wrong:
            return wrong
        first, last = self._places.get(metered.first), self._places.get(metered.last)
        for name, place, digest in (("first", first, metered.first), ("last", last, metered.last)):
            if place is None:
                return f"its {name} reading {digest.hex()[:16]} is not among your meter's records"
        assert first is not None
        assert last is not None
        number, start = first
        chain, end = self._chains[number], last[1]
        if last[0] != number or start > end:
            return "its two readings are not of one meter, in their order"
        if self._broken.get(number, len(chain)) <= end:
            return f"record {self._broken[number]} of your meter does not name the one before it"
        wrong = self._unsigned(chain[start], meters) or self._unsigned(chain[end], meters)
        if wrong:
            return wrong
        interval = metered.interval
        if chain[start].end_ms > interval.start_ms or chain[end].end_ms > interval.end_ms:
            return "its readings are of another time"
        register_wh = _listed(chain[start].meter, meters)[0].register_wh
        try:
            flowed = between(chain[start : end + 1], register_wh)
        except ReadingRefused as error:
            return str(error)
        if (flowed.import_wh, flowed.export_wh) != (metered.import_wh, metered.export_wh):
            return (
                f"your meter shows {flowed.import_wh} Wh in and {flowed.export_wh} Wh out, not "
                f"{metered.import_wh} and {metered.export_wh}"
            )
        return ""

    def _uncorrected(self, metered: Metered, meters: Sequence[Meter]) -> tuple[Metered, str]:
        """What was shown before its ends were corrected, and what is wrong with a correction."""
        for end, sign in ((metered.last, 1), (metered.first, -1)):
            made = self._corrections.get(end)
            if made is None:
                continue
            reading = made.reading
            known = _listed(reading.meter, meters)
            if not _may_sign(made.key_id, made.made_ms, known) or not made.is_signed():
                return metered, f"the correction of record {reading.sequence} is not its meter's"
            metered = replace(
                metered,
                import_wh=metered.import_wh - sign * (made.import_wh - reading.import_wh),
                export_wh=metered.export_wh - sign * (made.export_wh - reading.export_wh),
            )
            name = reading.digest
            metered = replace(metered, last=name) if sign > 0 else replace(metered, first=name)
        return metered, ""

    def _unsigned(self, reading: Reading, meters: Sequence[Meter]) -> str:
        known = _listed(reading.meter, meters)
        if not known:
            return f"{reading.meter} is no meter of this home in the community's file"
        if not _may_sign(reading.key_id, reading.end_ms, known):
            return f"record {reading.sequence} is signed by a key that was not its meter's then"
        digest = reading.digest
        if digest not in self._signed:
            self._signed[digest] = reading.is_signed()
        return "" if self._signed[digest] else f"record {reading.sequence} is not signed by its key"


def _listed(did: str, meters: Sequence[Meter]) -> list[Meter]:
    """A meter as each version of the community had it."""
    return [one for one in meters if one.did == did]


def _may_sign(key_id: str, time_ms: int, meters: Iterable[Meter]) -> bool:
    keys = (one.key(key_id) for one in meters)
    return any(key is not None and key.is_valid_at(time_ms) for key in keys)


class OwnFiles:
    """Evidence (energy/bills/verify.py) from the files of one home."""

    def __init__(
        self,
        home: int,
        journal: JournalRecords,
        readings: OwnReadings,
        channels: Mapping[int, OwnChannel],
    ) -> None:
        self._home, self._journal = home, journal
        self._readings, self._channels = readings, channels
        self._settled_ms = {one.place: one.time_ms for one in journal.settled}

    def of_reading(self, metered: Metered, place: int) -> str:
        """By the meter's own chain of signed records, and its keys up to the settlement."""
        history, home = self._journal.history, self._home
        then = history.member(home, metered.interval.start_ms)
        later = history.homes_until(home, self._settled_ms[place])
        return self._readings.fault(metered, (then, *later))

    def of_settlement(self, entry: Entry) -> str:
        """By the journal, which was computed again up to where it follows."""
        fault = self._journal.fault
        if fault is None or entry.place < fault.place:
            return ""
        return f"entry {fault.place} of the journal: {fault.why}"

    def of_order(self, order: bytes, side: Side, price_utok_per_kwh: int, time_ms: int) -> str:
        """By the limit, which is with all fees."""
        own = self._journal.orders.get(order)
        if own is None:
            return f"there is no order {order.hex()[:16]} in the journal"
        if own.account != self._home or own.side is not side:
            return f"order {order.hex()[:16]} is none of yours to {side.value}"
        tariff = self._journal.community.tariff_at(time_ms)
        return _limit_fault(own, tariff, price_utok_per_kwh)

    def of_channel(self, channel: PaidChannel) -> str:
        """By its vouchers' signatures, and the lanes that the node holds."""
        wrong = channel_fault(channel, self._channels, self._journal.community.domain)
        if not wrong and channel != started(channel, self._journal.starts):
            wrong = f"the market began to count channel {channel.channel_id:#x} elsewhere"
        return wrong


def _limit_fault(order: Order, tariff: Tariff, price_utok_per_kwh: int) -> str:
    limit, fees = order.limit_utok_per_kwh, fees_of(order.side, tariff)
    if order.side is Side.BUY:
        most = tariff.retail_utok_per_kwh if limit is None else limit
        whole = price_utok_per_kwh + fees
        says = f"{whole} utok a kWh with fees, your order pays at most {most}"
        return says if whole > most else ""
    least = tariff.feed_in_utok_per_kwh if limit is None else limit
    whole = price_utok_per_kwh - fees
    says = f"{whole} utok a kWh after fees, your order asks at least {least}"
    return says if whole < least else ""
