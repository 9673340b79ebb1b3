"""A rebuilt state as a file: all leaves in JSON, with the root that they must give.

Invariant: what `load_state` returns has the root that the file names, recomputed from the leaves.
A file is written in one step (wattlane/durable.py); every integer is a decimal string.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from contracts.finality import BlockRef
from contracts.queue_ops import queue_op_from
from contracts.reader import RollupReader
from contracts.rebuilding import Rebuilt, RecordIncomplete, rebuild
from protocol.codec import (
    Json,
    account_from_json,
    account_to_json,
    channel_from_json,
    channel_to_json,
    to_int,
)
from protocol.errors import ProtocolError
from protocol.queue import QueueOp
from protocol.state import State
from prover.progress import Progress, silent
from wattlane.durable import write_durably
from wattlane.errors import WattlaneError

FORMAT = "wattlane state 1"
_HASH_BYTES = 32

T = TypeVar("T")


@dataclass
class StateFileDamaged(WattlaneError):
    """A file is no state that was written here, or not the one that was."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path} holds no rebuilt state: {self.what}"


def save_state(path: Path, rebuilt: Rebuilt) -> None:
    """Write the state with its root and where on L1 it stands.

    Raises StateFileDamaged where another kind of file has this name, and OSError.
    """
    check_replaceable(path)
    write_durably(path, json.dumps(_to_json(rebuilt), indent=1) + "\n")


def check_replaceable(path: Path) -> None:
    """Raise StateFileDamaged where a file that is no state has this name, and OSError."""
    if path.exists():
        _document(path)


def load_state(path: Path) -> Rebuilt:
    """Read a state and check its root. Raises StateFileDamaged, OSError."""
    document = _document(path)
    try:
        rebuilt = _from_json(document)
        root = to_int("root", document["root"])
    except (ProtocolError, KeyError, TypeError, ValueError) as error:
        raise StateFileDamaged(str(path), f"{type(error).__name__}: {error}"[:200]) from error
    if rebuilt.state.root != root:
        reached = f"its leaves give the root {rebuilt.state.root:#066x}"
        raise StateFileDamaged(str(path), f"{reached}, it names {root:#066x}")
    return rebuilt


def rebuild_from_checkpoint(
    reader: RollupReader,
    folder: Path,
    *,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Rebuild from the rollup's checkpoint in `folder` where it holds, and keep it up to date.

    A checkpoint that is damaged, of another rollup, in a block that L1 has no longer, or that does
    not lead to L1's root is not used; `say` is told. Raises as `rebuild`, and OSError.
    """
    path = folder / f"{reader.settings().domain:032x}.json"
    start = _usable(reader, path, say)
    keep = partial(save_state, path)
    if start is not None:
        try:
            return rebuild(reader, start=start, keep=keep, progress=progress)
        except (ProtocolError, RecordIncomplete) as error:
            say(f"{path} does not lead to what L1 holds ({error}): starting from the beginning")
            path.unlink(missing_ok=True)
    return rebuild(reader, keep=keep, progress=progress)


def _usable(reader: RollupReader, path: Path, say: Callable[[str], None]) -> Rebuilt | None:
    if not path.exists():
        return None
    why = None
    try:
        found = load_state(path)
    except StateFileDamaged as error:
        why = error.what
    else:
        block = reader.block(found.block.number)
        if found.domain != reader.settings().domain or found.chain_id != reader.chain_id():
            why = "it is another rollup's"
        elif block is None or block.block_hash != found.block.block_hash:
            why = f"L1 has another block {found.block.number} now"
        else:
            say(f"going on from batch {found.batches}, block {found.block.number}")
            return found
    say(f"{path} is not used ({why}): starting from the beginning")
    path.unlink()
    return None


def _document(path: Path) -> Mapping[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StateFileDamaged(str(path), "it is no JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StateFileDamaged(str(path), f"it is not of the format {FORMAT!r}")
    return document


def _to_json(rebuilt: Rebuilt) -> Json:
    state, block = rebuilt.state, rebuilt.block
    return {
        "format": FORMAT,
        "chain_id": str(rebuilt.chain_id),
        "contract": f"{rebuilt.contract:#042x}",
        "root": str(state.root),
        "batches": str(rebuilt.batches),
        "l1_time": str(rebuilt.l1_time),
        "block": {
            "number": str(block.number),
            "hash": block.block_hash.hex(),
            "timestamp": str(block.timestamp),
        },
        "queue": {
            "processed": str(rebuilt.processed),
            "hash": rebuilt.queue_hash.hex(),
            "waiting": [_op_to_json(op) for op in rebuilt.waiting],
        },
        "accounts": {str(i): account_to_json(one) for i, one in sorted(state.accounts.items())},
        "channels": {str(i): channel_to_json(one) for i, one in sorted(state.channels.items())},
    }


def _from_json(document: Mapping[str, object]) -> Rebuilt:
    block, queue = _object(document["block"]), _object(document["queue"])
    waiting = queue["waiting"]
    if not isinstance(waiting, list):
        raise TypeError("waiting is no list")
    return Rebuilt(
        chain_id=to_int("chain_id", document["chain_id"]),
        contract=int(str(document["contract"]), 16),
        block=BlockRef(
            to_int("number", block["number"]),
            _hash(block["hash"]),
            to_int("timestamp", block["timestamp"]),
        ),
        batches=to_int("batches", document["batches"]),
        l1_time=to_int("l1_time", document["l1_time"]),
        processed=to_int("processed", queue["processed"]),
        queue_hash=_hash(queue["hash"]),
        waiting=tuple(_op_from_json(one) for one in waiting),
        state=State.of(
            _leaves(document["accounts"], account_from_json),
            _leaves(document["channels"], channel_from_json),
        ),
    )


def _leaves(given: object, read: Callable[[object], T]) -> dict[int, T]:
    return {to_int("index", index): read(leaf) for index, leaf in _object(given).items()}


def _op_to_json(op: QueueOp) -> Json:
    return {
        "number": str(op.number),
        "elements": [str(element) for element in op.elements()],
        "payer": str(op.payer),
    }


def _op_from_json(given: object) -> QueueOp:
    source = _object(given)
    elements = source["elements"]
    if not isinstance(elements, list):
        raise TypeError("elements is no list")
    op = queue_op_from(
        to_int("number", source["number"]),
        [to_int("element", element) for element in elements],
        to_int("payer", source["payer"]),
    )
    if op is None:
        raise ValueError("an op of an unknown kind")
    return op


def _object(given: object) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise TypeError("not an object")
    return given


def _hash(given: object) -> bytes:
    found = bytes.fromhex(str(given))
    if len(found) != _HASH_BYTES:
        raise ValueError("a hash that is not of 32 bytes")
    return found
