"""What one battery changes, run greedily: it takes what is over and gives what is lacking.

It knows no prices and no forecast. All its losses count when it is charged: of each Wh that it
draws, `efficiency_permille` thousandths can be given later. It begins empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from energy.errors import BadReplay
from energy.replay.street import Street, surplus_and_deficit


@dataclass(frozen=True, slots=True)
class Battery:
    """Its size, its power each way, and how much of what it draws it gives. Raises BadReplay."""

    size_wh: int
    power_w: int
    efficiency_permille: int = 900

    def __post_init__(self) -> None:
        if self.size_wh < 0 or self.power_w < 0 or not 0 < self.efficiency_permille <= 1000:
            raise BadReplay(
                f"a battery of {self.size_wh} Wh, {self.power_w} W and "
                f"{self.efficiency_permille} thousandths is none"
            )

    def draw_wh(self, offered_wh: int, stored_wh: int) -> int:
        """What it draws of an hour's offer (>= 0) with so much in it already."""
        room_wh = self.size_wh - stored_wh
        most_wh = ((room_wh + 1) * 1000 - 1) // self.efficiency_permille
        return min(offered_wh, self.power_w, most_wh)

    def keep_wh(self, drawn_wh: int) -> int:
        """What of that can be given later."""
        return drawn_wh * self.efficiency_permille // 1000

    def give_wh(self, wanted_wh: int, stored_wh: int) -> int:
        """What it gives for an hour's want (>= 0)."""
        return min(wanted_wh, self.power_w, stored_wh)


@dataclass(frozen=True, slots=True)
class BatteryYear:
    """A battery's year, Wh: drawn from surpluses, given to deficits, left in it at the end."""

    drawn_wh: int
    given_wh: int
    left_wh: int


def for_the_street(street: Street, battery: Battery) -> BatteryYear:
    """One battery of all: it draws what no neighbour takes, gives where no neighbour has any.

    What neighbours trade with each other in the same hour stays as it is.
    """
    drawn_wh = given_wh = stored_wh = 0
    for hour in range(street.hours):
        surplus, deficit = surplus_and_deficit(street.nets(hour))
        drawn = battery.draw_wh(max(surplus - deficit, 0), stored_wh)
        given = battery.give_wh(max(deficit - surplus, 0), stored_wh)
        stored_wh += battery.keep_wh(drawn) - given
        drawn_wh += drawn
        given_wh += given
    return BatteryYear(drawn_wh, given_wh, stored_wh)


def at_home(street: Street, home: int, battery: Battery) -> tuple[Street, BatteryYear]:
    """The street in which one home keeps its own surplus for itself first. Raises BadReplay.

    What it draws counts as its load, what it gives as made by its panels.
    """
    place = next((at for at, one in enumerate(street.homes) if one.home == home), None)
    if place is None:
        raise BadReplay(f"there is no home {home} in it")
    owner = street.homes[place]
    load, pv = list(owner.load_wh), list(owner.pv_wh)
    drawn_wh = given_wh = stored_wh = 0
    for hour in range(street.hours):
        net = owner.net_wh(hour)
        drawn = battery.draw_wh(max(net, 0), stored_wh)
        given = battery.give_wh(max(-net, 0), stored_wh)
        stored_wh += battery.keep_wh(drawn) - given
        load[hour] += drawn
        pv[hour] += given
        drawn_wh += drawn
        given_wh += given
    changed = replace(owner, load_wh=tuple(load), pv_wh=tuple(pv))
    homes = (*street.homes[:place], changed, *street.homes[place + 1 :])
    return replace(street, homes=homes), BatteryYear(drawn_wh, given_wh, stored_wh)
