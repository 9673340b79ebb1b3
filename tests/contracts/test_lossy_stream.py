"""A log on a disk that is full: what can be written is, the rest is lost without an error."""

from __future__ import annotations

import errno
import io

from contracts.lossy_stream import LossyStream


class FullDisk(io.StringIO):
    """Refuses everything, as a file on a full disk does."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_on_a_full_disk_is_lost_without_an_error() -> None:
    stream = LossyStream(FullDisk())
    assert stream.write("batch accepted\n") == 15
    stream.flush()


def test_what_can_be_written_is() -> None:
    kept = io.StringIO()
    LossyStream(kept).write("batch accepted\n")
    assert kept.getvalue() == "batch accepted\n"
