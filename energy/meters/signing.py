"""The meter's own part: a sample becomes the next record of its chain, under its own key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from energy.meters.did import did_of, key_id_of
from energy.meters.handing_over import handing_over
from energy.meters.meter_document import SIGNATURE_BYTES
from energy.meters.reading import (
    NONE_BEFORE,
    Reading,
    commit_to_raw,
    commit_to_registers,
)
from energy.meters.sample import Sample


@dataclass(frozen=True, slots=True)
class Salts:
    """Two times 32 random bytes, kept beside a record: of its raw bytes and of its registers."""

    raw: bytes
    registers: bytes


class MeterSigner:
    """An unlocked key of a meter: signs, and shows only what is public. `did`: the meter's."""

    __slots__ = ("__key", "did", "key_id")

    def __init__(self, secret: bytes, did: str | None = None) -> None:
        self.__key = Ed25519PrivateKey.from_private_bytes(secret)
        public = self.__key.public_key().public_bytes_raw()
        self.key_id: str = key_id_of(public)
        self.did: str = did or did_of(public)

    def __repr__(self) -> str:
        return f"MeterSigner(did={self.did}, key_id={self.key_id})"

    def __reduce__(self) -> str:
        raise TypeError("a meter's key is not pickled: load it from its file")

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature. Whatever is signed begins with a tag of its kind."""
        return self.__key.sign(message)

    def hand_over(self, key_id: str) -> bytes:
        """The signature by which the key of this name is the meter's, too, from now on."""
        return self.sign(handing_over(self.did, key_id))

    def record(self, before: Reading | None, sample: Sample, salts: Salts) -> Reading:
        """The signed record of a sample, after `before` (None: it is the meter's first).

        Whether it may follow is for `check_next` to see, before it is kept.
        """
        reading = Reading(
            meter=self.did,
            key_id=self.key_id,
            sequence=0 if before is None else before.sequence + 1,
            start_ms=sample.time_ms if before is None else min(before.end_ms, sample.time_ms),
            end_ms=sample.time_ms,
            clock=sample.clock,
            import_wh=sample.import_wh,
            export_wh=sample.export_wh,
            register_epoch=sample.register_epoch,
            quality=sample.quality,
            context=sample.context,
            soc_permille=sample.soc_permille,
            raw_hash=commit_to_raw(salts.raw, sample.raw),
            registers_hash=bytes(32),
            before=NONE_BEFORE if before is None else before.digest,
            signature=bytes(SIGNATURE_BYTES),
        )
        reading = replace(reading, registers_hash=commit_to_registers(salts.registers, reading))
        return replace(reading, signature=self.sign(reading.unsigned))
