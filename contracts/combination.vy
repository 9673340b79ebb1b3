# pragma version 0.4.3
"""
@title Several Groth16 proofs in one pairing equation
@license Apache-2.0
@notice Owns one rule: `_verify` answers True only if every proof of the batch holds, up to a chance
        of 2^-128 a try. It checks the product of the proofs' equations, the k-th one to the power
        rho_k:
        prod e(rho_k A_k, B_k) e(sum rho_k (-alpha), beta) e(sum rho_k IC(x_k), -gamma)
        e(sum rho_k C_k, -delta) = 1
        rho_0 = 1; the others are hashed from the key, all proofs and all their inputs, so that no
        proof can be made to fit them, and they are 1 to 2^128: never 0 mod r.
@dev    Ref: docs/adr/0006-several-proofs.md. Every point of a proof reaches MSM or pairing, which
        check its subgroup, before anything is added to it: A_k the MSM that scales it (A_0 the
        pairing), B_k the pairing, C_k the MSM that sums them. rho_k A_k is not infinity where A_k
        is not, as rho_k is below the prime order r. The proofs are read where they stand in the
        calldata, whose layout `calldata` has checked.
"""

import calldata
import polynomials
import verifier

uses: verifier

R: constant(uint256) = polynomials.R
MAX_PROOFS: constant(uint256) = 16
PROOF_BYTES: constant(uint256) = 32 * calldata.PROOF_WORDS
PAIR_BYTES: constant(uint256) = 384
TERM_BYTES: constant(uint256) = 160  # a point and its factor


# A step from old_root to new_root with its proof. The other public inputs are L1's own.
struct Proof:
    old_root: uint256
    new_root: uint256
    digest: uint256
    y_data: uint256
    y_msg: uint256
    points: verifier.Points


@internal
@view
def _verify(count: uint256, contexts: uint256[MAX_PROOFS], z: uint256) -> bool:
    """
    @dev The caller has checked that every input is below r.
    @param count Proofs in the calldata.
    @param contexts Of each proof, its third public input.
    """
    seed: bytes32 = verifier.KEY_HASH
    for k: uint256 in range(count, bound=MAX_PROOFS):
        seed = keccak256(abi_encode(seed, contexts[k], z, self._proof(k)))

    factors: uint256[8] = empty(uint256[8])  # of the IC points: sum rho_k, then sum rho_k x_ki
    pairs: DynArray[Bytes[PAIR_BYTES], MAX_PROOFS] = []
    terms: DynArray[Bytes[TERM_BYTES], MAX_PROOFS] = []
    for k: uint256 in range(count, bound=MAX_PROOFS):
        proof: Proof = self._proof(k)
        verifier._check_points(proof.points)
        rho: uint256 = 1
        a_g1: uint256[4] = proof.points.a_g1
        if k > 0:
            rho += convert(keccak256(abi_encode(seed, k)), uint256) % 2**128
            a_g1 = verifier._scaled(a_g1, rho)
        pairs.append(abi_encode(a_g1, proof.points.b_g2))
        terms.append(abi_encode(proof.points.c_g1, rho))
        inputs: uint256[8] = [
            1,
            proof.old_root,
            proof.new_root,
            contexts[k],
            proof.digest,
            z,
            proof.y_data,
            proof.y_msg,
        ]
        for i: uint256 in range(8):
            factors[i] = uint256_addmod(factors[i], uint256_mulmod(rho, inputs[i], R), R)

    for absent: uint256 in range(MAX_PROOFS - count, bound=MAX_PROOFS):
        pairs.append(b"")
        terms.append(b"")

    success: bool = False
    sum_c: Bytes[129] = b""
    success, sum_c = raw_call(
        verifier.G1MSM,
        concat(
            terms[0],
            terms[1],
            terms[2],
            terms[3],
            terms[4],
            terms[5],
            terms[6],
            terms[7],
            terms[8],
            terms[9],
            terms[10],
            terms[11],
            terms[12],
            terms[13],
            terms[14],
            terms[15],
        ),
        max_outsize=129,
        is_static_call=True,
        revert_on_failure=False,
    )
    c_g1: uint256[4] = verifier._point(success, sum_c)
    tail: Bytes[3 * PAIR_BYTES] = abi_encode(
        verifier._scaled(verifier.KEY.neg_alpha_g1, factors[0]),
        verifier.KEY.beta_g2,
        verifier._statement(factors),
        verifier.KEY.neg_gamma_g2,
        c_g1,
        verifier.KEY.neg_delta_g2,
    )
    verdict: Bytes[33] = b""
    success, verdict = raw_call(
        verifier.PAIRING,
        concat(
            pairs[0],
            pairs[1],
            pairs[2],
            pairs[3],
            pairs[4],
            pairs[5],
            pairs[6],
            pairs[7],
            pairs[8],
            pairs[9],
            pairs[10],
            pairs[11],
            pairs[12],
            pairs[13],
            pairs[14],
            pairs[15],
            tail,
        ),
        max_outsize=33,
        is_static_call=True,
        revert_on_failure=False,
    )
    return verifier._verdict(success, verdict)


@internal
@view
def _proof(k: uint256) -> Proof:
    """
    @return The k-th proof, from the calldata.
    """
    return abi_decode(slice(msg.data, calldata.PROOFS_AT + PROOF_BYTES * k, PROOF_BYTES), Proof)
