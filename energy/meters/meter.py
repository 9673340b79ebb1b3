"""What is known of a meter beforehand, against which its readings are held."""

from __future__ import annotations

from dataclasses import dataclass

from energy.community.members import DEFAULT_REGISTER_WH, DEFAULT_STEP_WH, Member, MeterKey

MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter behind a connection. `keys`: all that ever were valid for it, each with its time.

    `import_w`, `export_w`: the most that the connection carries each way. `register_wh`: the first
    value that its registers cannot show, after which they begin at 0. `step_wh`: by how much they
    rise at once.
    """

    did: str
    keys: tuple[MeterKey, ...]
    import_w: int
    export_w: int
    register_wh: int = DEFAULT_REGISTER_WH
    step_wh: int = DEFAULT_STEP_WH

    def key(self, key_id: str) -> MeterKey | None:
        """The key of this name, None if it never was the meter's."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def most_import_wh(self, span_ms: int) -> int:
        """What its import register can rise by in a time, Wh."""
        return self.import_w * span_ms // MS_PER_HOUR + self.step_wh

    def most_export_wh(self, span_ms: int) -> int:
        """What its export register can rise by in a time, Wh."""
        return self.export_w * span_ms // MS_PER_HOUR + self.step_wh


def meters_of(member: Member) -> dict[str, Meter]:
    """The meters of a home by their DIDs, each with the registers that the community's file says it
    has.
    """
    limits = member.connection
    found = {}
    for did in dict.fromkeys(key.did for key in member.meters):
        keys = tuple(key for key in member.meters if key.did == did)
        registers = keys[0].register_wh, keys[0].step_wh
        found[did] = Meter(did, keys, limits.import_w, limits.export_w, *registers)
    return found
