"""How much the sun can give at a place: more export than that is a warning, never a refusal.

The bound is generous, so that what lies above it did not come from the panels: a sky without a
cloud or dust, panels that follow the sun, snow all around, and a third on top for clouds that
reflect and for modules better than they say. Below the horizon it is nothing. A home that has a
battery may well export at night, so it states no place. `plausible.doubt` compares.
Ref: pvlib 0.16, `solarposition.spa_python` (Reda and Andreas, NREL/TP-560-34302) and
`clearsky.simplified_solis` (Ineichen 2008, doi:10.1016/j.solener.2007.08.009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from energy.errors import BadSource
from energy.meters.adapters.extras import library

EXTRA = "sun"
STANDARD_W_PER_M2 = 1000
"""The irradiance at which a module's peak power is stated."""
SNOW_ALBEDO = 0.8
DRY_AIR_CM = 0.2
"""Precipitable water, the least that the model is made for."""
NO_AEROSOL = 0.0
MARGIN = 4 / 3
MOST_STEPS = 1_500
STEP_MS = 60_000


@dataclass(frozen=True, slots=True)
class SunnyPlace:
    """Where panels stand, degrees north and east, and metres above the sea. Raises BadSource.

    `peak_w`: of all modules together, as rated. It is a `plausible.Sun`.
    """

    latitude: float
    longitude: float
    peak_w: int
    altitude_m: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("latitude", -90, 90),
            ("longitude", -180, 180),
            ("peak_w", 1, 10**9),
            ("altitude_m", -500, 9_000),
        ):
            if not least <= getattr(self, name) <= most:
                found = getattr(self, name)
                raise BadSource("sun", f"{name} is {found}, it must be {least} to {most}")

    def most_wh(self, start_ms: int, end_ms: int) -> int:
        """At most this was made between two times (Unix ms, UTC), Wh, rounded up.

        Each step of a minute (of more where there would be over 1,500) counts with its brighter
        end. Raises MissingExtra.
        """
        length_ms = end_ms - start_ms
        steps = max(1, min(MOST_STEPS, -(-length_ms // STEP_MS)))
        edges = [start_ms + length_ms * edge // steps for edge in range(steps + 1)]
        bright = _brightest_w_per_m2(self, edges)
        brighter = sum(max(bright[step], bright[step + 1]) for step in range(steps))
        hours = length_ms / steps / 3_600_000
        return math.ceil(self.peak_w * brighter / STANDARD_W_PER_M2 * hours * MARGIN)


def _brightest_w_per_m2(place: SunnyPlace, times_ms: list[int]) -> list[float]:
    """Irradiance of a plane that faces the sun, at each time; 0 while the sun is down."""
    pandas = library("pandas", EXTRA)
    solarposition = library("pvlib.solarposition", EXTRA)
    clearsky = library("pvlib.clearsky", EXTRA)
    atmosphere = library("pvlib.atmosphere", EXTRA)
    times = pandas.to_datetime(times_ms, unit="ms", utc=True)
    pressure = float(atmosphere.alt2pres(place.altitude_m))
    sun = solarposition.spa_python(
        times, place.latitude, place.longitude, place.altitude_m, pressure
    )
    elevation = sun["apparent_elevation"]
    sky = clearsky.simplified_solis(elevation, NO_AEROSOL, DRY_AIR_CM, pressure)
    ground_seen = [(1 - math.sin(math.radians(degrees))) / 2 for degrees in elevation]
    return [
        beam + diffuse + SNOW_ALBEDO * level * seen
        for beam, diffuse, level, seen in zip(
            sky["dni"], sky["dhi"], sky["ghi"], ground_seen, strict=True
        )
    ]
