"""SunSpec inverters and meters over Modbus TCP, asked at steps of time.

Which models hold a device's energy, best first: a meter's (201 to 204 in integers, 211 to 214 in
float32, which is exact here as it only ever holds whole binary fractions), AC measurements of a
DER (701), an inverter's own (101 to 103, 111 to 113), which only ever gives. A battery's state of
charge comes from 713, 802 or 124. Such devices have no clock of their own: times are this
computer's, and its clock's state is what the kernel says.
Ref: SunSpec Device Information Model Specification and models, https://github.com/sunspec/models.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from energy.errors import BadSample, BadSource, BadSourceRecord, OtherMeter, SourceSilent
from energy.meters.adapters.extras import library
from energy.meters.adapters.host_clock import host_clock, host_time_ms
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.adapters.registers import scaled_wh, whole_wh
from energy.meters.sample import Clock, Sample

ADAPTER = "SunSpec"
EXTRA = "sunspec"
COMMON = 1
ENERGY = {
    **dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), ("TotWhImp", "TotWhExp")),
    701: ("TotWhAbs", "TotWhInj"),
    **dict.fromkeys((101, 102, 103, 111, 112, 113), ("", "WH")),
}
"""Model id: its points for import and export."""
CHARGE = {713: "SoC", 802: "SoC", 124: "ChaState"}
MOST_EXPONENT = 10
_MODBUS_REGISTER = 2


@dataclass(frozen=True, slots=True)
class SunSpecPlace:
    """Where a device answers. `model`: the one to read, 0 for the best it has.

    `import_is_export`: the meter is mounted the other way round.
    """

    host: str
    port: int = 502
    unit: int = 1
    model: int = 0
    import_is_export: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port} unit {self.unit}"


@dataclass(slots=True)
class SunSpecSource:
    """A sample at each step of `every_ms` of this computer's clock.

    `serial`: the device's (SN of the common model), taken from its first answer if empty. `refused`
    gets SourceSilent, OtherMeter, BadSourceRecord; the next step tries anew. Raises BadSource for
    a device that has no energy to read, MissingExtra.
    """

    place: SunSpecPlace
    every_ms: int = 60_000
    serial: str = ""
    register_epoch: int = 0
    timeout_s: float = 5.0
    refused: Refused = stop_at_first
    now_ms: Callable[[], int] = host_time_ms
    clock: Callable[[], Clock] = host_clock
    wait: Callable[[float], Any] = asyncio.sleep
    _device: Any = field(default=None)

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Samples for as long as somebody asks for them."""
        while True:
            await self.wait((self.every_ms - self.now_ms() % self.every_ms) / 1000)
            try:
                sample = await asyncio.to_thread(self.read)
            except (SourceSilent, OtherMeter, BadSourceRecord) as error:
                self.refused(error)
            else:
                yield sample

    def read(self) -> Sample:
        """What the device shows now; its models are looked up once. Raises as the class says."""
        modbus = library("sunspec2.modbus.modbus", EXTRA)
        client = library("sunspec2.modbus.client", EXTRA)
        failures = (
            modbus.ModbusClientError,
            modbus.ModbusClientTimeout,
            modbus.ModbusClientException,
            client.SunSpecModbusClientError,
            OSError,
        )
        try:
            if self._device is None:
                self._device = self._scanned(client)
            self._device.connect()
            return self._sample()
        except failures as error:
            raise SourceSilent(ADAPTER, str(self.place), " ".join(str(error).split())) from error
        finally:
            if self._device is not None:
                self._device.disconnect()

    def _scanned(self, client: Any) -> Any:
        device = client.SunSpecModbusClientDeviceTCP(
            slave_id=self.place.unit,
            ipaddr=self.place.host,
            ipport=self.place.port,
            timeout=self.timeout_s,
        )
        device.scan(full_model_read=False)
        return device

    def _sample(self) -> Sample:
        if COMMON not in self._device.models:
            raise BadSource(
                ADAPTER, f"{self.place} has no common model, so it has no serial number"
            )
        time_ms = self.now_ms()
        raw = self._fresh(COMMON)
        self._same_device()
        model = self._energy_model()
        raw += self._fresh(model)
        charge = next((one for one in CHARGE if one in self._device.models), None)
        raw += self._fresh(charge) if charge else b""
        points = ENERGY[model][::-1] if self.place.import_is_export else ENERGY[model]
        try:
            import_wh, export_wh = (self._wh(model, point) for point in points)
            return Sample(
                time_ms=time_ms,
                clock=self.clock(),
                import_wh=import_wh,
                export_wh=export_wh,
                register_epoch=self.register_epoch,
                context=f"SunSpec {model}",
                soc_permille=self._soc_permille(charge) if charge else None,
                raw=raw,
            )
        except (ValueError, BadSample) as error:
            raise BadSourceRecord(ADAPTER, str(self.place), str(error)) from error

    def _fresh(self, model_id: int) -> bytes:
        """The bytes of a model, read in one go and put into its points."""
        model = self._device.models[model_id][0]
        count = model.model_len + 2
        data: bytes = self._device.read(model.model_addr, count)
        if len(data) != count * _MODBUS_REGISTER:
            reason = f"{len(data)} bytes of model {model_id} where {count} registers were asked"
            raise BadSourceRecord(ADAPTER, str(self.place), reason)
        model.set_mb(data=data, dirty=False)
        if model.points["ID"].value != model_id:
            self._device, device = None, self._device
            device.disconnect()
            reason = f"model {model_id} is no longer where it was; the device is looked up again"
            raise BadSourceRecord(ADAPTER, str(self.place), reason)
        return data

    def _same_device(self) -> None:
        found = str(self._device.models[COMMON][0].points["SN"].value or "")
        self.serial = self.serial or found
        if found != self.serial:
            self._device, device = None, self._device
            device.disconnect()
            raise OtherMeter(ADAPTER, str(self.place), self.serial, found)

    def _energy_model(self) -> int:
        has = [model for model in ENERGY if model in self._device.models]
        if self.place.model:
            has = [model for model in has if model == self.place.model]
        if not has:
            wanted = f"model {self.place.model}" if self.place.model else "model of energy"
            known = ", ".join(str(one) for one in self._device.models if isinstance(one, int))
            raise BadSource(ADAPTER, f"{self.place} has no {wanted}; it has {known}")
        return has[0]

    def _wh(self, model_id: int, name: str) -> int:
        if not name:
            return 0
        point = self._device.models[model_id][0].points[name]
        shown = point.value
        if shown is None and point.pdef["type"].startswith("acc"):
            return 0  # an accumulator that has counted nothing reads as not implemented
        if shown is None:
            raise ValueError(f"model {model_id} does not implement {name}")
        if isinstance(shown, float):
            return whole_wh(Decimal(shown), "Wh")
        return scaled_wh(int(shown), self._exponent(model_id, point))

    def _soc_permille(self, model_id: int) -> int | None:
        point = self._device.models[model_id][0].points[CHARGE[model_id]]
        if point.value is None:
            return None
        return min(1000, scaled_wh(10 * int(point.value), self._exponent(model_id, point)))

    def _exponent(self, model_id: int, point: Any) -> int:
        """The power of ten of a point, read with it in the same block."""
        name = point.pdef.get("sf")
        if name is None:
            return 0
        factor = (
            self._device.models[model_id][0].points.get(name) if isinstance(name, str) else None
        )
        exponent = name if factor is None else factor.value
        if not isinstance(exponent, int) or abs(exponent) > MOST_EXPONENT:
            raise ValueError(f"model {model_id} gives {exponent} as its scale factor {name}")
        return exponent
