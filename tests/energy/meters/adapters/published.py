"""The published samples, and what the tests change in them."""

from __future__ import annotations

import re

from dsmr_parser.parsers import TelegramParser

from tests.energy.meters.adapters.gathering import SAMPLES

ISKRA = (SAMPLES / "iskra_v5.p1").read_bytes()


def published_key(name: str) -> str:
    """The key that a sample's file states beside the record; a household reads it off the meter."""
    text = (SAMPLES / name).read_text()
    found = re.search(r"<publicKey[^>]*>(.*?)</publicKey>", text, re.DOTALL)
    assert found is not None
    return "".join(found[1].split())


def with_other_lines(*changes: tuple[bytes, bytes]) -> bytes:
    """The telegram with these parts of it changed, and the checksum that it then has."""
    telegram = ISKRA
    for before, after in changes:
        assert before in telegram
        telegram = telegram.replace(before, after)
    text = telegram[: telegram.rindex(b"!") + 1]
    return text + f"{TelegramParser.crc16(text.decode('latin-1')):04X}\r\n".encode()
