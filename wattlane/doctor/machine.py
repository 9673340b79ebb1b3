"""Is this machine fit for it: Python, compiled code, disk, limits, clock?"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from protocol.crypto import compiled
from protocol.crypto.kernel_cache import cache_root
from wattlane.doctor.home import Home
from wattlane.doctor.report import Finding, ok, problem, warning

OLDEST, FIRST_UNKNOWN = (3, 11), (3, 14)
FULL_BYTES, SCARCE_BYTES = 100_000_000, 1_000_000_000
SLOW_SYNC_S, SYNCS = 0.1, 8
IN_MEMORY, REMOTE = {"tmpfs", "ramfs"}, {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"}
FEW_FILES = 1_024
SKEWED_S, FAR_OFF_S = 20.0, 300.0


def python(_: Home) -> Finding:
    """The interpreter's version."""
    version = sys.version_info[:2]
    text = ".".join(map(str, sys.version_info[:3]))
    if not OLDEST <= version < FIRST_UNKNOWN:
        return problem(f"Python {text}", "install Python 3.11, 3.12 or 3.13 and Wattlane with it")
    return ok(f"Python {text}")


def kernels(_: Home) -> Finding:
    """Compiled signatures, and a cache that they can be kept in."""
    if not compiled.is_available():
        return warning(
            "no Numba: signatures in plain Python, some 50 times slower",
            "pip install numba, if there is one for this machine",
        )
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        return problem(
            f"the cache {root} cannot be written ({error.strerror}): signatures in plain Python",
            "make it writable, or name another one in WATTLANE_CACHE",
        )
    return ok(f"compiled code in {root}")


def space(home: Home) -> Finding:
    """Room for vouchers."""
    free = shutil.disk_usage(home.folder).free
    said = f"{free / 1e9:.1f} GB free"
    if free < FULL_BYTES:
        return problem(said, "free some: a node that cannot write acknowledges nothing")
    if free < SCARCE_BYTES:
        return warning(said, "free some before the disk is full")
    return ok(said)


def syncing(home: Home) -> Finding:
    """Whether what is written is kept, and how long that takes: every payment waits for it."""
    kind = _file_system(home.folder)
    if kind in IN_MEMORY:
        return problem(
            f"the folder is in memory ({kind}): a power cut takes all vouchers",
            "move the folder to a disk",
        )
    taken = []
    with tempfile.TemporaryFile(dir=home.folder) as file:
        for _ in range(SYNCS):
            file.write(bytes(4_096))
            began = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    median_s = statistics.median(taken)
    said = f"{median_s * 1_000:.1f} ms a synchronised write on {kind}"
    if kind in REMOTE:
        return warning(said, "locks and syncs over a network may not hold; prefer a local disk")
    if median_s > SLOW_SYNC_S:
        return warning(said, "payments wait for it: prefer another disk (SD cards are slow)")
    return ok(said)


def _file_system(folder: Path) -> str:
    real = folder.resolve()
    mounts = [
        one for one in psutil.disk_partitions(all=True) if real.is_relative_to(one.mountpoint)
    ]
    if not mounts:
        return "unknown"
    return str(max(mounts, key=lambda one: len(one.mountpoint)).fstype)


def limits(_: Home) -> Finding:
    """Open files, file sizes, and core dumps, which would hold keys."""
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    size, _hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    core, _hard = resource.getrlimit(resource.RLIMIT_CORE)
    if files != resource.RLIM_INFINITY and files < FEW_FILES:
        return warning(f"{files} open files allowed", f"ulimit -n {FEW_FILES} or more")
    if size != resource.RLIM_INFINITY:
        return problem(f"files of at most {size} bytes allowed", "ulimit -f unlimited")
    if core != 0:
        return warning("core dumps are on: one would hold your keys", "ulimit -c 0")
    return ok(f"{files} open files, no core dumps")


def clock(home: Home) -> Finding:
    """This machine's clock beside L1's newest block and the sequencer's."""
    now, others = time.time(), {}
    reasons = []
    try:
        stated = home.sequencer("/v1/info").headers["date"]
        others["the sequencer"] = now - parsedate_to_datetime(stated).timestamp()
    except Exception as error:  # noqa: BLE001 - one of two is enough
        reasons.append(type(error).__name__)
    try:
        ahead_s = home.reader().latest_block().timestamp - time.time()
        if ahead_s > SKEWED_S:  # a block behind says nothing: there may be no newer one
            others["L1"] = -float(ahead_s)
        else:
            others.setdefault("L1", 0.0)
    except Exception as error:  # noqa: BLE001 - as above
        reasons.append(type(error).__name__)
    if not others:
        return warning(f"nobody to compare with ({', '.join(reasons)})", "mend L1 or sequencer")
    worst = max(others, key=lambda name: abs(others[name]))
    off_s = others[worst]
    if abs(off_s) <= SKEWED_S:
        return ok(f"within {SKEWED_S:g} s of {' and '.join(others)}")
    way = "ahead of" if off_s > 0 else "behind"
    said = f"{abs(off_s):.0f} s {way} {worst}"
    mend = "let the clock be set (timedatectl set-ntp true)"
    return problem(said, mend) if abs(off_s) > FAR_OFF_S else warning(said, mend)
