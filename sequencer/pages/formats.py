"""Numbers as people read them on a page: money and energy are whole numbers until they are text."""

from __future__ import annotations

from datetime import UTC, datetime

NTOK_PER_TOKEN = 10**9
SHOWN_PLACES = 4
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def tokens(amount_ntok: int, places: int = SHOWN_PLACES) -> str:
    """Tokens with thousands separated and that many places; what lies below is cut off."""
    sign, size = ("−", -amount_ntok) if amount_ntok < 0 else ("", amount_ntok)
    whole, rest = divmod(size, NTOK_PER_TOKEN)
    return f"{sign}{whole:,}" + (f".{rest:09}"[: 1 + places] if places else "")


def tokens_exactly(amount_ntok: int) -> str:
    """All nine places."""
    return tokens(amount_ntok, 9)


def energy(energy_wh: int) -> str:
    """Wh below ten kWh, else kWh with all three places; both exact."""
    sign, size = ("−", -energy_wh) if energy_wh < 0 else ("", energy_wh)
    if size < 10_000:
        return f"{sign}{size:,} Wh"
    return f"{sign}{size // 1_000:,}.{size % 1_000:03} kWh"


def price(price_utok_per_kwh: int) -> str:
    """Tokens per kWh from micro-tokens."""
    whole, rest = divmod(price_utok_per_kwh, 10**6)
    return f"{whole:,}.{rest:06}".rstrip("0").rstrip(".")


def count(number: int) -> str:
    """A whole number with thousands separated."""
    return f"{number:,}"


def root(number: int) -> str:
    """A field element in full: 0x and 64 digits."""
    return f"{number:#066x}"


def short(text: str, first: int = 10, last: int = 6) -> str:
    """A long identifier's two ends."""
    return text if len(text) <= first + last + 1 else f"{text[:first]}…{text[-last:]}"


def address(number: int) -> str:
    """An L1 address: 0x and 40 digits."""
    return f"{number:#042x}"


def span(seconds: float) -> str:
    """A length of time in its largest fitting unit: 45 s, 12 min, 3 h, 8 days."""
    whole = max(round(seconds), 0)
    if whole < 2 * _MINUTE_S:
        return f"{whole} s"
    if whole < 2 * _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < 2 * _DAY_S:
        return f"{whole // _HOUR_S} h"
    return f"{whole // _DAY_S} days"


def seconds(took: float) -> str:
    """Measured seconds: two places below ten, one below a hundred."""
    return f"{took:.2f} s" if took < 10 else f"{took:.1f} s" if took < 100 else f"{took:,.0f} s"


def moment(timestamp: float) -> str:
    """A time in UTC, to the second."""
    return _utc(timestamp).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine_moment(timestamp: float) -> str:
    """The same as a machine reads it (a `time` element's datetime)."""
    return _utc(timestamp).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(timestamp: float) -> str:
    """Hours, minutes and seconds in UTC."""
    return _utc(timestamp).strftime("%H:%M:%S")


def words(name: str) -> str:
    """As a sentence begins, whatever comes after: start_close is Start close."""
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def plural(number: int, one: str, many: str = "") -> str:
    """1 proof, 2 proofs."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _utc(timestamp: float) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):  # a user can sign for the year 36,812
        return datetime.max.replace(tzinfo=UTC)
