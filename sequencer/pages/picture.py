"""The live picture: homes on a circle, channels between them, and what flowed in the last minute.

Geometry is made here, once for the page and for the script that keeps it up to date; coordinates
are whole units of a 640 by 440 drawing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.channels import Channel
from protocol.codec import Json
from sequencer.flows import Flow

WIDTH, HEIGHT = 640, 440
_RADIUS_X, _RADIUS_Y = 238, 156
_LIFT = 22
"""A home's name stands under it."""

MOST_HOMES = 24
"""More would be a knot: the picture shows those with the most energy lately."""


@dataclass(frozen=True, slots=True)
class HomeSpot:
    """A home's place. `sold_wh`, `bought_wh`: in the last minute, as reported."""

    index: int
    x: int
    y: int
    sold_wh: int
    bought_wh: int

    @property
    def role(self) -> str:
        """sells, buys or rests: for its colour, and in words."""
        if self.sold_wh == self.bought_wh:
            return "rests"
        return "sells" if self.sold_wh > self.bought_wh else "buys"


@dataclass(frozen=True, slots=True)
class Stream:
    """Energy along a channel, from seller to buyer. `strength` 0 (nothing lately) to 4."""

    key: str
    seller: int
    buyer: int
    path: str
    recent_wh: int
    total_wh: int
    strength: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. `hidden`: how many homes with channels are not."""

    homes: tuple[HomeSpot, ...]
    streams: tuple[Stream, ...]
    hidden: int
    reporting: int
    recent_wh: int

    def to_json(self) -> Json:
        """For the script, which changes nothing but what differs."""
        return {
            "homes": [
                {
                    "index": one.index,
                    "x": one.x,
                    "y": one.y,
                    "sold_wh": one.sold_wh,
                    "bought_wh": one.bought_wh,
                    "role": one.role,
                }
                for one in self.homes
            ],
            "streams": [
                {
                    "key": one.key,
                    "seller": one.seller,
                    "buyer": one.buyer,
                    "path": one.path,
                    "recent_wh": one.recent_wh,
                    "strength": one.strength,
                }
                for one in self.streams
            ],
            "hidden": self.hidden,
            "reporting": self.reporting,
            "recent_wh": self.recent_wh,
        }


def picture(channels: Mapping[int, Channel], flows: Sequence[Flow]) -> Picture:
    """The picture of these channels (by id) with what was reported."""
    bought: dict[int, int] = defaultdict(int)
    sold: dict[int, int] = defaultdict(int)
    for flow in flows:
        bought[flow.payer] += flow.recent_wh
        sold[flow.payee] += flow.recent_wh
    homes = {one.a_index for one in channels.values()} | {one.b_index for one in channels.values()}
    busiest = sorted(homes, key=lambda index: (-bought[index] - sold[index], index))
    shown = sorted(busiest[:MOST_HOMES])
    spots = {
        index: HomeSpot(index, *_place(at, len(shown)), sold[index], bought[index])
        for at, index in enumerate(shown)
    }
    reported = {(flow.channel_id, flow.payer): flow for flow in flows}
    most = max((flow.recent_wh for flow in flows), default=0)
    streams = []
    for id_, channel in sorted(channels.items()):
        if channel.a_index not in spots or channel.b_index not in spots:
            continue
        for payer, payee in (
            (channel.a_index, channel.b_index),
            (channel.b_index, channel.a_index),
        ):
            found = reported.get((id_, payer))
            recent, total = (found.recent_wh, found.total_wh) if found else (0, 0)
            streams.append(
                Stream(
                    key=f"{id_:x}-{payer}",
                    seller=payee,
                    buyer=payer,
                    path=_curve(spots[payee], spots[payer]),
                    recent_wh=recent,
                    total_wh=total,
                    strength=_strength(recent, most),
                )
            )
    return Picture(
        homes=tuple(spots.values()),
        streams=tuple(streams),
        hidden=len(homes) - len(shown),
        reporting=len({flow.payer for flow in flows}),
        recent_wh=sum(flow.recent_wh for flow in flows),
    )


def _place(at: int, count: int) -> tuple[int, int]:
    angle = 2 * math.pi * at / max(count, 1) - math.pi / 2
    if count == 2:
        angle += math.pi / 2
    x = WIDTH / 2 + _RADIUS_X * math.cos(angle)
    return round(x), round(HEIGHT / 2 - _LIFT + _RADIUS_Y * math.sin(angle))


def _curve(start: HomeSpot, end: HomeSpot) -> str:
    """A bent line, so that the two directions of a channel do not cover each other."""
    middle_x, middle_y = (start.x + end.x) / 2, (start.y + end.y) / 2
    away_x, away_y = end.x - start.x, end.y - start.y
    bend_x, bend_y = middle_x - away_y * 0.12, middle_y + away_x * 0.12
    return f"M{start.x} {start.y}Q{round(bend_x)} {round(bend_y)} {end.x} {end.y}"


def _strength(recent_wh: int, most_wh: int) -> int:
    """Quarters of the strongest stream, rounded up."""
    return -(-4 * recent_wh // most_wh) if recent_wh else 0
