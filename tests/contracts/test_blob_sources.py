"""Blobs come from anywhere and are believed nowhere: only what has the hash that L1 names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.blob_archive import BlobArchive
from contracts.blob_sources import (
    BeaconBlobs,
    BlobSources,
    BlobUnavailable,
    SequencerBlobs,
    SourceFailed,
    WantedBlob,
)
from contracts.blob_transactions import Sidecar
from protocol.blobs import BLOB_BYTES, blob_of
from tests.contracts.http_server import Answer, serving

GOOD, OTHER = Sidecar.of(blob_of([1, 2, 3])), Sidecar.of(blob_of([4]))
NAMED = GOOD.versioned_hash
WANTED = WantedBlob(NAMED, batch=7, block_number=9, timestamp=1_000 + 12 * 55 + 3)
GENESIS = {"data": {"genesis_time": "1000"}}
SPEC = {"data": {"SECONDS_PER_SLOT": "12"}}
FOUND = {"data": ["0x" + OTHER.blob.hex(), "0x" + GOOD.blob.hex()]}


@dataclass(frozen=True, slots=True)
class Told:
    """A source that says what a test lets it say."""

    name: str
    says: tuple[bytes, ...]

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        assert wanted is WANTED
        return self.says


@dataclass(frozen=True, slots=True)
class Broken:
    """A source that always fails."""

    name: str = "broken"

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        raise SourceFailed(self.name, "out of order")


def test_the_first_blob_with_the_right_hash_is_taken() -> None:
    lies = (OTHER.blob, bytes(BLOB_BYTES), b"", b"\xff" * BLOB_BYTES)
    sources = (Broken(), Told("silent", ()), Told("liar", lies), Told("honest", (GOOD.blob,)))
    assert BlobSources(sources).find(WANTED) == GOOD.blob


def test_what_no_source_has_is_unavailable_and_says_whom_it_asked() -> None:
    sources = (Broken(), Told("silent", ()), Told("liar", (OTHER.blob,)))
    with pytest.raises(BlobUnavailable) as refused:
        BlobSources(sources).find(WANTED)
    said = str(refused.value)
    assert f"0x{NAMED.hex()} of batch 7" in said
    for part in ("broken: out of order", "silent: has none", "liar: none of its blobs"):
        assert part in said
    with pytest.raises(BlobUnavailable, match="no source to ask"):
        BlobSources().find(WANTED)


def test_the_archive_keeps_what_was_found_elsewhere(tmp_path: Path) -> None:
    archive = BlobArchive(tmp_path / "blobs")
    elsewhere = Told("elsewhere", (GOOD.blob,))
    assert not archive.holds(NAMED)
    assert BlobSources((archive, elsewhere), archive).find(WANTED) == GOOD.blob
    assert archive.holds(NAMED)
    assert archive.count() == 1
    assert BlobSources((archive,), archive).find(WANTED) == GOOD.blob
    assert [path.name for path in archive.folder.iterdir()] == [f"0x{NAMED.hex()}.blob"]


def test_a_damaged_file_of_the_archive_costs_a_blob_and_is_mended(tmp_path: Path) -> None:
    archive = BlobArchive(tmp_path)
    path = tmp_path / f"0x{NAMED.hex()}.blob"
    for damaged in (GOOD.blob[:-1], bytes(1) + GOOD.blob[1:] + b"\0", OTHER.blob):
        path.write_bytes(damaged)
        with pytest.raises(BlobUnavailable, match="none of its blobs"):
            BlobSources((archive,)).find(WANTED)
    assert BlobSources((archive, Told("honest", (GOOD.blob,))), archive).find(WANTED) == GOOD.blob
    assert path.read_bytes() == GOOD.blob


def test_an_archive_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceFailed, match="cannot be made"):
        BlobArchive(tmp_path / "file" / "blobs")
    archive = BlobArchive(tmp_path / "gone")
    archive.folder.rmdir()
    with pytest.raises(SourceFailed, match="cannot be written"):
        archive.keep(NAMED, GOOD.blob)


def test_a_sequencer_serves_its_batchs_blob() -> None:
    path = f"/v1/batches/7/blob?versioned_hash=0x{NAMED.hex()}"
    with serving({path: Answer(GOOD.blob)}) as url:
        assert BlobSources((SequencerBlobs(url),)).find(WANTED) == GOOD.blob
    with serving({}) as url, pytest.raises(BlobUnavailable, match="has none"):
        BlobSources((SequencerBlobs(url),)).find(WANTED)
    with serving({path: Answer(b"", 500)}) as url, pytest.raises(BlobUnavailable, match="500"):
        BlobSources((SequencerBlobs(url),)).find(WANTED)
    with pytest.raises(BlobUnavailable, match="no answer"):
        BlobSources((SequencerBlobs(url),)).find(WANTED)


def test_a_beacon_node_is_asked_for_the_slot_of_the_blocks_time() -> None:
    paths = {
        "/eth/v1/beacon/genesis": Answer.json(GENESIS),
        "/eth/v1/config/spec": Answer.json(SPEC),
        f"/eth/v1/beacon/blobs/55?versioned_hashes=0x{NAMED.hex()}": Answer.json(FOUND),
    }
    with serving(paths) as url:
        source = BeaconBlobs(url)
        assert BlobSources((source,)).find(WANTED) == GOOD.blob
        assert BlobSources((source,)).find(WANTED) == GOOD.blob


def test_an_older_beacon_node_serves_sidecars() -> None:
    sidecars = {"data": [{"index": "0", "blob": "0x" + GOOD.blob.hex()}, {"index": "1"}]}
    paths = {
        "/eth/v1/beacon/genesis": Answer.json(GENESIS),
        "/eth/v1/config/spec": Answer.json(SPEC),
        "/eth/v1/beacon/blob_sidecars/55": Answer.json(sidecars),
    }
    with serving(paths) as url:
        assert BlobSources((BeaconBlobs(url),)).find(WANTED) == GOOD.blob


def test_a_development_chain_is_asked_for_the_blocks_number() -> None:
    paths = {
        "/eth/v1/beacon/genesis": Answer.json(GENESIS),
        f"/eth/v1/beacon/blobs/9?versioned_hashes=0x{NAMED.hex()}": Answer.json(FOUND),
    }
    with serving(paths) as url:
        assert BlobSources((BeaconBlobs(url),)).find(WANTED) == GOOD.blob


@pytest.mark.parametrize(
    "odd",
    [
        Answer(b"{"),
        Answer(b"[]"),
        Answer.json({"data": "0x12"}),
        Answer.json({"data": [3, {}, "12", "0x1g", {"blob": None}]}),
        Answer(b"", 500),
        Answer(b"", 404),
    ],
)
def test_a_beacon_node_that_answers_oddly_is_one_that_has_none(odd: Answer) -> None:
    paths = {
        "/eth/v1/beacon/genesis": Answer.json(GENESIS),
        "/eth/v1/config/spec": Answer.json(SPEC),
        f"/eth/v1/beacon/blobs/55?versioned_hashes=0x{NAMED.hex()}": odd,
    }
    with serving(paths) as url, pytest.raises(BlobUnavailable):
        BlobSources((BeaconBlobs(url),)).find(WANTED)


def test_a_server_without_a_beacon_api_is_named() -> None:
    with serving({}) as url, pytest.raises(BlobUnavailable, match="no beacon API"):
        BlobSources((BeaconBlobs(url),)).find(WANTED)
