"""Invariant: nothing of a file is believed, and no memory taken, before it fits the file's length.

iden3's binary files: 4 bytes that name the kind, version and number of sections (uint32), then
sections: number (uint32), size in bytes (uint64), content. All integers are little-endian.
Ref: iden3/r1csfile, doc/r1cs_bin_format.md; iden3/binfileutils.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.iden3.errors import MalformedFile, UnreadableFile, WrongField

FR_BYTES, FQ_BYTES = 32, 48
_HEADER_BYTES, _SECTION_HEADER_BYTES = 12, 12
Array = NDArray[np.uint64] | NDArray[np.uint32] | NDArray[np.uint8]
Buffer = bytes | Array


def require_file(path: Path) -> None:
    """Raise UnreadableFile unless `path` is a plain file: to open a pipe could wait for ever."""
    if not path.is_file():
        raise UnreadableFile(path, "there is no such file")


@dataclass(frozen=True, slots=True)
class BinFile:
    """The table of a file's sections: number -> (start, size) in bytes."""

    path: Path
    kind: str
    sections: Mapping[int, tuple[int, int]]

    @classmethod
    def open(cls, path: Path, kind: str, max_version: int) -> BinFile:
        """Read the table. Raises UnreadableFile, and MalformedFile unless the sections are
        distinct and fill the file exactly.
        """
        require_file(path)
        try:
            with path.open("rb") as file:
                length = os.fstat(file.fileno()).st_size
                head = file.read(_HEADER_BYTES)
                if len(head) < _HEADER_BYTES or head[:4] != kind.encode():
                    raise MalformedFile(path, "start", f"not a .{kind} file")
                version, count = _u32(head, 4), _u32(head, 8)
                if not 1 <= version <= max_version:
                    raise MalformedFile(path, "start", f"version {version} is not supported")
                sections: dict[int, tuple[int, int]] = {}
                end = _HEADER_BYTES
                for _ in range(count):
                    file.seek(end)
                    table = file.read(_SECTION_HEADER_BYTES)
                    if len(table) < _SECTION_HEADER_BYTES:
                        raise MalformedFile(path, "table of sections", "the file is cut short")
                    number, size = _u32(table, 0), int.from_bytes(table[4:], "little")
                    start = end + _SECTION_HEADER_BYTES
                    if number in sections:
                        raise MalformedFile(path, f"section {number}", "occurs twice")
                    if size > length - start:
                        have = length - start
                        what = f"{size} bytes announced, {have} are there: the file is cut short"
                        raise MalformedFile(path, f"section {number}", what)
                    sections[number] = start, size
                    end = start + size
        except OSError as error:
            raise UnreadableFile(path, str(error)) from error
        if end != length:
            what = f"{length - end} bytes follow the last section"
            raise MalformedFile(path, "end", what)
        return cls(path, kind, sections)

    def malformed(self, number: int, name: str, what: str) -> MalformedFile:
        """The error that says what is wrong with a section."""
        return MalformedFile(self.path, f"section {number} ({name})", what)

    def size(self, number: int, name: str) -> int:
        """The bytes of a section. Raises MalformedFile if it is missing."""
        if number not in self.sections:
            raise self.malformed(number, name, "is missing")
        return self.sections[number][1]

    def array(self, number: int, name: str, offset: int, count: int) -> NDArray[np.uint8]:
        """`count` bytes of a section from `offset`, aligned for words of any kind.

        Raises MalformedFile where the section is shorter, UnreadableFile.
        """
        size = self.size(number, name)
        if offset + count > size:
            what = f"has {size} bytes where {offset + count} are needed"
            raise self.malformed(number, name, what)
        start = self.sections[number][0] + offset
        try:
            found = np.fromfile(self.path, dtype=np.uint8, count=count, offset=start)
        except OSError as error:
            raise UnreadableFile(self.path, str(error)) from error
        if found.shape[0] != count:
            raise self.malformed(number, name, "the file has shrunk")
        return found

    def words(self, number: int, name: str, count: int, width: int) -> NDArray[np.uint64]:
        """A whole section as uint64[count, width]. Raises MalformedFile for another size."""
        size, want = self.size(number, name), 8 * count * width
        if size != want:
            what = f"has {size} bytes, not {want}: {count} entries of {8 * width}"
            raise self.malformed(number, name, what)
        found = self.array(number, name, 0, size).view("<u8")
        return found.astype(np.uint64, copy=False).reshape(count, width)

    def reader(self, number: int, name: str, at_most: int = 1 << 20) -> SectionReader:
        """A cursor over a section that is small. Raises MalformedFile if it is larger."""
        size = self.size(number, name)
        if size > at_most:
            what = f"has {size} bytes, more than {at_most}"
            raise self.malformed(number, name, what)
        return self.prefix(number, name, size)

    def prefix(self, number: int, name: str, count: int) -> SectionReader:
        """A cursor over the first `count` bytes of a section. Raises MalformedFile."""
        where = f"section {number} ({name})"
        return SectionReader(self.path, where, self.array(number, name, 0, count).tobytes())


class SectionReader:
    """Takes one thing after the other out of a section; every take is bounded by what is left."""

    def __init__(self, path: Path, where: str, data: bytes) -> None:
        self.path, self.where = path, where
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        """The bytes that have not been taken."""
        return len(self._data) - self._at

    def fail(self, what: str) -> MalformedFile:
        return MalformedFile(self.path, self.where, what)

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises MalformedFile."""
        if count > self.left:
            raise self.fail(f"{count} bytes are needed at {self._at}, {self.left} are left")
        self._at += count
        return self._data[self._at - count : self._at]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def prime(self, n_bytes: int, prime: int) -> None:
        """Take a size and a prime. Raises WrongField unless they are n_bytes and `prime`."""
        size = self.u32()
        if not 0 < size <= 4 * FQ_BYTES:
            raise self.fail(f"a prime of {size} bytes")
        found = int.from_bytes(self.take(size), "little")
        if found != prime:
            raise WrongField(self.path, found)
        if size != n_bytes:
            raise self.fail(f"elements of {size} bytes, not {n_bytes}")

    def end(self) -> None:
        """Raise MalformedFile unless everything has been taken."""
        if self.left:
            raise self.fail(f"{self.left} bytes more than expected")


def prime_header(prime: int) -> bytes:
    """What SectionReader.prime takes, for r or q of BLS12-381."""
    size = {R: FR_BYTES, FQ.modulus: FQ_BYTES}[prime]
    return u32(size) + prime.to_bytes(size, "little")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def write_file(
    path: Path, kind: str, version: int, sections: Iterable[tuple[int, Sequence[Buffer]]]
) -> None:
    """Write a file, section by section; it appears under its name when it is whole.

    Sections may be made one after the other while they are written. Raises UnreadableFile, also
    where the name is that of a device or a pipe, which would be replaced.
    """
    if path.exists() and not path.is_file():
        raise UnreadableFile(path, "it is there, and it is no file")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with part.open("xb") as file:
                file.write(kind.encode() + u32(version) + u32(0))
                count = 0
                for number, pieces in sections:
                    file.write(u32(number) + u64(sum(_size(piece) for piece in pieces)))
                    for piece in pieces:
                        file.write(piece if isinstance(piece, bytes) else _data(piece))
                    count += 1
                file.seek(8)
                file.write(u32(count))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UnreadableFile(path, str(error)) from error


def _size(piece: Buffer) -> int:
    return len(piece) if isinstance(piece, bytes) else int(piece.nbytes)


def _data(piece: Array) -> memoryview:
    little = piece.astype(piece.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).data


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
