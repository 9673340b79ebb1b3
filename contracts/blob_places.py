"""The sources that a command or a process asks for blobs, in their order: nearest first."""

from __future__ import annotations

from pathlib import Path

from contracts.blob_archive import BlobArchive
from contracts.blob_sources import BeaconBlobs, BlobSource, BlobSources, SequencerBlobs
from contracts.rpc import DEFAULT_TIMEOUT_S


def blob_sources(
    l1_url: str,
    *,
    archive: Path | None = None,
    sequencer: str | None = None,
    beacon: str | None = None,
    first: BlobSource | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> BlobSources:
    """`first`, then an archive folder, a sequencer's API, a beacon node's; all but the last may be
    left out.

    Without `beacon` the L1 node's own URL is asked: development chains serve blobs there. What is
    found elsewhere is kept in the archive. Raises SourceFailed where its folder cannot be made.
    """
    sources: list[BlobSource] = [] if first is None else [first]
    keeper = None
    if archive is not None:
        keeper = BlobArchive(archive)
        sources.append(keeper)
    if sequencer is not None:
        sources.append(SequencerBlobs(sequencer, timeout_s))
    sources.append(BeaconBlobs(beacon or l1_url, timeout_s))
    return BlobSources(tuple(sources), keeper)
