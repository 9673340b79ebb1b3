"""Who is in a community, behind which connection, and by whose meter its word is taken."""

from __future__ import annotations

from dataclasses import dataclass

from energy.intervals import Interval

MS_PER_HOUR = 3_600_000
DEFAULT_REGISTER_WH = 10**9
"""A register of six digits of kWh: what it cannot show any more, Wh."""
DEFAULT_STEP_WH = 1


@dataclass(frozen=True, slots=True)
class MeterKey:
    """A key by which the meter of a connection signs its readings.

    `did`: did:key of an Ed25519 key. `key_id`: the name by which readings call it. Valid from
    `valid_from_ms` up to `valid_until_ms` (0: without end); `revoked_ms`: what it signs for a time
    from then on counts no more (0: not revoked). `handed_over`: the signature of a key that the
    meter had before, by which this one is its own; none for its first key, which `did` names.
    `register_wh`, `step_wh`: the meter's own, the same with each of its keys. They are the first
    value that its registers cannot show, after which they begin at 0, and by how much they rise at
    once.
    """

    did: str
    key_id: str
    valid_from_ms: int
    valid_until_ms: int = 0
    revoked_ms: int = 0
    handed_over: bytes = b""
    register_wh: int = DEFAULT_REGISTER_WH
    step_wh: int = DEFAULT_STEP_WH

    def is_valid_at(self, time_ms: int) -> bool:
        """Whether a reading of this time may be signed by it."""
        ended = self.valid_until_ms and time_ms >= self.valid_until_ms
        revoked = self.revoked_ms and time_ms >= self.revoked_ms
        return self.valid_from_ms <= time_ms and not ended and not revoked


@dataclass(frozen=True, slots=True)
class Connection:
    """What a home's connection to the grid can carry each way, in W."""

    import_w: int
    export_w: int

    def most_import_wh(self, interval: Interval) -> int:
        """The most that it can take in an interval, Wh, rounded down."""
        return energy_at(self.import_w, interval)

    def most_export_wh(self, interval: Interval) -> int:
        """The most that it can give in an interval, Wh, rounded down."""
        return energy_at(self.export_w, interval)


@dataclass(frozen=True, slots=True)
class Feeder:
    """A line of the grid with homes on it.

    What is bought on it from other feeders in an interval is at most `most_in_w`, what is sold to
    them at most `most_out_w`. `area`: the balancing area that it belongs to.
    """

    name: str
    most_in_w: int
    most_out_w: int
    area: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A home. `account`: its account in the rollup; `key_hash`: of the key that account signs with.

    `feeder`: the name of its feeder, "" for none. `is_green`: all that it can sell is renewable.
    `battery_wh`: what its battery holds, 0 for none. `weight`: its votes where they are weighed.
    """

    account: int
    name: str
    key_hash: int
    connection: Connection
    meters: tuple[MeterKey, ...] = ()
    feeder: str = ""
    is_green: bool = False
    battery_wh: int = 0
    weight: int = 1

    def meter_key_at(self, did: str, key_id: str, time_ms: int) -> MeterKey | None:
        """The key of this name, if a reading of this time may be signed by it."""
        for key in self.meters:
            if key.did == did and key.key_id == key_id and key.is_valid_at(time_ms):
                return key
        return None


def energy_at(power_w: int, interval: Interval) -> int:
    """What flows in an interval at a constant power, Wh, rounded down."""
    return power_w * interval.length_ms // MS_PER_HOUR
