"""Where a batch's blob may still be had: L1 keeps only its hash, and the network drops it in weeks.

Invariant: nothing a source says is believed. `BlobSources.find` computes the KZG commitment of
every answer and takes only the blob that L1 names; a source that lies is as good as a silent one.
Ref: EIP-4844; beacon-APIs, getBlobs and getBlobSidecars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import requests

from contracts.errors import L1Error
from contracts.kzg import is_blob_of
from contracts.redaction import shown_url
from contracts.rpc import DEFAULT_TIMEOUT_S
from protocol.blobs import BLOB_BYTES

NETWORK_KEEPS_S = 4096 * 32 * 12
"""Seconds for which every node of the network must serve a blob: 4,096 epochs, 18 days."""
DEFAULT_SLOT_S = 12


@dataclass(frozen=True, slots=True)
class WantedBlob:
    """A blob, and where L1 accepted the batch that it belongs to. `timestamp`: its block's (s)."""

    versioned_hash: bytes
    batch: int
    block_number: int
    timestamp: int


@dataclass
class SourceFailed(L1Error):
    """A source of blobs did not answer, or not as it should."""

    source: str
    problem: str

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}"


@dataclass
class BlobUnavailable(L1Error):
    """No source has the blob of a batch. `tried`: what each of them said."""

    batch: int
    versioned_hash: bytes
    tried: tuple[str, ...]

    def __str__(self) -> str:
        said = "; ".join(self.tried) or "there is no source to ask"
        return (
            f"the blob 0x{self.versioned_hash.hex()} of batch {self.batch} cannot be had ({said}). "
            "The network keeps blobs for 18 days: name an archive folder, a sequencer or a beacon "
            "node that still has it"
        )


class BlobSource(Protocol):
    """A place that may have blobs. Adapters say what they have; nobody has to believe it."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        ...

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        """Blobs among which the wanted one may be; none where it has none. Raises SourceFailed."""
        ...


class BlobKeeper(Protocol):
    """A place where found blobs are kept."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        ...

    def keep(self, versioned_hash: bytes, blob: bytes) -> None:
        """Store a blob that was checked. Raises SourceFailed."""
        ...


@dataclass(frozen=True, slots=True)
class BlobSources:
    """Sources in the order in which they are asked; the first blob that checks out is returned.

    `keeper`: what is found elsewhere is kept there as well.
    """

    sources: tuple[BlobSource, ...] = ()
    keeper: BlobKeeper | None = field(default=None)

    def find(self, wanted: WantedBlob) -> bytes:
        """The blob that L1 names, checked against its hash. Raises BlobUnavailable."""
        tried = []
        for source in self.sources:
            try:
                given = source.candidates(wanted)
            except SourceFailed as error:
                tried.append(str(error))
                continue
            for blob in given:
                if is_blob_of(blob, wanted.versioned_hash):
                    if self.keeper is not None and self.keeper.name != source.name:
                        self.keeper.keep(wanted.versioned_hash, blob)
                    return blob
            said = "none of its blobs is the one that L1 names" if given else "has none"
            tried.append(f"{source.name}: {said}")
        raise BlobUnavailable(wanted.batch, wanted.versioned_hash, tuple(tried))


class SequencerBlobs:
    """GET /v1/batches/N/blob?versioned_hash=0x... of a sequencer: the raw bytes."""

    def __init__(self, url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._url, self._timeout_s = url.rstrip("/"), timeout_s
        self.name = f"the sequencer at {shown_url(url)}"

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        """See BlobSource."""
        path = f"v1/batches/{wanted.batch}/blob?versioned_hash=0x{wanted.versioned_hash.hex()}"
        answer = _get(self.name, f"{self._url}/{path}", self._timeout_s)
        return [] if answer is None else [answer.content[: BLOB_BYTES + 1]]


class BeaconBlobs:
    """A consensus node's API: getBlobs, or the older getBlobSidecars where it has only that.

    The slot of a block follows from its timestamp. A development chain that serves blobs under the
    same path knows no slots (it has no configuration to ask for): there the block's number is it.
    """

    def __init__(self, url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._url, self._timeout_s = url.rstrip("/"), timeout_s
        self.name = f"the beacon API at {shown_url(url)}"
        self._clock: tuple[int, int] | None = None  # genesis time, seconds a slot; (0, 0): none

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        """See BlobSource."""
        genesis, slot_s = self._clock or self._read_clock()
        slot = (wanted.timestamp - genesis) // slot_s if slot_s else wanted.block_number
        named = "0x" + wanted.versioned_hash.hex()
        found = self._data(f"beacon/blobs/{slot}?versioned_hashes={named}")
        if found is None:
            found = self._data(f"beacon/blob_sidecars/{slot}")
        if not isinstance(found, Sequence) or isinstance(found, str):
            return []
        return [blob for one in found if (blob := _blob(one)) is not None]

    def _read_clock(self) -> tuple[int, int]:
        genesis, spec = self._data("beacon/genesis"), self._data("config/spec")
        if not isinstance(genesis, Mapping):
            raise SourceFailed(self.name, "it serves no beacon API")
        if isinstance(spec, Mapping):
            slot_s = _whole(spec.get("SECONDS_PER_SLOT")) or DEFAULT_SLOT_S
            self._clock = _whole(genesis.get("genesis_time")), slot_s
        else:
            self._clock = 0, 0
        return self._clock

    def _data(self, path: str) -> object:
        """The `data` of an answer; None where there is no such thing."""
        answer = _get(self.name, f"{self._url}/eth/v1/{path}", self._timeout_s)
        if answer is None:
            return None
        try:
            given: object = answer.json()
        except ValueError as error:
            raise SourceFailed(self.name, "its answer is no JSON") from error
        return given.get("data") if isinstance(given, Mapping) else None


GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def _get(name: str, url: str, timeout_s: float) -> requests.Response | None:
    """None where the server says that it has nothing there. Raises SourceFailed."""
    try:
        answer = requests.get(url, timeout=timeout_s)
    except requests.RequestException as error:
        raise SourceFailed(name, f"no answer ({type(error).__name__})") from error
    if answer.status_code in GONE:
        return None
    if answer.status_code != HTTPStatus.OK:
        raise SourceFailed(name, f"it answers with status {answer.status_code}")
    return answer


def _whole(given: object) -> int:
    return int(given) if isinstance(given, str) and given.isascii() and given.isdigit() else 0


def _blob(given: object) -> bytes | None:
    """From a hexadecimal string, or from a sidecar's field of that name."""
    if isinstance(given, Mapping):
        given = given.get("blob")
    if not isinstance(given, str) or not given.startswith("0x"):
        return None
    try:
        return bytes.fromhex(given[2:])
    except ValueError:
        return None
