# pragma version 0.4.3
"""
@title Several Groth16 proofs in one pairing equation
@license Apache-2.0
@notice Owns one rule: `proofs_hold` answers True only if every proof of the batch holds, up to a chance
        of 2^-128 a try. It checks the product of the proofs' equations, the k-th one to the power
        rho_k:
        prod e(rho_k A_k, B_k) e(sum rho_k (-alpha), beta) e(sum rho_k IC(x_k), -gamma)
        e(sum rho_k C_k, -delta) = 1
        rho_0 = 1; the others are hashed from the key, all proofs and all their inputs, so that no
        proof can be made to fit them, and they are 1 to 2^128: never 0 mod r.
@dev    Ref: docs/adr/0006-several-proofs.md. Every point of a proof reaches MSM or pairing, which
        check its subgroup, before anything is added to it: A_k the MSM that scales it (A_0 the
        pairing), B_k the pairing, C_k the MSM that sums them. rho_k A_k is not infinity where A_k
        is not, as rho_k is below the prime order r.
"""

import polynomials
import verifier

uses: verifier

R: constant(uint256) = polynomials.R
MAX_PROOFS: constant(uint256) = 16

# A step from old_root to new_root with its proof. The public inputs are digest, z, y_data and y_msg;
# the roots are part of what y_msg is the value of.
struct Proof:
    old_root: uint256
    new_root: uint256
    digest: uint256
    y_data: uint256
    y_msg: uint256
    points: verifier.Points


struct Pair:
    g1: uint256[4]
    g2: uint256[8]


struct Term:
    g1: uint256[4]
    factor: uint256


interface Itself:
    def proofs_hold(proofs: DynArray[Proof, MAX_PROOFS], z: uint256) -> bool: view


@external
@view
def proofs_hold(proofs: DynArray[Proof, MAX_PROOFS], z: uint256) -> bool:
    """
    @notice Whether all proofs hold for their digest, y_data and y_msg and this z, of which x and
            x + r are the same. What these say of roots and messages is for submit_batch to check.
    @dev submit_batch calls it for several proofs, to have memory of its own here: what all the
         buffers below would cost there, a batch of one proof would pay too.
    """
    count: uint256 = len(proofs)
    seed: bytes32 = verifier.KEY_HASH
    for k: uint256 in range(count, bound=MAX_PROOFS):
        seed = self._bind(seed, z, proofs[k])

    factors: uint256[5] = empty(uint256[5])  # of the IC points: sum rho_k, then sum rho_k x_ki
    pairs: DynArray[Pair, MAX_PROOFS + 3] = []
    terms: DynArray[Term, MAX_PROOFS] = []
    for k: uint256 in range(count, bound=MAX_PROOFS):
        proof: Proof = proofs[k]
        verifier._check_points(proof.points)
        rho: uint256 = self._weight(seed, k)
        a_g1: uint256[4] = proof.points.a_g1
        if k > 0:
            a_g1 = verifier._scaled(a_g1, rho)
        pairs.append(Pair(g1=a_g1, g2=proof.points.b_g2))
        terms.append(Term(g1=proof.points.c_g1, factor=rho))
        factors[0] = uint256_addmod(factors[0], rho, R)
        factors[1] = uint256_addmod(factors[1], uint256_mulmod(rho, proof.digest, R), R)
        factors[3] = uint256_addmod(factors[3], uint256_mulmod(rho, proof.y_data, R), R)
        factors[4] = uint256_addmod(factors[4], uint256_mulmod(rho, proof.y_msg, R), R)
    factors[2] = uint256_mulmod(factors[0], z, R)

    success: bool = False
    sum_c: Bytes[129] = b""
    success, sum_c = raw_call(
        verifier.G1MSM,
        slice(abi_encode(terms), 64, 160 * count),  # without the array's offset and length
        max_outsize=129,
        is_static_call=True,
        revert_on_failure=False,
    )
    c_g1: uint256[4] = verifier._point(success, sum_c)
    alpha_g1: uint256[4] = verifier._scaled(verifier.KEY.neg_alpha_g1, factors[0])
    pairs.append(Pair(g1=alpha_g1, g2=verifier.KEY.beta_g2))
    pairs.append(Pair(g1=verifier._statement(factors), g2=verifier.KEY.neg_gamma_g2))
    pairs.append(Pair(g1=c_g1, g2=verifier.KEY.neg_delta_g2))
    product: Bytes[33] = b""
    success, product = raw_call(
        verifier.PAIRING,
        slice(abi_encode(pairs), 64, 384 * (count + 3)),
        max_outsize=33,
        is_static_call=True,
        revert_on_failure=False,
    )
    return verifier._verdict(success, product)


@internal
@pure
def _bind(previous: bytes32, z: uint256, proof: Proof) -> bytes32:
    """
    @return The hash of key and proofs so far, with one more proof and all its inputs.
    """
    return keccak256(abi_encode(previous, z, proof))


@internal
@pure
def _weight(seed: bytes32, k: uint256) -> uint256:
    """
    @param seed The hash of the key and of all proofs with all their inputs.
    @return rho_k.
    """
    if k == 0:
        return 1
    return 1 + convert(keccak256(abi_encode(seed, k)), uint256) % 2**128
