"""Calls, results and events of the committed ABI, encoded and decoded in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from contracts.artifacts import FOLDER

Component = Mapping[str, object]


def _type_of(component: Component) -> str:
    name = cast(str, component["type"])
    if not name.startswith("tuple"):
        return name
    inner = ",".join(_type_of(part) for part in cast(Sequence[Component], component["components"]))
    return f"({inner}){name[5:]}"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a contract."""

    name: str
    selector: bytes
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]

    def encode_call(self, *arguments: object) -> bytes:
        """Calldata. Raises eth_abi's EncodingError for a value outside its type."""
        return self.selector + encode(self.input_types, arguments)

    def decode_call(self, calldata: bytes) -> tuple[object, ...] | None:
        """The arguments, or None where the calldata is not a call of this function."""
        if calldata[:4] != self.selector:
            return None
        try:
            return decode(self.input_types, calldata[4:])
        except DecodingError:
            return None

    def decode_result(self, result: bytes) -> tuple[object, ...]:
        """What a call returned. Raises eth_abi's DecodingError."""
        return decode(self.output_types, result)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a contract: its topic, and its arguments, the indexed ones first in a log."""

    name: str
    topic: bytes
    arguments: tuple[tuple[str, str, bool], ...]

    def decode_log(self, topics: Sequence[bytes], data: bytes) -> dict[str, object]:
        """Arguments by name. Raises eth_abi's DecodingError."""
        indexed = [(name, kind) for name, kind, is_indexed in self.arguments if is_indexed]
        plain = [(name, kind) for name, kind, is_indexed in self.arguments if not is_indexed]
        if len(topics) != 1 + len(indexed) or topics[0] != self.topic:
            raise DecodingError(f"topics are not those of {self.name}")
        found: dict[str, object] = {}
        for (name, kind), topic in zip(indexed, topics[1:], strict=True):
            found[name] = decode([kind], topic)[0]
        values = decode([kind for _, kind in plain], data)
        found.update(zip((name for name, _ in plain), values, strict=True))
        return found


@dataclass(frozen=True, slots=True)
class Contract:
    """A committed artifact. A function of which there are two has its longer form under its name
    and number of arguments, as in "submit_batch/6"."""

    name: str
    bytecode: bytes
    constructor_types: tuple[str, ...]
    functions: Mapping[str, Function]
    events: Mapping[str, Event]
    runtime: bytes = b""
    """The code that a deployment leaves behind, without what it appends: its immutables."""
    immutable_bytes: int = 0

    def deployment(self, *arguments: object) -> bytes:
        """The data of the transaction that creates the contract."""
        return self.bytecode + encode(self.constructor_types, arguments)

    def blueprint_deployment(self) -> bytes:
        """The data of the transaction that creates the contract's blueprint. Ref: ERC-5202.

        What it leaves behind is 0xfe, the version 0x7100 and the code that creates the contract;
        it returns itself after its first ten bytes.
        """
        blueprint = bytes.fromhex("fe7100") + self.bytecode
        return (
            bytes.fromhex("61")
            + len(blueprint).to_bytes(2, "big")
            + bytes.fromhex("3d81600a3d39f3")
            + blueprint
        )


def contract_from(artifact: Mapping[str, object]) -> Contract:
    """A contract from the content of an artifact file."""
    functions, events = {}, {}
    constructor: tuple[str, ...] = ()
    for entry in cast(Sequence[Mapping[str, object]], artifact["abi"]):
        inputs = cast(Sequence[Component], entry.get("inputs", ()))
        types = tuple(_type_of(part) for part in inputs)
        name = cast(str, entry.get("name", ""))
        signature = keccak(f"{name}({','.join(types)})".encode())
        if entry["type"] == "constructor":
            constructor = types
        elif entry["type"] == "event":
            arguments = tuple(
                (cast(str, part["name"]), kind, bool(part["indexed"]))
                for part, kind in zip(inputs, types, strict=True)
            )
            events[name] = Event(name, bytes(signature), arguments)
        elif entry["type"] == "function":
            outputs = tuple(_type_of(part) for part in cast(Sequence[Component], entry["outputs"]))
            key = f"{name}/{len(types)}" if name in functions else name
            functions[key] = Function(name, bytes(signature[:4]), types, outputs)
    bytecode = bytes.fromhex(cast(str, artifact["bytecode"]).removeprefix("0x"))
    runtime = cast(Mapping[str, int], artifact["runtime"])
    return Contract(
        name=cast(str, artifact["name"]),
        bytecode=bytecode,
        constructor_types=constructor,
        functions=functions,
        events=events,
        runtime=bytecode[runtime["start"] :][: runtime["size"]],
        immutable_bytes=runtime["immutables"],
    )


@cache
def load(name: str) -> Contract:
    """The committed artifact of this name: "rollup", "exodus" or "token"."""
    return contract_from(json.loads((FOLDER / f"{name}.json").read_text()))
