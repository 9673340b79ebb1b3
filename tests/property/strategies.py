"""What the executor's machine draws: mostly small numbers that collide, sometimes the widest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from protocol.channels import Lane, pack_lane
from protocol.crypto.jubjub import SUBGROUP_ORDER
from protocol.crypto.schnorr import Signature
from protocol.units import DAY_S, MAX_WINDOW_S, MIN_WINDOW_S

CAP_NTOK = 2**64 - 1

numbers = st.integers(0, 2**16)
amounts = st.one_of(
    st.integers(0, 50),
    st.integers(0, 2_000),
    st.integers(0, 2**20),
    st.sampled_from([2**32, 2**63, CAP_NTOK]),
)
fees = st.one_of(st.just(0), st.integers(0, 9), st.just(2**32 - 1))
lanes = st.builds(
    pack_lane,
    st.one_of(st.integers(0, 30), st.just(2**40 - 1)),
    st.one_of(st.integers(0, 30), st.integers(0, 2**20), st.just(2**56 - 1)),
)
sides = st.sampled_from(Lane)
windows = st.sampled_from([MIN_WINDOW_S, DAY_S + 7, MAX_WINDOW_S])
lies = st.sampled_from(
    [None] * 24
    + [
        "nonce",
        "key",
        "message",
        "domain",
        "s + l",
        "s",
        "r",
        "expired",
        "window",
        "same",
        "nobody",
    ]
)


def spoilt(signature: Signature, lie: str | None) -> Signature:
    if lie == "s + l":
        return replace(signature, s=signature.s + SUBGROUP_ORDER)
    if lie == "s":
        return replace(signature, s=(signature.s + 1) % SUBGROUP_ORDER)
    if lie == "r":
        return replace(signature, r=signature.key)
    return signature
