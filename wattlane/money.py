"""Tokens as people write them, exactly: a decimal string with at most nine places is whole ntok."""

from __future__ import annotations

import re

from protocol.units import AMOUNT_BITS
from wattlane.errors import BadChoice

NTOK_PER_TOKEN = 10**9
UTOK_PER_TOKEN = 10**6
_PRICE = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,6}))?")
_ENERGY = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,3}))?")
_AMOUNT = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?")


def parse_tokens(text: str) -> int:
    """ntok of a positive decimal amount of tokens such as 12.5. Raises BadChoice."""
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise BadChoice(f"{text[:40]!r} is no amount of tokens; write it like 12 or 12.5")
    amount_ntok = int(found[1]) * NTOK_PER_TOKEN + int((found[2] or "").ljust(9, "0"))
    if not 0 < amount_ntok < 1 << AMOUNT_BITS:
        raise BadChoice(f"{text} tokens is not more than 0 and less than 2^{AMOUNT_BITS} ntok")
    return amount_ntok


def parse_price(text: str) -> int:
    """utok per kWh of a price in tokens a kWh such as 0.25, of six places. Raises BadChoice."""
    found = _PRICE.fullmatch(text)
    if not found:
        raise BadChoice(
            f"{text[:40]!r} is no price: tokens a kWh with at most six places, such as 0.25"
        )
    return int(found[1]) * UTOK_PER_TOKEN + int((found[2] or "").ljust(6, "0"))


def parse_energy(text: str) -> int:
    """Wh of an amount in kWh such as 1.5, at most three places. Raises BadChoice."""
    found = _ENERGY.fullmatch(text)
    if not found:
        raise BadChoice(f"{text[:40]!r} is no energy: kWh with at most three places, such as 1.5")
    return int(found[1]) * 1_000 + int((found[2] or "").ljust(3, "0"))


def show_tokens(amount_ntok: int, places: int = 9) -> str:
    """Tokens with that many decimal places; what is below the last place is cut off."""
    sign, size = ("-", -amount_ntok) if amount_ntok < 0 else ("", amount_ntok)
    whole, rest = divmod(size, NTOK_PER_TOKEN)
    return f"{sign}{whole}.{rest:09}"[: len(sign) + len(str(whole)) + 1 + places]


def show_energy(energy_wh: int) -> str:
    """kWh with all three places."""
    return f"{energy_wh // 1_000}.{energy_wh % 1_000:03}"


def show_ether(amount_wei: int) -> str:
    """Ether with as many decimal places as it takes."""
    whole, rest = divmod(amount_wei, 10**18)
    return f"{whole}.{rest:018}".rstrip("0").rstrip(".")
