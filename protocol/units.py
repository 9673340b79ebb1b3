"""Money and energy are integers, and every field has a width that is checked where it is made.

Energy: watt-hours (`_wh`). Money: nano-tokens, 10^-9 of the settlement token (`_ntok`).
Price: micro-tokens per kWh (`_utok_per_kwh`); utok/kWh * Wh = 10^-6 * 10^-3 token = ntok, exactly.
Ref: docs/protocol.md section 1.
"""

from __future__ import annotations

from protocol.errors import OutOfRange

INDEX_BITS = 24
NONCE_BITS = 32
AMOUNT_BITS = 64
FEE_BITS = 32
TOTAL_WH_BITS = 96
TIME_BITS = 40
WINDOW_BITS = 32
LANE_WH_BITS = 40
LANE_PAID_BITS = 56
LANE_BITS = LANE_WH_BITS + LANE_PAID_BITS
ADDRESS_BITS = 160
DOMAIN_BITS = 128
CHANNEL_ID_BITS = 96

DAY_S = 86_400
MIN_WINDOW_S = DAY_S
MAX_WINDOW_S = 30 * DAY_S
L1_TIME_SLACK_S = 7_200
"""How far a batch's l1_time may lie behind the timestamp of the block that accepts it."""


def check_range(field: str, given: int, bits: int) -> int:
    """Return `given` if it is an int in 0 .. 2^bits - 1, else raise OutOfRange."""
    if type(given) is not int or not 0 <= given < 1 << bits:
        raise OutOfRange(field, given, bits)
    return given


def amount_ntok(energy_wh: int, price_utok_per_kwh: int) -> int:
    """What `energy_wh` costs at this price, exactly."""
    check_range("energy_wh", energy_wh, LANE_WH_BITS)
    check_range("price_utok_per_kwh", price_utok_per_kwh, AMOUNT_BITS)
    return energy_wh * price_utok_per_kwh
