"""Damaged files: bits flipped, cut, grown, counts changed, sections doubled, dropped or swapped."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]
Section = tuple[int, bytes]
_HEADER = 12
_COUNTS = [0, 1, 2, 3, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1]


def sections_of(data: bytes) -> list[Section]:
    """The sections of a sound file: number and content."""
    found, at = [], _HEADER
    while at < len(data):
        number, size = int.from_bytes(data[at : at + 4], "little"), _size(data, at)
        found.append((number, data[at + 12 : at + 12 + size]))
        at += 12 + size
    return found


def joined(data: bytes, sections: list[Section]) -> bytes:
    """A file with these sections and the kind and version of `data`."""
    parts = [n.to_bytes(4, "little") + len(c).to_bytes(8, "little") + c for n, c in sections]
    return data[:8] + len(parts).to_bytes(4, "little") + b"".join(parts)


def _size(data: bytes, at: int) -> int:
    return int.from_bytes(data[at + 4 : at + 12], "little")


def _flip(position: int, bit: int) -> Damage:
    def damage(data: bytes) -> bytes:
        at = position % len(data)
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]

    return damage


def _set_word(position: int, word: int) -> Damage:
    """Most words of the first bytes are counts and sizes."""

    def damage(data: bytes) -> bytes:
        at = 4 * position % max(4, len(data) - 4)
        return data[:at] + word.to_bytes(4, "little") + data[at + 4 :]

    return damage


def _cut(position: int) -> Damage:
    return lambda data: data[: position % len(data)]


def _grow(more: bytes) -> Damage:
    return lambda data: data + more


def _rearrange(number: int, how: str) -> Damage:
    def damage(data: bytes) -> bytes:
        sections = sections_of(data)
        if not sections:
            return data
        at = number % len(sections)
        chosen = sections[at]
        if how == "double":
            sections.append(chosen)
        elif how == "drop":
            del sections[at]
        elif how == "empty":
            sections[at] = chosen[0], b""
        elif how == "shorten":
            sections[at] = chosen[0], chosen[1][: len(chosen[1]) // 2]
        elif how == "lengthen":
            sections[at] = chosen[0], chosen[1] + chosen[1][-96:]
        else:  # the content of another section under this number
            sections[at] = chosen[0], sections[at - 1][1]
        return joined(data, sections)

    return damage


HOWS = ("double", "drop", "empty", "shorten", "lengthen", "exchange")
POSITIONS = st.one_of(st.integers(0, 300), st.integers(0, 2**20))
DAMAGES: st.SearchStrategy[Damage] = st.one_of(
    st.builds(_flip, POSITIONS, st.integers(0, 7)),
    st.builds(_set_word, POSITIONS, st.one_of(st.sampled_from(_COUNTS), st.integers(0, 2**32 - 1))),
    st.builds(_cut, POSITIONS),
    st.builds(_grow, st.binary(min_size=1, max_size=100)),
    st.builds(_rearrange, st.integers(0, 12), st.sampled_from(HOWS)),
)
