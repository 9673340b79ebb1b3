"""Money, energy, prices and times of a bill as people read them, nothing rounded."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from energy.settlement.flows import Outside, Party


def tokens(amount_ntok: int) -> str:
    """Tokens, with two decimal places or as many as it takes."""
    return _decimal(amount_ntok, 9)


def price(utok_per_kwh: int) -> str:
    """Tokens a kWh, with two decimal places or as many as it takes."""
    return _decimal(utok_per_kwh, 6)


def kwh(energy_wh: int) -> str:
    """kWh with all three places."""
    whole, rest = divmod(abs(energy_wh), 1_000)
    return f"{'-' if energy_wh < 0 else ''}{whole}.{rest:03}"


def kilograms(milligrams: int) -> str:
    """kg, with two decimal places or as many as it takes."""
    return _decimal(milligrams, 6)


def moment(time_ms: int, zone: ZoneInfo) -> str:
    """A time in its zone, which is named: on one night a year an hour comes twice."""
    return datetime.fromtimestamp(time_ms // 1000, zone).strftime("%Y-%m-%d %H:%M %Z")


def moment_iso(time_ms: int, zone: ZoneInfo) -> str:
    """The same for programs, by RFC 3339."""
    return datetime.fromtimestamp(time_ms // 1000, zone).isoformat()


def party_name(party: Party) -> str:
    """An account by its number, others by what they are."""
    return party.value if isinstance(party, Outside) else f"account {party}"


def lane_name(lane: int) -> str:
    """ab or ba."""
    return "ba" if lane else "ab"


def short(digest: bytes) -> str:
    """The first six bytes of a digest, in hexadecimal."""
    return digest[:6].hex()


def _decimal(given: int, places: int) -> str:
    whole, rest = divmod(abs(given), 10**places)
    digits = f"{rest:0{places}}"
    kept = digits[:2] + digits[2:].rstrip("0")
    return f"{'-' if given < 0 else ''}{whole}.{kept}"
