"""Orders that the book does not take."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class WrongNumber(EnergyError):
    """An order or cancel out of its account's sequence: an old one again, or one is missing."""

    account: int
    given: int
    expected: int

    def __str__(self) -> str:
        return (
            f"number {self.given} of account {self.account}: its next order or cancel has number "
            f"{self.expected}"
        )


@dataclass
class NotStanding(EnergyError):
    """An order to be changed or cancelled does not stand, or is another account's."""

    account: int
    order: bytes

    def __str__(self) -> str:
        return (
            f"order {self.order.hex()} of account {self.account} does not stand: it was never "
            "given, or is already changed, cancelled or over"
        )


@dataclass
class TooManyOrders(EnergyError):
    """An account with as many standing orders as it may have."""

    account: int
    most: int

    def __str__(self) -> str:
        return f"account {self.account} has {self.most} standing orders: change or cancel one"


@dataclass
class OrderOver(EnergyError):
    """An order whose window has ended before it was given (Unix ms, UTC)."""

    until_ms: int
    now_ms: int

    def __str__(self) -> str:
        return f"the order ended at {self.until_ms} ms, and now it is {self.now_ms} ms"
