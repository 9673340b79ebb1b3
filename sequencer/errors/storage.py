"""The database refuses."""

from __future__ import annotations

from dataclasses import dataclass

from sequencer.errors.base import SequencerError


class StorageError(SequencerError):
    """Base: the database refused; nothing of the change was kept."""


@dataclass
class DatabaseTooNew(StorageError):
    """The database was written by a later version of Wattlane."""

    path: str
    revision: str

    def __str__(self) -> str:
        return (
            f"database {self.path} has schema {self.revision}, which this version does not know; "
            "install the Wattlane version that wrote it, or a later one"
        )


@dataclass
class StorageFull(StorageError):
    """No room on the disk."""

    path: str

    def __str__(self) -> str:
        return f"no space left for database {self.path}; nothing was changed"


@dataclass
class StorageReadOnly(StorageError):
    """The database cannot be written."""

    path: str

    def __str__(self) -> str:
        return f"database {self.path} is read-only; nothing was changed"


@dataclass
class StorageFailed(StorageError):
    """Any other refusal of the database."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"database {self.path} failed: {self.why}"


@dataclass
class CorruptDatabase(StorageError):
    """What the database holds does not lead to the roots that it recorded."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass
class BatcherReplaced(StorageError):
    """Another process has become the batcher of this database."""

    term: int | None

    def __str__(self) -> str:
        return f"another process has become the batcher; this one's term {self.term} is over"


@dataclass
class NoBatcher(StorageError):
    """No process is the batcher now; another one takes over in a moment."""

    def __str__(self) -> str:
        return "the part that answers this is being started; try again in a moment"
