"""The operator's receipts, each a file of its own that can be held against it without this node.

`wattlane receipt verify FILE` reads one. A file is on the disk, whole, before the transaction that
it is for counts as settled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from channels.errors import StoreFailed
from protocol.codec import Json

FOLDER = "receipts"


class ReceiptFolder:
    """The receipts of one node, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FOLDER

    def keep(self, transaction_id: str, document: Json) -> Path:
        """Write a receipt's file; a later receipt replaces it. Raises StoreFailed."""
        path = self.path / f"{transaction_id}.json"
        beside = path.with_suffix(".new")
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                json.dump(document, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreFailed(str(path), error.strerror or "cannot be written") from error
        return path
