"""A disk that remembers every write, and what a power cut may leave of them.

A VFS under the SQLite library that this process uses notes each write, truncation, deletion and
sync of a file, in order, and passes it on. `Disk.images` then builds what may be on disk when the
power fails between any two of them: what was synced is there; of what came after a file's last
sync any part may be, in any order, a write cut anywhere at a sector of 512 bytes.
Ref: https://sqlite.org/vfs.html; https://sqlite.org/atomiccommit.html, section 3.1.
"""

from __future__ import annotations

import ctypes
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

SECTOR_BYTES = 512
Image = dict[str, bytes]


class Kind(Enum):
    """What happened to a file."""

    WRITE = "write"
    TRUNCATE = "truncate"
    DELETE = "delete"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Op:
    """One step. `offset` is a size where the file is cut."""

    kind: Kind
    file: str
    offset: int = 0
    written: bytes = b""


class Cut(Enum):
    """What a crash leaves of the steps since each file's last sync."""

    ALL = "all"  # the process was killed: the system writes everything
    NONE = "none"
    SOME = "some"
    TORN = "torn"


@dataclass(slots=True)
class Disk:
    """All that happened to the files of one folder."""

    folder: Path
    ops: list[Op] = field(default_factory=list)

    def images(self, rng: random.Random) -> Iterator[tuple[int, Cut, Image]]:
        """(steps done, what was left, what is on disk), for every step and every kind of cut."""
        durable: dict[str, bytearray] = {}
        pending: dict[str, list[Op]] = {}
        for done in range(len(self.ops) + 1):
            for cut in Cut:
                yield done, cut, _after(durable, pending, cut, rng)
            if done == len(self.ops):
                return
            op = self.ops[done]
            if op.kind is Kind.SYNC:
                is_new = op.file not in durable or _deletions(pending.get(op.file, [])) > 0
                for earlier in pending.pop(op.file, []):
                    _apply(durable, earlier)
                if is_new:
                    _sync_folder(durable, pending)
            else:
                pending.setdefault(op.file, []).append(op)


def _deletions(ops: list[Op]) -> int:
    """How many of these steps the last deletion of the file ends."""
    return max((at + 1 for at, op in enumerate(ops) if op.kind is Kind.DELETE), default=0)


def _sync_folder(durable: dict[str, bytearray], pending: dict[str, list[Op]]) -> None:
    for name, ops in list(pending.items()):
        count = _deletions(ops)
        for op in ops[:count]:
            _apply(durable, op)
        pending[name] = ops[count:]
        if not pending[name]:
            del pending[name]


def _after(
    durable: dict[str, bytearray], pending: dict[str, list[Op]], cut: Cut, rng: random.Random
) -> Image:
    changed = {name: bytearray(raw) for name, raw in durable.items() if name in pending}
    for ops in pending.values():
        for op in ops:
            if cut is Cut.ALL or (cut is not Cut.NONE and rng.random() < 0.5):
                _apply(changed, op, rng if cut is Cut.TORN else None)
    whole = {name: bytes(raw) for name, raw in durable.items() if name not in pending}
    return whole | {name: bytes(raw) for name, raw in changed.items()}


def _apply(files: dict[str, bytearray], op: Op, torn: random.Random | None = None) -> None:
    if op.kind is Kind.DELETE:
        files.pop(op.file, None)
        return
    raw = files.setdefault(op.file, bytearray())
    if op.kind is Kind.TRUNCATE:
        del raw[op.offset :]
        return
    start, end = op.offset, op.offset + len(op.written)
    if len(raw) < end:
        raw.extend(bytes(end - len(raw)))
    at = start
    while at < end:
        stop = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        if torn is None or torn.random() < 0.5:
            raw[at:stop] = op.written[at - start : stop - start]
        at = stop


# --- the VFS ------------------------------------------------------------------------------------


def _table(name: str, numbers: tuple[str, ...], pointers: tuple[str, ...]) -> Any:
    fields = [(one, ctypes.c_int) for one in numbers]
    fields += [(one, ctypes.c_void_p) for one in pointers]  # type: ignore[misc]
    return type(name, (ctypes.Structure,), {"_fields_": fields})


_Vfs = _table(
    "sqlite3_vfs",
    ("iVersion", "szOsFile", "mxPathname"),
    (
        *("pNext", "zName", "pAppData", "xOpen", "xDelete", "xAccess", "xFullPathname"),
        *("xDlOpen", "xDlError", "xDlSym", "xDlClose", "xRandomness", "xSleep", "xCurrentTime"),
        *("xGetLastError", "xCurrentTimeInt64"),
        *("xSetSystemCall", "xGetSystemCall", "xNextSystemCall"),
    ),
)
_Methods = _table(
    "sqlite3_io_methods",
    ("iVersion",),
    (
        *("xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock"),
        *("xCheckReservedLock", "xFileControl", "xSectorSize", "xDeviceCharacteristics"),
        *("xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap", "xFetch", "xUnfetch"),
    ),
)
_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)  # a name is followed by its URI's parameters
_DELETE = ctypes.CFUNCTYPE(_I, _P, _P, _I)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_CUT = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_NAME = b"recording"


def library() -> Path | None:
    """The shared SQLite library that Python's module uses, None where it is compiled in."""
    import sqlite3

    sqlite3.connect(":memory:").close()
    mapped = Path("/proc/self/maps").read_text()
    found = re.search(r"\S*/libsqlite3\.so\S*", mapped)
    return Path(found[0]) if found else None


class _Recorder:
    """The VFS: the default one's functions, but for the few that change files."""

    def __init__(self, sqlite: ctypes.CDLL) -> None:
        self._sqlite = sqlite
        sqlite.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        sqlite.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
        sqlite.sqlite3_vfs_register.argtypes = [_P, _I]
        sqlite.sqlite3_vfs_unregister.argtypes = [_P]
        self._base = sqlite.sqlite3_vfs_find(None)
        self.vfs = _Vfs.from_buffer_copy(self._base.contents)
        self.disks: dict[Path, Disk] = {}
        self._names: dict[int, tuple[Disk, str]] = {}
        self._tables: dict[int, Any] = {}
        self._name = ctypes.create_string_buffer(_NAME)
        self.vfs.zName = ctypes.addressof(self._name)
        self.vfs.pNext = None
        self._open, self._delete = _OPEN(self.vfs.xOpen), _DELETE(self.vfs.xDelete)
        self._kept: list[object] = []
        self.vfs.xOpen = self._pointer(_OPEN(self._on_open))
        self.vfs.xDelete = self._pointer(_DELETE(self._on_delete))

    def _pointer(self, function: Any) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, _P).value

    def _place(self, name: int | None) -> tuple[Disk, str] | None:
        if name is None:
            return None
        path = Path(ctypes.string_at(name).decode())
        disk = self.disks.get(path.parent)
        return None if disk is None else (disk, path.name)

    def _on_open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code: int = self._open(vfs, name, file, flags, out)
        place = self._place(name)
        if code == 0 and place is not None:
            self._names[file] = place
            methods = ctypes.cast(file, ctypes.POINTER(_P))
            original = methods[0]
            if original is not None:
                if original not in self._tables:
                    self._tables[original] = self._patched(original)
                methods[0] = ctypes.addressof(self._tables[original])
        return code

    def _on_delete(self, vfs: int, name: int, sync_folder: int) -> int:
        code: int = self._delete(vfs, name, sync_folder)
        place = self._place(name)
        if code == 0 and place is not None:
            place[0].ops.append(Op(Kind.DELETE, place[1]))
            if sync_folder:
                place[0].ops.append(Op(Kind.SYNC, place[1]))
        return code

    def _patched(self, original: int) -> Any:
        table = _Methods.from_buffer_copy(_Methods.from_address(original))
        write, cut, sync = _WRITE(table.xWrite), _CUT(table.xTruncate), _SYNC(table.xSync)

        def note(file: int, code: int, make: Callable[[str], Op]) -> int:
            place = self._names.get(file)
            if code == 0 and place is not None:
                place[0].ops.append(make(place[1]))
            return code

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            written = ctypes.string_at(data, size)
            code = write(file, data, size, offset)
            return note(file, code, lambda name: Op(Kind.WRITE, name, offset, written))

        def on_cut(file: int, size: int) -> int:
            return note(file, cut(file, size), lambda name: Op(Kind.TRUNCATE, name, size))

        def on_sync(file: int, flags: int) -> int:
            return note(file, sync(file, flags), lambda name: Op(Kind.SYNC, name))

        table.xWrite = self._pointer(_WRITE(on_write))
        table.xTruncate = self._pointer(_CUT(on_cut))
        table.xSync = self._pointer(_SYNC(on_sync))
        return table


@contextmanager
def recording(*folders: Path) -> Iterator[list[Disk]]:
    """Everything that SQLite does to files in `folders` (new connections only), until the end.

    All these connections must be closed when the block is left. Raises RuntimeError where Python
    brings its own SQLite.
    """
    path = library()
    if path is None:
        raise RuntimeError("Python's SQLite is no shared library here")
    recorder = _Recorder(ctypes.CDLL(str(path)))
    disks = [Disk(folder) for folder in folders]
    recorder.disks.update({disk.folder: disk for disk in disks})
    address = ctypes.addressof(recorder.vfs)
    assert recorder._sqlite.sqlite3_vfs_register(address, 1) == 0
    try:
        yield disks
    finally:
        recorder._sqlite.sqlite3_vfs_unregister(address)
