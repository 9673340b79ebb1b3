"""A meter's records as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from energy.errors import NoVerifiedReading
from energy.intervals import Interval, day_intervals
from energy.meters.commitments import Disclosure
from energy.meters.metering import DEFAULT_SLACK_MS, metered
from energy.meters.reading import Reading
from energy.meters.store import Kept, MeterStore
from wattlane.meter_check import Findings
from wattlane.times import clock

HOUR_MS = 3_600_000
_SHOWN_RAW = 400


def moment(time_ms: int) -> str:
    """A time as people read it, in UTC."""
    shown = datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{shown}.{time_ms % 1000:03d}" if time_ms % 1000 else shown


def meter_lines(store: MeterStore) -> Iterator[str]:
    """The meter and its newest record."""
    last = store.last()
    yield f"meter    {store.did}"
    yield f"records  {store.count()}, roots of {len(store.days())} days"
    if last is not None:
        yield f"newest   {last.sequence} at {moment(last.end_ms)} UTC, key {last.key_id}"
        yield f"import   {last.import_wh} Wh\nexport   {last.export_wh} Wh"


def reading_lines(kept: Kept) -> Iterator[str]:
    """One record in full, with its raw bytes."""
    yield from _fields(kept.reading)
    yield f"salts         {'erased' if kept.salts is None else 'kept'}"
    yield from _raw(kept.raw)


def shown_lines(shown: Disclosure) -> Iterator[str]:
    """One record that was shown alone."""
    yield from _fields(shown.reading)
    if shown.raw_salt:
        yield from _raw(shown.raw)


def day_lines(store: MeterStore, day: date, zone: ZoneInfo, register_wh: int) -> Iterator[str]:
    """What flowed in each hour of a local day; with the offset of each where clocks are turned."""
    hours = day_intervals(day, zone, HOUR_MS)
    span = Interval(hours[0].start_ms - DEFAULT_SLACK_MS, hours[-1].end_ms + 1)
    readings = list(store.readings(span))
    imported = exported = 0
    names = [clock(hour.start_ms, zone) for hour in hours]
    width = len(names[0])
    yield f"{'hour':<{width}}  import Wh  export Wh"
    for hour, name in zip(hours, names, strict=True):
        try:
            shown = metered(0, hour, readings, register_wh=register_wh)
        except NoVerifiedReading:
            yield f"{name}          -          -"
            continue
        imported, exported = imported + shown.import_wh, exported + shown.export_wh
        mark = "" if shown.is_measured else "  not measured throughout"
        yield f"{name} {shown.import_wh:>10} {shown.export_wh:>10}{mark}"
    yield f"{'all':<{width}} {imported:>10} {exported:>10}"


def findings_lines(found: Findings) -> Iterator[str]:
    """What was verified in a store."""
    if found.first is None or found.last is None:
        yield "no records yet"
        return
    yield f"{found.readings} records follow from each other, {found.openable} of them openable"
    yield f"from {moment(found.first.end_ms)} to {moment(found.last.end_ms)} UTC"
    yield f"roots of {found.days} days hold"


def _fields(reading: Reading) -> Iterator[str]:
    permille = reading.soc_permille
    soc = "" if permille is None else f"{permille // 10}.{permille % 10} %"
    for name, value in (
        ("reading", str(reading.sequence)),
        ("of", reading.meter),
        ("digest", "0x" + reading.digest.hex()),
        ("from", f"{moment(reading.start_ms)} UTC"),
        ("to", f"{moment(reading.end_ms)} UTC, clock {reading.clock.value}"),
        ("import", f"{reading.import_wh} Wh"),
        ("export", f"{reading.export_wh} Wh"),
        ("epoch", str(reading.register_epoch)),
        ("quality", reading.quality.value),
        ("context", reading.context),
        ("charge", soc),
        ("before", "0x" + reading.before.hex()),
        ("key", reading.key_id),
    ):
        if value:
            yield f"{name:<13} {value}"


def _raw(raw: bytes) -> Iterator[str]:
    text = raw[:_SHOWN_RAW].decode("utf-8", errors="backslashreplace")
    more = f" ... ({len(raw)} bytes)" if len(raw) > _SHOWN_RAW else ""
    yield f"raw           {text}{more}"
