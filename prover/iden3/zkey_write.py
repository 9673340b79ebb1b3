"""Invariant: a .zkey written here gives snarkjs the same key, rows and domain as it gave us.

Ref: snarkjs, src/zkey_utils.js and src/zkey_new.js.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.groups import G1, G2
from prover.groth16.errors import WrongCircuit
from prover.groth16.keys import ProvingKey
from prover.iden3.binfile import Buffer, prime_header, u32, write_file
from prover.iden3.contributions import HASH_BYTES, Ceremony
from prover.iden3.points import by_wire, put_point
from prover.iden3.zkey import B_G1, B_G2, CEREMONY, COEFFICIENTS, HEADER, IC, PROTOCOL, A, H, L
from prover.iden3.zkey_rows import entries_for_file
from prover.r1cs.system import R1CS

NO_CEREMONY = Ceremony(bytes(HASH_BYTES), ())


def write_zkey(path: Path, key: ProvingKey, r1cs: R1CS, ceremony: Ceremony = NO_CEREMONY) -> None:
    """Write a key and the A and B of its circuit as a .zkey.

    ceremony: what section 10 records; without contributions the key is read as insecure.
    Raises WrongCircuit where the key is for another system, UnreadableFile.
    """
    if key.circuit != r1cs.digest().hex():
        raise WrongCircuit(key.circuit, r1cs.digest().hex())
    write_file(path, "zkey", 1, _sections(key, r1cs, ceremony))


def _sections(
    key: ProvingKey, r1cs: R1CS, ceremony: Ceremony
) -> Iterator[tuple[int, Sequence[Buffer]]]:
    verifying, n_wires = key.verifying_key, r1cs.n_wires
    beta_g1, delta_g1 = key.b_g1[-2], key.b_g1[-1]
    yield PROTOCOL, [u32(1)]
    counts = (n_wires, r1cs.n_public, 1 << key.log_size)
    header = prime_header(FQ.modulus) + prime_header(R) + b"".join(u32(each) for each in counts)
    yield (
        HEADER,
        [
            header,
            put_point(G1, verifying.alpha_g1),
            beta_g1,
            put_point(G2, verifying.beta_g2),
            put_point(G2, verifying.gamma_g2),
            delta_g1,
            put_point(G2, verifying.delta_g2),
        ],
    )
    entries = entries_for_file(r1cs)
    yield COEFFICIENTS, [u32(entries.shape[0]), entries]
    del entries
    yield IC, [put_point(G1, point) for point in verifying.ic_g1]
    yield H, [key.h_g1]
    first = r1cs.n_public + 1
    yield L, [by_wire(key.l_g1, key.l_wire - first, n_wires - first)]
    yield A, [by_wire(key.a_g1[:-2], key.a_wire, n_wires)]
    yield B_G1, [by_wire(key.b_g1[:-2], key.b_wire, n_wires)]
    yield B_G2, [by_wire(key.b_g2[:-2], key.b_wire, n_wires)]
    yield CEREMONY, [ceremony.encode()]
