"""What the embedded chain answers in a beacon node's place: genesis, and the blobs of a block.

It has no slots: a block is named by its number. Ref: beacon-APIs, getGenesis and getBlobs.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from contracts.chain.json_rpc import JsonRpc
from contracts.kzg import commitment_to
from protocol.blobs import versioned_hash

GENESIS = "/eth/v1/beacon/genesis"
BLOBS = re.compile(r"/eth/v1/beacon/blobs/(\d{1,18})")


def beacon_answer(rpc: JsonRpc, target: str) -> dict[str, object] | None:
    """The JSON for a path with its query, or None where there is nothing under it."""
    parts = urlsplit(target)
    if parts.path == GENESIS:
        return {"data": {"genesis_time": str(rpc.genesis_time())}}
    named = BLOBS.fullmatch(parts.path)
    found = None if named is None else rpc.blobs(int(named[1]))
    if found is None:
        return None
    wanted = parse_qs(parts.query).get("versioned_hashes")
    if wanted is not None:
        found = [blob for blob in found if _name(blob) in wanted]
    return {"data": found}


def _name(blob: str) -> str:
    return "0x" + versioned_hash(commitment_to(bytes.fromhex(blob[2:]))).hex()
