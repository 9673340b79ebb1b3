"""The customer port itself: telegrams from a file, a TCP port, or a serial line.

A TCP port is what serial servers and P1 readers in the network offer: the bytes as they come. A
line that falls silent or breaks off is opened again, later each time, up to a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy.errors import BadSource, BadSourceRecord, OtherMeter, SourceSilent
from energy.meters.adapters.extras import library
from energy.meters.adapters.p1_telegrams import ADAPTER, EXTRA, P1Reader
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.sample import Sample

CHUNK_BYTES = 4096
MOST_TELEGRAM_BYTES = 1 << 16
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
SERIAL_TURN_S = 0.5
"""A thread that waits for a serial line looks up this often whether it is still wanted."""
Wait = Callable[[float], Any]


@dataclass(slots=True)
class P1Source:
    """Samples from `place`: a path, `tcp://host:port`, or `serial:device[@baud]` (115200).

    `every_ms`: at most the first telegram in each such step of time, as meters send one a second;
    0 takes all. `silent_s`: how long a line may say nothing. `refused` gets each telegram that
    cannot be taken, and SourceSilent, after which the line is opened again. `wait`: sleeps.
    Raises BadSource, MissingExtra.
    """

    place: str
    reader: P1Reader
    every_ms: int = 0
    silent_s: float = 60.0
    refused: Refused = stop_at_first
    wait: Wait = asyncio.sleep

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Samples as their telegrams arrive; from a file, until its end."""
        is_file = not self.place.startswith(("tcp://", "serial:"))
        wait_s = FIRST_WAIT_S
        number = last_step = -1
        while True:
            try:
                stream = _telegrams(self._chunks(), self.reader.is_encrypted)
                async with aclosing(stream) as telegrams:
                    async for telegram in telegrams:
                        wait_s = FIRST_WAIT_S
                        number += 1
                        sample = self._sample(telegram, number)
                        if sample is None:
                            continue
                        step = sample.time_ms // self.every_ms if self.every_ms else -1
                        if not self.every_ms or step != last_step:
                            last_step = step
                            yield sample
            except (SourceSilent, BadSourceRecord) as error:
                self.refused(error)
            if is_file:
                return
            await self.wait(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _sample(self, telegram: bytes, number: int) -> Sample | None:
        try:
            return self.reader.read(telegram, f"telegram {number + 1} of {self.place}")
        except (BadSourceRecord, OtherMeter) as error:
            self.refused(error)
            return None

    def _chunks(self) -> AsyncGenerator[bytes, None]:
        if self.place.startswith("tcp://"):
            return self._from_tcp()
        if self.place.startswith("serial:"):
            return self._from_serial()
        return self._from_file()

    async def _from_file(self) -> AsyncGenerator[bytes, None]:
        try:
            content = await asyncio.to_thread(Path(self.place).read_bytes)
        except OSError as error:
            raise BadSource(ADAPTER, f"{self.place}: {error.strerror or error}") from error
        for start in range(0, len(content), CHUNK_BYTES):
            yield content[start : start + CHUNK_BYTES]

    async def _from_tcp(self) -> AsyncGenerator[bytes, None]:
        host, _, port = self.place.removeprefix("tcp://").rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise BadSource(ADAPTER, f"{self.place!r} is not tcp://host:port")
        try:
            async with asyncio.timeout(self.silent_s):
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, TimeoutError) as error:
            raise self._silent(str(error) or "no connection in time") from error
        try:
            while True:
                async with asyncio.timeout(self.silent_s):
                    chunk = await reader.read(CHUNK_BYTES)
                if not chunk:
                    raise self._silent("the connection was closed")
                yield chunk
        except TimeoutError as error:
            raise self._silent(f"nothing for {self.silent_s:g} s") from error
        except OSError as error:
            raise self._silent(str(error)) from error
        finally:
            writer.close()

    async def _from_serial(self) -> AsyncGenerator[bytes, None]:
        serial = library("serial", EXTRA)
        device, _, baud = self.place.removeprefix("serial:").partition("@")
        if not device or not (baud or "115200").isdecimal():
            raise BadSource(ADAPTER, f"{self.place!r} is not serial:device or serial:device@baud")
        try:
            line = await asyncio.to_thread(
                serial.Serial, device, int(baud or "115200"), timeout=SERIAL_TURN_S
            )
        except (OSError, ValueError) as error:
            raise self._silent(str(error)) from error
        try:
            silent_s = 0.0
            while silent_s < self.silent_s:
                chunk = await asyncio.to_thread(lambda: line.read(line.in_waiting or 1))
                silent_s = 0.0 if chunk else silent_s + SERIAL_TURN_S
                if chunk:
                    yield chunk
            raise self._silent(f"nothing for {self.silent_s:g} s")
        except OSError as error:
            raise self._silent(str(error)) from error
        finally:
            line.close()

    def _silent(self, reason: str) -> SourceSilent:
        return SourceSilent(ADAPTER, self.place, reason)


async def _telegrams(
    chunks: AsyncGenerator[bytes, None], is_encrypted: bool
) -> AsyncGenerator[bytes, None]:
    """Whole telegrams out of a stream, byte for byte.

    Raises BadSourceRecord for a stream in which no telegram ends, and for one that has ended and
    held other bytes than whole telegrams. A line that goes on may begin inside of one.
    """
    buffers = library("dsmr_parser.clients.telegram_buffer", EXTRA)
    buffer = buffers.EncryptedTelegramBuffer() if is_encrypted else buffers.TelegramBuffer()
    pending = others = 0
    async with aclosing(chunks) as arriving:
        async for chunk in arriving:
            buffer.append(chunk if is_encrypted else chunk.decode("latin-1"))
            pending += len(chunk)
            others += len(chunk)
            for telegram in buffer.get_all():
                whole = bytes.fromhex(telegram) if is_encrypted else telegram.encode("latin-1")
                pending = 0
                others -= len(whole)
                yield whole
            if pending > MOST_TELEGRAM_BYTES:
                reason = "no telegram ends in 64 KiB; is it another version?"
                raise BadSourceRecord(ADAPTER, "the stream", reason)
    if others:
        raise BadSourceRecord(ADAPTER, "the end", f"{others} bytes were in no whole telegram")
