"""A development chain reads the KZG setup when it first needs it, which takes it seconds."""

from __future__ import annotations

from functools import cache

from contracts.blob_transactions import Sidecar
from contracts.kzg import open_at
from contracts.rpc import Rpc
from protocol.blobs import blob_of

POINT_EVALUATION = f"0x{0x0A:040x}"
PATIENCE_S = 180.0


@cache
def warm_up(url: str) -> None:
    """Let the chain at this URL read it now, however long that takes, once a chain."""
    sidecar, z = Sidecar.of(blob_of([1])), 2
    opening = open_at(sidecar.blob, z)
    words = (z.to_bytes(32, "big"), opening.y.to_bytes(32, "big"))
    data = b"".join((sidecar.versioned_hash, *words, sidecar.commitment, opening.proof))
    call = {"to": POINT_EVALUATION, "data": "0x" + data.hex()}
    Rpc(url, PATIENCE_S).call("eth_call", call, "latest")
