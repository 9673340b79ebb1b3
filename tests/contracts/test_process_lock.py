"""One process a folder, and the second is told which one is first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.process_lock import LockHeld, holder_of, take_lock

HOLD = """
import sys
from pathlib import Path
from contracts.process_lock import take_lock
take_lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_is_named_until_it_is_gone_however_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder_of(path) is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld, match=rf"process {other.pid} \(python.* UTC\)"):
            take_lock(path)
        assert f"process {other.pid} (" in str(holder_of(path))
        other.kill()
        other.wait()
        assert holder_of(path) is None
        os.close(take_lock(path))
    assert holder_of(path) is None


def test_what_somebody_wrote_into_the_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    descriptor = take_lock(path)
    path.write_text("no number")
    assert holder_of(path) == "another process"
    path.write_text("4194304")  # more than there can be
    assert holder_of(path) == "process 4194304"
    os.close(descriptor)
