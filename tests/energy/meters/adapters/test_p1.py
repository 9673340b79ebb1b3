"""DSMR P1: published telegrams, from files, a TCP port and a serial line, and what is refused."""

from __future__ import annotations

import asyncio
import os
import pty
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from dlms_cosem.protocol.xdlms import GeneralGlobalCipher
from dlms_cosem.security import SecurityControlField, encrypt

from energy.errors import BadSource, BadSourceRecord, OtherMeter, SourceSilent
from energy.meters.adapters.p1 import P1Source
from energy.meters.adapters.p1_telegrams import P1Reader
from energy.meters.sample import Clock
from tests.energy.meters.adapters.gathering import SAMPLES, Refusals, all_of, first_of
from tests.energy.meters.adapters.published import ISKRA, with_other_lines

KEYS = ("AA" * 16, "BB" * 16)


def _at_second(second: int) -> bytes:
    return with_other_lines((b"(170102192002W)", f"(1701021920{second:02}W)".encode()))


def _encrypted(plain: bytes) -> bytes:
    control = SecurityControlField(security_suite=0, authenticated=True, encrypted=True)
    title, counter = b"SYSTEMID", 0x10000001
    key, authentication = (bytes.fromhex(one) for one in KEYS)
    body: bytes = control.to_bytes() + counter.to_bytes(4, "big")
    sealed: bytes = encrypt(control, title, counter, key, plain, authentication)
    body += sealed
    tag: int = GeneralGlobalCipher.TAG
    head = bytes((tag, len(title))) + title
    return head + b"\x82" + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("name", "version", "time_ms", "import_wh", "export_wh"),
    [
        ("kaifa_v4.p1", "4", 1479067077000, 1_581_123 + 1_435_706, 0),
        ("iskra_v5.p1", "5", 1483381202000, 4_426 + 2_399, 2_444),
        ("iskra_v5_two_gas_meters.p1", "5", 1587933205000, 2_130_115 + 245_467, 0),
        ("fluvius_belgium.p1", "belgium", 1589284449000, 34 + 15_758, 11),
        ("eon_hungary.p1", "hungary", 1690204050000, 173_640, 627_177),
    ],
)
async def test_published_telegrams(
    name: str, version: str, time_ms: int, import_wh: int, export_wh: int
) -> None:
    (sample,) = await all_of(P1Source(str(SAMPLES / name), P1Reader(version)))
    assert (sample.time_ms, sample.clock) == (time_ms, Clock.SYNCHRONISED)
    assert (sample.import_wh, sample.export_wh) == (import_wh, export_wh)
    assert sample.raw == (SAMPLES / name).read_bytes()


async def test_an_encrypted_telegram_opens_with_its_keys_alone(tmp_path: Path) -> None:
    frame = _encrypted((SAMPLES / "sagemcom_austria.p1").read_bytes())
    (tmp_path / "frames").write_bytes(frame)
    place = str(tmp_path / "frames")
    (sample,) = await all_of(P1Source(place, P1Reader("austria-encrypted", keys=KEYS)))
    assert (sample.import_wh, sample.export_wh, sample.raw) == (6_545_766, 58, frame)
    with pytest.raises(BadSourceRecord, match="decrypt"):
        await all_of(P1Source(place, P1Reader("austria-encrypted", keys=(KEYS[1], KEYS[1]))))


def test_every_bit_of_a_telegram_is_under_its_checksum() -> None:
    for place in range(0, len(ISKRA) - 6, 7):
        changed = bytes((*ISKRA[:place], ISKRA[place] ^ 2, *ISKRA[place + 1 :]))
        with pytest.raises(BadSourceRecord):
            P1Reader("5").read(changed, "it")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"0-0:1.0.0(170102192002W)\r\n", b"", "no time"),
        (b"(170102192002W)", b"(632525252525W)", "never set"),
        (b"(000004.426*kWh)", b"(000004.426*m3)", "unit 'm3'"),
        (b"(000004.426*kWh)", b"(oooo04.426*kWh)", "no telegram"),
        (b"1-0:2.8.1(000002.444*kWh)\r\n1-0:2.8.2(000000.000*kWh)\r\n", b"", "no register"),
        (b"1-0:1.8.1(000004.426*kWh)", b"1-0:1.8.1()", "is empty"),
    ],
)
def test_a_telegram_that_lacks_what_is_needed(before: bytes, after: bytes, reason: str) -> None:
    with pytest.raises(BadSourceRecord, match=reason):
        P1Reader("5").read(with_other_lines((before, after)), "it")


def test_a_gas_meters_broken_line_spoils_nothing() -> None:
    telegram = with_other_lines((b"(00000.107*m3)", b"(what?)"))
    assert P1Reader("5").read(telegram, "it").import_wh == 6_825


def test_another_meter_on_the_line_is_named() -> None:
    reader = P1Reader("5")
    reader.read(ISKRA, "first")
    other = with_other_lines((b"3935353037)\r\n1-0:1.8.1", b"3935353038)\r\n1-0:1.8.1"))
    with pytest.raises(OtherMeter, match="register_epoch"):
        reader.read(other, "second")


@pytest.mark.parametrize(
    ("now_ms", "clock"),
    [
        (1483381202000 + 60_000, Clock.SYNCHRONISED),
        (1483381202000 + 60_001, Clock.INFORMATIVE),
        (1483381202000 - 60_001, Clock.INFORMATIVE),
    ],
)
def test_a_meters_clock_far_from_ours_is_not_believed(now_ms: int, clock: Clock) -> None:
    assert P1Reader("5", now_ms=lambda: now_ms).read(ISKRA, "it").clock is clock


def test_summer_time_in_winter_makes_a_clock_unknown() -> None:
    telegram = with_other_lines((b"(170102192002W)", b"(170102192002S)"))
    assert P1Reader("5").read(telegram, "it").clock is Clock.UNKNOWN


def test_both_hours_of_the_night_that_has_one_twice() -> None:
    summer = P1Reader("5").read(with_other_lines((b"(170102192002W)", b"(171029023000S)")), "it")
    winter = P1Reader("5").read(with_other_lines((b"(170102192002W)", b"(171029023000W)")), "it")
    assert winter.time_ms - summer.time_ms == 3_600_000
    assert (summer.clock, winter.clock) == (Clock.SYNCHRONISED, Clock.SYNCHRONISED)


async def test_one_telegram_in_each_step_is_enough(tmp_path: Path) -> None:
    (tmp_path / "telegrams").write_bytes(b"".join(_at_second(second) for second in range(25)))
    source = P1Source(str(tmp_path / "telegrams"), P1Reader("5"), every_ms=10_000)
    seconds = [sample.time_ms // 1000 % 60 for sample in await all_of(source)]
    assert seconds == [0, 10, 20]


async def test_bytes_between_telegrams_do_not_pass_unseen(tmp_path: Path) -> None:
    refused = Refusals()
    broken = ISKRA[:200] + _at_second(3)
    (tmp_path / "telegrams").write_bytes(broken + _at_second(4))
    source = P1Source(str(tmp_path / "telegrams"), P1Reader("5"), refused=refused)
    assert len(await all_of(source)) == 2
    assert [str(error) for error in refused] == [
        "DSMR P1, the end: 200 bytes were in no whole telegram"
    ]


async def test_a_tcp_port_that_breaks_off_is_opened_again() -> None:
    waited: list[float] = []
    refused = Refusals()
    given = [ISKRA[100:] + _at_second(1) + _at_second(2)[:50], b"", _at_second(3)]

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(given.pop(0))
        writer.close()

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        place = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        source = P1Source(place, P1Reader("5"), refused=refused, wait=wait)
        samples = await first_of(source, 2)
    assert [sample.time_ms // 1000 % 60 for sample in samples] == [1, 3]
    assert [type(error) for error in refused] == [SourceSilent, SourceSilent]
    assert waited == [1.0, 2.0]


async def test_a_port_where_nobody_listens_is_silent() -> None:
    with pytest.raises(SourceSilent, match=r"no answer from DSMR P1 at tcp://127\.0\.0\.1:1"):
        await first_of(P1Source("tcp://127.0.0.1:1", P1Reader("5")), 1)


async def test_a_serial_line() -> None:
    """Opening a line drops what came before, so the meter goes on talking until it was heard."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    heard = threading.Event()

    def talk() -> None:
        while not heard.wait(0.01):
            with suppress(BlockingIOError):
                os.write(ours, _at_second(9))

    meter = threading.Thread(target=talk)
    meter.start()
    try:
        (sample,) = await first_of(P1Source(f"serial:{os.ttyname(theirs)}", P1Reader("5")), 1)
    finally:
        heard.set()
        meter.join()
        os.close(ours)
        os.close(theirs)
    assert sample.raw == _at_second(9)


@pytest.mark.parametrize("place", ["tcp://nowhere", "tcp://:1", "serial:", "serial:/dev/x@fast"])
async def test_a_place_that_cannot_be_meant_is_named(place: str) -> None:
    with pytest.raises(BadSource, match="is not"):
        await first_of(P1Source(place, P1Reader("5")), 1)


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(BadSource, match="version '3' is none of 4, 5, belgium"):
        P1Reader("3")
