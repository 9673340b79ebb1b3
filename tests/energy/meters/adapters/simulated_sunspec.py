"""A device that speaks SunSpec over real Modbus TCP on loopback, its registers ours to change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec2 import device

BASE = 40_000
END = (0xFFFF, 0)
COMMON = {"ID": 1, "Mn": "Wattlane tests", "Md": "Simulated", "Vr": "1", "SN": "sn-1", "DA": 1}
METER = {"ID": 203, "TotWhExp": 2_345, "TotWhImp": 67_891, "TotWh_SF": 0}

Points = Mapping[str, object]


def registers_of(models: Sequence[Points]) -> list[int]:
    """The register map that begins at BASE: marker, models, end."""
    data = b"SunS" + b"".join(_model_bytes(points) for points in models)
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    return [*words, *END]


def _model_bytes(points: Points) -> bytes:
    values = {name: value for name, value in points.items() if name != "L"}
    model = device.Model(int(str(points["ID"])), data=values)
    model.points["L"].value = model.len - 2
    encoded: bytes = model.get_mb()
    return encoded


class SimulatedDevice:
    """Registers behind an address, changed by putting other models in their place."""

    def __init__(self, models: Sequence[Points]) -> None:
        self.registers = registers_of(models)
        self.port = 0

    def show(self, models: Sequence[Points]) -> None:
        """From now on it answers with these models."""
        self.registers = registers_of(models)

    async def answer(
        self, _code: int, start: int, address: int, count: int, current: list[int], _set: object
    ) -> None:
        """Called by the server with its registers, which begin at `start`, before it answers."""
        for at in range(address, address + count):
            if at - BASE < len(self.registers):
                current[at - start] = self.registers[at - BASE]


@asynccontextmanager
async def simulated(models: Sequence[Points]) -> AsyncIterator[SimulatedDevice]:
    """A device that answers on a port of its own until the block ends."""
    shown = SimulatedDevice(models)
    data = SimData(BASE, values=[0] * 500, datatype=DataType.REGISTERS)
    served = SimDevice(id=1, simdata=[data], action=shown.answer)
    server = ModbusTcpServer(served, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        assert isinstance(server.transport, asyncio.Server)
        shown.port = server.transport.sockets[0].getsockname()[1]
        yield shown
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
