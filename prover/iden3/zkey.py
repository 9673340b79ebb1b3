"""Invariant: a .zkey becomes a key and its rows only if every size, point and number is sound.

Points are checked to lie on their curves, the verifying key's also to be in their subgroups, and
delta and beta to be the same numbers in G1 and G2. A key wrong in another way (points swapped,
say) gives no proof, as every proof is verified before it leaves the prover.

Whoever made all contributions of a key can forge proofs: a .zkey without any, with beacons only,
or with a gamma of its own (which no ceremony makes) is `insecure`, and of any other
verify_ceremony.py, with the .ptau, says whether it is genuine.
Ref: snarkjs, src/zkey_utils.js (sections), src/zkey_new.js (what the points are).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points
from prover.curves.groups import G1, G2, Coordinates
from prover.curves.ntt import TWO_ADICITY
from prover.groth16.errors import ProofRejected
from prover.groth16.keys import ProvingKey, VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.prove import prove
from prover.iden3.binfile import FQ_BYTES, FR_BYTES, BinFile
from prover.iden3.contributions import MAX_BYTES, Ceremony
from prover.iden3.errors import CircuitMismatch, WitnessOrKeyWrong
from prover.iden3.points import read_points, same_ratio, take_point
from prover.iden3.zkey_rows import ZkeyRows, read_rows, rows_of
from prover.progress import Progress, silent
from prover.r1cs.system import R1CS

PROTOCOL, HEADER, IC, COEFFICIENTS, A, B_G1, B_G2, L, H, CEREMONY = range(1, 11)
_GROTH16 = 1


@dataclass(frozen=True, slots=True, eq=False)
class Zkey:
    """A .zkey's header and small sections, checked; points and rows are read when asked for.

    beta_g1 and delta_g1: as in the verifying key, in G1. log_size: log2 of the rows' domain.
    """

    file: BinFile
    n_public: int
    n_wires: int
    log_size: int
    verifying_key: VerifyingKey
    beta_g1: Coordinates
    delta_g1: Coordinates
    ceremony: Ceremony

    def rows(self) -> ZkeyRows:
        """A and B of the circuit. Raises MalformedFile, UnreadableFile."""
        return read_rows(self.file, self.n_public, self.n_wires, self.log_size)

    def check_circuit(self, r1cs: R1CS) -> None:
        """Raise CircuitMismatch unless the key's A and B are those of a circuit.

        Its C is in the points alone: that it is the same shows in the first proof.
        Raises MalformedFile, UnreadableFile.
        """
        if (r1cs.n_public, r1cs.n_wires) != (self.n_public, self.n_wires):
            what = f"{self.n_wires} wires with {self.n_public} public ones"
            raise CircuitMismatch(self.file.path, what)
        if rows_of(r1cs).digest() != self.rows().digest():
            raise CircuitMismatch(self.file.path, "its matrices A and B are others")

    def proving_key(self, circuit: bytes) -> ProvingKey:
        """The key for the constraints with this digest: those of `rows`, or of an R1CS that
        check_circuit has accepted. Raises MalformedFile, UnreadableFile.
        """
        key = self.verifying_key
        a = read_points(self.file, A, "A", G1, self.n_wires)
        a_wire = _present(a)
        ends = np.stack([G1.encode(key.alpha_g1), G1.encode(self.delta_g1)])
        a_g1 = np.concatenate([a[a_wire], ends])
        del a
        b_g1 = read_points(self.file, B_G1, "B in G1", G1, self.n_wires)
        b_g2 = read_points(self.file, B_G2, "B in G2", G2, self.n_wires)
        b_wire = np.union1d(_present(b_g1), _present(b_g2))
        ends = np.stack([G1.encode(self.beta_g1), G1.encode(self.delta_g1)])
        b_g1 = np.concatenate([b_g1[b_wire], ends])
        ends = np.stack([G2.encode(key.beta_g2), G2.encode(key.delta_g2)])
        b_g2 = np.concatenate([b_g2[b_wire], ends])
        return ProvingKey(
            circuit=circuit.hex(),
            transcript=hashlib.sha256(self.ceremony.encode() + key.digest()).hexdigest(),
            log_size=self.log_size,
            verifying_key=key,
            a_wire=a_wire,
            a_g1=a_g1,
            b_wire=b_wire,
            b_g1=b_g1,
            b_g2=b_g2,
            l_wire=np.arange(self.n_public + 1, self.n_wires, dtype=np.int64),
            l_g1=self.l_points(),
            h_g1=self.h_points(),
        )

    def l_points(self) -> Points:
        """L, uint64[n_wires - n_public - 1, 12]. Raises MalformedFile, UnreadableFile."""
        return read_points(self.file, L, "L", G1, self.n_wires - self.n_public - 1)

    def h_points(self) -> Points:
        """H, uint64[2^log_size, 12]. Raises MalformedFile, UnreadableFile."""
        return read_points(self.file, H, "H", G1, 1 << self.log_size)


def open_zkey(path: Path) -> Zkey:
    """Read the header, verifying key and record of contributions of a .zkey.

    Raises MalformedFile, WrongField, UnreadableFile.
    """
    file = BinFile.open(path, "zkey", 1)
    protocol = file.reader(PROTOCOL, "protocol")
    if (number := protocol.u32()) != _GROTH16:
        raise protocol.fail(f"protocol {number}: only Groth16 (1) is supported")
    protocol.end()
    header = file.reader(HEADER, "header")
    header.prime(FQ_BYTES, FQ.modulus)
    header.prime(FR_BYTES, R)
    n_wires, n_public, size = header.u32(), header.u32(), header.u32()
    log_size = size.bit_length() - 1
    if not 0 <= n_public < n_wires < 2**31:
        raise header.fail(f"{n_public} public inputs of {n_wires} wires")
    if size != 1 << max(log_size, 0) or not 1 <= log_size < TWO_ADICITY:
        raise header.fail(f"a domain of {size} rows: not a power of 2 from 2 to 2^31")
    alpha_g1, beta_g1 = (take_point(header, name, G1) for name in ("alpha", "beta"))
    beta_g2, gamma_g2 = (take_point(header, name, G2) for name in ("beta", "gamma"))
    delta_g1, delta_g2 = take_point(header, "delta", G1), take_point(header, "delta", G2)
    header.end()
    for name, in_g1, in_g2 in (("beta", beta_g1, beta_g2), ("delta", delta_g1, delta_g2)):
        if not same_ratio(G1.generator, in_g1, G2.generator, in_g2):
            raise header.fail(f"{name} in G1 and in G2 are different numbers")
    _check_sizes(file, n_public, n_wires, size)
    points = file.reader(IC, "IC", at_most=96 * (n_public + 1))
    ic_g1 = tuple(take_point(points, f"IC {i}", G1) for i in range(n_public + 1))
    points.end()
    ceremony = Ceremony.take(file.reader(CEREMONY, "contributions", at_most=MAX_BYTES))
    parties = any(each.beacon is None for each in ceremony.contributions)
    insecure = not parties or gamma_g2 != G2.generator
    key = VerifyingKey(alpha_g1, beta_g2, gamma_g2, delta_g2, ic_g1, insecure)
    return Zkey(file, n_public, n_wires, log_size, key, beta_g1, delta_g1, ceremony)


def _check_sizes(file: BinFile, n_public: int, n_wires: int, n_rows: int) -> None:
    """Raise MalformedFile unless the points fill their sections: then all counts are credible."""
    for number, name, count, size in (
        (IC, "IC", n_public + 1, 96),
        (A, "A", n_wires, 96),
        (B_G1, "B in G1", n_wires, 96),
        (B_G2, "B in G2", n_wires, 192),
        (L, "L", n_wires - n_public - 1, 96),
        (H, "H", n_rows, 96),
    ):
        if file.size(number, name) != count * size:
            what = f"has {file.size(number, name)} bytes, not {count} points of {size}"
            raise file.malformed(number, name, what)


def prove_from_zkey(
    zkey: Zkey, witness: Elements, *, entropy: bytes, progress: Progress = silent
) -> Proof:
    """A proof from the file alone, verified. See prover.groth16.prove for the arguments.

    Reads key and rows anew: for several proofs keep `zkey.rows()` and `zkey.proving_key(...)`.
    Raises WitnessOrKeyWrong where the proof does not verify, and as open_zkey and prove do.
    """
    rows = zkey.rows()
    key = zkey.proving_key(rows.digest())
    try:
        return prove(key, rows, witness, entropy=entropy, progress=progress)
    except ProofRejected as error:
        raise WitnessOrKeyWrong(zkey.file.path) from error


def _present(points: Points) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The wires whose point is not infinity."""
    return np.flatnonzero(points.any(axis=1)).astype(np.int64, copy=False)
