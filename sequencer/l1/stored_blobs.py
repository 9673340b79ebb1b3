"""The sequencer's own database as a source of blobs: what it sent or saw, it need not ask for."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.blob_places import blob_sources
from contracts.blob_sources import BlobSources, SourceFailed, WantedBlob
from sequencer.errors import StorageError
from sequencer.settings import Settings
from sequencer.storage import blobs
from sequencer.storage.database import Database


class StoredBlobs:
    """See BlobSource."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = f"the database {database.name}"

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        """See BlobSource."""
        try:
            with self._database.read() as connection:
                found = blobs.find(connection, wanted.versioned_hash)
        except StorageError as error:
            raise SourceFailed(self.name, str(error)) from error
        return [] if found is None else [found]


def sources_of(settings: Settings, database: Database) -> BlobSources:
    """Where this sequencer looks for blobs: its database, its archive, a beacon node.

    Raises SourceFailed where the archive's folder cannot be made.
    """
    return blob_sources(
        settings.l1_url,
        archive=settings.archive_folder,
        beacon=settings.beacon_url,
        first=StoredBlobs(database),
        timeout_s=settings.rpc_timeout_s,
    )
